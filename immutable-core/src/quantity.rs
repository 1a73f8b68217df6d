//! Counts and percentages of a fleet, with the rounding of Kubernetes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of instances, or a percentage of the desired number.
///
/// The rules are those of Kubernetes' `IntOrString` (apimachinery `pkg/util/intstr`): a percentage that limits extra
/// instances rounds up, one that limits missing instances rounds down. A text without `%` is not a percentage and not
/// silently a count either: it is an error, because `"40"` where `"40%"` was meant is a wrong limit.
///
/// ```
/// use immutable_core::Quantity;
///
/// let quarter: Quantity = "25%".parse().unwrap();
/// assert_eq!(quarter.round_up(10), 3);
/// assert_eq!(quarter.round_down(10), 2);
/// assert_eq!(Quantity::Count(3).round_up(10), 3);
/// assert!("40".parse::<Quantity>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "QuantityRepr", try_from = "QuantityRepr")]
pub enum Quantity {
    /// This many instances.
    Count(u32),
    /// This many hundredths of the desired number of instances; more than 100 is allowed.
    Percent(u32),
}

impl Quantity {
    /// The number of instances out of `total`, fractions rounded up (`total` 95 at 90 % is 86).
    #[must_use]
    pub fn round_up(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => clamp((u64::from(percent) * u64::from(total)).div_ceil(100)),
        }
    }

    /// The number of instances out of `total`, fractions rounded down (`total` 95 at 90 % is 85).
    #[must_use]
    pub fn round_down(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => clamp(u64::from(percent) * u64::from(total) / 100),
        }
    }
}

fn clamp(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// A text that is not a percentage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a quantity: expected a percentage such as `25%`, or a plain number where text is not needed"
)]
pub struct ParseQuantityError {
    text: String,
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_suffix('%')
            .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(Self::Percent)
            .ok_or_else(|| ParseQuantityError { text: text.chars().take(100).collect() })
    }
}

/// The stored form: a number is a count, a text is a percentage.
#[derive(Serialize)]
#[serde(untagged)]
enum QuantityRepr {
    Count(u32),
    Percent(String),
}

impl From<Quantity> for QuantityRepr {
    fn from(quantity: Quantity) -> Self {
        match quantity {
            Quantity::Count(count) => Self::Count(count),
            Quantity::Percent(_) => Self::Percent(quantity.to_string()),
        }
    }
}

impl TryFrom<QuantityRepr> for Quantity {
    type Error = ParseQuantityError;

    fn try_from(repr: QuantityRepr) -> Result<Self, Self::Error> {
        match repr {
            QuantityRepr::Count(count) => Ok(Self::Count(count)),
            QuantityRepr::Percent(text) => text.parse(),
        }
    }
}

// By hand, because an untagged enum answers every mistake with "did not match any variant".
impl<'de> Deserialize<'de> for QuantityRepr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = QuantityRepr;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of instances such as 3, or a percentage such as \"25%\"")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
                u32::try_from(value)
                    .map(QuantityRepr::Count)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self))
            }

            // Formats without unsigned numbers, such as TOML, hand over signed ones.
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
                u32::try_from(value)
                    .map(QuantityRepr::Count)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(value), &self))
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
                Ok(QuantityRepr::Percent(value.to_owned()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::Error;

    use super::*;

    #[test]
    fn signed_numbers_are_counts_too() {
        let read = |number: i64| Quantity::deserialize(IntoDeserializer::<Error>::into_deserializer(number));
        assert_eq!(read(3).unwrap(), Quantity::Count(3));
        assert!(read(-1).unwrap_err().to_string().contains("expected a number of instances"));
        assert!(read(1 << 32).is_err());
    }
}
