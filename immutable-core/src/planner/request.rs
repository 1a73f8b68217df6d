use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::PlanError;
use super::forecast::{Forecast, forecast};
use super::seating::{Judged, seating};
use crate::calendar::Calendar;
use crate::digest::Digest;
use crate::fleet::{Health, Instance, Phase, Snapshot, Standing};
use crate::id::{InstanceId, RolloutId, Zone};
use crate::limits::Limits;
use crate::plan::{
    Adopted, Estimates, OnApart, OnFailure, OnResize, OnRetarget, Plan, RolloutSpec, lower_bound,
};
use crate::seed::Seed;
use crate::strategy::{
    Candidate, Reason, RolloutStrategy, Share, Stage, StandardStrategy, StrategyContext, StrategyError,
};
use crate::time::Timestamp;

/// What to plan a rollout from.
///
/// ```
/// use immutable_core::fleet::Snapshot;
/// use immutable_core::plan::lint;
/// use immutable_core::planner::PlanRequest;
/// use immutable_core::strategy::Rolling;
/// use immutable_core::{Digest, FleetId, RolloutId, Timestamp, Zone};
///
/// let fleet = FleetId::new("web").unwrap();
/// let empty = Snapshot::new(fleet, Timestamp::UNIX_EPOCH, 0, vec![]);
/// let request = PlanRequest::new(RolloutId::new("deploy-1").unwrap(), Digest::of(b"v1"), 3)
///     .zones(vec![Zone::new("a").unwrap(), Zone::new("b").unwrap()]);
/// let plan = request.plan(&empty, &Rolling::new()).unwrap();
/// assert_eq!(plan.timeline.len(), 6, "three launches, three of them available: {plan}");
/// assert!(lint(&plan).is_empty());
/// ```
///
/// It is also the form of a rollout in a configuration file. Everything may be left out but `rollout`, `target`, `desired`
/// and `zones`:
///
/// ```
/// use immutable_core::planner::PlanRequest;
/// use immutable_core::strategy::{RolloutStrategy, StandardStrategy};
///
/// let request: PlanRequest = serde_json::from_str(
///     r#"{
///         "rollout": "deploy-42",
///         "target": "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
///         "desired": 10,
///         "zones": ["a", "b"],
///         "limits": {"max_surge": "20%", "min_ready": "30s"},
///         "strategy": {"kind": "canary", "steps": [{"size": 1, "bake": "5m"}]}
///     }"#,
/// )
/// .unwrap();
/// assert_eq!(request.declared_strategy().map(StandardStrategy::name), Some("canary"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct PlanRequest {
    /// The name of the rollout.
    pub(super) rollout: RolloutId,
    /// The image to run.
    pub(super) target: Digest,
    /// How many instances there shall be.
    pub(super) desired: u32,
    /// The image to go back to on failure. Default: the one that most ready instances run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Digest>,
    /// The zones to spread over; slot `k` belongs to zone `k` modulo their number.
    pub(super) zones: Vec<Zone>,
    /// What must hold at every moment.
    #[serde(default)]
    limits: Limits,
    /// How to get there. Default `rolling`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strategy: Option<StandardStrategy>,
    /// When the rollout may act. Default always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calendar: Option<Calendar>,
    /// The target has proved itself before: straight to the last stage, without gates. Default no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    known_good: bool,
    /// What a failure leads to.
    #[serde(default)]
    pub(super) on_failure: OnFailure,
    /// What happens to protected instances.
    #[serde(default)]
    on_protected: OnApart,
    /// What happens to instances that stand by.
    #[serde(default)]
    on_standby: OnApart,
    /// What happens when another number of instances is asked for on the way.
    #[serde(default)]
    on_resize: OnResize,
    /// What happens when another target is asked for on the way.
    #[serde(default)]
    on_retarget: OnRetarget,
    /// The platform picks the victim itself when told to remove an instance.
    #[serde(default)]
    picks_victim: bool,
    /// What is known against single instances, by their identifiers.
    #[serde(default)]
    pub(super) marks: BTreeMap<InstanceId, Reason>,
    /// Images that were revoked.
    #[serde(default)]
    revoked: BTreeSet<Digest>,
    /// From when on nothing can be launched of an image.
    #[serde(default)]
    pub(super) expires: BTreeMap<Digest, Timestamp>,
    /// How many instances of this fleet the platform allows at once. Default: nobody knows of a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) quota: Option<u32>,
    /// How long things take, for the preview.
    #[serde(default)]
    estimates: Estimates,
    /// The seed of all choices that nothing else decides.
    #[serde(default)]
    seed: Seed,
}

impl PlanRequest {
    /// A rollout of this image to this many instances, with default limits, in no zone yet, with the way back found
    /// out from what runs.
    pub fn new(rollout: RolloutId, target: Digest, desired: u32) -> Self {
        Self {
            rollout,
            target,
            desired,
            previous: None,
            zones: Vec::new(),
            limits: Limits::default(),
            strategy: None,
            seed: Seed::default(),
            calendar: None,
            known_good: false,
            on_failure: OnFailure::default(),
            on_protected: OnApart::default(),
            on_standby: OnApart::default(),
            on_resize: OnResize::default(),
            on_retarget: OnRetarget::default(),
            picks_victim: false,
            marks: BTreeMap::new(),
            revoked: BTreeSet::new(),
            expires: BTreeMap::new(),
            quota: None,
            estimates: Estimates::default(),
        }
    }

    /// What must hold.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The zones to spread over.
    pub fn zones(mut self, zones: Vec<Zone>) -> Self {
        self.zones = zones;
        self
    }

    /// The image to go back to on failure. Default: the one that most ready instances run; where none is ready, that
    /// most run at all.
    pub const fn previous(mut self, image: Digest) -> Self {
        self.previous = Some(image);
        self
    }

    /// The seed of all choices that nothing else decides. Default 0.
    pub const fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// How to get there, for [`plan_declared`](Self::plan_declared). Default [`Rolling`](crate::strategy::Rolling).
    pub fn strategy(mut self, strategy: impl Into<StandardStrategy>) -> Self {
        self.strategy = Some(strategy.into());
        self
    }

    /// When the rollout may act. Default always.
    pub fn calendar(mut self, calendar: Calendar) -> Self {
        self.calendar = Some(calendar);
        self
    }

    /// The target has proved itself before, as when an earlier version is put back: the rollout goes straight to the last
    /// stage of its strategy (through all of them where they share traffic) and asks no gate. The limits hold as ever.
    /// Default no.
    pub const fn known_good(mut self) -> Self {
        self.known_good = true;
        self
    }

    /// What a failure leads to. Default rollback.
    pub const fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// What happens to protected instances. Default: the rollout waits for them.
    pub const fn on_protected(mut self, on_protected: OnApart) -> Self {
        self.on_protected = on_protected;
        self
    }

    /// What happens to instances that stand by. Default: the rollout waits for them.
    pub const fn on_standby(mut self, on_standby: OnApart) -> Self {
        self.on_standby = on_standby;
        self
    }

    /// What happens when another number of instances is asked for on the way. Default: it is taken over at once.
    pub const fn on_resize(mut self, on_resize: OnResize) -> Self {
        self.on_resize = on_resize;
        self
    }

    /// What happens when another target is asked for on the way. Default: it is refused.
    pub const fn on_retarget(mut self, on_retarget: OnRetarget) -> Self {
        self.on_retarget = on_retarget;
        self
    }

    /// The platform picks the victim itself when told to remove an instance; see
    /// [`Capabilities::picks_victim`](crate::fleet::Capabilities::picks_victim). Default no.
    pub const fn picks_victim(mut self, picks_victim: bool) -> Self {
        self.picks_victim = picks_victim;
        self
    }

    /// Something is known against an instance: it drifted, or somebody asked for its replacement.
    pub fn mark(mut self, instance: InstanceId, reason: Reason) -> Self {
        self.marks.insert(instance, reason);
        self
    }

    /// This image was revoked: instances of it are marked, it is never launched and never gone back to.
    pub fn revoked(mut self, image: Digest) -> Self {
        self.revoked.insert(image);
        self
    }

    /// How long things take, for the preview. A launch is never predicted to take longer than the healthy deadline.
    pub const fn estimates(mut self, estimates: Estimates) -> Self {
        self.estimates = estimates;
        self
    }

    /// The strategy that was declared with the request.
    #[must_use]
    pub const fn declared_strategy(&self) -> Option<&StandardStrategy> {
        self.strategy.as_ref()
    }

    /// As [`plan`](Self::plan), by the declared strategy.
    ///
    /// # Errors
    /// [`PlanError`] names what to change.
    pub fn plan_declared(&self, snapshot: &Snapshot) -> Result<Plan, PlanError> {
        match &self.strategy {
            Some(strategy) => self.plan(snapshot, strategy),
            None => self.plan(snapshot, &StandardStrategy::default()),
        }
    }

    /// Plans the rollout of a fleet that looks like this, by this strategy and none that was declared.
    ///
    /// # Errors
    /// [`PlanError`] names what to change.
    pub fn plan(&self, snapshot: &Snapshot, strategy: &dyn RolloutStrategy) -> Result<Plan, PlanError> {
        let judged = self.judged(snapshot, strategy);
        let spec = self.spec(snapshot, strategy, &judged)?;
        let initial = self.adopt(snapshot, &spec, judged);
        // A launch that took longer would count as broken, so predicting one would predict a failure.
        let launch_to_ready = self.estimates.launch_to_ready.min(self.limits.healthy_deadline);
        let estimates = Estimates { launch_to_ready, ..self.estimates };
        let bad_snapshot = |source| PlanError::Snapshot { fleet: snapshot.fleet.clone(), source };
        let Forecast { timeline, makespan, unfinished, rollbacks, stuck_back } =
            forecast(spec.clone(), &initial, snapshot.taken_at, &estimates).map_err(bad_snapshot)?;
        if let Some(deadlock) = unfinished.as_ref().and_then(|report| report.deadlock.clone()) {
            return Err(PlanError::Deadlock { rollout: self.rollout.clone(), deadlock: Box::new(deadlock) });
        }
        if let Some((stage, deadlock)) = stuck_back {
            let (rollout, deadlock) = (self.rollout.clone(), Box::new(deadlock));
            return Err(PlanError::StuckWayBack { rollout, stage, deadlock });
        }
        let lower_bound = lower_bound(&spec, &initial, snapshot.taken_at, &estimates);
        let plan = Plan {
            schema: 1,
            as_of: snapshot.taken_at,
            spec,
            initial,
            estimates,
            timeline,
            makespan,
            lower_bound,
            unfinished,
            rollbacks,
        };
        self.check_expiry(&plan)?;
        Ok(plan)
    }

    /// Everything that the rollout pins, checked.
    fn spec(
        &self,
        snapshot: &Snapshot,
        strategy: &dyn RolloutStrategy,
        judged: &[Option<Reason>],
    ) -> Result<RolloutSpec, PlanError> {
        let rollout = || self.rollout.clone();
        let bad_limits = |source| PlanError::Limits { rollout: rollout(), source };
        self.check_names(snapshot)?;
        let zones = u32::try_from(self.zones.len()).unwrap_or(u32::MAX);
        let budget = self.limits.budget(self.desired).map_err(bad_limits)?;
        let back = self.limits.rollback_budget(self.desired).map_err(bad_limits)?;
        self.limits.check_zones(&budget, zones).map_err(bad_limits)?;
        self.limits.check_zones(&back, zones).map_err(|error| bad_limits(error.of_the_way_back()))?;
        self.check_quota(budget.max_total(), back.max_total())?;
        let bad_strategy = |source| PlanError::Strategy { rollout: rollout(), source };
        let context = StrategyContext::new(budget).zones(self.zones.clone());
        let stages = strategy.stages(&context).map_err(bad_strategy)?;
        let stages = if self.known_good { shortcut(stages) } else { stages };
        // Traffic that some stage shares must all be with the new group in the end.
        let share = stages.iter().any(|stage| stage.share.is_some()).then_some(Share::ALL);
        let is_goal = |last: &Stage| last.new >= self.desired && last.old == 0 && last.share == share;
        if !stages.last().is_some_and(is_goal) {
            let traffic = if share.is_some() { ", which has all of the traffic" } else { "" };
            let last = stages
                .last()
                .map_or_else(|| "it has no stage".to_owned(), |last| format!("it ends with `{last}`"));
            let reason = format!(
                "{last}, but its last stage must have all {} instances new{traffic}, and no old one",
                self.desired
            );
            return Err(bad_strategy(StrategyError::new(strategy.name(), reason)));
        }
        if self.previous == Some(self.target) {
            return Err(PlanError::PreviousIsTarget { rollout: rollout(), image: self.target });
        }
        if self.revoked.contains(&self.target) {
            return Err(PlanError::TargetRevoked { rollout: rollout(), image: self.target });
        }
        let previous = self.previous.or_else(|| self.running_image(snapshot, judged));
        if let Some(image) = previous.filter(|image| self.revoked.contains(image))
            && self.on_failure == OnFailure::Rollback
        {
            return Err(PlanError::NoWayBack { rollout: rollout(), image });
        }
        Ok(RolloutSpec {
            rollout: self.rollout.clone(),
            fleet: snapshot.fleet.clone(),
            target: self.target,
            previous,
            limits: self.limits.clone(),
            budget,
            strategy: strategy.name().to_owned(),
            stages,
            zones: self.zones.clone(),
            seed: self.seed,
            order: strategy.order(),
            calendar: self.calendar.clone(),
            on_failure: self.on_failure,
            on_protected: self.on_protected,
            on_standby: self.on_standby,
            on_resize: self.on_resize,
            on_retarget: self.on_retarget,
            picks_victim: self.picks_victim,
        })
    }

    /// What is known against an instance before the strategy is asked.
    fn mark_of(&self, instance: &Instance) -> Option<Reason> {
        let revoked = self.revoked.contains(&instance.image).then_some(Reason::Revoked);
        let mark = self.marks.get(&instance.id).copied();
        mark.into_iter().chain(revoked).min()
    }

    /// What a strategy says about each instance of a snapshot.
    fn judged(&self, snapshot: &Snapshot, strategy: &dyn RolloutStrategy) -> Vec<Option<Reason>> {
        let (target, at) = (self.target, snapshot.taken_at);
        let seed = Seed::new(0).child(snapshot.fleet.as_str());
        let judge = |instance: &Arc<Instance>| {
            let mut candidate = Candidate::new(instance, target, at);
            candidate.mark = self.mark_of(instance);
            candidate.seed = seed;
            strategy.replaces(&candidate)
        };
        snapshot.instances.iter().map(judge).collect()
    }

    /// Gives every instance that counts its seat.
    fn adopt(&self, snapshot: &Snapshot, spec: &RolloutSpec, judged: Vec<Option<Reason>>) -> Vec<Adopted> {
        let skips = |on_apart: OnApart, apart: bool| apart && on_apart == OnApart::Skip;
        let reason = |standing: Standing, judged: Option<Reason>| {
            // One that stands by serves nobody, so to replace it like any other is to replace it whatever it runs.
            let is_free = !standing.protected || self.on_protected == OnApart::Replace;
            let asked = standing.standby && is_free && self.on_standby == OnApart::Replace;
            let skipped = skips(self.on_protected, standing.protected);
            let asked = asked.then_some(Reason::Requested);
            if skipped { None } else { judged.into_iter().chain(asked).min() }
        };
        let judged = snapshot.instances.iter().zip(judged).map(|(instance, judged)| {
            let standing = instance.standing;
            // What stands by is out of service anyway, so leaving it alone means not to count it.
            let counts = !skips(self.on_standby, standing.standby);
            counts.then(|| if standing.is_plain() { judged } else { reason(standing, judged) })
        });
        seating(spec, &snapshot.instances, &judged.collect::<Vec<Judged>>())
    }

    /// The image that most ready instances run of those that another image replaces; where none is ready, that most run
    /// at all. The smaller digest on a tie.
    fn running_image(&self, snapshot: &Snapshot, judged: &[Option<Reason>]) -> Option<Digest> {
        // There are few images, and most instances run the one that the last one ran.
        let mut counts: Vec<(Digest, (u32, u32))> = Vec::new();
        let mut last = 0;
        for (instance, judged) in snapshot.instances.iter().zip(judged) {
            if let Phase::Running(health) = instance.phase
                && *judged == Some(Reason::OtherImage)
            {
                if counts.get(last).is_none_or(|(image, _)| *image != instance.image) {
                    last =
                        counts.iter().position(|(image, _)| *image == instance.image).unwrap_or_else(|| {
                            counts.push((instance.image, (0, 0)));
                            counts.len() - 1
                        });
                }
                let (ready, running) = &mut counts[last].1;
                *ready += u32::from(health == Health::Ready);
                *running += 1;
            }
        }
        let may_be = |image: &Digest| *image != self.target && !self.revoked.contains(image);
        counts
            .into_iter()
            .filter(|(image, _)| may_be(image))
            .max_by_key(|(digest, count)| (*count, std::cmp::Reverse(*digest)))
            .map(|(digest, _)| digest)
    }
}

/// The last stage alone, after the one in which nothing runs if there is one; where traffic is shared, all stages, because it
/// moves in as many steps as the capacity needs. No gates.
fn shortcut(mut stages: Vec<Stage>) -> Vec<Stage> {
    if stages.iter().all(|stage| stage.share.is_none()) {
        let last = stages.pop();
        stages.retain(Stage::is_empty);
        stages.extend(last);
    }
    for stage in &mut stages {
        stage.gates.clear();
        stage.baseline = 0;
    }
    stages
}
