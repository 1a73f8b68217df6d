use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A day of the week, written `mon` or `monday`. The week begins on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("enum" = [
    "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
])))]
#[expect(missing_docs, reason = "their names say it")]
pub enum Weekday {
    #[serde(rename = "mon", alias = "monday")]
    Monday,
    #[serde(rename = "tue", alias = "tuesday")]
    Tuesday,
    #[serde(rename = "wed", alias = "wednesday")]
    Wednesday,
    #[serde(rename = "thu", alias = "thursday")]
    Thursday,
    #[serde(rename = "fri", alias = "friday")]
    Friday,
    #[serde(rename = "sat", alias = "saturday")]
    Saturday,
    #[serde(rename = "sun", alias = "sunday")]
    Sunday,
}

impl Weekday {
    /// All seven, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Monday to Friday.
    pub const WORKDAYS: [Self; 5] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday];

    pub(super) fn all() -> BTreeSet<Self> {
        Self::ALL.into()
    }

    /// The number of days since Monday.
    pub(super) const fn since_monday(self) -> i64 {
        self as i64
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Monday => "Mon",
            Self::Tuesday => "Tue",
            Self::Wednesday => "Wed",
            Self::Thursday => "Thu",
            Self::Friday => "Fri",
            Self::Saturday => "Sat",
            Self::Sunday => "Sun",
        })
    }
}

/// Days as people write them: runs of three and more as a range.
pub(super) fn write_days(f: &mut fmt::Formatter<'_>, days: &BTreeSet<Weekday>) -> fmt::Result {
    if days.len() == Weekday::ALL.len() {
        return f.write_str("daily");
    }
    let days: Vec<Weekday> = days.iter().copied().collect();
    let runs = days.chunk_by(|a, b| a.since_monday() + 1 == b.since_monday());
    for (index, run) in runs.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        match run {
            [first, _, .., last] => write!(f, "{comma}{first}–{last}")?,
            short => {
                for (index, day) in short.iter().enumerate() {
                    write!(f, "{}{day}", if index == 0 { comma } else { "," })?;
                }
            }
        }
    }
    Ok(())
}
