//! What single transitions do to the course of a rollout: its limits, stages, targets, deadlines and windows.

use immutable_core::calendar::{Calendar, OnClose, Weekday, Window};
use immutable_core::limits::{LaunchRate, Limits, Poison};
use immutable_core::plan::{OnRetarget, Relaxation, Step};
use immutable_core::planner::{
    Cause, Decision, Due, FailReason, Observation, PlanRequest, decide, due, explain, next_due,
};
use immutable_core::strategy::{Opportunistic, Rolling, Stage};
use immutable_core::{Quantity, Zone};

use crate::scenario::{secs, v};
use crate::transitions::{NOW, Stages, act, rollout, rollout_as, surge};

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

/// Failures in one zone alone may be that zone's fault.
#[test]
fn an_image_is_bad_when_it_fails_often_enough_in_zones_enough() {
    let after = |failures: u32, zones: u32| {
        let poison = Some(Poison { failures, zones });
        let limits = Limits { poison, max_failures: Quantity::Count(9), ..surge(1) };
        // The only slot is in one of them.
        let zones = ["a", "b"].map(|zone| Zone::new(zone).unwrap()).to_vec();
        let mut state = rollout_as(1, &Rolling::new(), |request| request.limits(limits).zones(zones));
        for _ in 0..2 {
            let launched = act(&mut state, NOW).into_iter().find_map(|step| match step {
                Step::Launch { seat, .. } => Some(seat),
                _ => None,
            });
            let cause = Observation::Broken(Cause::HealthyDeadline);
            state.observed(launched.unwrap(), cause, NOW).unwrap();
            state.settle(NOW);
            if let Decision::TurnBack(reason) = decide(&state, NOW) {
                return Some(reason);
            }
            act(&mut state, NOW);
        }
        None
    };
    assert!(matches!(after(2, 1), Some(FailReason::Poisoned { failures: 2, zones: 1, .. })));
    assert_eq!(after(2, 2), None, "it failed in one zone only");
    assert_eq!(after(3, 1), None, "it failed twice only");
}
