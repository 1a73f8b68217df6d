use std::time::Duration;

use super::{Adopted, Estimates, RolloutSpec};
use crate::gate::GateSpec;
use crate::id::Zone;
use crate::strategy::Reason;
use crate::time::Timestamp;

/// The shortest time in which any schedule within the limits can do this rollout, if every launch and every retirement
/// takes as long as estimated.
///
/// At every moment `total ≤ N+s` and `available ≥ N−u`, so instances that are starting or leaving are at most `s+u`
/// (while the fleet is still below `N−u`, at most `N+s` less what is available; while more than `N+s` exist, at most
/// those that exist less `N−u`). A launch is starting for `L`, the
/// minimum ready time included, a retirement is leaving for `D`. Hence, with `n` launches and `r` retirements, at least
/// `(n·L + r·D) / (s+u)`; and one launch and one retirement follow each other when `u = 0` (nothing may leave before
/// something has come) or `s = 0` (nothing may come before something has left): at least `L+D`, else `max(L, D)`. Bake
/// times of all stages come on top. The same holds for each zone that has limits of its own, and a launch rate spaces the launches
/// beyond its burst.
#[must_use]
pub fn lower_bound(
    spec: &RolloutSpec,
    initial: &[Adopted],
    as_of: Timestamp,
    estimates: &Estimates,
) -> Duration {
    let desired = spec.budget.desired;
    // What nobody asks for may stay in a passive stage, so a bound cannot count on its going.
    let passive = spec.stages.iter().any(|stage| stage.passive);
    let goes = |adopted: &Adopted| {
        adopted.reason.is_some_and(|reason| !passive || reason <= Reason::Requested)
            && !adopted.instance.standing.protected
            && !adopted.instance.standing.standby
    };
    let (mut all, mut old, mut available, mut at_goal) = (0_u32, 0, 0, 0);
    for adopted in initial {
        let serves = serves(spec, adopted, as_of);
        all += 1;
        old += u32::from(goes(adopted));
        available += u32::from(serves);
        at_goal += u32::from(serves && adopted.reason.is_none());
    }
    if all == desired && at_goal == all {
        // There is nothing to roll out, so no stage stands for its time.
        return Duration::ZERO;
    }
    let stays = all - old;
    let launches = desired.saturating_sub(stays);
    let retirements = old + stays.saturating_sub(desired);

    let launch = estimates.launch_to_ready.saturating_add(spec.limits.min_ready);
    let retire = estimates.drain_to_gone;
    let most = spec.budget.max_total().max(all);
    let width = most - available.min(spec.budget.min_available());
    let work =
        launch.saturating_mul(launches).saturating_add(retire.saturating_mul(retirements)) / width.max(1);
    let full = available == desired && all == desired;
    let chain = match (launches > 0, retirements > 0) {
        (true, true) if full && (spec.budget.max_surge == 0 || spec.budget.max_unavailable == 0) => {
            launch.saturating_add(retire)
        }
        (true, true) => launch.max(retire),
        (true, false) => launch,
        (false, true) => retire,
        (false, false) => Duration::ZERO,
    };
    let bake = spec
        .stages
        .iter()
        .flat_map(|stage| &stage.gates)
        .filter_map(|gate| if let GateSpec::Bake(time) = gate { Some(*time) } else { None })
        .fold(Duration::ZERO, Duration::saturating_add);
    work.max(chain)
        .max(by_rate(spec, launches, launch))
        .max(by_zone(spec, initial, goes, as_of, launch, retire))
        .saturating_add(bake)
}

/// Launches beyond the first burst come one after the other, and the last one has still to become available.
fn by_rate(spec: &RolloutSpec, launches: u32, launch: Duration) -> Duration {
    spec.limits.launch_rate.filter(|rate| launches > rate.burst).map_or(Duration::ZERO, |rate| {
        rate.every.saturating_mul(launches - rate.burst).saturating_add(launch)
    })
}

/// What holds for the fleet holds for each zone that has limits of its own.
fn by_zone(
    spec: &RolloutSpec,
    initial: &[Adopted],
    goes: impl Fn(&Adopted) -> bool,
    as_of: Timestamp,
    launch: Duration,
    retire: Duration,
) -> Duration {
    let limits = &spec.limits;
    if limits.max_surge_per_zone.is_none() || limits.max_unavailable_per_zone.is_none() {
        return Duration::ZERO;
    }
    let zones = u32::try_from(spec.zones.len()).unwrap_or(u32::MAX);
    let count = |matches: &dyn Fn(&Adopted) -> bool| {
        u32::try_from(initial.iter().filter(|adopted| matches(adopted)).count()).unwrap_or(u32::MAX)
    };
    let of_zone = |(number, zone): (u32, &Zone)| {
        let slots = spec.budget.slots_in_zone(number, zones);
        let limit = limits.zone_budget(slots);
        let here = |adopted: &Adopted| adopted.instance.zone == *zone;
        let held = count(&|adopted| {
            let slot = adopted.seat.slot;
            !goes(adopted) && slot.0 < spec.budget.desired && spec.zone_of(slot) == zone
        });
        let launches = slots.saturating_sub(held);
        let retirements = count(&|adopted| goes(adopted) && here(adopted));
        let available = count(&|adopted| here(adopted) && serves(spec, adopted, as_of));
        let most = limit.max_total.max(count(&here));
        let width = most - available.min(limit.min_available);
        launch.saturating_mul(launches).saturating_add(retire.saturating_mul(retirements)) / width.max(1)
    };
    (0..).zip(&spec.zones).map(of_zone).max().unwrap_or_default()
}

fn serves(spec: &RolloutSpec, Adopted { instance, .. }: &Adopted, as_of: Timestamp) -> bool {
    instance.is_ready()
        && !instance.standing.standby
        && as_of.since(instance.launched_at) >= spec.limits.min_ready
}
