//! A strategy of one's own: what a rollout should look like is yours, that it stays within the limits is the library's.
//!
//! `cargo run --package immutable-examples --no-default-features --bin custom_strategy` plans three rollouts of twelve
//! servers and prints the plans. Nothing is launched.

#![expect(clippy::print_stdout, reason = "showing something is what this program is for")]

use std::error::Error;
use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::gate::GateSpec;
use immutable_core::limits::Limits;
use immutable_core::plan::lint;
use immutable_core::planner::PlanRequest;
use immutable_core::strategy::{
    Candidate, Reason, RolloutStrategy, SlotOrder, Stage, StrategyContext, StrategyError,
};
use immutable_core::{Digest, FleetId, GateName, InstanceId, RolloutId, Timestamp, Zone};

const SERVERS: u32 = 12;

/// First the pilots, until those behind them say that all is well; then half of the fleet over lunch; then the rest.
#[derive(Debug)]
struct PilotsFirst {
    pilots: u32,
    approval: GateName,
    lunch: Duration,
    /// Younger instances stay: somebody is looking at them.
    settled: Duration,
}

impl RolloutStrategy for PilotsFirst {
    fn name(&self) -> &'static str {
        "pilots first"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let all = context.budget.desired;
        let half = all.div_ceil(2);
        if self.pilots == 0 || self.pilots > half {
            let reason =
                format!("`pilots` is {}, but of {all} instances 1 to {half} can go first", self.pilots);
            return Err(StrategyError::new(self.name(), reason));
        }
        Ok(vec![
            Stage::new(self.pilots, all - self.pilots).gate(GateSpec::Approval(self.approval.clone())),
            Stage::new(half, all - half).gate(GateSpec::Bake(self.lunch)),
            Stage::new(all, 0),
        ])
    }

    /// Whatever is marked or runs another image, but only once it has settled.
    fn replaces(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        let age = candidate.now.since(candidate.instance.launched_at);
        let other = (!candidate.is_target()).then_some(Reason::OtherImage);
        candidate.mark.or(other).filter(|_| age >= self.settled)
    }

    /// The pilots are the same in every rollout.
    fn order(&self) -> SlotOrder {
        SlotOrder::Hashed
    }
}

/// Wants more than anybody has, all at once.
#[derive(Debug)]
struct Reckless;

impl RolloutStrategy for Reckless {
    fn name(&self) -> &'static str {
        "reckless"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        Ok(vec![Stage::new(u32::MAX, 0)])
    }
}

/// Twelve servers of the first version in three zones, a day old.
fn snapshot(now: Timestamp, zones: &[Zone]) -> Result<Snapshot, Box<dyn Error>> {
    let mut instances = Vec::new();
    for (number, zone) in (0..SERVERS).zip(zones.iter().cycle()) {
        let id = InstanceId::new(format!("i-{number:02}"))?;
        let launched = now.saturating_sub(Duration::from_secs(24 * 60 * 60));
        let phase = Phase::Running(Health::Ready);
        instances.push(Instance::new(id, Digest::of(b"v1"), zone.clone(), phase, launched));
    }
    Ok(Snapshot::new(FleetId::new("web")?, now, 1, instances))
}

fn main() -> Result<(), Box<dyn Error>> {
    let now: Timestamp = "2026-11-23T10:00:00Z".parse()?;
    let zones = vec![Zone::new("zone-a")?, Zone::new("zone-b")?, Zone::new("zone-c")?];
    let snapshot = snapshot(now, &zones)?;
    let limits = Limits::default();
    println!("limits: max_surge {}, max_unavailable {}", limits.max_surge, limits.max_unavailable);

    let pilots = |pilots| -> Result<PilotsFirst, Box<dyn Error>> {
        Ok(PilotsFirst {
            pilots,
            approval: GateName::new("pilots-are-happy")?,
            lunch: Duration::from_secs(60 * 60),
            settled: Duration::from_secs(10 * 60),
        })
    };
    let strategies: [&dyn RolloutStrategy; 3] = [&pilots(2)?, &pilots(9)?, &Reckless];
    for strategy in strategies {
        println!("\n== {strategy:?}");
        let request = PlanRequest::new(RolloutId::new("deploy-2")?, Digest::of(b"v2"), SERVERS)
            .limits(limits.clone())
            .zones(zones.clone());
        match request.plan(&snapshot, strategy) {
            Ok(plan) => {
                println!("{plan}");
                // The linter knows nothing of the planner and counts for itself.
                println!("breaches of the limits: {}", lint(&plan).len());
            }
            Err(error) => {
                println!("no plan: {error}");
                if let Some(source) = error.source() {
                    println!("  {source}");
                }
            }
        }
    }
    Ok(())
}
