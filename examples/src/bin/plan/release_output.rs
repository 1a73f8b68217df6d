//! The plan of a release as tools read it. Its schema is `docs/schemas/release-plan.json`; what changes here changes that
//! too.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use immutable_core::plan::{Plan, PlannedEvent, lint};
use immutable_core::release::{OnGroupFailure, ReleaseError, ReleasePlan, ReleaseSpec, Service, forecast};
use immutable_core::{BarrierName, Digest, FleetId, RolloutId, ServiceName, Timestamp};
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::Serialize;

use crate::output::SCHEMA;

/// The plan of a release for tools.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "Release plan"))]
pub(crate) struct ReleaseOutput {
    /// Version of this layout. It grows when a field changes its meaning or goes; a field that is added does not change it.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA)))]
    pub(crate) schema: u32,
    /// The identity of the plan: the same files give the same.
    pub(crate) plan: Digest,
    pub(crate) release: RolloutId,
    /// Whether there is anything to do. The command ends with 2 if so and with 0 if not.
    pub(crate) changes: bool,
    /// What a failed group leads to.
    pub(crate) on_failure: OnGroupFailure,
    /// How many groups run at the same time; absent for as many as their order allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_running: Option<NonZeroU32>,
    /// How many groups go back at the same time; absent for as many as their order allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_returning: Option<NonZeroU32>,
    /// The groups in the order in which they are predicted to begin.
    pub(crate) groups: Vec<GroupOut>,
    /// The barriers in the order in which they are predicted to be passed.
    pub(crate) barriers: Vec<BarrierOut>,
    /// The services whose traffic is guarded. What a guard holds back is not predicted.
    pub(crate) services: Vec<Service>,
    /// When the last group is done, after the start, if all takes as long as estimated.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) predicted: Duration,
    /// No schedule in this order and within the limits of the groups takes less time, with the same estimates.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) lower_bound: Duration,
    /// The groups that cannot finish by themselves; those that depend on them do not begin before somebody acts.
    pub(crate) unfinished: Vec<FleetId>,
    /// Breaches of the limits that an independent check found. Never any; the command ends with 1 if there are.
    pub(crate) findings: Vec<String>,
}

/// A group.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct GroupOut {
    pub(crate) fleet: FleetId,
    pub(crate) rollout: RolloutId,
    /// The identity of its own plan, which `--fleet` and `--rollout` show in full.
    pub(crate) plan: Digest,
    /// The service whose traffic it takes part in, if it is guarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<ServiceName>,
    /// It begins when all of these are passed.
    pub(crate) after: Vec<BarrierName>,
    /// None of these is passed before it is done.
    pub(crate) before: Vec<BarrierName>,
    /// When the fleet was looked at.
    pub(crate) as_of: Timestamp,
    pub(crate) target: Digest,
    /// The image that a failure leads back to; none where there is nothing to go back to.
    pub(crate) previous: Option<Digest>,
    pub(crate) desired: u32,
    pub(crate) max_total: u32,
    pub(crate) min_available: u32,
    /// How many instances are launched.
    pub(crate) launches: usize,
    /// How many instances are retired.
    pub(crate) retirements: usize,
    /// When it is predicted to begin, after the start of the release.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) begin: Duration,
    /// When it is predicted to be done, after the start of the release.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) end: Duration,
    /// No schedule within its limits takes less time.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) lower_bound: Duration,
}

/// A barrier.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BarrierOut {
    pub(crate) barrier: BarrierName,
    /// It is not passed before all of these are.
    pub(crate) after: Vec<BarrierName>,
    /// When it is predicted to be passed, after the start of the release.
    #[serde(with = "friendly")]
    #[cfg_attr(test, schemars(with = "immutable_core::time::DurationText"))]
    pub(crate) passed: Duration,
}

impl ReleaseOutput {
    pub(crate) fn of(plan: &ReleasePlan) -> Result<Self, ReleaseError> {
        let spec = plan.spec();
        let mut groups: Vec<GroupOut> = Vec::with_capacity(spec.groups.len());
        for ((group, plan), when) in spec.groups.iter().zip(plan.plans()).zip(&plan.forecast().groups) {
            let count = |wanted: fn(&PlannedEvent) -> bool| {
                plan.timeline.iter().filter(|step| wanted(&step.event)).count()
            };
            groups.push(GroupOut {
                fleet: group.fleet.clone(),
                rollout: plan.spec.rollout.clone(),
                plan: plan.digest(),
                service: group.service.clone(),
                after: group.after.clone(),
                before: group.before.clone(),
                as_of: plan.as_of,
                target: plan.spec.target,
                previous: plan.spec.previous,
                desired: plan.spec.budget.desired,
                max_total: plan.spec.budget.max_total(),
                min_available: plan.spec.budget.min_available(),
                launches: count(|event| matches!(event, PlannedEvent::Launch { .. })),
                retirements: count(|event| matches!(event, PlannedEvent::Retire { .. })),
                begin: when.begin,
                end: when.end,
                lower_bound: plan.lower_bound,
            });
        }
        let barriers = barriers(spec, &groups);
        groups.sort_by_key(|group| group.begin);
        // Without a maximum the longest chain of groups tells how long at least.
        let mut free = spec.clone();
        free.max_running = None;
        let bounds: BTreeMap<&FleetId, Duration> =
            plan.plans().iter().map(|plan| (&plan.spec.fleet, plan.lower_bound)).collect();
        let lower_bound = forecast(&free, |group| bounds.get(group).copied().unwrap_or_default())?.makespan;
        let unfinished = plan.plans().iter().filter(|plan| plan.unfinished.is_some());
        Ok(Self {
            schema: SCHEMA,
            plan: plan.digest(),
            release: plan.release().clone(),
            changes: plan.plans().iter().any(changes),
            on_failure: spec.on_failure,
            max_running: spec.max_running,
            max_returning: spec.max_returning,
            groups,
            barriers,
            services: spec.services.clone(),
            predicted: plan.forecast().makespan,
            lower_bound,
            unfinished: unfinished.map(|plan| plan.spec.fleet.clone()).collect(),
            findings: plan
                .plans()
                .iter()
                .flat_map(|plan| {
                    lint(plan).into_iter().map(|finding| format!("{}: {finding}", plan.spec.fleet))
                })
                .collect(),
        })
    }
}

/// As the plan of the group alone says.
fn changes(plan: &Plan) -> bool {
    crate::output::Output::of(plan).changes
}

/// When each barrier is passed. There is no cycle among them: the release was checked.
fn barriers(spec: &ReleaseSpec, groups: &[GroupOut]) -> Vec<BarrierOut> {
    let mut passed: BTreeMap<&BarrierName, Duration> = BTreeMap::new();
    for group in groups {
        for barrier in &group.before {
            let at = passed.entry(barrier).or_default();
            *at = group.end.max(*at);
        }
    }
    for _ in &spec.barriers {
        for barrier in &spec.barriers {
            let before = barrier.after.iter().filter_map(|before| passed.get(before)).max().copied();
            let at = passed.entry(&barrier.name).or_default();
            *at = before.unwrap_or_default().max(*at);
        }
    }
    let out = |barrier: &immutable_core::release::Barrier| BarrierOut {
        barrier: barrier.name.clone(),
        after: barrier.after.clone(),
        passed: passed.get(&barrier.name).copied().unwrap_or_default(),
    };
    let mut barriers: Vec<BarrierOut> = spec.barriers.iter().map(out).collect();
    barriers.sort_by_key(|barrier| barrier.passed);
    barriers
}
