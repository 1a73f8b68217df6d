//! May these groups be taken out of service? Spinnaker compares what would serve afterwards with what serves now, ours
//! with what is desired; the instances that are down are desired here, and every row has the same answer.

use immutable_core::FleetId;
use immutable_core::release::{Capacity, Group, IllegalReleaseEvent, Release, ReleaseEvent, ReleaseSpec};
use libtest_mimic::Trial;

use crate::table;

pub(crate) fn trials() -> Vec<Trial> {
    let text = include_str!("../cases/spinnaker_traffic_guard.csv");
    table::trials("traffic_guard", text, 9, |row| row[0].clone(), check)
}

fn check(row: &[String]) {
    let [case, going, staying, ratio, expected, _] = row else { panic!("{row:?}") };
    let expected: bool = expected.parse().unwrap();
    let (going, staying) = (groups(going), groups(staying));
    if case == "target not in the cluster" {
        assert_eq!((expected, going[0].1), (false, None));
        unknown_group_is_refused(&going[0].0, &staying);
        return;
    }
    let capacity = |(_, capacity): &(String, Option<Capacity>)| capacity.unwrap();
    let ratio = ratio.parse::<f64>().unwrap() * 100.0;
    let hundredths = (0..=100).find(|hundredths| f64::from(*hundredths) >= ratio - 1e-9).unwrap();
    let all = going.iter().chain(&staying).map(capacity);
    let mut spare = table::guard(hundredths).spare(all);
    let allowed = going.iter().map(capacity).all(|group| spare.take(group) == group.serving);
    assert_eq!(allowed, expected);
}

/// Ours refuses an unknown group before any guard is asked, and names the nearest one.
fn unknown_group_is_refused(group: &str, known: &[(String, Option<Capacity>)]) {
    let fleet = |name: &str| FleetId::new(name).unwrap();
    let spec = known.iter().fold(ReleaseSpec::new(), |spec, (name, _)| spec.group(Group::new(fleet(name))));
    let mut release = Release::open(&spec).unwrap();
    let refused = release.apply(&ReleaseEvent::Begin { group: fleet(group) });
    assert!(
        matches!(&refused, Err(IllegalReleaseEvent::UnknownGroup { nearest: Some(_), .. })),
        "{refused:?}"
    );
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
