//! Requests for which there is no plan, each with what is wrong and the way out; and what the text of a plan shows.

use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::limits::Limits;
use immutable_core::plan::{OnResize, OnRetarget, Plan};
use immutable_core::planner::{FailReason, PlanError, PlanRequest};
use immutable_core::strategy::{Reason, Rolling};
use immutable_core::{Digest, FleetId, InstanceId, Quantity, RolloutId, Slot, Timestamp, Zone};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn zone(name: &str) -> Zone {
    Zone::new(name).unwrap()
}

fn id(number: u32) -> InstanceId {
    InstanceId::new(format!("i-{number}")).unwrap()
}

/// So many ready ones of `v1`, in turn in the zones `a` and `b`.
pub(crate) fn fleet(number: u32) -> Snapshot {
    let instance = |number: u32| {
        let zone = zone(if number.is_multiple_of(2) { "a" } else { "b" });
        Instance::new(id(number), Digest::of(b"v1"), zone, Phase::Running(Health::Ready), NOW)
    };
    Snapshot::new(FleetId::new("web").unwrap(), NOW, 0, (0..number).map(instance).collect())
}

/// So many of `v2`, with one extra one allowed.
pub(crate) fn request(desired: u32) -> PlanRequest {
    let limits = Limits { max_surge: Quantity::Count(1), ..Limits::default() };
    PlanRequest::new(RolloutId::new("deploy-3").unwrap(), Digest::of(b"v2"), desired)
        .limits(limits)
        .zones(vec![zone("a"), zone("b")])
}

fn planned(request: &PlanRequest, fleet: &Snapshot) -> Plan {
    request.plan(fleet, &Rolling::new()).unwrap()
}

#[test]
fn a_zone_is_named_once() {
    let request = request(4).zones(["a", "b", "a"].map(zone).to_vec());
    let error = request.plan(&fleet(4), &Rolling::new()).unwrap_err();
    assert!(matches!(&error, PlanError::RepeatedZone { zone, .. } if zone.as_str() == "a"), "{error}");
    assert_eq!(error.to_string(), "rollout deploy-3 names zone a more than once: name each once in `zones`");
}

#[test]
fn only_what_exists_can_be_marked() {
    let error = request(4)
        .mark(id(1), Reason::Drifted)
        .mark(id(9), Reason::Drifted)
        .plan(&fleet(4), &Rolling::new())
        .unwrap_err();
    assert!(matches!(&error, PlanError::UnknownMark { instance, .. } if *instance == id(9)), "{error}");
    assert_eq!(
        error.to_string(),
        "rollout deploy-3 marks instance i-9, but fleet web has none of that name: take it out of `marks`, or name one \
         that exists"
    );
}

#[test]
fn the_text_of_a_plan_says_what_becomes_of_another_size_and_another_target() {
    let text = planned(&request(2), &fleet(2)).to_string();
    let default =
        "  meanwhile another size is taken over at once (on_resize), another target refused (on_retarget)\n";
    assert!(text.contains(default), "{text}");
    let request = request(2).on_resize(OnResize::Refuse).on_retarget(OnRetarget::Queue);
    let text = planned(&request, &fleet(2)).to_string();
    assert!(text.contains("another size is refused (on_resize), another target begun with after"), "{text}");
}

#[test]
fn texts_count_one_as_one_and_leave_out_what_is_nothing() {
    let text = planned(&request(1).zones(vec![zone("a")]), &fleet(1)).to_string();
    assert!(text.contains("  1 instance in 1 zone, 1 exist now;"), "{text}");
    assert!(text.contains("back from stage 1: 1 launch, 1 retirement, 40s"), "{text}");
    let settled = Digest::of(b"v1");
    let request = PlanRequest::new(RolloutId::new("again").unwrap(), settled, 1).zones(vec![zone("a")]);
    let text = planned(&request, &fleet(1)).to_string();
    assert!(text.contains("estimated 0s, at least 0s"), "{text}");

    let last = "slot-0.1: stopped".to_owned();
    let failed = |failures, tolerated| {
        FailReason::TooManyFailures { failures, tolerated, last: last.clone() }.to_string()
    };
    assert_eq!(failed(1, 0), "1 instance failed, none is tolerated (the last one: slot-0.1: stopped)");
    assert_eq!(failed(2, 1), "2 instances failed, 1 is tolerated (the last one: slot-0.1: stopped)");
    let given_up = FailReason::SlotGivenUp { slot: Slot(0), failures: 1, last: last.clone() };
    assert!(given_up.to_string().starts_with("1 instance failed in slot-0, more than"), "{given_up}");
    let poisoned = FailReason::Poisoned { image: settled, failures: 3, zones: 1, last };
    assert!(poisoned.to_string().contains(" failed 3 times in 1 zone ("), "{poisoned}");
}

#[test]
fn the_traffic_is_back_at_once_while_the_old_group_stands() {
    use immutable_core::strategy::BlueGreen;
    let limits = Limits { max_surge: Quantity::Percent(100), ..Limits::default() };
    let blue_green = BlueGreen::new().hold(Duration::from_secs(60));
    let text = request(2).limits(limits).plan(&fleet(2), &blue_green).unwrap().to_string();
    assert!(text.contains(", the traffic is back at once\n"), "{text}");
    assert!(!text.contains("0ns"), "{text}");
}

#[test]
fn both_images_must_last_until_the_predicted_end() {
    let (old, new) = (Digest::of(b"v1"), Digest::of(b"v2"));
    let end = NOW + planned(&request(4), &fleet(4)).makespan;
    let later = end + Duration::from_secs(1);
    let refused = |image| request(4).expires(image, end).plan(&fleet(4), &Rolling::new()).unwrap_err();
    assert!(
        matches!(refused(new), PlanError::TargetExpires { expires, .. } if expires == end),
        "{}",
        refused(new)
    );
    assert!(
        matches!(refused(old), PlanError::WayBackExpires { expires, .. } if expires == end),
        "{}",
        refused(old)
    );
    assert!(
        refused(old)
            .to_string()
            .ends_with("name another image with `previous`, or choose `on_failure` = `hold`")
    );
    planned(&request(4).expires(new, later).expires(old, later), &fleet(4));
    planned(&request(4).expires(old, end).on_failure(immutable_core::plan::OnFailure::Hold), &fleet(4));
}

#[test]
fn the_quota_suffices_for_both_ways() {
    let error = |request: PlanRequest| request.plan(&fleet(4), &Rolling::new()).unwrap_err().to_string();
    planned(&request(4).quota(5), &fleet(4));
    assert_eq!(
        error(request(4).quota(4)),
        "rollout deploy-3 may need 5 instances at once and the platform allows 4: set `limits.max_surge` to 0 and \
         `limits.max_unavailable` to 1 at least, or raise the quota to 5"
    );
    assert!(error(request(4).quota(3)).ends_with("lower `desired` from 4 to 2, or raise the quota to 5"));
    let mut limits = Limits { max_surge: Quantity::Count(1), ..Limits::default() };
    limits.rollback = Some(serde_json::from_str(r#"{"max_surge": 3, "max_unavailable": 0}"#).unwrap());
    let fast_back = request(4).limits(limits).quota(6);
    assert!(error(fast_back.clone()).contains(
        "may need 7 instances at once and the platform allows 6: set `limits.rollback.max_surge` to at most 2"
    ));
    planned(&fast_back.on_failure(immutable_core::plan::OnFailure::Hold), &fleet(4));
}

#[test]
fn a_plan_whose_way_back_is_barred_is_refused() {
    use immutable_core::limits::RollbackLimits;
    use immutable_core::plan::OnFailure;
    use immutable_core::strategy::Recreate;
    let back = RollbackLimits { max_surge: Quantity::Count(1), max_unavailable: Quantity::Count(0) };
    let limits = Limits {
        max_surge: Quantity::Count(0),
        max_unavailable: Quantity::Count(3),
        rollback: Some(back),
        ..Limits::default()
    };
    let request = request(3).limits(limits);
    let error = request.plan(&fleet(3), &Recreate::new()).unwrap_err();
    assert!(matches!(error, PlanError::StuckWayBack { stage: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("rollout deploy-3 could not go back from stage 2: nothing can move: "),
        "{text}"
    );
    assert!(text.contains("what would free it: max_unavailable 3 instead of 0; relax that"), "{text}");

    let stays = request.on_failure(OnFailure::Hold);
    assert!(stays.plan(&fleet(3), &Recreate::new()).is_ok(), "nobody wants to go back");
}

#[test]
fn a_canary_that_no_zone_has_room_for_is_refused() {
    use immutable_core::strategy::{Canary, CanaryStep};
    let limits = Limits {
        max_surge: Quantity::Count(1),
        max_unavailable: Quantity::Count(1),
        max_surge_per_zone: Some(Quantity::Count(0)),
        ..Limits::default()
    };
    let canary = Canary::new(CanaryStep::new(Quantity::Count(1))).beside_all();
    let error = request(4).limits(limits).plan(&fleet(4), &canary).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, PlanError::Deadlock { .. }), "{text}");
    assert!(text.contains("slot-0: no more instances may exist in a (max_surge_per_zone)"), "{text}");
    assert!(text.contains("what would free it: max_surge_per_zone 1 instead of 0"), "{text}");
}

#[test]
fn a_plan_that_waits_is_as_long_as_what_happens_in_it() {
    use immutable_core::calendar::{Calendar, Window};
    // Open in the second half of every hour, and closed now.
    let window = Window::cron("30 * * * *".parse().unwrap(), Duration::from_secs(1_800));
    let calendar = Calendar::builder().window(window).build().unwrap();
    let mut fleet = fleet(2);
    let mut protected = Instance::clone(&fleet.instances[1]);
    protected.standing.protected = true;
    fleet.instances[1] = protected.into();
    let plan = planned(&request(2).calendar(calendar), &fleet);
    let last = plan.timeline.iter().last().unwrap().at;
    assert_eq!((plan.makespan, last), (Duration::from_secs(1_840), last), "{plan}");
    let text = plan.to_string();
    assert!(text.contains("  stands still after 1840s, "), "{text}");
    assert!(text.contains("    slot-1: its instance is protected"), "{text}");
}
