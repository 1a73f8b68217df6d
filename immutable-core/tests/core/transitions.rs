//! What single transitions do to a rollout, without a controller.

use immutable_core::calendar::{Calendar, OnClose, Weekday, Window};
use immutable_core::fleet::{Health, Instance, Phase, Snapshot, Standing};
use immutable_core::gate::{GateSpec, Judgement, Verdict};
use immutable_core::limits::{Budget, LaunchRate, Limits};
use immutable_core::plan::{OnRetarget, Plan, Relaxation, Seat, Step, WaitingOn};
use immutable_core::planner::{
    Cause, Decision, Due, FailReason, Observation, PlanRequest, RolloutState, decide, due, explain, next_due,
};
use immutable_core::strategy::{
    Opportunistic, Reason, Rolling, RolloutStrategy, Stage, StrategyContext, StrategyError,
};
use immutable_core::{FleetId, GateName, InstanceId, Quantity, RolloutId, Slot, Timestamp, Zone};

use crate::scenario::{secs, v};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Stages as a test wants them.
#[derive(Debug)]
struct Stages(Vec<Stage>);

impl RolloutStrategy for Stages {
    fn name(&self) -> &'static str {
        "stages"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        Ok(self.0.clone())
    }
}

/// A rollout of v2 on so many ready instances of v1 in one zone, each a second younger than the one before.
fn rollout(desired: u32, limits: Limits, strategy: &dyn RolloutStrategy) -> RolloutState {
    rollout_as(desired, strategy, |request| request.limits(limits))
}

fn rollout_as(
    desired: u32,
    strategy: &dyn RolloutStrategy,
    asked: impl FnOnce(PlanRequest) -> PlanRequest,
) -> RolloutState {
    let plan = planned(desired, strategy, asked);
    RolloutState::open(plan.spec, &plan.initial, NOW).unwrap()
}

fn planned(
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

fn id(number: u32) -> InstanceId {
    InstanceId::new(format!("i-{number}")).unwrap()
}

fn surge(count: u32) -> Limits {
    Limits { max_surge: Quantity::Count(count), ..Limits::default() }
}

/// Everything decided now is begun, and what is launched exists at once.
fn act(state: &mut RolloutState, now: Timestamp) -> Vec<Step> {
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

/// What belonged together still does, and what stood beside the fleet grows as the fleet does.
#[test]
fn stages_are_scaled_with_the_fleet() {
    // New and old instances of a stage of ten, and what they are of twenty and of five.
    let cases = [
        ((3, 7), (6, 14), (2, 3)),
        ((3, 9), (6, 18), (2, 5)),
        ((10, 10), (20, 20), (5, 5)),
        ((1, 10), (2, 20), (1, 5)),
        ((10, 3), (20, 6), (5, 2)),
        ((0, 10), (0, 20), (0, 5)),
        ((0, 0), (0, 0), (0, 0)),
    ];
    for ((new, old), twice, half) in cases {
        for (desired, (new_then, old_then)) in [(20, twice), (5, half)] {
            let limits = Limits { max_unavailable: Quantity::Percent(100), ..surge(20) };
            let mut state = rollout(10, limits, &Stages(vec![Stage::new(new, old), Stage::new(10, 0)]));
            state.resized(desired, NOW);
            let (_, stage) = state.stage();
            assert_eq!((stage.new, stage.old), (new_then, old_then), "{new} and {old} of {desired}");
        }
    }
}

#[test]
fn limits_of_zones_are_not_taken_up_on_the_way() {
    let asked = [
        Limits { max_surge_per_zone: Some(Quantity::Count(1)), ..surge(1) },
        Limits { max_unavailable_per_zone: Some(Quantity::Count(1)), ..surge(1) },
        Limits { one_zone_at_a_time: true, ..surge(1) },
    ];
    for limits in asked {
        let mut state = rollout(4, surge(1), &Rolling::new());
        state.relimited(limits.clone(), NOW);
        assert!(state.refused().unwrap().contains("without limits of zones"), "{limits:?}");
        assert_eq!(state.limits(), &surge(1), "the limits are still the old ones");
        state.relimited(surge(2), NOW);
        assert_eq!((state.refused(), state.limits()), (None, &surge(2)));
    }
    let zone = |count| Limits { max_surge_per_zone: Some(Quantity::Count(count)), ..surge(1) };
    let mut state = rollout(4, zone(1), &Rolling::new());
    state.relimited(zone(2), NOW);
    assert_eq!((state.refused(), state.limits()), (None, &zone(2)), "what began with them may have others");
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

/// A second group that comes up one by one gets on, though nothing has been replaced yet.
#[test]
fn each_new_instance_is_progress_before_any_old_one_went() {
    let limits = Limits { progress_deadline: secs(600), ..surge(4) };
    let stages = Stages(vec![Stage::new(4, 4), Stage::new(4, 0)]);
    let mut state = rollout(4, limits, &stages);
    let seats: Vec<_> = act(&mut state, NOW)
        .into_iter()
        .map(|step| match step {
            Step::Launch { seat, .. } => seat,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seats.len(), 4);
    for (seat, minutes) in seats[..3].iter().zip([4, 12, 20]) {
        let now = NOW + secs(60 * minutes);
        state.observed(*seat, Observation::Ready { endpoint: None }, now).unwrap();
        state.observed(*seat, Observation::Available, now).unwrap();
        state.settle(now);
        assert_eq!(decide(&state, now + secs(500)), Decision::Wait, "after {minutes} minutes");
    }
    let late = NOW + secs(60 * 20 + 600);
    assert!(matches!(decide(&state, late), Decision::TurnBack(_)), "ten minutes without another one");
}

/// A slot rests because of an image; another one is not to blame for it.
#[test]
fn another_target_does_not_wait_for_a_slot_that_rests() {
    let limits = Limits { retry_delay: secs(60), max_failures: Quantity::Count(3), ..surge(1) };
    let mut state = rollout(1, limits, &Rolling::new());
    let steps = act(&mut state, NOW);
    let [Step::Launch { seat, .. }] = steps[..] else { panic!("{steps:?}") };
    let failed = NOW + secs(5);
    state.observed(seat, Observation::Broken(Cause::HealthyDeadline), failed).unwrap();
    assert_eq!(act(&mut state, failed), [Step::Retire { seat }]);
    assert_eq!(decide(&state, failed + secs(59)), Decision::Wait);

    let mut same = state.clone();
    assert_eq!(due(&same, failed + secs(60)), [Due::Rested(seat.slot)]);
    same.rested(seat.slot);
    let steps = act(&mut same, failed + secs(60));
    assert!(matches!(steps[..], [Step::Launch { image, .. }] if image == v(2)), "{steps:?}");

    state.retarget(v(3), failed + secs(1));
    let steps = act(&mut state, failed + secs(1));
    assert!(matches!(steps[..], [Step::Launch { image, .. }] if image == v(3)), "{steps:?}");
    assert_eq!(due(&state, failed + secs(60)), []);
}

/// There is something to turn back from only while both images run.
#[test]
fn a_window_that_closes_turns_back_what_is_half_done_and_nothing_else() {
    let window = Window::weekly(Weekday::ALL, "10:00".parse().unwrap(), "11:00".parse().unwrap());
    let calendar = Calendar::builder().window(window).on_close(OnClose::Rollback).build().unwrap();
    let mut state = rollout_as(1, &Rolling::new(), |request| request.limits(surge(1)).calendar(calendar));
    let at = |hour: u64| NOW + secs(3600 * hour);
    state.windowed(false, NOW);
    assert_eq!(decide(&state, NOW), Decision::Wait, "nothing has begun");

    state.windowed(true, at(10));
    let steps = act(&mut state, at(10));
    let [Step::Launch { seat, .. }] = steps[..] else { panic!("{steps:?}") };
    let mut half = state.clone();
    half.windowed(false, at(11));
    assert_eq!(decide(&half, at(11)), Decision::TurnBack(FailReason::WindowClosed));

    state.observed(seat, Observation::Ready { endpoint: None }, at(10)).unwrap();
    state.observed(seat, Observation::Available, at(10)).unwrap();
    let steps = act(&mut state, at(10));
    assert!(matches!(steps[..], [Step::Retire { .. }]), "{steps:?}");
    state.windowed(false, at(11));
    assert!(!matches!(decide(&state, at(11)), Decision::TurnBack(_)), "nothing old is left");
}

/// What only chance or somebody brings about is not late.
#[test]
fn a_passive_stage_has_no_deadline_until_something_is_asked_for() {
    let mut state = rollout(4, surge(1), &Opportunistic::new());
    state.settle(NOW);
    let tomorrow = NOW + secs(86_400);
    assert_eq!(decide(&state, tomorrow), Decision::Wait);

    let old = state.members().next().unwrap().seat;
    state.replacement_asked(old);
    state.settle(tomorrow);
    let steps = act(&mut state, tomorrow);
    assert!(matches!(steps[..], [Step::Launch { .. }]), "{steps:?}");
    let late = tomorrow + Limits::default().progress_deadline;
    assert!(matches!(decide(&state, late), Decision::TurnBack(FailReason::NoProgress)));
}

/// An old group that leaves one by one, because its sessions are long, gets on as well.
#[test]
fn each_old_instance_that_is_gone_is_progress() {
    let stages = Stages(vec![Stage::new(4, 4), Stage::new(4, 0)]);
    let mut state = rollout(4, surge(4), &stages);
    for step in act(&mut state, NOW) {
        let Step::Launch { seat, .. } = step else { panic!("{step:?}") };
        state.observed(seat, Observation::Ready { endpoint: None }, NOW).unwrap();
        state.observed(seat, Observation::Available, NOW).unwrap();
    }
    state.settle(NOW);
    state.advanced(1, NOW).unwrap();
    let Decision::Act(steps) = decide(&state, NOW) else { panic!("four are to leave") };
    let first = state.next_op();
    for step in &steps {
        let Step::Retire { seat } = step else { panic!("{step:?}") };
        state.retire_intended(state.next_op(), *seat, NOW).unwrap();
    }
    assert_eq!(steps.len(), 4);
    state.settle(NOW);
    let ops: Vec<_> = state.open_ops().map(|(op, _)| op).collect();
    assert_eq!(ops[0], first);
    for (op, minutes) in ops[..3].iter().zip([8, 16, 24]) {
        let now = NOW + secs(60 * minutes);
        assert_eq!(decide(&state, now), Decision::Wait, "after {minutes} minutes");
        state.retired(*op).unwrap();
        state.settle(now);
    }
    let late = NOW + secs(60 * 34);
    assert!(matches!(decide(&state, late), Decision::TurnBack(FailReason::NoProgress)));
}

/// A rollout that its limits hold up waits for nobody: it is stuck, and its deadline runs.
#[test]
fn limits_that_leave_nothing_to_do_are_no_reason_to_wait_for_ever() {
    let mut state = rollout(4, surge(1), &Rolling::new());
    state.relimited(Limits { max_versions: Some(1), ..surge(1) }, NOW);
    state.settle(NOW);
    let late = NOW + Limits::default().progress_deadline;
    assert_eq!(decide(&state, NOW + secs(599)), Decision::Wait);
    assert_eq!(next_due(&state, NOW), Some(late));
    assert_eq!(decide(&state, late), Decision::TurnBack(FailReason::NoProgress));
}

/// Who says the same rate again gets no launches for it.
#[test]
fn another_rate_begins_with_a_full_bucket_and_the_same_goes_on() {
    let limits = |surge: u32, burst: u32| Limits {
        launch_rate: Some(LaunchRate { burst, every: secs(60) }),
        ..self::surge(surge)
    };
    let mut state = rollout(4, limits(3, 1), &Rolling::new());
    assert_eq!(act(&mut state, NOW).len(), 1);
    state.relimited(limits(4, 1), NOW + secs(1));
    assert_eq!(act(&mut state, NOW + secs(1)), []);
    state.relimited(limits(4, 2), NOW + secs(2));
    assert_eq!(act(&mut state, NOW + secs(2)).len(), 2);
    assert_eq!(act(&mut state, NOW + secs(61)), []);
    assert_eq!(act(&mut state, NOW + secs(62)).len(), 1);
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

#[test]
fn a_target_that_is_asked_for_twice_waits_once() {
    let queue = |request: PlanRequest| request.limits(surge(1)).on_retarget(OnRetarget::Queue);
    let mut state = rollout_as(1, &Rolling::new(), queue);
    for target in [v(3), v(3), v(4), v(3)] {
        state.retarget(target, NOW);
    }
    let mut targets = Vec::new();
    while state.next_target(NOW).is_ok() {
        targets.push(state.wanted());
    }
    assert_eq!(targets, [v(3), v(4), v(3)]);
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

/// The time in which the calendar was closed does not count, and only that time.
#[test]
fn a_deadline_stands_still_while_the_calendar_is_closed() {
    let late = |said: &[(bool, u64)]| {
        let mut state = rollout(1, surge(1), &Rolling::new());
        act(&mut state, NOW);
        for (open, at) in said {
            state.windowed(*open, NOW + secs(*at));
        }
        let is_late = |at: &u64| matches!(decide(&state, NOW + secs(*at)), Decision::TurnBack(_));
        (0..3000).step_by(50).find(is_late)
    };
    assert_eq!(late(&[]), Some(600));
    assert_eq!(late(&[(true, 300)]), Some(600), "it was open");
    assert_eq!(late(&[(false, 100), (true, 500)]), Some(1000));
    assert_eq!(late(&[(false, 100), (false, 400), (true, 500)]), Some(1000), "it closed once");
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

/// The least surge that frees it, not the next one.
#[test]
fn a_second_group_without_room_is_told_how_much_it_needs() {
    let stages = Stages(vec![Stage::new(4, 4), Stage::new(4, 0)]);
    let mut state = rollout(4, surge(4), &stages);
    state.relimited(surge(1), NOW);
    let steps = act(&mut state, NOW);
    let [Step::Launch { seat, .. }] = steps[..] else { panic!("{steps:?}") };
    state.observed(seat, Observation::Ready { endpoint: None }, NOW).unwrap();
    state.observed(seat, Observation::Available, NOW).unwrap();
    state.settle(NOW);
    assert_eq!(decide(&state, NOW), Decision::Wait);
    let deadlock = explain(&state, NOW).deadlock.unwrap();
    assert_eq!(deadlock.ways_out, [[Relaxation::MaxSurge { from: 1, to: 4 }]]);
}
