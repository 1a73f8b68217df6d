//! Which share must serve during a rollback? Spinnaker derives it from the size unless told otherwise: 100 % below ten
//! instances, 90 % below twenty, else 95 %. Ours is what was written, on the way back as on the way forward: a floor that
//! jumps from all to nine of ten when the tenth instance is added surprises somebody at the worst moment. So of a row holds
//! here: a guard of the share that Spinnaker arrives at keeps it on the way back; and there is no default to derive.

use immutable_core::release::{Capacity, Group, Release, ReleaseEvent, ReleaseSpec, Service};
use immutable_core::strategy::Share;
use immutable_core::{FleetId, ServiceName};
use libtest_mimic::Trial;

use crate::table;

pub(crate) fn trials() -> Vec<Trial> {
    let text = include_str!("../cases/spinnaker_rollback_health_pct.csv");
    let name = |row: &[String]| {
        let told = if row[1].is_empty() { String::new() } else { format!(" told {}%", row[1]) };
        format!("{}% of {}{told}", row[2], row[0])
    };
    let mut trials = table::trials("rollback_share", text, 4, name, check);
    trials.push(Trial::test("rollback_share: the share must be written", || {
        let error = serde_json::from_str::<Service>(r#"{"name": "web"}"#).unwrap_err();
        assert!(error.to_string().contains("missing field `min_share`"), "{error}");
        Ok(())
    }));
    trials
}

fn check(row: &[String]) {
    let [desired, _, percent] = row else { panic!("{row:?}") };
    let (desired, percent): (u32, u8) = (desired.parse().unwrap(), percent.parse().unwrap());
    let (fleet, web) = (FleetId::new("web-1").unwrap(), ServiceName::new("web").unwrap());
    let spec = ReleaseSpec::new()
        .service(Service::new(web.clone(), Share::new(percent).unwrap()))
        .group(Group::new(fleet.clone()).service(web));
    let mut release = Release::open(&spec).unwrap();
    release.apply(&ReleaseEvent::Begin { group: fleet.clone() }).unwrap();
    release.apply(&ReleaseEvent::RollBack).unwrap();
    let admission = release.admit(|_| Capacity::new(desired, desired));
    let floor = admission.floors[&fleet];
    assert_eq!(u64::from(floor), (u64::from(desired) * u64::from(percent)).div_ceil(100));
    // With a share of everything the group must launch first: it is under way, so it is told so by its floor.
    assert_eq!(admission.turn_back, [fleet]);
}
