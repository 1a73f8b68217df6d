use std::collections::BTreeMap;
use std::time::Duration;

use immutable_core::Seed;
use immutable_core::journal::Control;
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::setup::{APPROVAL, gate_name};
use super::{Dice, Fault, For, Setup};
use crate::faulty::{Ambiguity, Damage, FaultKind, MetricFault};
use crate::fleet::Operation;

/// How often faults of each kind come, in an hour of the chaos. A kind that is not in it never comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rates(BTreeMap<FaultKind, u32>);

impl Rates {
    /// No faults at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// All kinds equally often.
    #[must_use]
    pub fn all(per_hour: u32) -> Self {
        Self(FaultKind::ALL.into_iter().map(|kind| (kind, per_hour)).collect())
    }

    /// Some kinds, each at another rate: faults that come together with few others go deeper than the same number of all
    /// kinds (swarm testing).
    #[must_use]
    pub fn draw(seed: Seed) -> Self {
        let mut dice = Dice::new(seed, "rates");
        let share = dice.one_of(&[10, 25, 50]);
        let rates = FaultKind::ALL.into_iter().filter_map(|kind| {
            let comes = dice.percent(share);
            comes.then(|| (kind, dice.one_of(&[15, 40, 90, 200])))
        });
        Self(rates.collect())
    }

    /// With this rate for one kind; 0 switches it off.
    #[must_use]
    pub fn with(mut self, kind: FaultKind, per_hour: u32) -> Self {
        self.0.insert(kind, per_hour);
        self
    }
}

/// A fault with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// How long after the beginning.
    #[serde(with = "friendly")]
    pub at: Duration,
    /// What.
    pub fault: Fault,
}

/// What goes wrong, and when. Plain data: it can be stored, cut down and replayed.
///
/// ```
/// use immutable_testkit::simulation::Schedule;
///
/// let schedule: Schedule = serde_json::from_str(
///     r#"[{"at": "12s", "fault": {"crash": {"process": 0, "calls": 3, "done": true}}},
///         {"at": "20s", "fault": {"zone_outage": {"zone": 1, "lasts": "90s"}}}]"#,
/// )
/// .unwrap();
/// assert_eq!(schedule.faults().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Scheduled>", into = "Vec<Scheduled>")]
pub struct Schedule {
    faults: Vec<Scheduled>,
}

impl From<Vec<Scheduled>> for Schedule {
    fn from(mut faults: Vec<Scheduled>) -> Self {
        faults.sort_by_key(|scheduled| scheduled.at);
        Self { faults }
    }
}

impl From<Schedule> for Vec<Scheduled> {
    fn from(schedule: Schedule) -> Self {
        schedule.faults
    }
}

impl Schedule {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn new() -> Self {
        Self { faults: Vec::new() }
    }

    /// With one more fault.
    #[must_use]
    pub fn fault(mut self, at: Duration, fault: Fault) -> Self {
        self.faults.push(Scheduled { at, fault });
        self.faults.into()
    }

    /// The faults, in order of time.
    #[must_use]
    pub fn faults(&self) -> &[Scheduled] {
        &self.faults
    }

    /// Faults at these rates, from a seed. Each kind has dice of its own, so switching one off changes nothing of the
    /// others.
    #[must_use]
    pub fn draw(seed: Seed, setup: &Setup, rates: &Rates) -> Self {
        let mut faults = Vec::new();
        for (kind, per_hour) in rates.0.iter().filter(|(_, per_hour)| **per_hour > 0) {
            let mut dice = Dice::new(seed, kind.name());
            let mean = Duration::from_secs(3600) / *per_hour;
            let mut at = dice.time(Duration::ZERO, mean * 2);
            while at < setup.chaos {
                faults.push(Scheduled { at, fault: draw_fault(*kind, &mut dice, setup) });
                at += dice.time(Duration::ZERO, mean * 2);
            }
        }
        faults.into()
    }
}

fn draw_fault(kind: FaultKind, dice: &mut Dice, setup: &Setup) -> Fault {
    let lasts = dice.seconds(1, 60);
    let (process, instance, zone) = (dice.among(0, 7), dice.among(0, 99), dice.among(0, 7));
    let seconds = Duration::from_secs;
    match kind {
        FaultKind::Crash => Fault::Crash { process, calls: dice.among(0, 12), done: dice.percent(50) },
        FaultKind::StaleList => Fault::StaleList(For { lasts }),
        FaultKind::MissedEvents => Fault::MissedEvents(For { lasts }),
        FaultKind::Reborn => Fault::Reborn { instance },
        FaultKind::TornList => Fault::TornList { percent: dice.one_of(&[10, 40, 100]), lasts: lasts / 2 },
        FaultKind::Dangling if dice.percent(30) => Fault::ForgottenTokens,
        FaultKind::Dangling => Fault::Dangling { launch: dice.among(0, 99) },
        FaultKind::Failing => match dice.below(4) {
            0 => Fault::Dies { instance },
            1 => Fault::Vanishes { instance },
            _ => Fault::Unready { instance, lasts: dice.seconds(0, 90) },
        },
        FaultKind::BadImage => Fault::BadImage(For { lasts: dice.seconds(5, 120) }),
        FaultKind::Retarget => Fault::Retarget { version: dice.one_of(&[2, 2, 3]) },
        FaultKind::Ambiguous => match dice.below(4) {
            0 => Fault::RouterCalls { times: dice.among(1, 4), done: dice.percent(50) },
            how => Fault::Ambiguous {
                operation: dice.one_of(&[
                    Operation::Launch,
                    Operation::Launch,
                    Operation::Terminate,
                    Operation::Drain,
                ]),
                times: dice.among(1, 4),
                how: match how {
                    1 => Ambiguity::AnswerLost,
                    2 => Ambiguity::Late { by: dice.seconds(0, 45) },
                    _ => Ambiguity::Twice { after: dice.seconds(0, 45) },
                },
            },
        },
        FaultKind::Outsider => match dice.below(8) {
            0 => Fault::RouterRestart,
            1 | 2 => Fault::Stranger { version: dice.one_of(&[1, 2, 3]), zone },
            3 | 4 => Fault::Reclaimed { instance },
            5 => Fault::Protected { instance, lasts },
            _ => Fault::Said { control: Box::new(draw_control(dice)) },
        },
        FaultKind::Rival if dice.percent(50) => Fault::Rival { process },
        FaultKind::Rival => Fault::Sleeps { process, lasts: dice.one_of(&[lasts / 4, lasts * 3]) },
        FaultKind::Storage => match dice.below(4) {
            0 | 1 => Fault::Writes { times: dice.among(1, 4), stored: dice.percent(50) },
            2 => Fault::JournalDown(For { lasts: lasts / 2 }),
            _ => Fault::Damaged {
                damage: dice.one_of(&[Damage::Torn, Damage::Flipped, Damage::Misdirected]),
                lasts: lasts / 2,
            },
        },
        FaultKind::Slow => Fault::Slow { process, answers: dice.percent(50), lasts: lasts / 2 },
        FaultKind::ClockJump => {
            Fault::ClockJump { process, by: dice.one_of(&[seconds(2), seconds(30), seconds(600)]) }
        }
        FaultKind::Throttling => Fault::Throttling { pause: dice.seconds(1, 5), lasts: lasts / 2 },
        FaultKind::NoCapacity => Fault::NoCapacity { zone, lasts },
        FaultKind::LateListing => Fault::LateListing { age: dice.seconds(1, 20), lasts },
        FaultKind::Stuck if dice.percent(50) => Fault::StuckPending { times: dice.among(1, 2) },
        FaultKind::Stuck => Fault::StuckStopping { takes: dice.seconds(10, 120), lasts },
        FaultKind::Revocation => Fault::Revoked { version: dice.one_of(&[1, 2, 2, 3]) },
        FaultKind::LimitsChange => match dice.below(3) {
            0 => Fault::Quota { zone, instances: dice.among(0, setup.instances), lasts },
            1 => Fault::Relimit { surge: dice.among(1, 4), unavailable: dice.among(0, 2) },
            _ => Fault::Resize { desired: dice.among(1, setup.instances + 3) },
        },
        FaultKind::Metrics => Fault::Metrics {
            fault: dice.one_of(&[
                MetricFault::Unreachable,
                MetricFault::Late,
                MetricFault::Missing,
                MetricFault::NotANumber,
            ]),
            lasts: lasts * 2,
        },
        FaultKind::ZoneOutage => Fault::ZoneOutage { zone, lasts: dice.seconds(1, 120) },
        FaultKind::CursedSlot => Fault::CursedSlot {
            slot: dice.among(0, setup.instances - 1),
            for_good: dice.percent(30),
            lasts: dice.seconds(5, 240),
        },
    }
}

fn draw_control(dice: &mut Dice) -> Control {
    match dice.below(20) {
        0..6 => Control::Pause,
        6..12 => Control::Resume,
        12..16 => Control::Approve { name: gate_name(APPROVAL) },
        16 | 17 => Control::Rollback,
        18 => Control::Abort,
        _ => Control::Replace { seat: immutable_core::plan::Seat::new(dice.among(0, 8), 0) },
    }
}
