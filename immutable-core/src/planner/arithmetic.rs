//! The arithmetic that keeps the budgets, written once: for the planner's integers, and for the terms of a solver that
//! proves it for all of them (`proof.rs`).

/// What the arithmetic reckons with.
pub(super) trait Number: Clone {
    /// What a comparison yields.
    type Truth;

    fn one_more(&self) -> Self;
    fn one_less(&self) -> Self;
    fn is_below(&self, other: &Self) -> Self::Truth;
}

impl Number for u32 {
    type Truth = bool;

    fn one_more(&self) -> Self {
        self + 1
    }

    fn one_less(&self) -> Self {
        self - 1
    }

    fn is_below(&self, other: &Self) -> bool {
        self < other
    }
}

/// What exists and what is available of one fleet, zone or group, and what the limits say of both.
///
/// Nothing is begun but through its two questions. What was begun counts as done where that is worse.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account<N> {
    pub(super) total: N,
    pub(super) available: N,
    pub(super) max_total: N,
    pub(super) min_available: N,
}

impl<N: Number> Account<N> {
    /// Whether one more may exist.
    pub(super) fn may_grow(&self) -> N::Truth {
        self.total.is_below(&self.max_total)
    }

    /// One more exists.
    pub(super) fn grow(&mut self) {
        self.total = self.total.one_more();
    }

    /// Whether one that is available may be lost.
    pub(super) fn may_lose(&self) -> N::Truth {
        self.min_available.is_below(&self.available)
    }

    /// One that is available is lost.
    pub(super) fn lose(&mut self) {
        self.available = self.available.one_less();
    }

    /// Whether fewer are available than must be.
    pub(super) fn is_short(&self) -> N::Truth {
        self.available.is_below(&self.min_available)
    }
}
