//! May these groups be taken out of service? Spinnaker compares what would serve afterwards with what serves now, ours
//! with what is desired; the instances that are down are desired here, and every row has the same answer.

use immutable_core::FleetId;
use immutable_core::release::{
    Capacity, Group, IllegalReleaseEvent, Release, ReleaseEvent, ReleaseSpec, TrafficGuard,
};
use immutable_core::strategy::Share;

use crate::table::{Answers, Row, Table};

pub(crate) const TABLES: &[Table] = &[Table { name: "spinnaker_traffic_guard", ask: traffic_guard }];

pub(crate) fn guard(hundredths: u32) -> TrafficGuard {
    TrafficGuard::new(Share::new(u8::try_from(hundredths).unwrap()).unwrap())
}

fn traffic_guard(row: &Row) -> Answers {
    let (going, staying) = (groups(row.text("going_away")), groups(row.text("staying")));
    let allowed = match &going[..] {
        [(unknown, None)] => !is_refused(unknown, &staying),
        going => {
            let capacity = |(_, capacity): &(String, Option<Capacity>)| capacity.unwrap();
            let ratio = row.text("min_capacity_ratio").parse::<f64>().unwrap() * 100.0;
            let least = (0..=100).find(|hundredths| f64::from(*hundredths) >= ratio - 1e-9).unwrap();
            let mut spare = guard(least).spare(going.iter().chain(&staying).map(capacity));
            going.iter().map(capacity).all(|group| spare.take(group) == group.serving)
        }
    };
    Answers::new(row.flag("expect_allowed"), allowed)
}

/// Ours refuses an unknown group before any guard is asked, and names the nearest one.
fn is_refused(group: &str, known: &[(String, Option<Capacity>)]) -> bool {
    let fleet = |name: &str| FleetId::new(name).unwrap();
    let spec = known.iter().fold(ReleaseSpec::new(), |spec, (name, _)| spec.group(Group::new(fleet(name))));
    let mut release = Release::open(&spec).unwrap();
    let refused = release.apply(&ReleaseEvent::Begin { group: fleet(group) });
    matches!(refused, Err(IllegalReleaseEvent::UnknownGroup { nearest: Some(_), .. }))
}

/// `name:up[:pinned size]`, or only the name of a group that does not exist; a remark in brackets may tell how many are
/// down besides. A pinned size gives Spinnaker a way around its guard; ours has none, so it is not looked at.
fn groups(cell: &str) -> Vec<(String, Option<Capacity>)> {
    if cell == "(none up)" {
        return Vec::new();
    }
    let group = |text: &str| {
        let (text, remark) = text.split_once(" (").unwrap_or((text, ""));
        let down = remark.split([' ', ')']).find_map(|word| word.parse::<u32>().ok()).unwrap_or(0);
        let mut parts = text.split(':');
        let name = parts.next().unwrap().to_owned();
        let up = parts.next().map(|up| up.parse::<u32>().unwrap());
        (name, up.map(|up| Capacity::new(up + down, up)))
    };
    cell.split('|').map(group).collect()
}
