use super::RolloutState;
use super::board::{Cell, Counts};
use crate::limits::{Budget, ZoneBudget};
use crate::strategy::Share;

/// The arithmetic that keeps every limit (design, "The planner"): what may still be done, with what this decision has
/// chosen so far counted as done where that is worse.
///
/// Nothing is launched or retired but through its two questions, so no strategy and no order of choices can break a limit.
#[derive(Clone, Debug)]
pub(super) struct Guard<'s> {
    state: &'s RolloutState,
    budget: Budget,
    share: Option<Share>,
    pub(super) counts: Counts,
    /// Of each zone what it may have and what it has, where the limits look at zones.
    zones: Vec<(ZoneBudget, u32, u32)>,
    /// How many more launches the rate allows.
    tokens: u32,
}

/// Why something may not be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barred {
    /// By a limit of the whole fleet: nothing more of the kind may be done.
    Fleet(Limit),
    /// By a limit of this zone only.
    Zone,
}

/// The limits of the whole fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Surge,
    Available,
    Traffic,
    Rate,
}

impl<'s> Guard<'s> {
    pub(super) fn new(state: &'s RolloutState, tokens: u32) -> Self {
        let budget = state.goal.budget;
        let counts = *state.board.counts();
        let mut zones = Vec::new();
        if state.goal.limits.has_zone_limits() {
            let named = u32::try_from(state.spec.zones.len()).unwrap_or(u32::MAX);
            for (zone, _) in (0_u16..).zip(state.roster.zones()) {
                let limit = state.goal.limits.zone_budget(budget.slots_in_zone(zone.into(), named));
                let counts = state.board.zone(zone);
                zones.push((limit, counts.total, counts.available()));
            }
        }
        Self { state, budget, share: state.share, counts, zones, tokens }
    }

    /// Counts a launch, if it is allowed.
    pub(super) fn launch(&mut self, zone: u16, is_new: bool) -> Result<(), Barred> {
        if self.counts.total >= self.budget.max_total() {
            return Err(Barred::Fleet(Limit::Surge));
        }
        if self.tokens == 0 {
            return Err(Barred::Fleet(Limit::Rate));
        }
        if let Some((limit, total, _)) = self.zones.get_mut(usize::from(zone)) {
            if *total >= limit.max_total {
                return Err(Barred::Zone);
            }
            *total += 1;
        }
        self.tokens -= 1;
        self.counts.total += 1;
        let live = if is_new { &mut self.counts.new_live } else { &mut self.counts.old_live };
        *live += 1;
        self.counts.fresh_live += u32::from(!is_new);
        Ok(())
    }

    /// Counts the retirement of a live or broken instance, if it is allowed.
    pub(super) fn retire(&mut self, cell: &Cell) -> Result<(), Barred> {
        let is_available = cell.is_available();
        // A platform that picks the victim itself may take an available one for any.
        let costs = is_available || self.state.spec.picks_victim;
        if costs {
            if self.counts.available() <= self.state.goal.min_available() {
                return Err(Barred::Fleet(Limit::Available));
            }
            if is_available && self.ready_of(cell) <= self.carries(cell) {
                return Err(Barred::Fleet(Limit::Traffic));
            }
            if let Some((limit, _, available)) = self.zones.get_mut(usize::from(cell.zone)) {
                if *available <= limit.min_available {
                    return Err(Barred::Zone);
                }
                *available -= 1;
            }
        }
        if cell.is_live() {
            let live = if cell.is_old() { &mut self.counts.old_live } else { &mut self.counts.new_live };
            *live -= 1;
            self.counts.fresh_live -= u32::from(cell.fresh);
            self.counts.urgent_live -= u32::from(cell.is_old() && cell.is_urgent());
        }
        if is_available {
            let ready = if cell.is_old() { &mut self.counts.old_ready } else { &mut self.counts.new_ready };
            *ready -= 1;
        } else if costs {
            self.counts.charged += 1;
        }
        Ok(())
    }

    /// Whether fewer are available than must be.
    pub(super) fn is_short(&self) -> bool {
        self.counts.available() < self.state.goal.min_available()
    }

    /// Whether the new group may carry this share of the traffic, and the old one the rest.
    pub(super) fn may_shift(&self, share: Share) -> bool {
        // Giving the old group less is always right for it.
        let more_for_old = self.share.is_some_and(|now| share < now);
        self.counts.new_ready >= self.carried_by(share)
            && (!more_for_old || self.counts.old_ready >= self.carried_by(share.rest()))
    }

    fn ready_of(&self, cell: &Cell) -> u32 {
        if cell.is_old() { self.counts.old_ready } else { self.counts.new_ready }
    }

    /// How many ready ones the group of this instance needs for its share of the traffic.
    fn carries(&self, cell: &Cell) -> u32 {
        let share = self.share.map(|share| if cell.is_old() { share.rest() } else { share });
        share.map_or(0, |share| self.carried_by(share))
    }

    /// How many ready ones must carry a share of the traffic: never none, or it would be lost.
    fn carried_by(&self, share: Share) -> u32 {
        let needed = share.of(self.budget.desired);
        needed.saturating_sub(self.budget.max_unavailable).max(needed.min(1))
    }
}
