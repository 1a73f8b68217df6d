//! How many instances shares of the traffic need, and on which way one share becomes another within the limits.

use super::{Share, Stage, StrategyError};
use crate::limits::Budget;
use crate::quantity::counted;

/// How many old instances stay beside `new` ones that get this share, and are enough for it: as many as the rest of the
/// traffic needs, which is never less than what is missing to the whole fleet; fewer where both groups together would be
/// more than may exist, down to what may be unavailable. `None` if even that is too much.
pub(super) fn kept(budget: &Budget, new: u32, share: Share) -> Option<u32> {
    let rest = share.rest().of(budget.desired);
    let room = budget.max_total().checked_sub(new)?;
    let old = rest.min(room);
    // Traffic needs somebody to go to, whatever may be unavailable.
    (old >= least(budget, share.rest()).max(rest.min(1))).then_some(old)
}

/// How much `max_surge` would have to be for [`kept`] to have an answer.
pub(super) fn surge_needed(budget: &Budget, new: u32, share: Share) -> u32 {
    let rest = share.rest().of(budget.desired);
    let old = least(budget, share.rest()).max(rest.min(1));
    new.saturating_add(old).saturating_sub(budget.desired)
}

/// The instances that a group must have while it gets this share, with everything unavailable that may be.
fn least(budget: &Budget, share: Share) -> u32 {
    share.of(budget.desired).saturating_sub(budget.max_unavailable)
}

/// The stages between two others that share the traffic: none where it can be moved at once, that is, where the new
/// instances that the new share needs fit beside the old ones that must serve until it has moved. Otherwise the fewest
/// that the limits allow, each without a gate.
///
/// # Errors
/// The limits leave no room to move even a hundredth.
pub(super) fn passage(
    strategy: &str,
    budget: &Budget,
    from: &Stage,
    to: &Stage,
) -> Result<Vec<Stage>, StrategyError> {
    let (Some(mut now), Some(end)) = (from.share, to.share) else { return Ok(Vec::new()) };
    let fits = |now: Share, next: Share| {
        least(budget, next).saturating_add(least(budget, now.rest())) <= budget.max_total()
    };
    let mut between = Vec::new();
    while !fits(now, end) {
        let step = (now.hundredths() + 1..end.hundredths()).rev().find_map(|hundredths| {
            let next = Share::new(hundredths).ok()?;
            let new = from.new.max(next.of(budget.desired));
            let old = kept(budget, new, next)?;
            fits(now, next).then(|| Stage::new(new, old).share(next))
        });
        let Some(stage) = step else { return Err(stuck(strategy, budget, now, end)) };
        now = stage.share.unwrap_or(end);
        between.push(stage);
    }
    Ok(between)
}

fn stuck(strategy: &str, budget: &Budget, now: Share, end: Share) -> StrategyError {
    let Budget { desired, max_surge, max_unavailable } = *budget;
    let next = Share::new(now.hundredths() + 1).unwrap_or(end);
    let beside = least(budget, now.rest());
    let needed = next.of(desired).saturating_add(beside).saturating_sub(desired);
    StrategyError::new(
        strategy,
        format!(
            "max_surge {max_surge} and max_unavailable {max_unavailable} of {} leave no room to move \
             traffic on from {now} to the new group, because {beside} old ones must serve meanwhile: raise max_surge \
             to {needed}",
            counted(desired, "instance")
        ),
    )
}
