//! A case: a fleet, a rollout, and what happens meanwhile.

use std::fmt;
use std::time::Duration;

use immutable_core::calendar::{Calendar, OnClose, Window};
use immutable_core::fleet::{Health, Instance, Origin, Phase, Snapshot, Standing};
use immutable_core::gate::Verdict;
use immutable_core::limits::Limits;
use immutable_core::plan::{OnApart, OnFailure, OnResize, OnRetarget, Plan};
use immutable_core::planner::{PlanError, PlanRequest};
use immutable_core::strategy::{
    Candidate, Reason, RolloutStrategy, SlotOrder, Stage, StandardStrategy, StrategyContext, StrategyError,
};
use immutable_core::{Attempt, Digest, FleetId, InstanceId, RolloutId, Seed, Slot, Timestamp, Token, Zone};

/// Images are numbered: 0 is what a healthy fleet runs, 1 the target.
pub(crate) fn image(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

pub(crate) fn zone(number: u8) -> Zone {
    Zone::new(format!("zone-{number}")).unwrap()
}

pub(crate) fn start() -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(1_000_000_000))
}

/// One instance at the start, or one that appears from outside.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) image: u8,
    pub(crate) zone: u8,
    pub(crate) phase: Phase,
    pub(crate) age: u32,
    pub(crate) standing: Standing,
    /// The slot that its labels name.
    pub(crate) origin: Option<u32>,
    pub(crate) mark: Option<Reason>,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            image: 0,
            zone: 0,
            phase: Phase::Running(Health::Ready),
            age: 10_000,
            standing: Standing::PLAIN,
            origin: None,
            mark: None,
        }
    }
}

impl Found {
    pub(crate) fn instance(&self, id: InstanceId, now: Timestamp) -> Instance {
        let launched_at = now.saturating_sub(Duration::from_secs(self.age.into()));
        let mut instance =
            Instance::new(id, image(self.image), zone(self.zone), self.phase.clone(), launched_at);
        instance.standing = self.standing;
        instance.origin = self.origin.map(|slot| {
            let rollout = RolloutId::new("before").unwrap();
            let (slot, attempt) = (Slot(slot), Attempt(1));
            Origin { token: Token::of(&rollout, slot, attempt), rollout, slot, attempt }
        });
        instance
    }
}

/// What a user may pass as a strategy.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Standard(StandardStrategy),
    /// Stages that nobody sensible would ask for.
    Hostile {
        stages: Vec<Stage>,
        order: SlotOrder,
        replaces_target: bool,
    },
}

impl RolloutStrategy for Asked {
    fn name(&self) -> &str {
        match self {
            Self::Standard(strategy) => strategy.name(),
            Self::Hostile { .. } => "hostile",
        }
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        match self {
            Self::Standard(strategy) => strategy.stages(context),
            Self::Hostile { stages, .. } => Ok(stages.clone()),
        }
    }

    fn replaces(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        match self {
            Self::Standard(strategy) => strategy.replaces(candidate),
            Self::Hostile { replaces_target: true, .. } => Some(candidate.mark.unwrap_or(Reason::Requested)),
            Self::Hostile { replaces_target: false, .. } => {
                candidate.mark.or_else(|| (!candidate.is_target()).then_some(Reason::OtherImage))
            }
        }
    }

    fn order(&self) -> SlotOrder {
        match self {
            Self::Standard(strategy) => strategy.order(),
            Self::Hostile { order, .. } => *order,
        }
    }
}

/// What happens between two decisions. Numbers choose among what is there at that moment, modulo how much that is.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The controller takes in what time has changed and decides until it has nothing more to say.
    Turn,
    /// A turn, after which everything that was begun succeeds.
    Work,
    Wait(u32),
    Confirm(usize),
    Refuse(usize),
    Gone(usize),
    Ready(usize),
    Suspect(usize),
    Stops(usize),
    Vanishes(usize),
    Stranger(Found),
    Mark(usize, Reason),
    Apart(usize, Standing),
    Ask(usize),
    Revoke(u8),
    Resize(u32),
    Retarget(u8),
    Relimit(Box<Limits>),
    Pause,
    Resume,
    Approve,
    Judge(Verdict),
    Rollback,
    Abort,
}

#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) desired: u32,
    pub(crate) zones: u8,
    pub(crate) fleet: Vec<Found>,
    pub(crate) limits: Limits,
    pub(crate) strategy: Asked,
    pub(crate) on_failure: OnFailure,
    pub(crate) on_protected: OnApart,
    pub(crate) on_standby: OnApart,
    pub(crate) on_resize: OnResize,
    pub(crate) on_retarget: OnRetarget,
    pub(crate) picks_victim: bool,
    pub(crate) calendar: Option<OnClose>,
    pub(crate) seed: u64,
    pub(crate) script: Vec<Event>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            desired: 0,
            zones: 1,
            fleet: Vec::new(),
            limits: Limits::default(),
            strategy: Asked::Standard(StandardStrategy::default()),
            on_failure: OnFailure::default(),
            on_protected: OnApart::default(),
            on_standby: OnApart::default(),
            on_resize: OnResize::default(),
            on_retarget: OnRetarget::default(),
            picks_victim: false,
            calendar: None,
            seed: 0,
            script: Vec::new(),
        }
    }
}

/// The script that shows a failure: an instance and an event a line.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { desired, zones, fleet, limits, strategy, script, .. } = self;
        writeln!(f, "{desired} desired in {zones} zones")?;
        fleet.iter().try_for_each(|found| writeln!(f, "    {found:?}"))?;
        writeln!(f, "  {limits:?}")?;
        writeln!(f, "  {strategy:?}")?;
        writeln!(
            f,
            "  on_failure {:?}, on_protected {:?}, on_standby {:?}, on_resize {:?}, on_retarget {:?}, picks_victim {}, \
             calendar {:?}, seed {}",
            self.on_failure,
            self.on_protected,
            self.on_standby,
            self.on_resize,
            self.on_retarget,
            self.picks_victim,
            self.calendar,
            self.seed
        )?;
        script.iter().try_for_each(|event| writeln!(f, "    {event:?}"))
    }
}

impl Case {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let id = |number: usize| InstanceId::new(format!("i-{number:02}")).unwrap();
        let fleet = self.fleet.iter().enumerate();
        let fleet = fleet.map(|(number, found)| found.instance(id(number), start())).collect();
        Snapshot::new(FleetId::new("web").unwrap(), start(), 0, fleet)
    }

    pub(crate) fn request(&self) -> PlanRequest {
        let mut request = PlanRequest::new(RolloutId::new("now").unwrap(), image(1), self.desired)
            .limits(self.limits.clone())
            .zones((0..self.zones).map(zone).collect())
            .seed(Seed::new(self.seed))
            .on_failure(self.on_failure)
            .on_protected(self.on_protected)
            .on_standby(self.on_standby)
            .on_resize(self.on_resize)
            .on_retarget(self.on_retarget)
            .picks_victim(self.picks_victim);
        for (number, found) in self.fleet.iter().enumerate() {
            if let Some(reason) = found.mark {
                request = request.mark(InstanceId::new(format!("i-{number:02}")).unwrap(), reason);
            }
        }
        match self.calendar {
            Some(on_close) => request.calendar(half_hourly(on_close)),
            None => request,
        }
    }

    pub(crate) fn plan(&self) -> Result<Plan, PlanError> {
        self.request().plan(&self.snapshot(), &self.strategy)
    }
}

/// Open in the second half of every hour; the start is a quarter of an hour before it closes.
fn half_hourly(on_close: OnClose) -> Calendar {
    let window = Window::cron("30 * * * *".parse().unwrap(), Duration::from_secs(1_800));
    Calendar::builder().window(window).on_close(on_close).build().unwrap()
}
