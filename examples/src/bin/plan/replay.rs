use std::collections::BTreeMap;

use immutable_core::plan::{Plan, PlannedEvent, PlannedStep, Seat};
use immutable_core::strategy::Reason;
use immutable_core::{Digest, InstanceId, Zone};

use crate::output::{Action, StepOut};
use crate::waits::Waits;

/// Walks the time line of a plan and counts for itself: a launch exists from the moment it is asked for, what leaves is no
/// longer available from the moment it is told to and exists until it is gone.
#[derive(Debug)]
pub(crate) struct Replay<'a> {
    plan: &'a Plan,
    members: BTreeMap<Seat, Member>,
    available: u32,
}

/// An instance that exists.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) instance: Option<InstanceId>,
    pub(crate) zone: Zone,
    pub(crate) image: Digest,
    pub(crate) reason: Option<Reason>,
    /// Whether it was ready at the start.
    pub(crate) ready: bool,
    pub(crate) serves: bool,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let members: BTreeMap<Seat, Member> = plan
            .initial
            .iter()
            .map(|adopted| {
                let instance = &adopted.instance;
                let age = plan.as_of.since(instance.launched_at);
                let member = Member {
                    instance: Some(instance.id.clone()),
                    zone: instance.zone.clone(),
                    image: instance.image,
                    reason: adopted.reason,
                    ready: instance.is_ready(),
                    serves: instance.is_ready()
                        && !instance.standing.standby
                        && age >= plan.spec.limits.min_ready,
                };
                (adopted.seat, member)
            })
            .collect();
        let available = size(members.values().filter(|member| member.serves).count());
        Self { plan, members, available }
    }

    pub(crate) const fn available(&self) -> u32 {
        self.available
    }

    pub(crate) fn total(&self) -> u32 {
        size(self.members.len())
    }

    /// Every step with what is known of its instance, what it waits for, and the numbers after it.
    pub(crate) fn steps(mut self) -> Vec<StepOut> {
        let mut waits = Waits::new(self.plan, self.available(), self.total());
        let mut steps: Vec<StepOut> = Vec::with_capacity(self.plan.timeline.len());
        let mut stage = 0;
        for (id, planned) in self.plan.timeline.iter().enumerate() {
            if let PlannedEvent::Stage { stage: next } = planned.event {
                stage = next;
            }
            let Some((action, seat)) = action(&planned) else { continue };
            let member = self.happen(&planned, seat);
            let waits_for = waits.of(id, &planned, member.as_ref());
            let reason = member.as_ref().and_then(|member| member.reason);
            let step = StepOut {
                id,
                stage,
                at: planned.at,
                time: self.plan.as_of + planned.at,
                action,
                seat,
                instance: member.as_ref().and_then(|member| member.instance.clone()),
                zone: member.as_ref().map(|member| member.zone.clone()),
                image: member.as_ref().map(|member| member.image),
                reason: reason.filter(|_| matches!(action, Action::Retire | Action::Gone)),
                share: if let PlannedEvent::Shift { share } = planned.event { Some(share) } else { None },
                waits_for,
                available: self.available,
                total: self.total(),
            };
            steps.push(step);
        }
        steps
    }

    /// Takes the step, and says to which instance, as it was before.
    fn happen(&mut self, planned: &PlannedStep, seat: Option<Seat>) -> Option<Member> {
        let seat = seat?;
        if let PlannedEvent::Launch { zone, image, .. } = &planned.event {
            let member = Member {
                instance: None,
                zone: zone.clone(),
                image: *image,
                reason: None,
                ready: false,
                serves: false,
            };
            self.members.insert(seat, member.clone());
            return Some(member);
        }
        let member = self.members.get_mut(&seat)?;
        let before = member.clone();
        match planned.event {
            PlannedEvent::Available { .. } => member.serves = true,
            PlannedEvent::Retire { .. } => member.serves = false,
            PlannedEvent::Gone { .. } => {
                self.members.remove(&seat);
            }
            _ => {}
        }
        let serves = self.members.get(&seat).is_some_and(|member| member.serves);
        self.available = self.available + u32::from(serves) - u32::from(before.serves);
        Some(before)
    }
}

/// `None` for what this program does not know.
fn action(planned: &PlannedStep) -> Option<(Action, Option<Seat>)> {
    match &planned.event {
        PlannedEvent::Launch { seat, .. } => Some((Action::Launch, Some(*seat))),
        PlannedEvent::Available { seat } => Some((Action::Available, Some(*seat))),
        PlannedEvent::Retire { seat } => Some((Action::Retire, Some(*seat))),
        PlannedEvent::Gone { seat } => Some((Action::Gone, Some(*seat))),
        PlannedEvent::Shift { .. } => Some((Action::Shift, None)),
        PlannedEvent::Stage { .. } => Some((Action::Stage, None)),
        _ => None,
    }
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
