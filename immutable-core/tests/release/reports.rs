//! "Why does this group not begin?" has a printed answer.

use immutable_core::release::{GroupOutcome, OnGroupFailure, Release, ReleaseEvent, ReleaseSpec};
use immutable_core::{BarrierName, FleetId};

use crate::world::{barrier, begin, end, finish, fleet, tiers};

fn waiting(release: &Release, group: &str) -> String {
    release
        .waiting(&fleet(group))
        .unwrap()
        .map_or_else(|| "nothing".to_owned(), |waiting| waiting.to_string())
}

#[test]
fn a_group_names_its_barrier_and_whom_that_waits_for() {
    let mut release = Release::open(&tiers()).unwrap();
    assert_eq!(waiting(&release, "db-a"), "nothing");
    assert_eq!(waiting(&release, "web"), "barrier `middle`, which waits for `api-a`, `api-b`");
    finish(&mut release, &["db-a"]);
    assert_eq!(waiting(&release, "api-b"), "barrier `data`, which waits for `db-b`");
    assert_eq!(waiting(&release, "db-a"), "nothing");
}

#[test]
fn barriers_between_barriers_are_looked_through() {
    let spec =
        tiers().depending(barrier("late"), vec![fleet("x"), fleet("y")], [barrier("data"), barrier("front")]);
    let mut release = Release::open(&spec.unwrap()).unwrap();
    finish(&mut release, &["db-a"]);
    assert_eq!(waiting(&release, "x"), "barrier `before-late`, which waits for `db-b`, `web`");
}

#[test]
fn a_failure_is_named_to_all_that_it_holds() {
    let mut release = Release::open(&tiers().on_failure(OnGroupFailure::Continue)).unwrap();
    begin(&mut release, "db-b");
    end(&mut release, "db-b", GroupOutcome::Failed);
    assert_eq!(waiting(&release, "web"), "somebody to put right what it depends on: `db-b`");
    let mut release = Release::open(&tiers()).unwrap();
    begin(&mut release, "db-b");
    end(&mut release, "db-b", GroupOutcome::Failed);
    assert_eq!(waiting(&release, "db-a"), "somebody to put right what stopped the release: `db-b`");
}

#[test]
fn on_the_way_back_a_group_names_what_depends_on_it() {
    let mut release = Release::open(&tiers()).unwrap();
    finish(&mut release, &["db-a", "db-b", "api-a"]);
    release.apply(&ReleaseEvent::RollBack).unwrap();
    assert_eq!(waiting(&release, "db-a"), "what depends on it to be back: `api-a`");
    assert_eq!(waiting(&release, "api-a"), "nothing");
    assert_eq!(waiting(&release, "web"), "nothing: the release goes back");
}

#[test]
fn the_report_of_a_large_release_is_short() {
    let tier = |name: &str| {
        let fleets = (0..1_000).map(|k| FleetId::new(format!("{name}-{k}")).unwrap()).collect();
        (BarrierName::new(name).unwrap(), fleets)
    };
    let mut release = Release::open(&ReleaseSpec::new().tiers([tier("a"), tier("b"), tier("c")])).unwrap();
    begin(&mut release, "a-7");
    end(&mut release, "a-7", GroupOutcome::Done);
    begin(&mut release, "a-0");
    let report = release.report();
    assert_eq!(
        report.to_string(),
        "1/3000 done, 1 running, 2998 waiting\n  next: `a-1`, `a-2`, `a-3`, `a-4`, `a-5` and 993 more\n  barrier `a`, which \
         waits for `a-0`, `a-1`, `a-2`, `a-3`, `a-4` and 994 more; 1000 groups come directly after it\n  barrier `b`, which \
         waits for `b-0`, `b-1`, `b-2`, `b-3`, `b-4` and 995 more; 1000 groups come directly after it\n  barrier `c`, which \
         waits for `c-0`, `c-1`, `c-2`, `c-3`, `c-4` and 995 more; 0 groups come directly after it"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["counts"]["running"], 1);
    assert_eq!(json["barriers"][0]["unfinished"]["more"], 994);
}

#[test]
fn an_ended_release_says_how() {
    let mut release = Release::open(&tiers()).unwrap();
    finish(&mut release, &["db-a"]);
    begin(&mut release, "db-b");
    end(&mut release, "db-b", GroupOutcome::Failed);
    assert!(
        release.report().to_string().starts_with("1/5 done, 3 held, 1 failed; stopped\n  failed: `db-b`")
    );
    release.apply(&ReleaseEvent::RollBack).unwrap();
    assert!(release.report().to_string().ends_with("; going back\n  failed: `db-b`\n  next: `db-b`, `db-a`"));
}
