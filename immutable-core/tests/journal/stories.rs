//! Whole rollouts whose journals have every kind of record in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use immutable_core::controller::Clock;
use immutable_core::fleet::{Fleet, Standing};
use immutable_core::gate::{Gate, GateContext, GateError, GateSpec, Judgement, Verdict};
use immutable_core::journal::{Commit, Control, Fact, Intent, Journal, JournalStore, Key, Outcome, Record};
use immutable_core::limits::Limits;
use immutable_core::plan::{OnFailure, OnRetarget, Plan, Seat};
use immutable_core::planner::{Observation, PlanRequest};
use immutable_core::strategy::{
    Reason, Rolling, RolloutStrategy, Share, Stage, StrategyContext, StrategyError,
};
use immutable_core::{GateName, Quantity, Slot, WriterId};
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

const DESIRED: u32 = 4;

/// One with a quarter of the traffic, checked and approved, then all.
#[derive(Debug)]
struct Staged;

impl RolloutStrategy for Staged {
    fn name(&self) -> &'static str {
        "staged"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let first = Stage::new(1, 3).share(Share::new(25).unwrap());
        let gates = first.gate(GateSpec::Check(gate("smoke"))).gate(GateSpec::Approval(gate("owner")));
        Ok(vec![gates, Stage::new(DESIRED, 0).share(Share::new(100).unwrap())])
    }
}

#[derive(Debug)]
struct Passes;

#[async_trait]
impl Gate for Passes {
    async fn evaluate(&self, _: &GateContext) -> Result<Judgement, GateError> {
        Ok(Judgement::new(Verdict::Pass, "smoke", "it answers"))
    }
}

pub(crate) fn gate(name: &str) -> GateName {
    GateName::new(name).unwrap()
}

fn scenario() -> Scenario {
    let mut scenario = Scenario::with(DESIRED, |fleet| fleet.running(DESIRED, v(1)));
    scenario.limits.min_ready = secs(2);
    scenario.limits.max_surge = Quantity::Count(4);
    scenario.limits.max_failures = Quantity::Count(2);
    scenario
}

fn plan(scenario: &Scenario, strategy: &dyn RolloutStrategy, target: u32) -> Plan {
    request(scenario, strategy, target, OnFailure::Rollback)
}

fn request(scenario: &Scenario, strategy: &dyn RolloutStrategy, target: u32, on_failure: OnFailure) -> Plan {
    let snapshot = scenario.clock.run(scenario.fleet.observe()).unwrap();
    PlanRequest::new(Scenario::rollout(), v(target), DESIRED)
        .limits(scenario.limits.clone())
        .zones(scenario.zones.clone())
        .on_retarget(OnRetarget::Queue)
        .on_failure(on_failure)
        .plan(&snapshot, strategy)
        .unwrap()
}

/// Another process says these one after the other, each a while later; an instance stops answering and answers again.
async fn say(scenario: &Scenario, records: Vec<Record>) {
    let moody = scenario.fleet.instances()[0].id.clone();
    for (number, record) in records.into_iter().enumerate() {
        scenario.clock.sleep_until(scenario.now() + secs(3)).await;
        match number {
            2 => scenario.fleet.make_unready(&moody).unwrap(),
            3 => scenario.fleet.make_ready(&moody).unwrap(),
            _ => {}
        }
        let store: Arc<dyn JournalStore> = Arc::new(scenario.store.clone());
        let somebody = WriterId::new("somebody").unwrap();
        let mut journal = Journal::load(store, Scenario::rollout(), somebody).await.unwrap();
        let reading = scenario.clock.read();
        journal.record(record, journal.fold().time(&reading)).unwrap();
        journal.commit(&reading).await.unwrap();
    }
}

/// Runs it while others say this, and returns what is stored then.
fn run(scenario: &Scenario, plan: &Plan, said: Vec<Record>) -> Vec<Vec<u8>> {
    let writer = WriterId::new("controller").unwrap();
    let controller = scenario.controller().with_writer(writer).with_gate(gate("smoke"), Arc::new(Passes));
    let token = CancellationToken::new();
    let both = async { futures_util::join!(controller.run(plan, &token), say(scenario, said)) };
    let limit = scenario.now() + secs(3_600);
    scenario.clock.run_until(limit, both).unwrap_or_else(|_| panic!("{}", scenario.log.text())).0.unwrap();
    let from = Key::new(Scenario::rollout(), 1);
    scenario.clock.run(async {
        let mut objects = Vec::new();
        for key in scenario.store.list(&from).await.unwrap() {
            objects.push(scenario.store.get(&key).await.unwrap().unwrap());
        }
        objects
    })
}

/// A rollout in which everything happens that does not end it, and then begins with a second target.
pub(crate) fn eventful() -> Vec<Vec<u8>> {
    let scenario = scenario();
    let plan = plan(&scenario, &Staged, 2);
    scenario.fleet.add_foreign(v(1), &scenario.zones[0]);
    scenario.fleet.hang_boots(1);
    let first = Seat::new(0, 0);
    let limits = Limits { max_surge: Quantity::Count(5), ..scenario.limits.clone() };
    let facts = [
        Fact::Marked { seat: first, reason: Reason::Drifted },
        Fact::Standing { seat: first, standing: Standing::default() },
        Fact::Revoked { image: v(9) },
        Fact::Window { open: true },
        Fact::TakenUp,
        Fact::Rested { slot: Slot(0) },
    ];
    let controls = [
        Control::Pause,
        Control::Resume,
        Control::Limits { limits: Box::new(limits) },
        Control::Floor { available: 2 },
        Control::Resize { desired: DESIRED },
        Control::Replace { seat: first },
        Control::Retarget { target: v(1) },
        Control::Approve { name: gate("owner") },
        Control::Approve { name: gate("owner") },
    ];
    let said = facts.map(Record::Fact).into_iter().chain(controls.map(Record::Control));
    run(&scenario, &plan, said.collect())
}

/// One whose image never comes up, so that it goes back.
pub(crate) fn failing() -> Vec<Vec<u8>> {
    let scenario = scenario();
    let plan = plan(&scenario, &Rolling::new(), 4);
    run(&scenario, &plan, Vec::new())
}

/// One that somebody turns back.
pub(crate) fn reverted() -> Vec<Vec<u8>> {
    let scenario = scenario();
    let plan = plan(&scenario, &Rolling::new(), 2);
    run(&scenario, &plan, vec![Record::Control(Control::Rollback)])
}

/// One that somebody ends where it stands.
pub(crate) fn aborted() -> Vec<Vec<u8>> {
    let scenario = scenario();
    let plan = plan(&scenario, &Rolling::new(), 2);
    scenario.fleet.set_zone_capacity(&scenario.zones[0], Some(2));
    run(&scenario, &plan, vec![Record::Control(Control::Abort)])
}

/// One whose image fails, and nobody wants to go back.
pub(crate) fn held() -> Vec<Vec<u8>> {
    let scenario = scenario();
    let plan = request(&scenario, &Rolling::new(), 4, OnFailure::Hold);
    run(&scenario, &plan, Vec::new())
}

/// What kind of record it is.
pub(crate) fn kind(record: &Record) -> String {
    let text = serde_json::to_value(record).unwrap();
    let mut kind = Vec::new();
    let mut at = &text;
    // The names of the variants, one inside the other.
    let depth = match record {
        Record::Intent { intent: Intent::Launch { .. } | Intent::Retire { .. }, .. } => {
            at = &text["intent"]["intent"];
            kind.push("intent".to_owned());
            1
        }
        Record::Outcome {
            outcome: Outcome::Launched { .. } | Outcome::Failed { .. } | Outcome::Gone,
            ..
        } => {
            at = &text["outcome"]["outcome"];
            kind.push("outcome".to_owned());
            1
        }
        Record::Fact(Fact::Observed { observation, .. }) => {
            at = &text["fact"]["observed"]["observation"];
            kind.push("observed".to_owned());
            usize::from(!matches!(observation, Observation::Available | Observation::Suspect)).max(1)
        }
        Record::Fact(_) | Record::Control(_) => 2,
        _ => 1,
    };
    for _ in 0..depth {
        match at {
            serde_json::Value::String(name) => {
                kind.push(name.clone());
                break;
            }
            serde_json::Value::Object(members) => {
                let (name, inner) = members.iter().next().unwrap();
                kind.push(name.clone());
                at = inner;
            }
            other => panic!("{other}"),
        }
    }
    kind.join(" ")
}

pub(crate) fn kinds(journal: &[Vec<u8>]) -> BTreeSet<String> {
    let commits = journal.iter().map(|bytes| Commit::decode(bytes).unwrap().0);
    commits.flat_map(|commit| commit.records).map(|record| kind(&record)).collect()
}

/// Every kind of record there is.
pub(crate) const KINDS: [&str; 31] = [
    "claim",
    "close",
    "control abort",
    "control approve",
    "control floor",
    "control limits",
    "control pause",
    "control replace",
    "control resize",
    "control resume",
    "control retarget",
    "control rollback",
    "end",
    "fact found",
    "fact marked",
    "fact rested",
    "fact revoked",
    "fact standing",
    "fact taken_up",
    "fact window",
    "gate",
    "intent launch",
    "intent retire",
    "next_target",
    "observed available",
    "observed broken",
    "observed ready",
    "outcome gone",
    "outcome launched",
    "open",
    "stage",
];

#[test]
fn the_stories_have_every_kind_of_record_in_them() {
    let all: BTreeSet<String> = [eventful(), failing(), reverted(), aborted(), held()]
        .iter()
        .flat_map(|story| kinds(story))
        .collect();
    for kind in KINDS.iter().chain(&["outcome failed", "observed suspect", "shift", "turn_back"]) {
        assert!(all.contains(*kind), "no {kind} in {all:?}");
    }
}
