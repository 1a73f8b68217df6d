//! What a failed group leads to, and the way back.

use std::num::NonZeroU32;

use immutable_core::release::{
    GroupOutcome, GroupPhase, Heading, OnGroupFailure, Release, ReleaseEvent, ReleaseOutcome,
};

use crate::world::{
    barrier, begin, bring_back, end, finish, fleet, phase, ready, tiers, turn_back, turning_back,
};

#[test]
fn stop_begins_nothing_more_and_lets_the_running_finish() {
    let mut release = Release::open(&tiers()).unwrap();
    finish(&mut release, &["db-a", "db-b"]);
    begin(&mut release, "api-a");
    begin(&mut release, "api-b");
    end(&mut release, "api-a", GroupOutcome::RolledBack);
    assert_eq!((ready(&release), release.outcome()), (vec![], None), "`api-b` still runs");
    end(&mut release, "api-b", GroupOutcome::Done);
    assert_eq!(release.outcome(), Some(ReleaseOutcome::Stopped));
    assert_eq!(phase(&release, "web"), GroupPhase::Held);
    assert_eq!(phase(&release, "db-a"), GroupPhase::Done, "what works is left alone");

    release.apply(&ReleaseEvent::Retry { group: fleet("api-a") }).unwrap();
    assert_eq!((phase(&release, "web"), release.outcome()), (GroupPhase::Waiting, None));
    end(&mut release, "api-a", GroupOutcome::Done);
    finish(&mut release, &["web"]);
    assert_eq!(release.outcome(), Some(ReleaseOutcome::Done));
}

#[test]
fn stop_holds_what_was_ready_too() {
    let mut release = Release::open(&tiers()).unwrap();
    begin(&mut release, "db-a");
    end(&mut release, "db-a", GroupOutcome::Failed);
    assert_eq!(phase(&release, "db-b"), GroupPhase::Held);
    assert_eq!(release.outcome(), Some(ReleaseOutcome::Stopped));
}

#[test]
fn continue_holds_only_what_depends_on_the_failed_one() {
    let spec = tiers()
        .depending(barrier("other"), vec![fleet("batch")], [])
        .unwrap()
        .depending(barrier("after-other"), vec![fleet("mail")], [barrier("other")])
        .unwrap()
        .on_failure(OnGroupFailure::Continue);
    let mut release = Release::open(&spec).unwrap();
    begin(&mut release, "db-a");
    end(&mut release, "db-a", GroupOutcome::Failed);
    for group in ["api-a", "api-b", "web"] {
        assert_eq!(phase(&release, group), GroupPhase::Held, "{group}");
    }
    assert_eq!(ready(&release), ["db-b", "batch"]);
    finish(&mut release, &["db-b", "batch", "mail"]);
    assert_eq!(release.outcome(), Some(ReleaseOutcome::Stopped));
    release.apply(&ReleaseEvent::Retry { group: fleet("db-a") }).unwrap();
    assert_eq!(phase(&release, "web"), GroupPhase::Waiting);
    end(&mut release, "db-a", GroupOutcome::Done);
    assert_eq!(ready(&release), ["api-a", "api-b"]);
}

#[test]
fn rollback_takes_back_all_that_began_in_reverse_order() {
    let mut release = Release::open(&tiers().on_failure(OnGroupFailure::Rollback)).unwrap();
    finish(&mut release, &["db-a", "db-b", "api-a", "api-b"]);
    begin(&mut release, "web");
    end(&mut release, "web", GroupOutcome::RolledBack);
    assert_eq!((release.heading(), release.outcome()), (Heading::Back, None));
    assert_eq!(turning_back(&release), ["api-b", "api-a"], "the web turned back by itself");
    bring_back(&mut release, &["api-a"]);
    assert_eq!(turning_back(&release), ["api-b"], "the databases serve `api-b` still");
    bring_back(&mut release, &["api-b"]);
    assert_eq!(turning_back(&release), ["db-b", "db-a"]);
    bring_back(&mut release, &["db-b", "db-a"]);
    assert_eq!(release.outcome(), Some(ReleaseOutcome::RolledBack));
}

#[test]
fn rollback_takes_the_failed_and_the_running_ones_back_too() {
    let mut release = Release::open(&tiers().on_failure(OnGroupFailure::Rollback)).unwrap();
    begin(&mut release, "db-a");
    begin(&mut release, "db-b");
    end(&mut release, "db-a", GroupOutcome::Failed);
    assert_eq!(turning_back(&release), ["db-b", "db-a"]);
    // One that ends before anybody told it to turn back goes back all the same.
    end(&mut release, "db-b", GroupOutcome::Done);
    assert_eq!(turning_back(&release), ["db-b", "db-a"]);
    bring_back(&mut release, &["db-a", "db-b"]);
    assert_eq!(release.outcome(), Some(ReleaseOutcome::RolledBack));
    assert_eq!(phase(&release, "web"), GroupPhase::Held);
}

#[test]
fn nothing_is_taken_from_below_a_group_that_could_not_go_back() {
    let mut release = Release::open(&tiers()).unwrap();
    finish(&mut release, &["db-a", "db-b", "api-a", "api-b", "web"]);
    assert_eq!(release.outcome(), Some(ReleaseOutcome::Done));
    release.apply(&ReleaseEvent::RollBack).unwrap();
    turn_back(&mut release, "web");
    end(&mut release, "web", GroupOutcome::Failed);
    assert_eq!(phase(&release, "web"), GroupPhase::Stranded);
    assert_eq!((turning_back(&release), release.outcome()), (vec![], Some(ReleaseOutcome::Stopped)));
    release.apply(&ReleaseEvent::Retry { group: fleet("web") }).unwrap();
    end(&mut release, "web", GroupOutcome::RolledBack);
    assert_eq!(turning_back(&release), ["api-b", "api-a"]);
}

#[test]
fn a_retry_is_no_way_around_a_release_that_goes_back() {
    let mut release = Release::open(&tiers().on_failure(OnGroupFailure::Rollback)).unwrap();
    begin(&mut release, "db-a");
    end(&mut release, "db-a", GroupOutcome::Failed);
    let refused = release.apply(&ReleaseEvent::Retry { group: fleet("db-a") }).unwrap_err();
    assert_eq!(refused.to_string(), "group `db-a` cannot be retried: it is failed and the release goes back");
}

#[test]
fn each_way_has_its_own_maximum() {
    let one = NonZeroU32::MIN;
    let mut release = Release::open(&tiers().max_running(one)).unwrap();
    assert_eq!(ready(&release), ["db-a"]);
    begin(&mut release, "db-b");
    let refused = release.apply(&ReleaseEvent::Begin { group: fleet("db-a") }).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "group `db-a` cannot begin: it waits for its turn: no more than 1 may be under way at a time"
    );
    end(&mut release, "db-b", GroupOutcome::Failed);
    release.apply(&ReleaseEvent::Retry { group: fleet("db-b") }).unwrap();
    end(&mut release, "db-b", GroupOutcome::Done);
    finish(&mut release, &["db-a"]);
    release.apply(&ReleaseEvent::RollBack).unwrap();
    assert_eq!(turning_back(&release), ["db-b", "db-a"], "no maximum on the way back unless asked for");

    let mut release = Release::open(&tiers().max_returning(one)).unwrap();
    finish(&mut release, &["db-a", "db-b"]);
    release.apply(&ReleaseEvent::RollBack).unwrap();
    assert_eq!(turning_back(&release), ["db-b"]);
}

#[test]
fn an_empty_tier_is_passed_with_the_one_before_it() {
    let spec = immutable_core::release::ReleaseSpec::new().tiers([
        (barrier("none"), vec![]),
        (barrier("first"), vec![fleet("a")]),
        (barrier("empty"), vec![]),
        (barrier("last"), vec![fleet("b")]),
    ]);
    let mut release = Release::open(&spec).unwrap();
    assert_eq!(ready(&release), ["a"]);
    begin(&mut release, "a");
    assert_eq!(ready(&release), [""; 0]);
    end(&mut release, "a", GroupOutcome::Done);
    assert_eq!(ready(&release), ["b"]);
}
