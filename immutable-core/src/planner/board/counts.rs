use super::{Cell, Phase};

/// The counters of the arithmetic (design, "The planner"). Open intents count as done where that is worse: an intended
/// launch exists, an intended retirement is not available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::planner) struct Counts {
    /// All that exist, those that are only intended included.
    pub(in crate::planner) total: u32,
    /// Of each group: launching, ready or suspect.
    pub(in crate::planner) new_live: u32,
    pub(in crate::planner) old_live: u32,
    /// Of each group: available.
    pub(in crate::planner) new_ready: u32,
    pub(in crate::planner) old_ready: u32,
    /// Live old ones that were launched for comparison or in place of one that was lost.
    pub(in crate::planner) fresh_live: u32,
    /// Live old ones that are to be replaced urgently, and those of them that nobody may touch.
    pub(in crate::planner) urgent_live: u32,
    pub(in crate::planner) urgent_apart: u32,
    /// Live ones that nobody may touch, and those of them that are available.
    pub(in crate::planner) apart: u32,
    pub(in crate::planner) apart_ready: u32,
    /// Those that somebody has to let go of, and available ones that the rollout is done without.
    pub(in crate::planner) awaited: u32,
    pub(in crate::planner) skipped_ready: u32,
    /// Retirements that may take an available one instead.
    pub(in crate::planner) charged: u32,
}

impl Counts {
    /// All that are available for certain.
    pub(in crate::planner) const fn available(&self) -> u32 {
        (self.new_ready + self.old_ready).saturating_sub(self.charged)
    }

    pub(super) fn add(&mut self, cell: &Cell) {
        self.change(cell, |counter| *counter += 1);
    }

    pub(super) fn remove(&mut self, cell: &Cell) {
        self.change(cell, |counter| *counter -= 1);
    }

    fn change(&mut self, cell: &Cell, by_one: impl Fn(&mut u32)) {
        by_one(&mut self.total);
        match cell.phase {
            Phase::Retiring => {
                if cell.charged {
                    by_one(&mut self.charged);
                }
                return;
            }
            Phase::Broken => return,
            Phase::Intended | Phase::Launching | Phase::Ready | Phase::Available | Phase::Suspect => {}
        }
        if cell.fixed {
            by_one(&mut self.apart);
            if cell.is_available() {
                by_one(&mut self.apart_ready);
            }
            if !cell.skipped {
                by_one(&mut self.awaited);
            } else if cell.is_available() {
                by_one(&mut self.skipped_ready);
            }
        }
        if !cell.is_old() {
            by_one(&mut self.new_live);
            if cell.is_available() {
                by_one(&mut self.new_ready);
            }
            return;
        }
        by_one(&mut self.old_live);
        if cell.is_available() {
            by_one(&mut self.old_ready);
        }
        if cell.fresh {
            by_one(&mut self.fresh_live);
        }
        if cell.is_urgent() {
            by_one(&mut self.urgent_live);
            if cell.fixed {
                by_one(&mut self.urgent_apart);
            }
        }
    }
}
