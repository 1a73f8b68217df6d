use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::Serialize;

use super::{GroupOutcome, Release, ReleaseError, ReleaseSpec};
use crate::id::FleetId;

/// When each group of a release is predicted to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Forecast {
    /// The groups as declared.
    pub groups: Vec<GroupForecast>,
    /// When the last one is done, after the start of the release.
    #[serde(with = "friendly")]
    pub makespan: Duration,
}

/// When one group is predicted to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupForecast {
    /// The group.
    pub fleet: FleetId,
    /// When it begins, after the start of the release.
    #[serde(with = "friendly")]
    pub begin: Duration,
    /// When it is done, after the start of the release.
    #[serde(with = "friendly")]
    pub end: Duration,
}

/// Predicts a release in which every group takes as long as given, for example the makespan of its
/// [`Plan`](crate::plan::Plan), and none fails.
///
/// It is the [`Release`] itself folded over these durations, so preview and execution cannot disagree: without
/// `max_running` a group begins when the last of those it depends on ends; with it, when it also has its turn. Traffic
/// guards are not foreseen, because they depend on what will serve.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::release::{ReleaseSpec, forecast};
/// use immutable_core::{BarrierName, FleetId};
///
/// let tier = |name: &str, fleets: &[&str]| {
///     (BarrierName::new(name).unwrap(), fleets.iter().map(|fleet| FleetId::new(*fleet).unwrap()).collect())
/// };
/// let spec = ReleaseSpec::new().tiers([tier("data", &["db-eu", "db-us"]), tier("front", &["web"])]);
/// let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
/// let forecast = forecast(&spec, |fleet| minutes(if fleet.as_str() == "db-us" { 7 } else { 5 })).unwrap();
/// assert_eq!(forecast.groups[2].begin, minutes(7), "web waits for the slower database");
/// assert_eq!(forecast.makespan, minutes(12));
/// ```
///
/// # Errors
/// [`ReleaseError`] names what contradicts itself.
pub fn forecast(
    spec: &ReleaseSpec,
    mut duration: impl FnMut(&FleetId) -> Duration,
) -> Result<Forecast, ReleaseError> {
    let mut release = Release::open(spec)?;
    let mut groups: Vec<GroupForecast> = release
        .graph
        .groups
        .iter()
        .map(|fleet| GroupForecast { fleet: fleet.clone(), begin: Duration::ZERO, end: Duration::ZERO })
        .collect();
    let mut running: BinaryHeap<Reverse<(Duration, usize)>> = BinaryHeap::new();
    let mut now = Duration::ZERO;
    loop {
        let slots = release.slots();
        let ready: Vec<usize> = release.candidates().take(slots).collect();
        for group in ready {
            release.begin(group);
            let end = now.saturating_add(duration(&groups[group].fleet));
            (groups[group].begin, groups[group].end) = (now, end);
            running.push(Reverse((end, group)));
        }
        let Some(Reverse((end, group))) = running.pop() else { break };
        now = end;
        release.end(group, GroupOutcome::Done);
        // All that end at this moment, before anything begins: of those set free, the one declared first goes first.
        while let Some(Reverse((_, group))) = running.peek().copied().filter(|Reverse((end, _))| *end == now)
        {
            running.pop();
            release.end(group, GroupOutcome::Done);
        }
    }
    Ok(Forecast { groups, makespan: now })
}
