use std::fmt::Debug;

use super::{Candidate, Reason, SlotOrder, Stage};
use crate::id::Zone;
use crate::limits::Budget;

/// What a strategy may look at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StrategyContext {
    /// The limits in numbers; the planner keeps them whatever the strategy returns.
    pub budget: Budget,
    /// The zones; slot `k` belongs to zone `k` modulo their number. At least one, when the planner asks.
    pub zones: Vec<Zone>,
}

impl StrategyContext {
    /// A context with these limits and without zones.
    #[must_use]
    pub const fn new(budget: Budget) -> Self {
        Self { budget, zones: Vec::new() }
    }

    /// The context with these zones.
    #[must_use]
    pub fn zones(mut self, zones: Vec<Zone>) -> Self {
        self.zones = zones;
        self
    }
}

/// What a rollout should look like. A pure function: the same context gives the same stages.
///
/// A strategy says *what*, the planner decides *how*: no strategy can break a limit.
///
/// ```
/// use immutable_core::strategy::{RolloutStrategy, Stage, StrategyContext, StrategyError};
///
/// /// One instance first, then all.
/// #[derive(Debug)]
/// struct ToeDip;
///
/// impl RolloutStrategy for ToeDip {
///     fn name(&self) -> &str {
///         "toe dip"
///     }
///
///     fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
///         let all = context.budget.desired;
///         Ok(vec![Stage::new(1.min(all), all.saturating_sub(1)), Stage::new(all, 0)])
///     }
/// }
/// ```
pub trait RolloutStrategy: Debug + Send + Sync {
    /// What people call it.
    fn name(&self) -> &str;

    /// The stages, first to last. The last one must have all desired instances new and no old one, and all of the traffic
    /// with the new group if any stage shares it.
    ///
    /// # Errors
    /// [`StrategyError`] when the strategy cannot do its work within this context.
    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError>;

    /// Why an instance is to be replaced; `None` if it stays. By default whatever is marked and whatever does not run the
    /// target.
    fn replaces(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        candidate.mark.or_else(|| (!candidate.is_target()).then_some(Reason::OtherImage))
    }

    /// The order in which slots are worked off.
    fn order(&self) -> SlotOrder {
        SlotOrder::default()
    }
}

/// Why a strategy has no stages for a context, or none that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("strategy `{strategy}`: {reason}")]
pub struct StrategyError {
    /// The strategy.
    pub strategy: String,
    /// What is wrong and the way out.
    pub reason: String,
}

impl StrategyError {
    /// This strategy cannot be used for this reason.
    #[must_use]
    pub fn new(strategy: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { strategy: strategy.into(), reason: reason.into() }
    }
}
