//! The plan as tools read it. Its schema is `docs/schemas/plan.json`; what changes here changes that too.

use std::time::Duration;

use immutable_core::fleet::Standing;
use immutable_core::gate::GateSpec;
use immutable_core::plan::{
    Estimates, OnResize, OnRetarget, Plan, PlannedEvent, RollbackPlan, Seat, WaitingOn, lint,
};
use immutable_core::strategy::{Reason, Share, SlotOrder};
use immutable_core::{Digest, FleetId, GateName, InstanceId, RolloutId, Slot, Timestamp, Zone};
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::Serialize;

use crate::replay::Replay;

/// Grows when a field changes its meaning or goes; fields that are added do not change it.
pub(crate) const SCHEMA: u32 = 1;

/// A plan for tools.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "Plan"))]
pub(crate) struct Output {
    /// Version of this layout. It grows when a field changes its meaning or goes; a field that is added does not change it.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA)))]
    pub(crate) schema: u32,
    /// The identity of the plan: the same files give the same.
    pub(crate) plan: Digest,
    pub(crate) rollout: RolloutId,
    pub(crate) fleet: FleetId,
    /// When the fleet was looked at.
    pub(crate) as_of: Timestamp,
    /// The image to run.
    pub(crate) target: Digest,
    /// The image that a failure leads back to; none where there is nothing to go back to.
    pub(crate) previous: Option<Digest>,
    /// Whether there is anything to do. The command ends with 2 if so and with 0 if not.
    pub(crate) changes: bool,
    /// The name of the strategy.
    pub(crate) strategy: String,
    /// In which order slots are worked off.
    pub(crate) order: SlotOrder,
    /// In order: slot `k` belongs to zone `k` modulo their number.
    pub(crate) zones: Vec<Zone>,
    /// How many instances there shall be.
    pub(crate) desired: u32,
    /// What happens when another number of instances is asked for on the way.
    pub(crate) on_resize: OnResize,
    /// What happens when another target is asked for on the way.
    pub(crate) on_retarget: OnRetarget,
    /// How many may exist at any moment.
    pub(crate) max_total: u32,
    /// How many must be available at any moment, if nothing fails.
    pub(crate) min_available: u32,
    /// How many are available at the start.
    pub(crate) available: u32,
    /// How many exist at the start.
    pub(crate) total: u32,
    /// The instances that exist, in order of their seats.
    pub(crate) instances: Vec<Existing>,
    /// The stages, in order.
    pub(crate) stages: Vec<StageOut>,
    /// What happens, in order.
    pub(crate) steps: Vec<StepOut>,
    /// What going back would cost, for every stage that a failure would leave by going back.
    pub(crate) rollbacks: Vec<RollbackPlan>,
    /// When the last step or gate is over, after `as_of`, if all takes as long as estimated and approvals and checks pass at
    /// once.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) predicted: Duration,
    /// No schedule within these limits takes less time, with the same estimates.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) lower_bound: Duration,
    /// What the prediction assumes.
    pub(crate) estimates: Estimates,
    /// What the rollout waits for after the last step, without which it cannot finish; absent if it finishes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unfinished: Option<Unfinished>,
    /// Breaches of the limits that an independent check found. Never any; the command ends with 1 if there are.
    pub(crate) findings: Vec<String>,
}

/// An instance that exists at the start.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Existing {
    /// The seat it has in this rollout: its slot, and attempt 0.
    pub(crate) seat: Seat,
    pub(crate) instance: InstanceId,
    pub(crate) zone: Zone,
    pub(crate) image: Digest,
    /// Why it is to be replaced; absent if it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    /// What sets it apart from the others, if anything.
    #[serde(skip_serializing_if = "Standing::is_plain")]
    pub(crate) standing: Standing,
}

/// A stage.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StageOut {
    /// From 0.
    pub(crate) stage: usize,
    /// How many instances that stay there shall be.
    pub(crate) new: u32,
    /// How many of those to be replaced are kept.
    pub(crate) old: u32,
    /// The share of the traffic of the new ones, in hundredths; absent if every instance gets the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<Share>,
    /// What must pass once the numbers are reached, before the next stage begins or the rollout is done.
    pub(crate) gates: Vec<WaitsFor>,
    /// The stage in words.
    pub(crate) text: String,
}

/// Something that happens.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StepOut {
    /// The number of the step, from 0.
    pub(crate) id: usize,
    /// The stage in which it happens, from 0.
    pub(crate) stage: usize,
    /// When, after `as_of`.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) at: Duration,
    pub(crate) time: Timestamp,
    pub(crate) action: Action,
    /// What it happens to: the slot, and which of the instances that follow each other in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seat: Option<Seat>,
    /// The instance in the seat, if it exists already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<InstanceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<Zone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<Digest>,
    /// Why the instance is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    /// The new share of the traffic, in hundredths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<Share>,
    /// All that must be before it happens. Empty: it happens at once.
    pub(crate) waits_for: Vec<WaitsFor>,
    /// How many instances are available after it, in the worst case: one that is told to leave no longer is.
    pub(crate) available: u32,
    /// How many instances exist after it, in the worst case: one that is asked for does, and one that leaves still does.
    pub(crate) total: u32,
}

/// What happens in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// An instance is launched.
    Launch,
    /// An instance is available and takes traffic.
    Available,
    /// An instance is taken out of service and told to stop.
    Retire,
    /// An instance no longer exists.
    Gone,
    /// Traffic moves.
    Shift,
    /// The next stage begins.
    Stage,
}

/// What a step, or the end of a stage, waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum WaitsFor {
    /// The step with this number.
    Step(usize),
    /// An instance gets ready, which takes this long by the estimates.
    Ready(
        #[serde(with = "friendly")]
        #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
        Duration,
    ),
    /// An instance stays ready for this long.
    MinReady(
        #[serde(with = "friendly")]
        #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
        Duration,
    ),
    /// An instance finishes its sessions and stops, which takes this long by the estimates.
    Drain(
        #[serde(with = "friendly")]
        #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
        Duration,
    ),
    /// The complete stage stands for this long.
    Bake(
        #[serde(with = "friendly")]
        #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
        Duration,
    ),
    /// Somebody approves it by this name.
    Approval(GateName),
    /// The check of this name passes.
    Check(GateName),
    /// The calendar opens, at this time.
    Window(Timestamp),
    /// The launch rate allows one more, at this time.
    LaunchRate(Timestamp),
}

/// Where the rollout stands still.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Unfinished {
    /// The stage, from 0.
    pub(crate) stage: usize,
    /// How many instances that stay are available.
    pub(crate) updated: u32,
    /// Why each slot that is not finished does not move.
    pub(crate) waiting: Vec<Waiting>,
}

/// Why a slot does not move.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Waiting {
    pub(crate) slot: Slot,
    /// The instance that was in it at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<InstanceId>,
    pub(crate) on: WaitingOn,
    /// The same in words.
    pub(crate) text: String,
}

impl Output {
    pub(crate) fn of(plan: &Plan) -> Self {
        let start = Replay::new(plan);
        let (available, total) = (start.available(), start.total());
        let unfinished = plan.unfinished.as_ref().map(|report| Unfinished {
            stage: report.stage,
            updated: report.updated,
            waiting: report.waiting.iter().map(|(slot, on)| waiting(plan, *slot, on)).collect(),
        });
        let acts =
            |event: &PlannedEvent| matches!(event, PlannedEvent::Launch { .. } | PlannedEvent::Retire { .. });
        let stages = plan.spec.stages.iter().enumerate().map(|(number, stage)| StageOut {
            stage: number,
            new: stage.new,
            old: stage.old,
            share: stage.share,
            gates: stage.gates.iter().filter_map(gate).collect(),
            text: stage.to_string(),
        });
        let instances = plan.initial.iter().map(|adopted| Existing {
            seat: adopted.seat,
            instance: adopted.instance.id.clone(),
            zone: adopted.instance.zone.clone(),
            image: adopted.instance.image,
            reason: adopted.reason,
            standing: adopted.instance.standing,
        });
        Self {
            schema: SCHEMA,
            plan: plan.digest(),
            rollout: plan.spec.rollout.clone(),
            fleet: plan.spec.fleet.clone(),
            as_of: plan.as_of,
            target: plan.spec.target,
            previous: plan.spec.previous,
            changes: unfinished.is_some() || plan.timeline.iter().any(|step| acts(&step.event)),
            strategy: plan.spec.strategy.clone(),
            order: plan.spec.order,
            zones: plan.spec.zones.clone(),
            desired: plan.spec.budget.desired,
            on_resize: plan.spec.on_resize,
            on_retarget: plan.spec.on_retarget,
            max_total: plan.spec.budget.max_total(),
            min_available: plan.spec.budget.min_available(),
            available,
            total,
            instances: instances.collect(),
            stages: stages.collect(),
            predicted: plan.makespan,
            steps: start.steps(),
            rollbacks: plan.rollbacks.clone(),
            lower_bound: plan.lower_bound,
            estimates: plan.estimates,
            unfinished,
            findings: lint(plan).iter().map(ToString::to_string).collect(),
        }
    }
}

fn waiting(plan: &Plan, slot: Slot, on: &WaitingOn) -> Waiting {
    // Sorted by seats, and what was there at the start has attempt 0.
    let found = plan.initial.binary_search_by_key(&Seat::new(slot.0, 0), |adopted| adopted.seat);
    Waiting {
        slot,
        instance: found.ok().map(|index| plan.initial[index].instance.id.clone()),
        on: on.clone(),
        text: on.to_string(),
    }
}

/// What a gate waits for; `None` for a kind of gate that this program does not know.
pub(crate) fn gate(gate: &GateSpec) -> Option<WaitsFor> {
    match gate {
        GateSpec::Bake(time) => Some(WaitsFor::Bake(*time)),
        GateSpec::Approval(name) => Some(WaitsFor::Approval(name.clone())),
        GateSpec::Check(name) => Some(WaitsFor::Check(name.clone())),
        _ => None,
    }
}
