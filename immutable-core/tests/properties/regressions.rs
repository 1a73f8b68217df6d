//! Cases that once failed, shrunk, and what was wrong.

use immutable_core::Quantity;
use immutable_core::calendar::OnClose;
use immutable_core::fleet::Standing;
use immutable_core::limits::Limits;
use immutable_core::plan::OnApart;
use immutable_core::planner::Conclusion;
use immutable_core::strategy::{BlueGreen, Opportunistic, Reason, Repair, SlotOrder, Stage};

use crate::case::{Asked, Case, Event, Found};
use crate::safety::play;

fn old(number: usize) -> Vec<Found> {
    vec![Found::default(); number]
}

fn protected() -> Found {
    let mut standing = Standing::PLAIN;
    standing.protected = true;
    Found { standing, ..Found::default() }
}

fn limits(surge: u32, unavailable: u32) -> Limits {
    Limits {
        max_surge: Quantity::Count(surge),
        max_unavailable: Quantity::Count(unavailable),
        ..Limits::default()
    }
}

#[track_caller]
fn ends(case: &Case) -> Conclusion {
    play(case).unwrap().unwrap().heal(200).unwrap().0
}

/// The preview followed a calendar that opens and closes for ever, while the rollout waited for somebody.
#[test]
fn a_preview_of_a_rollout_that_waits_for_people_ends() {
    let fleet = vec![protected()];
    let case = Case { desired: 1, fleet, calendar: Some(OnClose::Hold), ..Case::default() };
    assert!(case.plan().unwrap().unfinished.is_some());
    assert_eq!(ends(&case), Conclusion::Completed);
}

/// Zone by zone, the second zone waited for old instances of the first one, which blue/green keeps until the switch.
#[test]
fn a_whole_second_group_is_built_zone_by_zone() {
    let strategy = Asked::Standard(BlueGreen::new().into());
    let limits = Limits { one_zone_at_a_time: true, ..limits(2, 0) };
    let case = Case { desired: 2, zones: 2, fleet: old(2), limits, strategy, ..Case::default() };
    assert_eq!(ends(&case), Conclusion::Completed);
}

/// In place of a marked instance that nobody may touch, one went that nobody had asked for.
#[test]
fn a_passive_stage_takes_nobody_else() {
    let fleet =
        vec![Found { mark: Some(Reason::Requested), ..protected() }, Found::default(), Found::default()];
    let strategy = Asked::Standard(Opportunistic::new().into());
    let case = Case {
        desired: 3,
        fleet,
        limits: limits(0, 1),
        strategy,
        script: vec![Event::Turn],
        ..Case::default()
    };
    assert!(play(&case).unwrap().unwrap().ledger.ops.is_empty());
}

/// The last stage of a fleet of none stayed a stage of none when the fleet grew.
#[test]
fn a_fleet_of_none_grows() {
    let script = vec![Event::Resize(2)];
    let strategy = Asked::Standard(Repair::new().into());
    let case = Case { limits: limits(1, 0), strategy, script, ..Case::default() };
    let mut world = play(&case).unwrap().unwrap();
    world.heal(200).unwrap();
    assert_eq!(world.ledger.books.desired, 2);
    assert_eq!(world.state().size(), 2);
}

/// A request for the replacement of one that the rollout leaves alone made it wait for that one for ever.
#[test]
fn who_is_left_alone_is_not_waited_for() {
    let case = Case {
        desired: 1,
        fleet: vec![protected()],
        on_protected: OnApart::Skip,
        strategy: Asked::Standard(Opportunistic::new().into()),
        script: vec![Event::Ask(0)],
        ..Case::default()
    };
    assert_eq!(ends(&case), Conclusion::Completed);
}

/// New limits under which the way back could never have been gone, and limits that were refused, took effect in part.
#[test]
fn limits_that_are_refused_change_nothing() {
    use immutable_core::limits::{LaunchRate, RollbackLimits};
    let nothing = RollbackLimits { max_surge: Quantity::Count(0), max_unavailable: Quantity::Count(0) };
    let asked = Limits { rollback: Some(nothing), ..limits(4, 0) };
    let every = std::time::Duration::from_secs(30);
    let limits = Limits { launch_rate: Some(LaunchRate { burst: 1, every }), ..limits(4, 0) };
    let script =
        vec![Event::Turn, Event::Relimit(Box::new(asked)), Event::Turn, Event::Rollback, Event::Turn];
    let case = Case { desired: 4, fleet: old(4), limits, script, ..Case::default() };
    let world = play(&case).unwrap().unwrap();
    assert_eq!(world.ledger.books.launches.len(), 1);
    assert!(world.ledger.books.back);
}

/// A baseline of more than there may be overflowed.
#[test]
fn a_hostile_baseline_is_a_part_of_the_old_group() {
    let stages = vec![Stage::new(1, 1).baseline(u32::MAX), Stage::new(u32::MAX, 0)];
    let strategy = Asked::Hostile { stages, order: SlotOrder::Oldest, replaces_target: false };
    let case = Case { desired: 2, fleet: old(2), limits: limits(1, 0), strategy, ..Case::default() };
    assert_eq!(ends(&case), Conclusion::Completed);
}

/// The former target, which had no traffic yet, was taken for one that serves and must wait for its zone's turn.
#[test]
fn what_never_had_traffic_leaves_out_of_turn() {
    use immutable_core::plan::OnRetarget;
    let strategy = Asked::Standard(BlueGreen::new().into());
    let limits = Limits { one_zone_at_a_time: true, ..limits(2, 0) };
    let script = vec![Event::Work, Event::Work, Event::Retarget(0)];
    let on_retarget = OnRetarget::Replace;
    let case = Case {
        desired: 2,
        zones: 2,
        fleet: old(2),
        limits,
        strategy,
        script,
        on_retarget,
        ..Case::default()
    };
    assert_eq!(ends(&case), Conclusion::Completed);
}

/// One that is left alone and serves nobody, and a stranger in its place, were taken for one too many.
#[test]
fn who_is_left_alone_may_be_idle_beside_all_that_are_desired() {
    let mut standby = Standing::PLAIN;
    standby.standby = true;
    let case = Case {
        desired: 2,
        fleet: old(2),
        on_standby: OnApart::Skip,
        limits: limits(1, 1),
        script: vec![Event::Work, Event::Apart(1, standby), Event::Work],
        ..Case::default()
    };
    assert_eq!(ends(&case), Conclusion::Completed);
}
