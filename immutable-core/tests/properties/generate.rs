//! Any case.

use std::time::Duration;

use immutable_core::Quantity;
use immutable_core::calendar::OnClose;
use immutable_core::fleet::{Health, Phase, Standing};
use immutable_core::gate::{GateSpec, Verdict};
use immutable_core::limits::{LaunchRate, Limits, Poison, RollbackLimits};
use immutable_core::plan::{OnApart, OnFailure, OnResize, OnRetarget};
use immutable_core::strategy::{
    BlueGreen, Opportunistic, Reason, Recreate, Repair, Rolling, RollingBlueGreen, Rotate, SlotOrder, Stage,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngAlgorithm;

use crate::any::{any_strategy, count, name, percent, share};
use crate::case::{Asked, Case, Event, Found};

/// 20,000 cases, unless `PROPTEST_CASES` asks for others than proptest's own 256.
pub(crate) fn config() -> ProptestConfig {
    config_of(20_000)
}

/// So many cases, unless other numbers are asked for.
pub(crate) fn config_of(usual: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = if asked.cases == 256 { usual } else { asked.cases };
    // The generator by default is most of the time of an unoptimised test.
    let rng_algorithm = RngAlgorithm::XorShift;
    let max_shrink_iters = asked.max_shrink_iters.min(20_000);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters, rng_algorithm, ..asked }
}

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        20 => Just([false; 4]),
        1 => Just([true, false, false, false]),
        1 => Just([false, true, false, false]),
        1 => Just([false, false, true, false]),
        1 => Just([false, false, false, true]),
        1 => any::<[bool; 4]>(),
    ]
    .prop_map(|[protected, standby, leader, volume]| {
        let mut standing = Standing::PLAIN;
        (standing.protected, standing.standby) = (protected, standby);
        (standing.leader, standing.volume) = (leader, volume);
        standing
    })
}

fn any_reason() -> impl Strategy<Value = Reason> {
    select(vec![Reason::Requested, Reason::Drifted, Reason::Aged])
}

fn any_phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        20 => Just(Phase::Running(Health::Ready)),
        2 => Just(Phase::Running(Health::Unready)),
        1 => Just(Phase::Running(Health::Unknown)),
        2 => Just(Phase::Launching),
        1 => Just(Phase::Stopping),
        1 => Just(Phase::Stopped { reason: "exit code 1".to_owned() }),
    ]
}

fn any_found() -> impl Strategy<Value = Found> {
    let image = prop_oneof![8 => Just(0_u8), 2 => Just(1), 1 => Just(2), 1 => Just(3)];
    let age = prop_oneof![8 => 100..10_000_u32, 1 => 0..40_u32];
    let origin = prop_oneof![3 => Just(None), 1 => (0..12_u32).prop_map(Some)];
    let mark = prop_oneof![12 => Just(None), 1 => any_reason().prop_map(Some)];
    (image, 0..6_u8, any_phase(), age, any_standing(), origin, mark).prop_map(
        |(image, zone, phase, age, standing, origin, mark)| Found {
            image,
            zone,
            phase,
            age,
            standing,
            origin,
            mark,
        },
    )
}

fn any_quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![
        2 => Just(count(0)),
        5 => (1..=4_u32).prop_map(count),
        4 => (1..=100_u32).prop_map(percent),
        2 => Just(percent(100)),
    ]
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn any_limits() -> impl Strategy<Value = Limits> {
    let sizes = (any_quantity(), any_quantity());
    let zones = (prop::option::weighted(0.15, any_quantity()), prop::option::weighted(0.15, any_quantity()));
    let one_zone = prop::bool::weighted(0.15);
    let failures = (
        prop_oneof![1 => (0..=3_u32).prop_map(count), 3 => Just(count(1_000)), 1 => (0..=50_u32).prop_map(percent)],
        prop::option::weighted(0.2, 0..=2_u32),
        prop_oneof![2 => Just(0), 1 => select(vec![5_u64, 60, 200])].prop_map(seconds),
        prop::option::weighted(0.1, (1..=4_u32, 1..=2_u32)),
    );
    let rate = prop::option::weighted(0.2, (1..=3_u32, select(vec![1_u64, 7, 30])));
    let versions = prop::option::weighted(0.15, 1..=3_u32);
    let back = prop::option::weighted(0.2, (any_quantity(), any_quantity()));
    let ready = select(vec![0_u64, 0, 5, 30]).prop_map(seconds);
    (sizes, zones, one_zone, failures, rate, versions, back, ready).prop_map(
        |(sizes, zones, one_zone_at_a_time, failures, rate, versions, back, min_ready)| Limits {
            // Nothing of both is refused before anything is planned.
            max_surge: if sizes == (count(0), count(0)) { count(1) } else { sizes.0 },
            max_unavailable: sizes.1,
            min_ready,
            healthy_deadline: seconds(60),
            progress_deadline: seconds(900),
            max_surge_per_zone: zones.0,
            max_unavailable_per_zone: zones.1,
            one_zone_at_a_time,
            max_failures: failures.0,
            max_retries: failures.1,
            retry_delay: failures.2,
            poison: failures.3.map(|(failures, zones)| Poison { failures, zones }),
            launch_rate: rate.map(|(burst, every)| LaunchRate { burst, every: seconds(every) }),
            max_versions: versions,
            rollback: back.map(|(max_surge, max_unavailable)| RollbackLimits { max_surge, max_unavailable }),
            ..Limits::default()
        },
    )
}

fn any_order() -> impl Strategy<Value = SlotOrder> {
    select(vec![SlotOrder::Oldest, SlotOrder::Hashed, SlotOrder::ZoneByZone, SlotOrder::Descending])
}

fn any_stage() -> impl Strategy<Value = Stage> {
    let size = || prop_oneof![6 => 0..=12_u32, 1 => Just(u32::MAX)];
    let shares = prop::option::weighted(0.4, 0..=100_u8);
    let baseline = prop_oneof![4 => Just(0), 1 => size()];
    let gate = prop_oneof![
        Just(GateSpec::Bake(seconds(60))),
        Just(GateSpec::Approval(name("go"))),
        Just(GateSpec::Check(name("errors"))),
    ];
    let gates = prop::collection::vec(gate, 0..=1);
    (size(), size(), baseline, shares, prop::bool::weighted(0.1), gates).prop_map(
        |(new, old, baseline, hundredths, passive, gates)| {
            let mut stage = Stage::new(new, old).baseline(baseline);
            stage.gates = gates;
            stage.share = hundredths.map(share);
            if passive { stage.passive() } else { stage }
        },
    )
}

/// Asks for everything at once, for less than before, for more than there may be; only its last stage is as it must be.
fn any_hostile() -> impl Strategy<Value = Asked> {
    (prop::collection::vec(any_stage(), 0..=4), any_stage(), any_order(), prop::bool::weighted(0.1)).prop_map(
        |(mut stages, mut last, order, replaces_target)| {
            (last.new, last.old, last.baseline) = (u32::MAX, 0, 0);
            // Any other last stage is refused.
            let shares = last.share.is_some() || stages.iter().any(|stage: &Stage| stage.share.is_some());
            last.share = shares.then_some(share(100));
            stages.push(last);
            Asked::Hostile { stages, order, replaces_target }
        },
    )
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let plain = prop_oneof![
        any_order().prop_map(|order| Rolling::new().order(order).into()),
        Just(BlueGreen::new().hold(seconds(60)).into()),
        Just(RollingBlueGreen::new().steps([share(10), share(50), share(100)]).bake(seconds(60)).into()),
        Just(Recreate::new().bake(seconds(60)).into()),
        Just(Opportunistic::new().into()),
        Just(Rotate::new().max_age(seconds(5_000)).other_images().into()),
        Just(Repair::new().into()),
    ]
    .prop_map(Asked::Standard);
    prop_oneof![
        4 => plain,
        2 => any_strategy().prop_map(Asked::Standard),
        2 => any_hostile(),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let number = || 0..40_usize;
    prop_oneof![
        30 => Just(Event::Turn),
        30 => Just(Event::Work),
        10 => prop_oneof![1..=70_u32, Just(61), 300..=1_000_u32].prop_map(Event::Wait),
        8 => number().prop_map(Event::Confirm),
        3 => number().prop_map(Event::Refuse),
        8 => number().prop_map(Event::Gone),
        8 => number().prop_map(Event::Ready),
        6 => number().prop_map(Event::Suspect),
        4 => number().prop_map(Event::Stops),
        3 => number().prop_map(Event::Vanishes),
        3 => any_found().prop_map(Event::Stranger),
        3 => (number(), any_reason()).prop_map(|(number, reason)| Event::Mark(number, reason)),
        3 => (number(), any_standing()).prop_map(|(number, standing)| Event::Apart(number, standing)),
        2 => number().prop_map(Event::Ask),
        1 => (0..=3_u8).prop_map(Event::Revoke),
        3 => (0..=12_u32).prop_map(Event::Resize),
        3 => (0..=3_u8).prop_map(Event::Retarget),
        2 => any_limits().prop_map(|limits| Event::Relimit(Box::new(limits))),
        2 => Just(Event::Pause),
        5 => Just(Event::Resume),
        8 => Just(Event::Approve),
        8 => select(vec![Verdict::Pass, Verdict::Pass, Verdict::Pass, Verdict::Inconclusive, Verdict::Wait, Verdict::Fail])
            .prop_map(Event::Judge),
        1 => Just(Event::Rollback),
        1 => prop::bool::weighted(0.3).prop_map(|abort| if abort { Event::Abort } else { Event::Turn }),
    ]
}

/// What only plays the platform's part: nobody fails, and nobody says anything.
fn any_calm_event() -> impl Strategy<Value = Event> {
    let number = || 0..40_usize;
    prop_oneof![
        3 => Just(Event::Turn),
        1 => Just(Event::Work),
        1 => (1..=20_u32).prop_map(Event::Wait),
        2 => number().prop_map(Event::Confirm),
        2 => number().prop_map(Event::Gone),
        2 => number().prop_map(Event::Ready),
        1 => Just(Event::Approve),
        1 => Just(Event::Judge(Verdict::Pass)),
    ]
}

fn any_apart() -> impl Strategy<Value = OnApart> {
    select(vec![OnApart::Wait, OnApart::Skip, OnApart::Replace])
}

/// The fleet has mostly the size that is desired, and sometimes too few, too many or none.
fn any_case_of(
    fleet: impl Strategy<Value = Vec<Found>>,
    script: impl Strategy<Value = Vec<Event>>,
) -> impl Strategy<Value = Case> {
    let choices = (
        select(vec![OnFailure::Rollback, OnFailure::Rollback, OnFailure::Hold]),
        any_apart(),
        any_apart(),
        select(vec![OnResize::Track, OnResize::Track, OnResize::Pin, OnResize::Refuse]),
        select(vec![OnRetarget::Replace, OnRetarget::Refuse, OnRetarget::FinishFirst, OnRetarget::Queue]),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.1, select(vec![OnClose::Finish, OnClose::Hold, OnClose::Rollback])),
        0..4_u64,
    );
    let more = prop_oneof![6 => Just(0_i32), 2 => -3..=3_i32, 1 => Just(5)];
    (fleet, more, 1..=5_u8, any_limits(), any_asked(), choices, script).prop_map(
        |(fleet, more, zones, limits, strategy, choices, script)| {
            let desired = u32::try_from(fleet.len()).unwrap().saturating_add_signed(more);
            let (on_failure, on_protected, on_standby, on_resize, on_retarget, picks_victim, calendar, seed) =
                choices;
            Case {
                desired,
                zones,
                fleet,
                limits,
                strategy,
                on_failure,
                on_protected,
                on_standby,
                on_resize,
                on_retarget,
                picks_victim,
                calendar,
                seed,
                script,
            }
        },
    )
}

fn any_fleet() -> impl Strategy<Value = Vec<Found>> {
    prop_oneof![
        8 => prop::collection::vec(any_found(), 0..=8),
        1 => prop::collection::vec(any_found(), 9..=30),
    ]
}

/// Anything may happen.
pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    any_case_of(any_fleet(), prop::collection::vec(any_event(), 0..=40))
}

/// A healthy fleet of one image, and nobody who interferes.
pub(crate) fn calm_case() -> impl Strategy<Value = Case> {
    let zones = prop::collection::vec(0..5_u8, 0..=10);
    let fleet =
        zones.prop_map(|zones| zones.into_iter().map(|zone| Found { zone, ..Found::default() }).collect());
    any_case_of(fleet, prop::collection::vec(any_calm_event(), 0..=30)).prop_map(|mut case| {
        // However the platform dawdles, no instance is given up for it.
        case.limits.healthy_deadline = seconds(1_000);
        case.limits.progress_deadline = seconds(2_000);
        case
    })
}
