//! A row's fleet, and what the kernel decides first in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::limits::{Limits, LimitsError};
use immutable_core::plan::{Estimates, Plan, Seat, Step};
use immutable_core::planner::{Decision, Observation, PlanError, PlanRequest, RolloutState, decide};
use immutable_core::strategy::{
    Candidate, Reason, RolloutStrategy, SlotOrder, Stage, StrategyContext, StrategyError,
};
use immutable_core::{Digest, FleetId, InstanceId, Quantity, RolloutId, Timestamp, Zone};

pub(crate) fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

pub(crate) fn image(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(crate) fn zone(name: &str) -> Zone {
    Zone::new(name).unwrap()
}

/// A count or a percentage, as most tables write them.
pub(crate) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap_or_else(|_| Quantity::Count(text.parse().unwrap()))
}

pub(crate) fn counts(max_surge: u32, max_unavailable: u32) -> Limits {
    let (max_surge, max_unavailable) = (Quantity::Count(max_surge), Quantity::Count(max_unavailable));
    Limits { max_surge, max_unavailable, ..Limits::default() }
}

/// Stages as a test wants them, whatever the fleet is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stages {
    pub(crate) stages: Vec<Stage>,
    pub(crate) order: SlotOrder,
    /// Those whose replacement somebody asked for, whatever they run.
    pub(crate) requested: BTreeSet<InstanceId>,
    /// Those that somebody wants to be left alone.
    pub(crate) ignored: BTreeSet<InstanceId>,
    /// The age from which on an instance is replaced.
    pub(crate) oldest: Option<Duration>,
}

impl Stages {
    pub(crate) fn new(stages: impl IntoIterator<Item = Stage>) -> Self {
        Self { stages: stages.into_iter().collect(), ..Self::default() }
    }
}

impl RolloutStrategy for Stages {
    fn name(&self) -> &'static str {
        "stages of a test"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        Ok(self.stages.clone())
    }

    fn replaces(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        let Candidate { instance, now, .. } = *candidate;
        if self.ignored.contains(&instance.id) {
            None
        } else if self.requested.contains(&instance.id) {
            Some(Reason::Requested)
        } else if self.oldest.is_some_and(|oldest| now.since(instance.launched_at) >= oldest) {
            Some(Reason::Aged)
        } else {
            (!candidate.is_target()).then_some(Reason::OtherImage)
        }
    }

    fn order(&self) -> SlotOrder {
        self.order
    }
}

/// Instances that belong together: a peer's set.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) image: Digest,
    pub(crate) ready: u32,
    pub(crate) unready: u32,
    pub(crate) launching: u32,
    pub(crate) stopping: u32,
}

impl Group {
    /// Ready ones that run an image of the group's own.
    pub(crate) fn ready(name: &str, ready: u32) -> Self {
        let image = image(name);
        Self { name: name.to_owned(), image, ready, unready: 0, launching: 0, stopping: 0 }
    }

    /// A set of which somebody wants `spec`, `actual` exist and `available` are available. Those wanted that do not exist
    /// are being launched, those that exist beyond what is wanted are stopping, and, as the worst case is, it is
    /// available ones that stop.
    pub(crate) fn set(name: &str, spec: u32, actual: u32, available: u32) -> Self {
        let stopping = actual.saturating_sub(spec);
        let stays = actual - stopping;
        let ready = available.saturating_sub(stopping).min(stays);
        let launching = spec.saturating_sub(actual);
        Self { unready: stays - ready, launching, stopping, ..Self::ready(name, ready) }
    }

    /// The same, with those that are not ready still starting.
    pub(crate) fn booting(mut self) -> Self {
        self.launching += std::mem::take(&mut self.unready);
        self
    }

    /// How many are there and are to stay.
    pub(crate) fn size(&self) -> u32 {
        self.ready + self.unready + self.launching
    }

    fn phases(&self) -> impl Iterator<Item = Phase> + use<> {
        let many = |phase: Phase, times: u32| std::iter::repeat_n(phase, times as usize);
        many(Phase::Running(Health::Ready), self.ready)
            .chain(many(Phase::Running(Health::Unready), self.unready))
            .chain(many(Phase::Launching, self.launching))
            .chain(many(Phase::Stopping, self.stopping))
    }
}

/// A fleet in the middle of something.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) desired: u32,
    pub(crate) limits: Limits,
    pub(crate) target: Digest,
    /// The image to go back to, where what most instances run is not meant.
    pub(crate) previous: Option<Digest>,
    pub(crate) zones: Vec<Zone>,
    pub(crate) strategy: Stages,
    pub(crate) instances: Vec<Instance>,
    /// For predicted time lines.
    pub(crate) estimates: Estimates,
}

/// What the kernel does first.
#[derive(Clone, Debug, Default)]
pub(crate) struct First {
    /// Whether anything is begun at all.
    pub(crate) acts: bool,
    /// How many of the target are launched.
    pub(crate) launched: u32,
    /// The instances that are told to leave, in that order; those that were stopping already are not among them.
    pub(crate) leaving: Vec<InstanceId>,
}

impl First {
    /// How many of a group leave.
    pub(crate) fn left(&self, group: &str) -> u32 {
        let prefix = format!("{group}-");
        self.leaving.iter().filter(|id| id.as_str().starts_with(&prefix)).count().try_into().unwrap()
    }
}

impl World {
    /// Everything is to become the target, without further stages.
    pub(crate) fn new(desired: u32, limits: Limits, target: &str) -> Self {
        Self {
            desired,
            limits,
            target: image(target),
            previous: None,
            zones: vec![zone("a")],
            strategy: Stages::new([Stage::new(desired, 0)]),
            instances: Vec::new(),
            estimates: Estimates::default(),
        }
    }

    /// With the instances of these groups, the oldest first.
    pub(crate) fn with(mut self, groups: &[Group]) -> Self {
        for group in groups {
            for (phase, number) in group.phases().zip(0..) {
                self.add(&format!("{}-{number:03}", group.name), group.image, phase);
            }
        }
        self
    }

    /// With one more instance, younger than all before.
    pub(crate) fn add(&mut self, id: &str, image: Digest, phase: Phase) -> &mut Instance {
        let number = self.instances.len();
        // One that starts is young, or it would be given up before it is ready.
        let age = if phase == Phase::Launching { 10 } else { 1_000_000 - number as u64 };
        let launched_at = now().saturating_sub(Duration::from_secs(age));
        let zone = self.zones[number % self.zones.len()].clone();
        self.instances.push(Instance::new(InstanceId::new(id).unwrap(), image, zone, phase, launched_at));
        &mut self.instances[number]
    }

    pub(crate) fn plan(&self) -> Result<Plan, PlanError> {
        let snapshot = Snapshot::new(FleetId::new("web").unwrap(), now(), 1, self.instances.clone());
        let request = PlanRequest::new(RolloutId::new("deploy-42").unwrap(), self.target, self.desired)
            .limits(self.limits.clone())
            .zones(self.zones.clone())
            .estimates(self.estimates);
        let request = match self.previous {
            Some(previous) => request.previous(previous),
            None => request,
        };
        request.plan(&snapshot, &self.strategy)
    }

    /// The state at the beginning of the rollout. A plan that could not be finished is refused, so where only the first
    /// stage matters to a test it stands in a plan without stages before the last.
    pub(crate) fn state(&self) -> (Plan, RolloutState) {
        let plan = self.plan().or_else(|error| {
            let mut simple = self.clone();
            simple.strategy.stages.drain(..self.strategy.stages.len() - 1);
            assert!(matches!(error, PlanError::Deadlock { .. }), "{error}");
            simple.plan().map(|mut plan| {
                plan.spec.stages.clone_from(&self.strategy.stages);
                plan
            })
        });
        let plan = plan.unwrap();
        let state = RolloutState::open(plan.spec.clone(), &plan.initial, plan.as_of).unwrap();
        (plan, state)
    }

    pub(crate) fn first(&self) -> First {
        let (plan, state) = self.state();
        first_of(&plan, &state)
    }

    /// What the first decision says to a question. Limits of zero and zero, which some peers let give way to one
    /// unavailable, are refused; with that one unavailable in plain words there is an answer.
    pub(crate) fn answer(mut self, question: impl Fn(&First) -> String) -> String {
        match self.plan() {
            Ok(_) | Err(PlanError::Deadlock { .. }) => question(&self.first()),
            Err(PlanError::Limits { source: LimitsError::BothZero { .. }, .. }) => {
                self.limits.max_unavailable = Quantity::Count(1);
                format!("refused; with max_unavailable 1: {}", question(&self.first()))
            }
            Err(other) => panic!("{other}: {:?}", std::error::Error::source(&other)),
        }
    }
}

/// The first decision of a state that began with this plan.
pub(crate) fn first_of(plan: &Plan, state: &RolloutState) -> First {
    let initial: BTreeMap<Seat, &Instance> =
        plan.initial.iter().map(|adopted| (adopted.seat, &*adopted.instance)).collect();
    let mut first = First::default();
    let Decision::Act(steps) = decide(state, plan.as_of) else { return first };
    for step in steps {
        match step {
            Step::Launch { image, .. } => {
                assert_eq!(image, plan.spec.target, "an old one is launched");
                first.launched += 1;
            }
            Step::Retire { seat } if initial[&seat].phase != Phase::Stopping => {
                first.leaving.push(initial[&seat].id.clone());
            }
            _ => {}
        }
    }
    first.acts = first.launched > 0 || !first.leaving.is_empty();
    first
}

/// Lets the kernel decide until it waits, where everything it begins is done at once: what is launched is available, and
/// what leaves is gone.
pub(crate) fn finish(state: &mut RolloutState, at: Timestamp) {
    loop {
        state.settle(at);
        let Decision::Act(steps) = decide(state, at) else { return };
        for step in steps {
            let op = state.next_op();
            match step {
                Step::Launch { seat, zone, image } => {
                    state.launch_intended(op, seat, zone, image, at).unwrap();
                    state.launched(op, InstanceId::new(format!("made-{seat}")).unwrap(), at).unwrap();
                    state.observed(seat, Observation::Ready { endpoint: None }, at).unwrap();
                    state.observed(seat, Observation::Available, at).unwrap();
                }
                Step::Retire { seat } => {
                    state.retire_intended(op, seat, at).unwrap();
                    state.retired(op).unwrap();
                }
                Step::Advance { stage } => state.advanced(stage, at).unwrap(),
                other => panic!("{other:?}"),
            }
        }
    }
}
