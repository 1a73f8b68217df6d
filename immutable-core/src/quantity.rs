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

/// So many things in words: `1 launch`, `2 launches`. The name is that of one.
///
/// ```
/// use immutable_core::quantity::counted;
///
/// assert_eq!(counted(1_u32, "instance").to_string(), "1 instance");
/// assert_eq!(format!("{} in {}", counted(0_u32, "launch"), counted(3_usize, "zone")), "0 launches in 3 zones");
/// ```
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, one: &'static str) -> impl fmt::Display {
    Counted { count, one }
}

struct Counted<N> {
    count: N,
    one: &'static str,
}

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Counted<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, one } = self;
        let ending = match one {
            _ if *count == N::from(1) => "",
            one if one.ends_with("ch") => "es",
            _ => "s",
        };
        write!(f, "{count} {one}{ending}")
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
    "`{text}` is not a quantity: expected a percentage such as `25%`; a number of instances is no text, but a number such as 3"
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

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Quantity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A number of instances such as 3, or a percentage of the desired number such as \"25%\".",
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": u32::MAX},
                {"type": "string", "pattern": "^[0-9]+%$"},
            ],
        })
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

            // Formats such as TOML know signed numbers only.
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
    use serde::de::value::{Error, I64Deserializer};

    use super::*;

    fn signed(value: i64) -> Result<Quantity, Error> {
        let deserializer: I64Deserializer<Error> = value.into_deserializer();
        Quantity::deserialize(deserializer)
    }

    #[test]
    fn formats_that_know_signed_numbers_only_can_hold_a_count() {
        assert_eq!(signed(2), Ok(Quantity::Count(2)));
        let error = signed(-1).unwrap_err().to_string();
        assert!(error.contains("`-1`, expected a number of instances such as 3"), "{error}");
        assert!(signed(1 << 40).is_err());
    }
}
