use crate::platform::{Call, Name};

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A controller starts, reads the journal and claims the rollout.
    Start(u8),
    /// Its process dies.
    Kill(u8),
    /// It finds out that somebody else has written.
    Notice(u8),
    /// It looks at the fleet, decides and appends.
    Turn {
        writer: u8,
        look: Look,
        append: Append,
    },
    /// It hears what came of this call of its own, decides and appends.
    Answer {
        writer: u8,
        call: Call,
        append: Append,
    },
    /// The platform executes a call.
    Execute(Call),
    /// The platform refuses a call for good.
    Refuse(Name),
    /// A machine becomes ready, again if it was so before.
    Ready(Name),
    /// A machine stops by itself; stops answering; is removed by somebody.
    Stops(Name),
    Unready(Name),
    Vanishes(Name),
    /// From now on a list may show the fleet as it is now.
    Remember,
    /// Somebody appends a wish.
    Abort,
    Rollback,
}

/// What a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Present,
    /// The same, so much later that who is still missing counts as removed.
    PresentAfterAWhile,
    Past,
    PastAfterAWhile,
}

impl Look {
    pub(crate) const fn is_late(self) -> bool {
        matches!(self, Self::PresentAfterAWhile | Self::PastAfterAWhile)
    }

    pub(crate) const fn is_past(self) -> bool {
        matches!(self, Self::Past | Self::PastAfterAWhile)
    }
}

/// What comes of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Append {
    Answered,
    /// Stored, and the store says that it failed.
    Ambiguous,
    /// The process dies just before it, having acted already. Only of a controller that acts first.
    Never,
}
