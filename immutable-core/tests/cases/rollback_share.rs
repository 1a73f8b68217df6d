//! Which share must serve during a rollback? Spinnaker derives it from the size unless told otherwise: 100 % below ten
//! instances, 90 % below twenty, else 95 %. Ours is what was written, on the way back as on the way forward: a floor that
//! jumps from all to nine of ten when the tenth instance is added surprises somebody at the worst moment. So of a row holds
//! here: a guard of the share that Spinnaker arrives at keeps it on the way back; and there is no default to derive.

use immutable_core::release::{Capacity, Group, Release, ReleaseEvent, ReleaseSpec, Service};
use immutable_core::strategy::Share;
use immutable_core::{FleetId, ServiceName};

use crate::table::{Answers, Row, Table};

pub(crate) const TABLES: &[Table] = &[Table { name: "spinnaker_rollback_health_pct", ask: rollback_share }];

fn rollback_share(row: &Row) -> Answers {
    let (desired, percent) = (row.number("desired"), row.number("expect_target_healthy_pct"));
    if row.text("override").is_empty() {
        let error = serde_json::from_str::<Service>(r#"{"name": "web"}"#).unwrap_err();
        assert!(
            error.to_string().contains("missing field `min_share`"),
            "the share must be written: {error}"
        );
    }
    let (fleet, web) = (FleetId::new("web-1").unwrap(), ServiceName::new("web").unwrap());
    let share = Share::new(u8::try_from(percent).unwrap()).unwrap();
    let spec = ReleaseSpec::new()
        .service(Service::new(web.clone(), share))
        .group(Group::new(fleet.clone()).service(web));
    let mut release = Release::open(&spec).unwrap();
    release.apply(&ReleaseEvent::Begin { group: fleet.clone() }).unwrap();
    release.apply(&ReleaseEvent::RollBack).unwrap();
    let admission = release.admit(|_| Capacity::new(desired, desired));
    // With a share of everything the group must launch first: it is under way, so it is told so by its floor.
    assert_eq!(admission.turn_back, std::slice::from_ref(&fleet));
    Answers::new((desired * percent).div_ceil(100), admission.floors[&fleet])
}
