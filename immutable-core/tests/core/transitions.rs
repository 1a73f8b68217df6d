//! What single transitions do to the members of a rollout, without a controller.

use immutable_core::fleet::{Health, Instance, Phase, Snapshot, Standing};
use immutable_core::gate::{GateSpec, Judgement, Verdict};
use immutable_core::limits::{Budget, Limits};
use immutable_core::plan::{OnRetarget, Plan, Seat, Step, WaitingOn};
use immutable_core::planner::{
    Cause, Conclusion, Decision, Due, Observation, OpId, PlanRequest, RolloutState, decide, due, explain,
};
use immutable_core::strategy::{Reason, Rolling, RolloutStrategy, Stage, StrategyContext, StrategyError};
use immutable_core::{FleetId, GateName, InstanceId, Quantity, RolloutId, Slot, Timestamp, Zone};

use crate::scenario::{secs, v};

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Stages as a test wants them.
#[derive(Debug)]
pub(crate) struct Stages(pub(crate) Vec<Stage>);

impl RolloutStrategy for Stages {
    fn name(&self) -> &'static str {
        "stages"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        Ok(self.0.clone())
    }
}

/// A rollout of v2 on so many ready instances of v1 in one zone, each a second younger than the one before.
pub(crate) fn rollout(desired: u32, limits: Limits, strategy: &dyn RolloutStrategy) -> RolloutState {
    rollout_as(desired, strategy, |request| request.limits(limits))
}

pub(crate) fn rollout_as(
    desired: u32,
    strategy: &dyn RolloutStrategy,
    asked: impl FnOnce(PlanRequest) -> PlanRequest,
) -> RolloutState {
    let plan = planned(desired, strategy, asked);
    RolloutState::open(plan.spec, &plan.initial, NOW).unwrap()
}

pub(crate) fn planned(
    desired: u32,
    strategy: &dyn RolloutStrategy,
    asked: impl FnOnce(PlanRequest) -> PlanRequest,
) -> Plan {
    let zone = Zone::new("a").unwrap();
    let instance =
        |number: u32| Instance::new(id(number), v(1), zone.clone(), Phase::Running(Health::Ready), NOW);
    let snapshot = Snapshot::new(FleetId::new("web").unwrap(), NOW, 0, (0..desired).map(instance).collect());
    let request = PlanRequest::new(RolloutId::new("r").unwrap(), v(2), desired);
    let request = request.zones(vec![zone.clone()]).on_retarget(OnRetarget::Replace);
    asked(request).plan(&snapshot, strategy).unwrap()
}

pub(crate) fn id(number: u32) -> InstanceId {
    InstanceId::new(format!("i-{number}")).unwrap()
}

pub(crate) fn surge(count: u32) -> Limits {
    Limits { max_surge: Quantity::Count(count), ..Limits::default() }
}

/// Everything decided now is begun, and what is launched exists at once.
pub(crate) fn act(state: &mut RolloutState, now: Timestamp) -> Vec<Step> {
    let Decision::Act(steps) = decide(state, now) else { return Vec::new() };
    for step in &steps {
        let op = state.next_op();
        match step {
            Step::Launch { seat, zone, image } => {
                state.launch_intended(op, *seat, zone.clone(), *image, now).unwrap();
                state.launched(op, InstanceId::new(format!("new-{op}")).unwrap(), now).unwrap();
            }
            Step::Retire { seat } => {
                state.retire_intended(op, *seat, now).unwrap();
                state.retired(op).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    state.settle(now);
    steps
}

/// Only for an instance that becomes anybody's business again the time begins anew.
#[test]
fn a_deadline_goes_on_whatever_an_instance_is_called() {
    let mut state = rollout(4, surge(1), &Rolling::new());
    let steps = act(&mut state, NOW);
    let [Step::Launch { seat, .. }] = steps[..] else { panic!("{steps:?}") };
    let broken = Due::Member(seat, Observation::Broken(Cause::HealthyDeadline));
    let breaks_at = |state: &RolloutState, at: u64| {
        let before = due(state, NOW + secs(at - 1)).contains(&broken);
        (before, due(state, NOW + secs(at)).contains(&broken))
    };
    assert_eq!(breaks_at(&state, 300), (false, true));
    let (mut leader, mut protected) = (Standing::PLAIN, Standing::PLAIN);
    (leader.leader, protected.protected) = (true, true);
    state.set_apart(seat, leader, NOW + secs(200)).unwrap();
    assert_eq!(breaks_at(&state, 300), (false, true), "a leader is replaced as any other");
    state.set_apart(seat, protected, NOW + secs(210)).unwrap();
    assert_eq!(due(&state, NOW + secs(1000)), [], "nobody may touch it, so no deadline runs");
    state.set_apart(seat, Standing::PLAIN, NOW + secs(230)).unwrap();
    assert_eq!(breaks_at(&state, 530), (false, true), "its time begins now");
}

/// Marks come in the order of their urgency and before any age; here the older ones are the less urgent.
#[test]
fn what_is_marked_comes_first_and_the_most_urgent_before_the_others() {
    let marks = |request: PlanRequest| {
        let request = request.limits(surge(4)).mark(id(0), Reason::Requested);
        request.mark(id(1), Reason::Revoked).mark(id(2), Reason::Drifted)
    };
    let mut state = rollout_as(4, &Rolling::new(), marks);
    let slots: Vec<Slot> = (0..4).map(|number| state.member_of(&id(number)).unwrap().seat.slot).collect();
    let launched: Vec<Slot> = act(&mut state, NOW)
        .into_iter()
        .map(|step| match step {
            Step::Launch { seat, .. } => seat.slot,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(launched, [slots[2], slots[1], slots[0], slots[3]]);
}

/// A stage that was complete and is not any more must pass its checks again; what failed stays failed.
#[test]
fn what_passed_is_judged_again_when_an_instance_was_lost() {
    let (errors, latency) = (GateName::new("errors").unwrap(), GateName::new("latency").unwrap());
    let gates = [&errors, &latency].map(|name| GateSpec::Check(name.clone()));
    let first = gates.into_iter().fold(Stage::new(1, 3), Stage::gate);
    let mut state = rollout(4, surge(1), &Stages(vec![first, Stage::new(4, 0)]));
    let mut seats = Vec::new();
    for _ in 0..2 {
        for step in act(&mut state, NOW) {
            let Step::Launch { seat, .. } = step else { continue };
            state.observed(seat, Observation::Ready { endpoint: None }, NOW).unwrap();
            state.observed(seat, Observation::Available, NOW).unwrap();
            seats.push(seat);
        }
        state.settle(NOW);
    }
    assert_eq!((seats.len(), state.complete_since()), (1, Some(NOW)));
    let verdict = |verdict| Judgement::new(verdict, "rate", "1 %");
    state.judged(0, errors.clone(), verdict(Verdict::Pass)).unwrap();
    state.judged(0, latency.clone(), verdict(Verdict::Fail)).unwrap();
    state.observed(seats[0], Observation::Suspect, NOW).unwrap();
    state.settle(NOW);
    assert_eq!(state.complete_since(), None);
    assert!(state.judgement(&errors).is_none());
    assert!(state.judgement(&latency).is_some());
}

#[test]
fn a_specification_of_more_than_a_fleet_is_not_opened() {
    let mut plan = planned(1, &Rolling::new(), |request| request);
    plan.spec.budget.desired = Budget::MAX_DESIRED + 1;
    let refused = RolloutState::open(plan.spec, &plan.initial, NOW).unwrap_err();
    assert!(refused.to_string().contains("more than 16777216 in one fleet"), "{refused}");
}

/// No attempt is made twice or left out, and only slots that there are get one.
#[test]
fn only_the_next_attempt_in_a_slot_is_launched() {
    let state = rollout(2, surge(1), &Rolling::new());
    let next = state.next_seat(Slot(0));
    let launch = |seat: Seat| {
        let mut state = state.clone();
        state.launch_intended(state.next_op(), seat, Zone::new("a").unwrap(), v(2), NOW)
    };
    assert!(launch(next).is_ok());
    for wrong in
        [Seat::new(0, next.attempt.0 + 1), Seat::new(0, 0), Seat::new(9, 1), state.next_seat(Slot(9))]
    {
        let refused = launch(wrong).unwrap_err();
        assert!(refused.to_string().contains("the next attempt there is"), "{wrong}: {refused}");
    }
}

/// That nobody may touch it says more of an instance than what it is about to be.
#[test]
fn a_protected_instance_is_waited_for_whatever_its_health() {
    let protected = |seen: &[Observation]| {
        let min_ready = |request: PlanRequest| request.limits(Limits { min_ready: secs(60), ..surge(1) });
        let mut state = rollout_as(1, &Rolling::new(), min_ready);
        let old = state.member_of(&id(0)).unwrap().seat;
        let mut standing = Standing::PLAIN;
        standing.protected = true;
        state.set_apart(old, standing, NOW).unwrap();
        for observation in seen {
            state.observed(old, observation.clone(), NOW).unwrap();
        }
        state.settle(NOW);
        explain(&state, NOW).waiting.get(&old.slot).cloned()
    };
    let ready = Observation::Ready { endpoint: None };
    for seen in [&[][..], &[Observation::Suspect], &[Observation::Suspect, ready]] {
        assert_eq!(protected(seen), Some(WaitingOn::Protected), "{seen:?}");
    }
}

#[test]
fn an_instance_from_outside_takes_a_seat_that_nobody_had() {
    let state = rollout(2, surge(1), &Rolling::new());
    let zone = Zone::new("a").unwrap();
    let stranger = Instance::new(id(9), v(1), zone, Phase::Running(Health::Ready), NOW);
    let surplus = state.surplus_seat();
    let found = |seat: Seat| state.clone().found(seat, &stranger, NOW);
    assert!(found(surplus).is_ok());
    for wrong in [Seat::new(0, 0), Seat::new(surplus.slot.0, 1), Seat::new(surplus.slot.0 + 1, 0)] {
        let refused = found(wrong).unwrap_err();
        assert!(refused.to_string().contains("is the next free seat"), "{wrong}: {refused}");
    }

    let plan = planned(2, &Rolling::new(), |request| request);
    let next = Seat::new(plan.initial[0].seat.slot.0, 1);
    for wrong in [plan.initial[1].seat, next, Seat::new(9, 0)] {
        let mut initial = plan.initial.clone();
        initial[0].seat = wrong;
        let refused = RolloutState::open(plan.spec.clone(), &initial, NOW).unwrap_err();
        assert!(refused.to_string().contains("cannot take an instance from outside"), "{wrong}: {refused}");
    }
}

#[test]
fn what_is_gone_is_remembered_by_its_name_only() {
    let limits = Limits { max_unavailable: Quantity::Count(1), ..surge(0) };
    let mut state = rollout(1, limits, &Rolling::new());
    let seat = state.member_of(&id(0)).unwrap().seat;
    assert!(!state.is_gone(&id(0)));
    assert_eq!(act(&mut state, NOW), [Step::Retire { seat }]);
    assert!(state.is_gone(&id(0)));
    assert!(state.member_of(&id(0)).is_none() && state.member(seat).is_none());
    assert!(state.instances().all(|(instance, _)| *instance != id(0)));
}

#[test]
fn nothing_is_begun_out_of_turn_or_after_the_end_was_decided() {
    let mut state = rollout(2, surge(1), &Rolling::new());
    let (seat, zone) = (state.next_seat(Slot(0)), Zone::new("a").unwrap());
    let second = OpId(state.next_op().0 + 1);
    let refused = state.clone().launch_intended(second, seat, zone.clone(), v(2), NOW).unwrap_err();
    assert!(refused.to_string().contains("is the next"), "{refused}");
    state.ending(Conclusion::Aborted).unwrap();
    let op = state.next_op();
    let launch = state.clone().launch_intended(op, seat, zone, v(2), NOW).unwrap_err();
    assert!(launch.to_string().contains("while nothing may be begun"), "{launch}");
}
