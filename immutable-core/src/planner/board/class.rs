use super::{Cell, Phase};
use crate::strategy::Reason;

/// What may be done in a slot. A slot is in every class whose sentence is true of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::planner) enum Class {
    /// A desired slot in which nothing lives.
    Empty,
    /// A desired slot in which only old ones live, one of them to be replaced urgently: by the most urgent reason there is.
    OnlyDrifted,
    OnlyRevoked,
    OnlyRequested,
    /// A desired slot in which only other old ones live.
    OnlyOld,
    /// A desired slot in which only new ones live.
    OnlyNew,
    /// A desired slot in which old and new ones live.
    Both,
    /// It holds a broken one that exists.
    Broken,
    /// It holds an old, or a new, one that has never served and exists.
    UnprovenOld,
    UnprovenNew,
    /// It holds an old one in service that is not available.
    ShakyOld,
    ShakyNew,
    /// Beyond the desired ones, it holds an available one.
    SurplusOld,
    SurplusNew,
    /// It holds an available old one: to be replaced urgently, by reason; with an available successor; any other.
    DriftedOld,
    RevokedOld,
    RequestedOld,
    SucceededOld,
    FoundOld,
    /// It holds an old one that this rollout launched, for comparison or in place of one that was lost.
    FreshOld,
    /// It holds an available new one.
    AvailableNew,
    /// A desired slot that is not done: it lacks an available new one, or still holds an old one.
    Unfinished,
    /// A desired slot that lacks an available new one.
    Unserved,
}

impl Class {
    pub(in crate::planner) const COUNT: usize = Self::Unserved as usize + 1;

    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Whether those that leave by this class are available until then, all of them.
    pub(in crate::planner) const fn is_available(self) -> bool {
        matches!(
            self,
            Self::SurplusOld
                | Self::SurplusNew
                | Self::DriftedOld
                | Self::RevokedOld
                | Self::RequestedOld
                | Self::SucceededOld
                | Self::FoundOld
                | Self::AvailableNew
        )
    }

    /// The class by which this instance may leave; `None` if it may not.
    pub(in crate::planner) const fn leaving(cell: &Cell, succeeded: bool) -> Option<Self> {
        if matches!(cell.phase, Phase::Broken) {
            return Some(Self::Broken);
        }
        if cell.fixed || matches!(cell.phase, Phase::Intended | Phase::Retiring) {
            return None;
        }
        let old = cell.is_old();
        Some(if cell.fresh {
            Self::FreshOld
        } else if !cell.is_in_service() {
            if old { Self::UnprovenOld } else { Self::UnprovenNew }
        } else if !cell.is_available() {
            if old { Self::ShakyOld } else { Self::ShakyNew }
        } else if cell.surplus {
            if old { Self::SurplusOld } else { Self::SurplusNew }
        } else if !old {
            Self::AvailableNew
        } else if let Some(class) = Self::urgent(cell) {
            class
        } else if succeeded {
            Self::SucceededOld
        } else {
            Self::FoundOld
        })
    }
}

impl Class {
    /// The class by which an available old one leaves that is to be replaced urgently.
    const fn urgent(cell: &Cell) -> Option<Self> {
        match cell.reason {
            Some(Reason::Drifted) => Some(Self::DriftedOld),
            Some(Reason::Revoked) => Some(Self::RevokedOld),
            _ if cell.is_urgent() => Some(Self::RequestedOld),
            _ => None,
        }
    }
}

#[cfg(test)]
impl Class {
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Empty,
        Self::OnlyDrifted,
        Self::OnlyRevoked,
        Self::OnlyRequested,
        Self::OnlyOld,
        Self::OnlyNew,
        Self::Both,
        Self::Broken,
        Self::UnprovenOld,
        Self::UnprovenNew,
        Self::ShakyOld,
        Self::ShakyNew,
        Self::SurplusOld,
        Self::SurplusNew,
        Self::DriftedOld,
        Self::RevokedOld,
        Self::RequestedOld,
        Self::SucceededOld,
        Self::FoundOld,
        Self::FreshOld,
        Self::AvailableNew,
        Self::Unfinished,
        Self::Unserved,
    ];
}
