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
    /// Live ones that nobody may touch before somebody lets go of them, and those of them that are not available.
    pub(in crate::planner) awaited: u32,
    pub(in crate::planner) awaited_idle: u32,
    /// Live ones that the rollout is done without: available ones, and those that are not.
    pub(in crate::planner) skipped_ready: u32,
    pub(in crate::planner) skipped_idle: u32,
    /// Retirements that may take an available one instead.
    pub(in crate::planner) charged: u32,
}

impl Counts {
    /// All that are available for certain.
    pub(in crate::planner) const fn available(&self) -> u32 {
        (self.new_ready + self.old_ready).saturating_sub(self.charged)
    }

    /// What one instance adds. Without branches: every change of an instance passes here twice.
    pub(super) const fn of(cell: &Cell) -> Self {
        let live = cell.is_live();
        let ready = cell.is_available();
        let old = cell.is_old();
        Self {
            total: 1,
            new_live: (live & !old) as u32,
            old_live: (live & old) as u32,
            new_ready: (ready & !old) as u32,
            old_ready: (ready & old) as u32,
            fresh_live: (live & old & cell.fresh) as u32,
            urgent_live: (live & old & cell.is_urgent()) as u32,
            urgent_apart: (live & old & cell.is_urgent() & cell.fixed) as u32,
            awaited: (live & cell.fixed & !cell.skipped) as u32,
            awaited_idle: (live & cell.fixed & !cell.skipped & !ready) as u32,
            skipped_ready: (ready & cell.fixed & cell.skipped) as u32,
            skipped_idle: (live & cell.fixed & cell.skipped & !ready) as u32,
            charged: (matches!(cell.phase, Phase::Retiring) & cell.charged) as u32,
        }
    }

    /// So many instances that added `before` add `after` now.
    pub(super) fn turn(&mut self, before: &Self, after: &Self, times: u32) {
        // What goes was counted before, so nothing overflows but on the way.
        self.combine(after, |counter, more| *counter = counter.wrapping_add(more.wrapping_mul(times)));
        self.combine(before, |counter, less| *counter = counter.wrapping_sub(less.wrapping_mul(times)));
    }

    fn combine(&mut self, other: &Self, apply: impl Fn(&mut u32, u32)) {
        apply(&mut self.total, other.total);
        apply(&mut self.new_live, other.new_live);
        apply(&mut self.old_live, other.old_live);
        apply(&mut self.new_ready, other.new_ready);
        apply(&mut self.old_ready, other.old_ready);
        apply(&mut self.fresh_live, other.fresh_live);
        apply(&mut self.urgent_live, other.urgent_live);
        apply(&mut self.urgent_apart, other.urgent_apart);
        apply(&mut self.awaited, other.awaited);
        apply(&mut self.awaited_idle, other.awaited_idle);
        apply(&mut self.skipped_ready, other.skipped_ready);
        apply(&mut self.skipped_idle, other.skipped_idle);
        apply(&mut self.charged, other.charged);
    }
}
