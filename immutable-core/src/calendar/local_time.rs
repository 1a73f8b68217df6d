use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A time of day as a clock on the wall shows it, to the second: `09:00`, `23:59:59`. `24:00`, the end of the day, is
/// allowed where a window ends.
///
/// ```
/// use immutable_core::calendar::LocalTime;
///
/// let nine: LocalTime = "09:00".parse().unwrap();
/// assert!(nine < "09:00:01".parse().unwrap());
/// assert_eq!(nine.to_string(), "09:00");
/// assert!("9 am".parse::<LocalTime>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("pattern" = r"^([01]\d|2[0-4]):[0-5]\d(:[0-5]\d)?$")))]
#[serde(into = "String", try_from = "String")]
pub struct LocalTime {
    /// Since midnight, 86,400 at most.
    seconds: u32,
}

impl LocalTime {
    /// 00:00, the beginning of the day.
    pub const MIDNIGHT: Self = Self { seconds: 0 };
    /// 24:00, the end of the day.
    pub const END_OF_DAY: Self = Self { seconds: 86_400 };

    /// The seconds that the clock shows since midnight.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.seconds
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = (self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60);
        write!(f, "{hour:02}:{minute:02}")?;
        if second == 0 { Ok(()) } else { write!(f, ":{second:02}") }
    }
}

/// A text that is not a time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time of day: expected HH:MM or HH:MM:SS from 00:00 to 24:00, as in `09:30`")]
pub struct ParseLocalTimeError {
    text: String,
}

impl FromStr for LocalTime {
    type Err = ParseLocalTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseLocalTimeError { text: text.chars().take(100).collect() })
    }
}

fn parse(text: &str) -> Option<LocalTime> {
    let mut parts = text.split(':').map(|part| {
        let two_digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        two_digits.then(|| part.parse::<u32>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    let seconds = hour * 3600 + minute * 60 + second;
    let valid = parts.next().is_none() && minute < 60 && second < 60 && seconds <= 86_400;
    valid.then_some(LocalTime { seconds })
}

impl TryFrom<String> for LocalTime {
    type Error = ParseLocalTimeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_of_day_are_read_and_written_back() {
        for good in ["00:00", "09:30", "23:59:59", "24:00"] {
            assert_eq!(good.parse::<LocalTime>().unwrap().to_string(), good);
        }
        assert_eq!("10:00:00".parse::<LocalTime>().unwrap().to_string(), "10:00");
        for bad in
            ["", "9:00", "09", "24:01", "24:00:01", "25:00", "10:60", "10:00:60", "10:00:00:00", "+1:00"]
        {
            let error = bad.parse::<LocalTime>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{bad}` is not a time of day")), "{error}");
        }
    }
}
