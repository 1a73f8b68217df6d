use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Adopted, OnApart, Plan, PlannedEvent, Seat};
use crate::digest::Digest;

/// Something a plan must not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The timeline goes back in time at this step.
    TimeGoesBack {
        /// Index into the timeline.
        step: usize,
    },
    /// More instances exist after this step than the limits allow (S2).
    TooMany {
        /// Index into the timeline.
        step: usize,
        /// How many.
        total: u32,
        /// How many may.
        limit: u32,
    },
    /// Fewer instances serve after this step than before it, and fewer than the limits allow (S1).
    TooFewAvailable {
        /// Index into the timeline.
        step: usize,
        /// How many.
        available: u32,
        /// How many must.
        limit: u32,
    },
    /// A seat is launched twice (S4), or one is launched that was occupied.
    LaunchedTwice {
        /// Index into the timeline.
        step: usize,
        /// The seat.
        seat: Seat,
    },
    /// A step concerns an instance that is not in the state it needs, for example one that is not there.
    OutOfOrder {
        /// Index into the timeline.
        step: usize,
        /// The seat.
        seat: Seat,
    },
    /// An image is launched that is neither the target nor the previous one.
    ForeignImage {
        /// Index into the timeline.
        step: usize,
        /// The image.
        image: Digest,
    },
    /// The plan does not end with exactly the desired instances, all available and none of them to be replaced (L1, S10).
    WrongEnd {
        /// Available instances at the end that run the target, or need not be replaced.
        available: u32,
        /// All instances at the end.
        total: u32,
        /// How many there shall be of both.
        desired: u32,
    },
    /// The plan is predicted to be faster than is possible, so one of the two figures is wrong.
    FasterThanPossible,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeGoesBack { step } => write!(f, "step {step}: is earlier than the one before it"),
            Self::TooMany { step, total, limit } => {
                write!(f, "step {step}: {total} exist, at most {limit} may")
            }
            Self::TooFewAvailable { step, available, limit } => {
                write!(f, "step {step}: {available} available, at least {limit} must be")
            }
            Self::LaunchedTwice { step, seat } => write!(f, "step {step}: {seat} is launched a second time"),
            Self::OutOfOrder { step, seat } => {
                write!(f, "step {step}: {seat} is not in the state this step needs")
            }
            Self::ForeignImage { step, image } => {
                write!(f, "step {step}: {image} is neither the target nor the previous image")
            }
            Self::WrongEnd { available, total, desired } => write!(
                f,
                "ends with {available} available instances that may stay and {total} in all; wanted are {desired} and no other"
            ),
            Self::FasterThanPossible => f.write_str("is predicted to be faster than its lower bound"),
        }
    }
}

fn skips(plan: &Plan, adopted: &Adopted) -> bool {
    let (spec, standing) = (&plan.spec, adopted.instance.standing);
    standing.protected && spec.on_protected == OnApart::Skip
        || standing.standby && spec.on_standby == OnApart::Skip
}

/// Checks a plan against the properties that must always hold. Shares no arithmetic with the planner: it replays the
/// timeline with sets of its own. An empty list is a clean plan.
#[must_use]
pub fn lint(plan: &Plan) -> Vec<Finding> {
    #[derive(PartialEq, Eq)]
    enum Stand {
        Starting,
        Serving,
        Idle,
        Leaving,
    }
    let mut findings = Vec::new();
    // What stays at the end, and how each one stands.
    let mut stands: BTreeMap<Seat, (bool, Stand)> = BTreeMap::new();
    let mut used: BTreeSet<Seat> = BTreeSet::new();
    for adopted in &plan.initial {
        let age = plan.as_of.since(adopted.instance.launched_at);
        let is_out = adopted.instance.standing.standby;
        let serves = adopted.instance.is_ready() && !is_out && age >= plan.spec.limits.min_ready;
        let stand = if serves { Stand::Serving } else { Stand::Idle };
        stands.insert(adopted.seat, (adopted.reason.is_none(), stand));
        used.insert(adopted.seat);
    }
    let desired = plan.spec.budget.desired;
    let most = desired + plan.spec.budget.max_surge;
    let fewest = desired.saturating_sub(plan.spec.budget.max_unavailable);
    let size = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let serving = |stands: &BTreeMap<Seat, (bool, Stand)>| {
        size(stands.values().filter(|(_, stand)| *stand == Stand::Serving).count())
    };
    // Counted along instead of recounted at every step, or a plan of n steps would cost n².
    let mut available = serving(&stands);
    let mut last = std::time::Duration::ZERO;

    for (step, planned) in plan.timeline.iter().enumerate() {
        if planned.at < last {
            findings.push(Finding::TimeGoesBack { step });
        }
        last = planned.at;
        match &planned.event {
            PlannedEvent::Launch { seat, image, .. } => {
                if !used.insert(*seat) {
                    findings.push(Finding::LaunchedTwice { step, seat: *seat });
                }
                if *image != plan.spec.target && Some(*image) != plan.spec.previous {
                    findings.push(Finding::ForeignImage { step, image: *image });
                }
                stands.insert(*seat, (*image == plan.spec.target, Stand::Starting));
                if size(stands.len()) > most {
                    findings.push(Finding::TooMany { step, total: size(stands.len()), limit: most });
                }
            }
            PlannedEvent::Available { seat } => match stands.get_mut(seat) {
                Some((_, stand)) if *stand == Stand::Starting || *stand == Stand::Idle => {
                    *stand = Stand::Serving;
                    available += 1;
                }
                _ => findings.push(Finding::OutOfOrder { step, seat: *seat }),
            },
            PlannedEvent::Retire { seat } => match stands.get_mut(seat) {
                Some((_, stand)) if *stand != Stand::Leaving => {
                    let served = *stand == Stand::Serving;
                    *stand = Stand::Leaving;
                    available -= u32::from(served);
                    if served && available < fewest {
                        findings.push(Finding::TooFewAvailable { step, available, limit: fewest });
                    }
                }
                _ => findings.push(Finding::OutOfOrder { step, seat: *seat }),
            },
            PlannedEvent::Gone { seat } => match stands.remove(seat) {
                Some((_, Stand::Leaving)) => {}
                _ => findings.push(Finding::OutOfOrder { step, seat: *seat }),
            },
            PlannedEvent::Stage { .. } | PlannedEvent::Shift { .. } => {}
        }
    }
    // One that the rollout is done without may be as it is.
    let left_alone = |seat: &Seat| {
        let found = plan.initial.binary_search_by_key(seat, |adopted| adopted.seat);
        found.is_ok_and(|at| skips(plan, &plan.initial[at]))
    };
    let stay = stands.iter().filter(|(_, (stays, _))| *stays);
    let stay_and_serve = stay
        .filter(|(seat, (_, stand))| match stand {
            Stand::Serving => true,
            Stand::Idle => left_alone(seat),
            Stand::Starting | Stand::Leaving => false,
        })
        .count();
    // A plan that is not finished says so itself.
    let is_finished = plan.unfinished.is_none();
    if is_finished && (size(stay_and_serve) != desired || size(stands.len()) != desired) {
        findings.push(Finding::WrongEnd {
            available: size(stay_and_serve),
            total: size(stands.len()),
            desired,
        });
    }
    if is_finished && plan.makespan < plan.lower_bound {
        findings.push(Finding::FasterThanPossible);
    }
    findings
}
