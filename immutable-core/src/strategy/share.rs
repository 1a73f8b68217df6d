use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A share of the traffic, in hundredths: 0 to 100.
///
/// ```
/// use immutable_core::strategy::Share;
///
/// let quarter = Share::new(25).unwrap();
/// assert_eq!(quarter.of(10), 3, "a quarter of the traffic of ten instances needs three");
/// assert_eq!(quarter.rest().to_string(), "75%");
/// assert!(Share::new(101).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("maximum" = 100)))]
#[serde(into = "u8")]
pub struct Share(u8);

impl Share {
    /// No traffic.
    pub const NONE: Self = Self(0);
    /// All traffic.
    pub const ALL: Self = Self(100);

    /// This many hundredths.
    ///
    /// # Errors
    /// [`InvalidShare`] above 100.
    pub const fn new(hundredths: u8) -> Result<Self, InvalidShare> {
        if hundredths <= 100 { Ok(Self(hundredths)) } else { Err(InvalidShare { hundredths }) }
    }

    /// The number of hundredths.
    #[must_use]
    pub const fn hundredths(self) -> u8 {
        self.0
    }

    /// What is left for the others.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(100 - self.0)
    }

    /// How many of `instances` equal instances this share of the traffic keeps busy, fractions rounded up.
    #[must_use]
    pub fn of(self, instances: u32) -> u32 {
        let needed = (u64::from(self.0) * u64::from(instances)).div_ceil(100);
        // At most `instances`, because a share is at most 100 hundredths.
        u32::try_from(needed).unwrap_or(instances)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl From<Share> for u8 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl TryFrom<u8> for Share {
    type Error = InvalidShare;

    fn try_from(hundredths: u8) -> Result<Self, InvalidShare> {
        Self::new(hundredths)
    }
}

/// More than all of the traffic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", no_share(hundredths))]
pub struct InvalidShare {
    hundredths: u8,
}

fn no_share(hundredths: &dyn fmt::Display) -> String {
    format!("{hundredths} is not a share of traffic in hundredths: expected 0 to 100")
}

// By hand, because of a number that is no `u8` serde would say just that.
impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hundredths;

        impl Visitor<'_> for Hundredths {
            type Value = Share;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share of traffic in hundredths: a number from 0 to 100")
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Share, E> {
                let share = u8::try_from(value).ok().and_then(|hundredths| Share::new(hundredths).ok());
                share.ok_or_else(|| E::custom(no_share(&value)))
            }

            // Formats such as TOML know signed numbers only.
            fn visit_i64<E: Error>(self, value: i64) -> Result<Share, E> {
                match u64::try_from(value) {
                    Ok(value) => self.visit_u64(value),
                    Err(_) => Err(E::custom(no_share(&value))),
                }
            }
        }

        deserializer.deserialize_u8(Hundredths)
    }
}
