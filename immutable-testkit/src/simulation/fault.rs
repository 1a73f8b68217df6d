use std::fmt;
use std::time::Duration;

use immutable_core::journal::Control;
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::faulty::{Ambiguity, Damage, FaultKind, MetricFault};
use crate::fleet::Operation;

/// One thing that goes wrong. Numbers choose among what is there when it does, modulo how much that is, so a fault keeps a
/// meaning when others before it are taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// A process dies at its nth call from now on.
    Crash {
        /// Which process.
        process: u32,
        /// After how many calls.
        calls: u32,
        /// Whether that call is still made.
        done: bool,
    },
    /// Every second list is as it was.
    StaleList(For),
    /// No change is announced.
    MissedEvents(For),
    /// An instance is gone, and another one has its labels.
    Reborn {
        /// Which instance.
        instance: u32,
    },
    /// Lists lack a part of the fleet.
    TornList {
        /// How many of a hundred.
        percent: u8,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// An instance appears with the labels of a launch that was answered long ago.
    Dangling {
        /// Which launch.
        launch: u32,
    },
    /// An instance ends, and is still listed.
    Dies {
        /// Which instance.
        instance: u32,
    },
    /// An instance is gone without a trace.
    Vanishes {
        /// Which instance.
        instance: u32,
    },
    /// An instance fails its health check.
    Unready {
        /// Which instance.
        instance: u32,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// What boots from the new version never becomes ready.
    BadImage(For),
    /// Another target is asked for.
    Retarget {
        /// Which version.
        version: u8,
    },
    /// Calls are done without an answer, late, or twice.
    Ambiguous {
        /// Which calls.
        operation: Operation,
        /// How many.
        times: u32,
        /// How.
        how: Ambiguity,
    },
    /// Changes of the router are made without an answer, or not made.
    RouterCalls {
        /// How many.
        times: u32,
        /// Whether they are made.
        done: bool,
    },
    /// The router loses all routes.
    RouterRestart,
    /// The platform forgets which tokens it has seen.
    ForgottenTokens,
    /// Somebody launches an instance of any version.
    Stranger {
        /// Which version.
        version: u8,
        /// In which zone.
        zone: u32,
    },
    /// Somebody stops an instance.
    Reclaimed {
        /// Which instance.
        instance: u32,
    },
    /// Somebody protects an instance.
    Protected {
        /// Which instance.
        instance: u32,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// A person says something through the journal.
    Said {
        /// What.
        control: Box<Control>,
    },
    /// One more process begins to run the rollout.
    Rival {
        /// Which process.
        process: u32,
    },
    /// A process does nothing, and wakes up then.
    Sleeps {
        /// Which process.
        process: u32,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// Writes to the journal are lost, or only the answers to them.
    Writes {
        /// How many.
        times: u32,
        /// Whether they are stored.
        stored: bool,
    },
    /// Nobody reaches the journal.
    JournalDown(For),
    /// What is read of the journal is damaged.
    Damaged {
        /// How.
        damage: Damage,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// What one process asks, or is answered, is held up.
    Slow {
        /// Which process.
        process: u32,
        /// Answers and not requests.
        answers: bool,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// The clock of a process jumps forward.
    ClockJump {
        /// Which process.
        process: u32,
        /// How far.
        #[serde(with = "friendly")]
        by: Duration,
    },
    /// The platform throttles.
    Throttling {
        /// When callers are to come back.
        #[serde(with = "friendly")]
        pause: Duration,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// A zone has no capacity.
    NoCapacity {
        /// Which zone.
        zone: u32,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// What is launched is listed late.
    LateListing {
        /// How late.
        #[serde(with = "friendly")]
        age: Duration,
        /// How long that is so.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// The next instances never finish booting.
    StuckPending {
        /// How many.
        times: u32,
    },
    /// What is told to stop takes this long.
    StuckStopping {
        /// How long.
        #[serde(with = "friendly")]
        takes: Duration,
        /// How long that is so.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// A version is revoked.
    Revoked {
        /// Which version.
        version: u8,
    },
    /// A zone takes no more instances than these.
    Quota {
        /// Which zone.
        zone: u32,
        /// How many.
        instances: u32,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// Other limits are asked for.
    Relimit {
        /// How many more.
        surge: u32,
        /// How many fewer.
        unavailable: u32,
    },
    /// Another number of instances is asked for.
    Resize {
        /// How many.
        desired: u32,
    },
    /// Metrics are wrong.
    Metrics {
        /// How.
        fault: MetricFault,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// A zone is cut off.
    ZoneOutage {
        /// Which zone.
        zone: u32,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
    /// Launches in one slot fail.
    CursedSlot {
        /// Which slot.
        slot: u32,
        /// Whether the platform says that they always will.
        for_good: bool,
        /// How long.
        #[serde(with = "friendly")]
        lasts: Duration,
    },
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct For {
    /// How long.
    #[serde(with = "friendly")]
    pub lasts: Duration,
}

impl Fault {
    /// Of which kind it is.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::Crash { .. } => FaultKind::Crash,
            Self::StaleList(_) => FaultKind::StaleList,
            Self::MissedEvents(_) => FaultKind::MissedEvents,
            Self::Reborn { .. } => FaultKind::Reborn,
            Self::TornList { .. } => FaultKind::TornList,
            Self::Dangling { .. } | Self::ForgottenTokens => FaultKind::Dangling,
            Self::Dies { .. } | Self::Vanishes { .. } | Self::Unready { .. } => FaultKind::Failing,
            Self::BadImage(_) => FaultKind::BadImage,
            Self::Retarget { .. } => FaultKind::Retarget,
            Self::Ambiguous { .. } | Self::RouterCalls { .. } => FaultKind::Ambiguous,
            Self::RouterRestart
            | Self::Stranger { .. }
            | Self::Reclaimed { .. }
            | Self::Protected { .. }
            | Self::Said { .. } => FaultKind::Outsider,
            Self::Rival { .. } | Self::Sleeps { .. } => FaultKind::Rival,
            Self::Writes { .. } | Self::JournalDown(_) | Self::Damaged { .. } => FaultKind::Storage,
            Self::Slow { .. } => FaultKind::Slow,
            Self::ClockJump { .. } => FaultKind::ClockJump,
            Self::Throttling { .. } => FaultKind::Throttling,
            Self::NoCapacity { .. } => FaultKind::NoCapacity,
            Self::LateListing { .. } => FaultKind::LateListing,
            Self::StuckPending { .. } | Self::StuckStopping { .. } => FaultKind::Stuck,
            Self::Revoked { .. } => FaultKind::Revocation,
            Self::Quota { .. } | Self::Relimit { .. } | Self::Resize { .. } => FaultKind::LimitsChange,
            Self::Metrics { .. } => FaultKind::Metrics,
            Self::ZoneOutage { .. } => FaultKind::ZoneOutage,
            Self::CursedSlot { .. } => FaultKind::CursedSlot,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
