use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of faults that a rollout must survive, collected from what broke other systems: *Sieve* (OSDI 2022) and
/// *Acto* (SOSP 2023) found them in controllers, *Anvil* (OSDI 2024) and the simulators of FoundationDB and TigerBeetle
/// inject them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A process dies between any two of its calls, also while it recovers.
    Crash,
    /// Lists are old, and go back in time.
    StaleList,
    /// Changes are not announced, or many as one.
    MissedEvents,
    /// An instance is gone and another one stands in its place, with its labels and another identity.
    Reborn,
    /// Lists come in any order and lack a part.
    TornList,
    /// An instance appears for a launch whose time is past.
    Dangling,
    /// Instances die, vanish, fail their checks and recover.
    Failing,
    /// The declared image is bad for a while, and then repaired.
    BadImage,
    /// Another target is asked for on the way, and the first one again.
    Retarget,
    /// A call is done though its answer is lost, done late, or done twice.
    Ambiguous,
    /// People and other programs launch, stop and edit instances, and speak to the rollout.
    Outsider,
    /// A further controller begins, or one wakes up after any time.
    Rival,
    /// Writes to the journal fail, are stored all the same, or are read back torn, altered or in the wrong place.
    Storage,
    /// Requests or answers of one process are held up, and come then in any order.
    Slow,
    /// Clocks of different processes differ, and jump.
    ClockJump,
    /// The platform asks to come back later.
    Throttling,
    /// A zone has no capacity.
    NoCapacity,
    /// What was launched is not listed yet.
    LateListing,
    /// An instance never finishes booting, or takes very long to stop.
    Stuck,
    /// An image is revoked on the way.
    Revocation,
    /// Limits, size or quota change on the way.
    LimitsChange,
    /// Metrics come late, not at all, or are no numbers.
    Metrics,
    /// A zone is cut off.
    ZoneOutage,
    /// Nothing can be launched in one slot.
    CursedSlot,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Crash,
        Self::StaleList,
        Self::MissedEvents,
        Self::Reborn,
        Self::TornList,
        Self::Dangling,
        Self::Failing,
        Self::BadImage,
        Self::Retarget,
        Self::Ambiguous,
        Self::Outsider,
        Self::Rival,
        Self::Storage,
        Self::Slow,
        Self::ClockJump,
        Self::Throttling,
        Self::NoCapacity,
        Self::LateListing,
        Self::Stuck,
        Self::Revocation,
        Self::LimitsChange,
        Self::Metrics,
        Self::ZoneOutage,
        Self::CursedSlot,
    ];

    /// What it is called in files and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::StaleList => "stale_list",
            Self::MissedEvents => "missed_events",
            Self::Reborn => "reborn",
            Self::TornList => "torn_list",
            Self::Dangling => "dangling",
            Self::Failing => "failing",
            Self::BadImage => "bad_image",
            Self::Retarget => "retarget",
            Self::Ambiguous => "ambiguous",
            Self::Outsider => "outsider",
            Self::Rival => "rival",
            Self::Storage => "storage",
            Self::Slow => "slow",
            Self::ClockJump => "clock_jump",
            Self::Throttling => "throttling",
            Self::NoCapacity => "no_capacity",
            Self::LateListing => "late_listing",
            Self::Stuck => "stuck",
            Self::Revocation => "revocation",
            Self::LimitsChange => "limits_change",
            Self::Metrics => "metrics",
            Self::ZoneOutage => "zone_outage",
            Self::CursedSlot => "cursed_slot",
        }
    }

    /// Whether it only delays: it takes no instance away, adds none, and changes nothing of what was asked for. A rollout
    /// that suffers no other kind has the same effects as one that suffers none.
    #[must_use]
    pub const fn only_delays(self) -> bool {
        match self {
            Self::Crash
            | Self::StaleList
            | Self::MissedEvents
            | Self::Ambiguous
            | Self::Rival
            | Self::Storage
            | Self::Slow
            | Self::Throttling
            | Self::LateListing
            | Self::Metrics => true,
            Self::Reborn
            | Self::TornList
            | Self::Dangling
            | Self::Failing
            | Self::BadImage
            | Self::Retarget
            | Self::Outsider
            | Self::ClockJump
            | Self::NoCapacity
            | Self::Stuck
            | Self::Revocation
            | Self::LimitsChange
            | Self::ZoneOutage
            | Self::CursedSlot => false,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_once_and_named_as_in_files() {
        for (number, kind) in FaultKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("{:?}", kind.name()));
        }
    }
}
