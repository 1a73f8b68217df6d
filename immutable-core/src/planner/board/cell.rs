use serde::{Deserialize, Serialize};

use crate::plan::Seat;
use crate::strategy::Reason;
use crate::time::Timestamp;

/// Where a cell is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::planner) struct CellId(pub(super) u32);

impl CellId {
    pub(in crate::planner) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::planner) enum Phase {
    /// Its launch is intended, not confirmed.
    Intended,
    /// Its launch is confirmed; it has not been ready yet.
    Launching,
    /// Ready, but not yet for the minimum time.
    Ready,
    /// Ready for the minimum time: the only phase that counts as available.
    Available,
    /// Was ready; now it is not, or nobody knows.
    Suspect,
    /// Given up.
    Broken,
    /// Its retirement is intended.
    Retiring,
}

/// One instance in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::planner) struct Cell {
    pub(in crate::planner) seat: Seat,
    /// Index of its image and of its zone in the tables of names.
    pub(in crate::planner) image: u16,
    pub(in crate::planner) zone: u16,
    pub(in crate::planner) phase: Phase,
    /// Since when it has been in its phase.
    pub(in crate::planner) since: Timestamp,
    /// Why it is to be replaced: what makes it one of the old group.
    pub(in crate::planner) reason: Option<Reason>,
    /// It has been available, so it belongs in the router until it is retired or breaks.
    pub(in crate::planner) in_service: bool,
    /// Nobody may touch it: protected or standing by.
    pub(in crate::planner) fixed: bool,
    /// The rollout is done without it while it is set apart, whatever is known against it.
    pub(in crate::planner) skipped: bool,
    /// Somebody took it out of service: ready or not, it serves nobody.
    pub(in crate::planner) standby: bool,
    /// It is in a seat beyond the desired slots.
    pub(in crate::planner) surplus: bool,
    /// It was found there, so nobody needs it: it leaves whatever it runs, and in the end every slot has its own and the
    /// zones are balanced. Not so where the fleet became smaller or went another way since: then what is there is used,
    /// unless slots have an order, where a slot without its own would be waited for.
    pub(in crate::planner) spare: bool,
    /// It runs a target that another one took the place of on the way: of all versions the one that nobody wants.
    pub(in crate::planner) former: bool,
    /// An old one that this rollout launched, for comparison or in place of one that was lost.
    pub(in crate::planner) fresh: bool,
    /// Its retirement is charged as if it took an available one, because the platform picks the victim.
    pub(in crate::planner) charged: bool,
}

impl Cell {
    /// What stands in a cell that nobody has.
    pub(super) const NOBODY: Self = Self {
        seat: Seat::new(0, 0),
        image: 0,
        zone: 0,
        phase: Phase::Broken,
        since: Timestamp::UNIX_EPOCH,
        reason: None,
        in_service: false,
        fixed: false,
        skipped: false,
        standby: false,
        surplus: false,
        spare: false,
        former: false,
        fresh: false,
        charged: false,
    };

    pub(in crate::planner) fn enter(&mut self, phase: Phase, since: Timestamp) {
        self.phase = phase;
        self.since = since;
        self.in_service |= phase == Phase::Available;
    }

    /// Its retirement is intended.
    pub(in crate::planner) fn retire(&mut self, picks_victim: bool, since: Timestamp) {
        self.charged = picks_victim && !self.is_available();
        self.phase = Phase::Retiring;
        self.since = since;
    }

    /// Whether it will serve, serves, or may serve again.
    pub(in crate::planner) const fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Broken | Phase::Retiring)
    }

    pub(in crate::planner) const fn is_available(&self) -> bool {
        matches!(self.phase, Phase::Available) && !self.standby
    }

    /// Whether it has served and is still to do so, though it may not be available now.
    pub(in crate::planner) const fn is_in_service(&self) -> bool {
        self.in_service && !self.standby
    }

    pub(in crate::planner) const fn is_old(&self) -> bool {
        (self.reason.is_some() || self.spare) && !self.skipped
    }

    /// Whether a rollout that ends where it stands takes it away: it launched it, and it serves nobody.
    pub(in crate::planner) const fn is_leftover(&self) -> bool {
        let serves_nobody = match self.phase {
            Phase::Broken => true,
            Phase::Launching | Phase::Ready | Phase::Suspect => !self.in_service,
            Phase::Intended | Phase::Available | Phase::Retiring => false,
        };
        self.is_ours() && serves_nobody
    }

    /// Launched by this rollout, not found.
    pub(in crate::planner) const fn is_ours(&self) -> bool {
        self.seat.attempt.0 > 0
    }

    /// Whether somebody or something asks for its replacement beyond the rollout itself.
    pub(in crate::planner) const fn is_urgent(&self) -> bool {
        self.is_asked() || self.spare || self.former
    }

    /// Whether something is known against the instance itself, whichever image is wanted.
    pub(in crate::planner) const fn is_asked(&self) -> bool {
        matches!(self.reason, Some(reason) if reason.is_asked())
    }
}
