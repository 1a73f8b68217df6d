use std::fmt;

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::journal::{Fold, Record};
use immutable_core::limits::Limits;
use immutable_core::planner::PlanRequest;
use immutable_core::strategy::{RolloutStrategy, Stage, StrategyContext, StrategyError};
use immutable_core::{Digest, FleetId, Quantity, RolloutId, Timestamp};

use crate::platform::{self, NEVER, NOW};

/// What is explored: a fleet, its limits, so many controllers, and which misfortunes may happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) desired: u32,
    pub(crate) surge: u32,
    pub(crate) unavailable: u32,
    /// How many new instances the first of two stages has; 0 for one stage.
    pub(crate) canaries: u32,
    pub(crate) writers: usize,
    /// Lists may be old: any controller may be answered with one earlier look, also after a newer one.
    pub(crate) stale: bool,
    /// A commit may be stored although the store said that it failed.
    pub(crate) ambiguous: bool,
    pub(crate) faults: Faults,
    pub(crate) weakness: Option<Weakness>,
}

/// How often each misfortune may happen in one history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// The platform refuses a launch for good.
    pub(crate) refused: u8,
    /// A machine stops by itself.
    pub(crate) broken: u8,
    /// Somebody else removes a machine.
    pub(crate) vanished: u8,
    /// A machine stops answering for a while.
    pub(crate) unready: u8,
    /// A launch is given up because it takes so long, though the machine exists.
    pub(crate) slow: u8,
    /// Somebody asks for an abort, or for the way back.
    pub(crate) controls: u8,
}

impl Faults {
    pub(crate) fn one_by_one(self) -> [(&'static str, Self); 6] {
        let none = Self::default();
        [
            ("refused", Self { refused: self.refused, ..none }),
            ("broken", Self { broken: self.broken, ..none }),
            ("vanished", Self { vanished: self.vanished, ..none }),
            ("unready", Self { unready: self.unready, ..none }),
            ("slow", Self { slow: self.slow, ..none }),
            ("controls", Self { controls: self.controls, ..none }),
        ]
    }

    fn and(self, other: Self) -> Self {
        Self {
            refused: self.refused + other.refused,
            broken: self.broken + other.broken,
            vanished: self.vanished + other.vanished,
            unready: self.unready + other.unready,
            slow: self.slow + other.slow,
            controls: self.controls + other.controls,
        }
    }

    /// Whether machines may fail: then fewer serve than the limits say without anybody's fault.
    pub(crate) const fn hurt_machines(&self) -> bool {
        self.broken + self.vanished + self.unready > 0
    }
}

/// What a protocol that is a little simpler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// Appends without looking whether somebody else has appended: a lease is enough.
    LeaseOnly,
    /// Acts, and writes down afterwards what it did.
    ActFirst,
    /// What a list does not show is not there: a launch that is missing has failed, a retired one is gone.
    AbsenceProves,
    /// Whoever takes over begins with a clean table: launches without an answer are taken for failed.
    CancelIntents,
    /// Every try is a new launch to the platform.
    FreshToken,
    /// A launch that was not answered in time has failed.
    TimeoutFails,
}

impl Weakness {
    pub(crate) const ALL: [Self; 6] = [
        Self::LeaseOnly,
        Self::ActFirst,
        Self::AbsenceProves,
        Self::CancelIntents,
        Self::FreshToken,
        Self::TimeoutFails,
    ];

    pub(crate) fn settings(self) -> impl Iterator<Item = Setting> {
        Setting::sizes(2).map(move |setting| Setting {
            writers: 2,
            stale: true,
            weakness: Some(self),
            faults: Faults { refused: 1, ..Faults::default() },
            ..setting
        })
    }
}

impl Setting {
    pub(crate) fn sizes(desired: u32) -> impl Iterator<Item = Self> {
        let limits = [(1, 0), (0, 1), (1, 1)];
        [0, 1].into_iter().flat_map(move |canaries| {
            limits.map(|(surge, unavailable)| Self {
                desired,
                surge,
                unavailable,
                canaries,
                writers: 2,
                stale: true,
                ambiguous: true,
                faults: Faults::default(),
                weakness: None,
            })
        })
    }

    /// More than fits into a test: every misfortune alone and every two together, and three instances.
    pub(crate) fn large() -> Vec<Self> {
        let one_of_each = Faults { refused: 1, broken: 1, vanished: 1, unready: 1, slow: 1, controls: 1 };
        let alone = one_of_each.one_by_one().map(|(_, faults)| faults);
        let two =
            alone.iter().enumerate().flat_map(|(at, one)| alone[..at].iter().map(|other| one.and(*other)));
        let sizes = || Self::sizes(2).filter(|setting| setting.canaries == 0);
        let alone_at_large = sizes().flat_map(|size| alone.map(|faults| Self { writers: 3, faults, ..size }));
        let small = || sizes().filter(Self::is_one_by_one);
        let together = two.flat_map(|faults| small().map(move |size| Self { writers: 3, faults, ..size }));
        let wide = Self::sizes(3).map(|size| Self { writers: 3, ..size });
        wide.chain(alone_at_large).chain(together).collect()
    }

    /// Whether each replacement must be over before the next one begins.
    pub(crate) const fn is_one_by_one(&self) -> bool {
        self.surge + self.unavailable == 1
    }

    pub(crate) const fn max_total(&self) -> usize {
        (self.desired + self.surge) as usize
    }

    pub(crate) const fn min_available(&self) -> usize {
        (self.desired - self.unavailable) as usize
    }

    /// The journal after its first commit: all desired instances of the old image are available.
    pub(crate) fn open(&self) -> Fold {
        let instance = |slot: u32| {
            let (id, zone) = (platform::instance_id(slot, 0, 0), platform::zone());
            Instance::new(id, old_image(), zone, Phase::Running(Health::Ready), NOW)
        };
        let fleet = FleetId::new("web").unwrap();
        let snapshot = Snapshot::new(fleet, NOW, 0, (0..self.desired).map(instance).collect());
        let limits = Limits {
            max_surge: Quantity::Count(self.surge),
            max_unavailable: Quantity::Count(self.unavailable),
            max_failures: Quantity::Count(1000),
            healthy_deadline: platform::DEADLINE,
            progress_deadline: NEVER * 3,
            ..Limits::default()
        };
        let request = PlanRequest::new(rollout(), new_image(), self.desired)
            .limits(limits)
            .zones(vec![platform::zone()]);
        let plan = request.plan(&snapshot, self).unwrap();
        let mut fold = Fold::new(rollout());
        let open = Record::Open {
            spec: Box::new(plan.spec.clone()),
            initial: plan.initial.clone(),
            plan: plan.digest(),
        };
        fold.record(&open, NOW).unwrap();
        fold
    }
}

impl RolloutStrategy for Setting {
    fn name(&self) -> &'static str {
        "every order of events"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let first = (self.canaries > 0).then(|| Stage::new(self.canaries, self.desired - self.canaries));
        Ok(first.into_iter().chain([Stage::new(self.desired, 0)]).collect())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { desired, surge, unavailable, canaries, writers, .. } = self;
        write!(f, "{desired} instances, surge {surge}, unavailable {unavailable}, canaries {canaries}, ")?;
        write!(f, "{writers} controllers, stale {}, {:?}", self.stale, self.faults)
    }
}

pub(crate) fn rollout() -> RolloutId {
    RolloutId::new("r").unwrap()
}

pub(crate) fn old_image() -> Digest {
    Digest::of(b"v1")
}

pub(crate) fn new_image() -> Digest {
    Digest::of(b"v2")
}

/// `NOW` a little later, so many times.
pub(crate) fn at(clock: u32) -> Timestamp {
    NOW + platform::A_WHILE * clock
}
