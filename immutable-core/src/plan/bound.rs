use std::time::Duration;

use super::{Adopted, Estimates, RolloutSpec};
use crate::gate::GateSpec;
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
/// times of all stages come on top.
#[must_use]
pub fn lower_bound(
    spec: &RolloutSpec,
    initial: &[Adopted],
    as_of: Timestamp,
    estimates: &Estimates,
) -> Duration {
    let desired = spec.budget.desired;
    let count = |matches: &dyn Fn(&Adopted) -> bool| {
        u32::try_from(initial.iter().filter(|adopted| matches(adopted)).count()).unwrap_or(u32::MAX)
    };
    let already_new = count(&|adopted| adopted.instance.image == spec.target);
    let launches = desired.saturating_sub(already_new);
    let retirements =
        count(&|adopted| adopted.instance.image != spec.target) + already_new.saturating_sub(desired);
    let available = count(&|Adopted { instance, .. }| {
        instance.is_ready() && as_of.since(instance.launched_at) >= spec.limits.min_ready
    });

    let launch = estimates.launch_to_ready + spec.limits.min_ready;
    let retire = estimates.drain_to_gone;
    let most = spec.budget.max_total().max(count(&|_| true));
    let width = most - available.min(spec.budget.min_available());
    let work = (launch.saturating_mul(launches) + retire.saturating_mul(retirements)) / width.max(1);
    let full = available == desired && initial.len() == desired as usize;
    let chain = match (launches > 0, retirements > 0) {
        (true, true) if full && (spec.budget.max_surge == 0 || spec.budget.max_unavailable == 0) => {
            launch + retire
        }
        (true, true) => launch.max(retire),
        (true, false) => launch,
        (false, true) => retire,
        (false, false) => Duration::ZERO,
    };
    let bake: Duration = spec
        .stages
        .iter()
        .flat_map(|stage| &stage.gates)
        .filter_map(|gate| if let GateSpec::Bake(time) = gate { Some(*time) } else { None })
        .sum();
    work.max(chain) + bake
}
