//! Sizes as they are written, in numbers of instances.

use super::StrategyError;
use crate::quantity::{Quantity, counted};

/// How many of `desired` instances a size is: fractions rounded up, at least one, because a part without an instance
/// shows nothing, and at most all, as in BOSH.
///
/// # Errors
/// A size of nothing, and one of more than 100 %.
pub(super) fn size(
    strategy: &str,
    field: &str,
    quantity: Quantity,
    desired: u32,
) -> Result<u32, StrategyError> {
    let bad = |reason: String| Err(StrategyError::new(strategy, reason));
    match quantity {
        Quantity::Count(0) => bad(format!("`{field}` is 0 and so would show nothing: use 1 or more")),
        Quantity::Percent(0) => bad(format!("`{field}` is 0% and so would show nothing: use \"1%\" or more")),
        Quantity::Percent(percent @ 101..) => {
            bad(format!("`{field}` is {percent}%, more than the whole fleet: use \"100%\" or less"))
        }
        Quantity::Count(_) | Quantity::Percent(_) => Ok(quantity.round_up(desired).min(desired)),
    }
}

/// The sizes of stages that follow each other: none may be smaller than the one before it. Two that only round to the
/// same number stay two, so that no gate is lost in a small fleet.
///
/// # Errors
/// A list without sizes, as [`size`], and a size that does not grow as it is written.
pub(super) fn growing(
    strategy: &str,
    field: impl Fn(usize) -> String,
    quantities: impl IntoIterator<Item = Quantity>,
    desired: u32,
) -> Result<Vec<u32>, StrategyError> {
    let mut sizes: Vec<u32> = Vec::new();
    let mut before: Option<Quantity> = None;
    for (number, quantity) in quantities.into_iter().enumerate() {
        let field = field(number);
        let now = size(strategy, &field, quantity, desired)?;
        let stuck = |rule: String| {
            Err(StrategyError::new(strategy, format!("`{field}` is {quantity} and does not grow: {rule}")))
        };
        match (before, quantity) {
            (Some(Quantity::Percent(100)), _) => {
                return stuck("nothing can follow 100%, so leave it out".to_owned());
            }
            (Some(Quantity::Count(last)), Quantity::Count(count)) if count <= last => {
                return stuck(format!("{last} comes before it, so use {} or more", last.saturating_add(1)));
            }
            (Some(Quantity::Percent(last)), Quantity::Percent(percent)) if percent <= last => {
                return stuck(format!("{last}% comes before it, so use \"{}%\" or more", last + 1));
            }
            (Some(last), _) if sizes.last().is_some_and(|size| now < *size) => {
                let rule = format!(
                    "that is {now} of {}, after {last}, so use {} or more",
                    counted(desired, "instance"),
                    sizes[number - 1]
                );
                return stuck(rule);
            }
            (Some(_) | None, Quantity::Count(_) | Quantity::Percent(_)) => {}
        }
        before = Some(quantity);
        sizes.push(now);
    }
    if sizes.is_empty() {
        let list = field(0);
        let list = list.split('[').next().unwrap_or_default();
        return Err(StrategyError::new(strategy, format!("`{list}` is empty: give at least one, such as 1")));
    }
    Ok(sizes)
}
