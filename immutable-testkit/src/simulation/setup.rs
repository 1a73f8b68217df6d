use std::time::Duration;

use immutable_core::limits::{LaunchRate, Limits};
use immutable_core::plan::{OnFailure, OnRetarget};
use immutable_core::strategy::{
    BlueGreen, Canary, CanaryStep, Recreate, Rolling, RollingBlueGreen, Share, SlotOrder, StandardStrategy,
    Waves,
};
use immutable_core::{GateName, Quantity, Seed, Zone};
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::Dice;

/// The world of a simulation before anything goes wrong: the fleet, the rollout, and how fast things are.
///
/// Version 1 of an image runs and version 2 is rolled out; version 3 is what somebody may ask for on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Setup {
    /// How many instances run, and shall.
    pub instances: u32,
    /// In how many zones.
    pub zones: u32,
    /// What the rollout looks like.
    pub strategy: StandardStrategy,
    /// What must hold.
    pub limits: Limits,
    /// What is wrong with the new version.
    pub flaw: Flaw,
    /// What happens when it fails.
    pub on_failure: OnFailure,
    /// What happens when another target is asked for.
    pub on_retarget: OnRetarget,
    /// The instance of this slot leads the others.
    pub leader: Option<u32>,
    /// Somebody protects the instance of this slot, and frees it when everything else is over.
    pub protected: Option<u32>,
    /// How many processes run controllers from the beginning.
    pub processes: u32,
    /// How long a process is dead before it is started again.
    #[serde(with = "friendly")]
    pub restart: Duration,
    /// How far the clocks of two processes are apart at most. Each time that a process is started it has another one.
    #[serde(with = "friendly")]
    pub clocks_apart: Duration,
    /// How long instances boot.
    #[serde(with = "friendly")]
    pub boot: Duration,
    /// How much longer some of them do.
    #[serde(with = "friendly")]
    pub boot_jitter: Duration,
    /// How long instances stop.
    #[serde(with = "friendly")]
    pub stop: Duration,
    /// How long a call that launches takes.
    #[serde(with = "friendly")]
    pub launch_call: Duration,
    /// How long a call that terminates takes.
    #[serde(with = "friendly")]
    pub terminate_call: Duration,
    /// Calls have their effects at their end; a process that dies before never made them.
    pub effects_at_end: bool,
    /// The platform announces changes.
    pub events: bool,
    /// How long sessions last after an instance gets no new ones.
    #[serde(with = "friendly")]
    pub sessions: Duration,
    /// How long faults are injected; then everything is made good.
    #[serde(with = "friendly")]
    pub chaos: Duration,
}

/// What is wrong with a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Flaw {
    /// Nothing.
    #[default]
    None,
    /// It boots and never answers its health check.
    NeverReady,
    /// It never finishes booting.
    NeverStarts,
    /// It ends by itself, this long after its launch.
    Crashes {
        /// How long.
        #[serde(with = "friendly")]
        after: Duration,
    },
    /// It is ready, and serves errors: only metrics tell.
    Errors,
}

impl Default for Setup {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            instances: 6,
            zones: 3,
            strategy: StandardStrategy::default(),
            limits: Limits {
                max_surge: Quantity::Count(2),
                healthy_deadline: 60 * second,
                max_failures: Quantity::Count(6),
                ..Limits::default()
            },
            flaw: Flaw::None,
            on_failure: OnFailure::Rollback,
            on_retarget: OnRetarget::Replace,
            leader: None,
            protected: None,
            processes: 1,
            restart: 3 * second,
            clocks_apart: Duration::ZERO,
            boot: 10 * second,
            boot_jitter: 3 * second,
            stop: second,
            launch_call: second / 2,
            terminate_call: second / 5,
            effects_at_end: false,
            events: true,
            sessions: 5 * second,
            chaos: 300 * second,
        }
    }
}

impl Setup {
    /// Any setup, from a seed.
    #[must_use]
    pub fn draw(seed: Seed) -> Self {
        let mut dice = Dice::new(seed, "setup");
        let instances = dice.among(1, 9);
        let (strategy, surge, unavailable) = draw_strategy(&mut dice, instances);
        let apart = dice.percent(10);
        let limits = Limits {
            max_surge: Quantity::Count(surge),
            max_unavailable: Quantity::Count(unavailable),
            min_ready: dice.one_of(&[0, 0, 1, 3, 12].map(Duration::from_secs)),
            healthy_deadline: Duration::from_secs(60),
            progress_deadline: Duration::from_secs(600),
            drain_deadline: dice.seconds(2, 30),
            // A lost instance is no reason to fail: what is bad is bad in all of them.
            max_failures: Quantity::Count(instances),
            max_surge_per_zone: dice.percent(15).then_some(Quantity::Count(surge.max(1))),
            max_versions: dice.percent(15).then_some(2),
            ..Limits::default()
        };
        let flaws =
            [Flaw::NeverReady, Flaw::NeverStarts, Flaw::Crashes { after: dice.seconds(3, 40) }, Flaw::Errors];
        let mut setup = Self {
            instances,
            zones: dice.among(1, 3),
            strategy,
            limits,
            flaw: if dice.percent(20) { dice.one_of(&flaws) } else { Flaw::None },
            on_failure: if dice.percent(90) { OnFailure::Rollback } else { OnFailure::Hold },
            on_retarget: if dice.percent(80) { OnRetarget::Replace } else { OnRetarget::Queue },
            leader: dice.percent(10).then(|| dice.among(0, instances - 1)),
            protected: apart.then(|| dice.among(0, instances - 1)),
            processes: dice.one_of(&[1, 1, 2, 3]),
            restart: dice.time(Duration::ZERO, Duration::from_secs(15)),
            boot: dice.seconds(1, 20),
            boot_jitter: dice.seconds(0, 9),
            stop: dice.time(Duration::ZERO, Duration::from_secs(3)),
            launch_call: dice.time(Duration::ZERO, Duration::from_millis(1500)),
            terminate_call: dice.time(Duration::ZERO, Duration::from_millis(800)),
            effects_at_end: dice.percent(50),
            events: dice.percent(75),
            sessions: dice.seconds(0, 20),
            chaos: dice.seconds(60, 400),
            clocks_apart: dice.one_of(&[0, 0, 60, 3_600, 365 * 86_400].map(Duration::from_secs)),
        };
        // By dice of their own, so that they change nothing else of a seed.
        let mut dice = Dice::new(seed, "rates and tolerance");
        let rate = LaunchRate { burst: dice.among(1, 3), every: dice.seconds(1, 20) };
        setup.limits.launch_rate = dice.percent(15).then_some(rate);
        if matches!(setup.flaw, Flaw::NeverReady | Flaw::NeverStarts) && dice.percent(30) {
            // Then only the lack of progress tells that the version is bad.
            setup.limits.max_failures = Quantity::Count(1000);
        }
        setup
    }

    /// The zones by name.
    #[must_use]
    pub fn zone_names(&self) -> Vec<Zone> {
        (0..self.zones.max(1)).filter_map(|number| Zone::new(format!("zone-{number}")).ok()).collect()
    }
}

/// The check that strategies name, and the approval.
pub(super) const CHECK: &str = "errors";
pub(super) const APPROVAL: &str = "go";

#[expect(clippy::expect_used, reason = "constants")]
pub(super) fn gate_name(name: &str) -> GateName {
    GateName::new(name).expect("a valid name")
}

/// A strategy with limits under which it can be planned.
fn draw_strategy(dice: &mut Dice, instances: u32) -> (StandardStrategy, u32, u32) {
    let (surge, unavailable) = dice.one_of(&[(3, 0), (2, 1), (1, 0), (0, 2), (1, 3), (1, 1)]);
    let unavailable = unavailable.min(instances);
    // Of a single instance none may be missing but that one.
    let surge = if unavailable == 0 { surge.max(1) } else { surge };
    let bake = dice.seconds(0, 40);
    match dice.below(10) {
        0..3 => {
            let order = dice.one_of(&[SlotOrder::Oldest, SlotOrder::ZoneByZone, SlotOrder::Descending]);
            (Rolling::new().order(order).into(), surge, unavailable)
        }
        3..6 => {
            let mut first = CanaryStep::new(Quantity::Count(1)).bake(bake);
            if dice.percent(50) {
                first = first.check(gate_name(CHECK));
            }
            if dice.percent(20) {
                first = first.approve(gate_name(APPROVAL));
            }
            (Canary::new(first).bake(bake / 2).into(), surge, unavailable)
        }
        6..8 => {
            let waves = Waves::geometric(Quantity::Count(1), 2).bake(bake);
            let waves = if dice.percent(50) { waves.check(gate_name(CHECK)) } else { waves };
            (waves.into(), surge, unavailable)
        }
        8 => match dice.below(2) {
            0 => (BlueGreen::new().hold(bake).into(), instances, 0),
            _ => {
                let shares = [10, 50, 100].into_iter().filter_map(|share| Share::new(share).ok());
                (RollingBlueGreen::new().steps(shares).bake(bake).into(), instances, 0)
            }
        },
        _ => (Recreate::new().bake(bake).into(), 0, instances),
    }
}
