//! What deliberate bugs do to a decision and its state, where it is more than a line; see [`crate::seeded`].

use std::collections::BTreeMap;

use super::arithmetic::Account;
use super::board::Phase;
use super::state::Run;
use super::{Direction, OpId, OpenOp, RolloutState};

impl RolloutState {
    /// A pause is forgotten.
    pub(crate) fn unpaused(&mut self) {
        if self.run == Run::Paused {
            self.run = Run::Running;
        }
    }

    /// Whether it may go forward again: once.
    pub(super) fn may_flip(&self) -> bool {
        self.goal.target == self.spec.target && !self.revoked.contains(&self.spec.target)
    }

    /// What was the way back is the target, and the other way round.
    pub(super) fn flip(&mut self) {
        if let (false, Some(previous)) = (self.is_forward(), self.goal.previous) {
            let goal = self.goal_mut();
            (goal.target, goal.previous) = (previous, Some(goal.target));
            self.direction = Direction::Forward;
        }
    }

    /// What is leaving stays, and is available again.
    pub(super) fn keep_leaving(&mut self) {
        let leaving = |open: &OpenOp| matches!(open, OpenOp::Retire { .. });
        let open = std::mem::take(&mut self.open);
        let (leaving, open) = open.into_iter().partition(|(_, open)| leaving(open));
        self.open = open;
        let leaving: BTreeMap<OpId, OpenOp> = leaving;
        for open in leaving.into_values() {
            if let OpenOp::Retire { seat, .. } = open
                && let Some(id) = self.board.find(seat)
            {
                self.board.change(id, |cell| cell.phase = Phase::Available);
            }
        }
    }
}

/// The account of a fleet without what a bug does not count.
pub(super) fn miscounted(mut account: Account<u32>, state: &RolloutState) -> Account<u32> {
    let open = |is: fn(&OpenOp) -> bool| state.open_ops().filter(|(_, open)| is(open)).count() as u32;
    let launches = open(|open| matches!(open, OpenOp::Launch { .. }));
    let leaving = open(|open| matches!(open, OpenOp::Retire { .. }));
    if seeded!(LaunchesNotTotal) || seeded!(BudgetsFromReads) {
        account.total -= launches;
    }
    if seeded!(LeavingNotTotal) {
        account.total -= leaving;
    }
    if seeded!(LeavingAvailable) || seeded!(BudgetsFromReads) {
        account.available += leaving;
    }
    account
}
