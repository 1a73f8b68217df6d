use super::RolloutState;
use super::arithmetic::Account;
use super::board::{Cell, Counts};
use crate::limits::Budget;
use crate::strategy::Share;

/// Keeps every limit (design, "The planner"): says what may still be done, with what this decision has chosen so far
/// counted as done where that is worse.
///
/// Nothing is launched or retired but through its two questions, so no strategy and no order of choices can break a limit.
#[derive(Clone, Debug)]
pub(super) struct Guard<'s> {
    state: &'s RolloutState,
    budget: Budget,
    share: Option<Share>,
    pub(super) counts: Counts,
    fleet: Account<u32>,
    /// Of each zone, where the limits look at zones.
    zones: Vec<Account<u32>>,
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
                let max_total = seeded!(ZoneOffByOne => limit.max_total + 1; else limit.max_total);
                zones.push(account(&state.board.zone(zone), max_total, limit.min_available));
            }
        }
        let fleet = account(&counts, budget.max_total(), state.goal.min_available());
        #[cfg(seeded_bugs)]
        let fleet = super::planted::miscounted(fleet, state);
        Self { state, budget, share: state.share, counts, fleet, zones, tokens }
    }

    /// Whether anything may be launched, if its zone allows it.
    pub(super) fn may_launch(&self) -> bool {
        self.fleet.may_grow() && self.tokens > 0
    }

    /// Whether any that is available may be retired, if its group and its zone allow it.
    pub(super) fn may_retire_available(&self) -> bool {
        self.fleet.may_lose()
    }

    /// Counts a launch, if it is allowed.
    pub(super) fn launch(&mut self, zone: u16, is_new: bool) -> Result<(), Barred> {
        self.launch_some(zone, is_new, 1).1
    }

    /// Counts as many launches in a zone as are allowed, so many at most: how many, and what bars the next one if it is
    /// fewer. One after the other, because that is what is proved.
    pub(super) fn launch_some(&mut self, zone: u16, is_new: bool, most: u32) -> (u32, Result<(), Barred>) {
        let mut of_zone = self.zones.get_mut(usize::from(zone));
        let mut count = 0;
        let barred = loop {
            if count == most {
                break Ok(());
            }
            if !self.fleet.may_grow() {
                break Err(Barred::Fleet(Limit::Surge));
            }
            if self.tokens == 0 {
                break Err(Barred::Fleet(Limit::Rate));
            }
            if let Some(zone) = &mut of_zone {
                if !zone.may_grow() {
                    break Err(Barred::Zone);
                }
                zone.grow();
            }
            self.tokens -= 1;
            self.fleet.grow();
            count += 1;
        };
        let live = if is_new { &mut self.counts.new_live } else { &mut self.counts.old_live };
        *live += count;
        self.counts.fresh_live += if is_new { 0 } else { count };
        (count, barred)
    }

    /// Counts the retirement of a live or broken instance, if it is allowed.
    pub(super) fn retire(&mut self, cell: &Cell) -> Result<(), Barred> {
        self.retire_some(cell, 1).1
    }

    /// Counts as many retirements of instances like this one as are allowed, so many at most: how many, and what bars the
    /// next one if it is fewer. One after the other, because that is what is proved.
    pub(super) fn retire_some(&mut self, cell: &Cell, most: u32) -> (u32, Result<(), Barred>) {
        let is_available = cell.is_available();
        // A platform that picks the victim itself may take an available one for any.
        let costs = is_available || self.state.spec.picks_victim || seeded!(BrokenNeedRoom);
        let mut group = is_available.then(|| self.group_of(cell));
        let mut of_zone = self.zones.get_mut(usize::from(cell.zone)).filter(|_| costs);
        let mut count = 0;
        let barred = loop {
            if count == most {
                break Ok(());
            }
            if costs {
                if !self.fleet.may_lose() {
                    break Err(Barred::Fleet(Limit::Available));
                }
                if group.as_ref().is_some_and(|group| !group.may_lose()) {
                    break Err(Barred::Fleet(Limit::Traffic));
                }
                if let Some(zone) = &mut of_zone {
                    if !zone.may_lose() {
                        break Err(Barred::Zone);
                    }
                    zone.lose();
                }
                self.fleet.lose();
                if let Some(group) = &mut group {
                    group.lose();
                }
            }
            count += 1;
        };
        if cell.is_live() {
            let live = if cell.is_old() { &mut self.counts.old_live } else { &mut self.counts.new_live };
            *live -= count;
            self.counts.fresh_live -= if cell.fresh { count } else { 0 };
            self.counts.urgent_live -= if cell.is_old() && cell.is_urgent() { count } else { 0 };
        }
        if is_available {
            let ready = if cell.is_old() { &mut self.counts.old_ready } else { &mut self.counts.new_ready };
            *ready -= count;
        }
        (count, barred)
    }

    /// Whether fewer are available than must be.
    pub(super) fn is_short(&self) -> bool {
        self.fleet.is_short()
    }

    /// Whether the new group may carry this share of the traffic, and the old one the rest.
    pub(super) fn may_shift(&self, share: Share) -> bool {
        // Giving the old group less is always right for it.
        let more_for_old = self.share.is_some_and(|now| share < now);
        seeded!(TrafficToTooFew => return true);
        self.counts.new_ready >= self.carried_by(share)
            && (!more_for_old || self.counts.old_ready >= self.carried_by(share.rest()))
    }

    /// The ready ones of the group of this instance, and how many of them its share of the traffic needs.
    fn group_of(&self, cell: &Cell) -> Account<u32> {
        let share = self.share.map(|share| if cell.is_old() { share.rest() } else { share });
        let ready = if cell.is_old() { self.counts.old_ready } else { self.counts.new_ready };
        let needed = share.map_or(0, |share| self.carried_by(share));
        Account { total: ready, available: ready, max_total: ready, min_available: needed }
    }

    /// How many ready ones must carry a share of the traffic: never none, or it would be lost.
    fn carried_by(&self, share: Share) -> u32 {
        let needed = share.of(self.budget.desired);
        // As many may be missing as of the whole fleet. A floor lets fewer be: else all of the traffic could go to a few new
        // ones while the old ones, which get none of it, still count as available.
        let missing = self.budget.desired.saturating_sub(self.state.goal.min_available());
        needed.saturating_sub(missing).max(needed.min(1))
    }
}

fn account(counts: &Counts, max_total: u32, min_available: u32) -> Account<u32> {
    Account { total: counts.total, available: counts.available(), max_total, min_available }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::fleet::{Health, Instance, Phase, Snapshot};
    use crate::id::{FleetId, InstanceId, RolloutId, Zone};
    use crate::limits::Limits;
    use crate::planner::PlanRequest;
    use crate::quantity::Quantity;
    use crate::strategy::BlueGreen;
    use crate::time::Timestamp;

    #[test]
    fn a_floor_keeps_traffic_from_too_few_like_a_limit() {
        let (now, zone) = (Timestamp::UNIX_EPOCH, Zone::new("a").unwrap());
        let instance = |number: u32| {
            let id = InstanceId::new(format!("i-{number}")).unwrap();
            Instance::new(id, Digest::of(b"v1"), zone.clone(), Phase::Running(Health::Ready), now)
        };
        let fleet = Snapshot::new(FleetId::new("web").unwrap(), now, 1, (0..4).map(instance).collect());
        let limits = Limits {
            max_surge: Quantity::Count(4),
            max_unavailable: Quantity::Count(3),
            ..Limits::default()
        };
        let plan = PlanRequest::new(RolloutId::new("r").unwrap(), Digest::of(b"v2"), 4)
            .limits(limits)
            .zones(vec![zone.clone()])
            .plan(&fleet, &BlueGreen::new())
            .unwrap();
        let mut state = RolloutState::open(plan.spec, &plan.initial, now).unwrap();
        let may_shift = |state: &RolloutState, new_ready: u32| {
            let mut guard = Guard::new(state, u32::MAX);
            guard.counts.new_ready = new_ready;
            guard.may_shift(Share::ALL)
        };
        assert!(may_shift(&state, 1), "its own limits let three be missing");
        state.goal_mut().floor = 3;
        assert!(!may_shift(&state, 2), "the floor lets one");
        assert!(may_shift(&state, 3));
        state.goal_mut().floor = 9;
        assert!(!may_shift(&state, 3) && may_shift(&state, 4), "no more than all of them");
    }
}
