use std::collections::{BTreeMap, BTreeSet};

use super::IllegalTransition;
use super::forecast::{Forecast, forecast};
use crate::calendar::Calendar;
use crate::digest::Digest;
use crate::fleet::{Health, Instance, Phase, Snapshot};
use crate::id::{FleetId, InstanceId, RolloutId, Slot, Zone};
use crate::limits::{Limits, LimitsError};
use crate::plan::{
    Adopted, Estimates, OnApart, OnFailure, OnResize, OnRetarget, Plan, RolloutSpec, Seat, lower_bound,
};
use crate::seed::Seed;
use crate::strategy::{Candidate, Reason, RolloutStrategy, Share, Stage, StrategyContext, StrategyError};

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
#[derive(Clone, Debug)]
#[must_use]
pub struct PlanRequest {
    rollout: RolloutId,
    target: Digest,
    desired: u32,
    previous: Option<Digest>,
    limits: Limits,
    zones: Vec<Zone>,
    seed: Seed,
    calendar: Option<Calendar>,
    on_failure: OnFailure,
    on_protected: OnApart,
    on_standby: OnApart,
    on_resize: OnResize,
    on_retarget: OnRetarget,
    picks_victim: bool,
    marks: BTreeMap<InstanceId, Reason>,
    revoked: BTreeSet<Digest>,
    estimates: Estimates,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Change the limits.
    #[error("the limits of rollout {rollout} contradict each other")]
    Limits {
        /// The rollout.
        rollout: RolloutId,
        /// Which and how.
        #[source]
        source: LimitsError,
    },
    /// Change the strategy.
    #[error("the strategy of rollout {rollout} cannot be used")]
    Strategy {
        /// The rollout.
        rollout: RolloutId,
        /// Why.
        #[source]
        source: StrategyError,
    },
    /// Name the zones of the fleet.
    #[error(
        "rollout {rollout} names no zone: give at least one, for example the zones of the fleet's capabilities"
    )]
    NoZones {
        /// The rollout.
        rollout: RolloutId,
    },
    /// Choose another image to go back to.
    #[error("rollout {rollout} would go back to {image}, which is its own target")]
    PreviousIsTarget {
        /// The rollout.
        rollout: RolloutId,
        /// The image.
        image: Digest,
    },
    /// Choose another target.
    #[error("rollout {rollout} would bring {image}, which was revoked: choose another target")]
    TargetRevoked {
        /// The rollout.
        rollout: RolloutId,
        /// The image.
        image: Digest,
    },
    /// Name another image to go back to, or let a failure stop where it stands.
    #[error(
        "rollout {rollout} could not go back: {image} was revoked; name another image with `previous`, or choose \
         `on_failure` = `hold`"
    )]
    NoWayBack {
        /// The rollout.
        rollout: RolloutId,
        /// The image.
        image: Digest,
    },
    /// The snapshot contradicts itself; a defect of the fleet that took it.
    #[error("the snapshot of fleet {fleet} contradicts itself")]
    Snapshot {
        /// The fleet.
        fleet: FleetId,
        /// How.
        #[source]
        source: IllegalTransition,
    },
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
            limits: Limits::default(),
            zones: Vec::new(),
            seed: Seed::new(0),
            calendar: None,
            on_failure: OnFailure::default(),
            on_protected: OnApart::default(),
            on_standby: OnApart::default(),
            on_resize: OnResize::default(),
            on_retarget: OnRetarget::default(),
            picks_victim: false,
            marks: BTreeMap::new(),
            revoked: BTreeSet::new(),
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

    /// When the rollout may act. Default always.
    pub fn calendar(mut self, calendar: Calendar) -> Self {
        self.calendar = Some(calendar);
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

    /// Plans the rollout of a fleet that looks like this.
    ///
    /// # Errors
    /// [`PlanError`] names what to change.
    pub fn plan(&self, snapshot: &Snapshot, strategy: &dyn RolloutStrategy) -> Result<Plan, PlanError> {
        let spec = self.spec(snapshot, strategy)?;
        let initial = self.seat(snapshot, &spec, strategy);
        // A launch that took longer would count as broken, so predicting one would predict a failure.
        let launch_to_ready = self.estimates.launch_to_ready.min(self.limits.healthy_deadline);
        let estimates = Estimates { launch_to_ready, ..self.estimates };
        let bad_snapshot = |source| PlanError::Snapshot { fleet: snapshot.fleet.clone(), source };
        let Forecast { timeline, makespan, unfinished } =
            forecast(spec.clone(), &initial, snapshot.taken_at, &estimates).map_err(bad_snapshot)?;
        let lower_bound = lower_bound(&spec, &initial, snapshot.taken_at, &estimates);
        Ok(Plan {
            schema: 1,
            as_of: snapshot.taken_at,
            spec,
            initial,
            estimates,
            timeline,
            makespan,
            lower_bound,
            unfinished,
        })
    }

    /// Everything that the rollout pins, checked.
    fn spec(&self, snapshot: &Snapshot, strategy: &dyn RolloutStrategy) -> Result<RolloutSpec, PlanError> {
        let rollout = || self.rollout.clone();
        let bad_limits = |source| PlanError::Limits { rollout: rollout(), source };
        if self.zones.is_empty() {
            return Err(PlanError::NoZones { rollout: rollout() });
        }
        let zones = u32::try_from(self.zones.len()).unwrap_or(u32::MAX);
        let budget = self.limits.budget(self.desired).map_err(bad_limits)?;
        let back = self.limits.rollback_budget(self.desired).map_err(bad_limits)?;
        self.limits.check_zones(&budget, zones).map_err(bad_limits)?;
        self.limits.check_zones(&back, zones).map_err(bad_limits)?;
        let bad_strategy = |source| PlanError::Strategy { rollout: rollout(), source };
        let context = StrategyContext::new(budget).zones(self.zones.clone());
        let stages = strategy.stages(&context).map_err(bad_strategy)?;
        // Traffic that some stage shares must all be with the new group in the end.
        let share = stages.iter().any(|stage| stage.share.is_some()).then_some(Share::ALL);
        let is_goal = |last: &Stage| last.new >= self.desired && last.old == 0 && last.share == share;
        if !stages.last().is_some_and(is_goal) {
            let traffic = if share.is_some() { ", which has all of the traffic" } else { "" };
            let reason = format!(
                "its last stage must have all {} instances new{traffic}, and no old one",
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
        let previous = self.previous.or_else(|| self.running_image(snapshot, strategy));
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

    fn candidate<'a>(&self, instance: &'a Instance, snapshot: &Snapshot) -> Candidate<'a> {
        let mut candidate = Candidate::new(instance, self.target, snapshot.taken_at);
        candidate.mark = self.mark_of(instance);
        candidate.seed = Seed::new(0).child(snapshot.fleet.as_str());
        candidate
    }

    /// The image that most ready instances run of those that another image replaces; where none is ready, that most run
    /// at all. The smaller digest on a tie.
    fn running_image(&self, snapshot: &Snapshot, strategy: &dyn RolloutStrategy) -> Option<Digest> {
        let mut counts: BTreeMap<Digest, (u32, u32)> = BTreeMap::new();
        for instance in &snapshot.instances {
            if let Phase::Running(health) = instance.phase
                && instance.image != self.target
                && !self.revoked.contains(&instance.image)
                && strategy.replaces(&self.candidate(instance, snapshot)) == Some(Reason::OtherImage)
            {
                let (ready, running) = counts.entry(instance.image).or_default();
                *ready += u32::from(health == Health::Ready);
                *running += 1;
            }
        }
        counts
            .into_iter()
            .max_by_key(|(digest, count)| (*count, std::cmp::Reverse(*digest)))
            .map(|(digest, _)| digest)
    }

    /// Gives every instance a slot: the one it was launched for if that is free, else a free one of its zone, else any
    /// free one, else a surplus one. Instances of the target choose first: they are to stay.
    fn seat(&self, snapshot: &Snapshot, spec: &RolloutSpec, strategy: &dyn RolloutStrategy) -> Vec<Adopted> {
        let mut free: BTreeSet<u32> = (0..self.desired).collect();
        let mut seats: Vec<Adopted> = Vec::with_capacity(snapshot.instances.len());
        let mut homeless: Vec<&Instance> = Vec::new();
        let skips = |on_apart: OnApart, apart: bool| apart && on_apart == OnApart::Skip;
        // What stands by is out of service anyway, so leaving it alone means not to count it.
        let counted = |instance: &&Instance| !skips(self.on_standby, instance.standing.standby);
        let reason = |instance: &Instance| {
            let skipped = skips(self.on_protected, instance.standing.protected);
            strategy.replaces(&self.candidate(instance, snapshot)).filter(|_| !skipped)
        };
        let mut order: Vec<&Instance> = snapshot.instances.iter().filter(counted).collect();
        order.sort_by_key(|instance| (instance.image != self.target, !instance.is_ready()));
        for instance in order {
            match &instance.origin {
                Some(origin) if free.remove(&origin.slot.0) => {
                    let seat = Seat::new(origin.slot.0, 0);
                    seats.push(Adopted { seat, instance: instance.clone(), reason: reason(instance) });
                }
                _ => homeless.push(instance),
            }
        }
        // Free slots by zone, so that seating n instances does not cost n².
        let mut by_zone: BTreeMap<&Zone, BTreeSet<u32>> = BTreeMap::new();
        for slot in &free {
            by_zone.entry(spec.zone_of(Slot(*slot))).or_default().insert(*slot);
        }
        let mut surplus = self.desired..;
        for instance in homeless {
            let slot = by_zone
                .get_mut(&instance.zone)
                .and_then(BTreeSet::pop_first)
                .or_else(|| by_zone.values_mut().find_map(BTreeSet::pop_first))
                .or_else(|| surplus.next())
                // A range of u32 ends only after four billion instances.
                .unwrap_or(u32::MAX);
            let seat = Seat::new(slot, 0);
            seats.push(Adopted { seat, instance: instance.clone(), reason: reason(instance) });
        }
        seats.sort_by_key(|adopted| adopted.seat);
        seats
    }
}
