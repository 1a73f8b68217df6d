use super::{Cell, Class};
use crate::strategy::Reason;

// The bits of the classes end below those of the other traits.
const _: () = assert!(Class::COUNT <= 23);

/// What is true of some instance of a slot, in bits: the classes by which they may leave, and what the classes of the
/// slot as a whole follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits(u32);

impl Traits {
    pub(super) const NONE: Self = Self(0);
    /// It exists.
    pub(super) const ANY: Self = Self(1 << 31);
    /// Nobody may touch it.
    pub(super) const FIXED: Self = Self(1 << 30);
    /// It is live, and of this group.
    pub(super) const NEW: Self = Self(1 << 29);
    pub(super) const OLD: Self = Self(1 << 28);
    /// It is live and to be replaced urgently, for this reason or as if for it.
    pub(super) const DRIFTED: Self = Self(1 << 27);
    pub(super) const REVOKED: Self = Self(1 << 24);
    pub(super) const REQUESTED: Self = Self(1 << 23);
    /// It is new and available.
    pub(super) const DONE: Self = Self(1 << 26);
    /// It is fresh and available.
    const FRESH: Self = Self(1 << 25);
    const CLASSES: u32 = (1 << Class::COUNT) - 1;

    pub(super) const fn of(cell: &Cell) -> Self {
        let mut all = Self::ANY.0;
        if cell.fixed {
            all |= Self::FIXED.0;
        }
        // Whether it has an available successor is known only of all together.
        if let Some(class) = Class::leaving(cell, false) {
            all |= class.bit();
        }
        if cell.is_live() {
            all |= if cell.is_old() { Self::OLD.0 } else { Self::NEW.0 };
            if cell.is_urgent() {
                all |= match cell.reason {
                    Some(Reason::Drifted) => Self::DRIFTED.0,
                    Some(Reason::Revoked) => Self::REVOKED.0,
                    _ => Self::REQUESTED.0,
                };
            }
            if cell.is_available() {
                all |= if cell.is_old() { 0 } else { Self::DONE.0 };
                if cell.fresh {
                    all |= Self::FRESH.0;
                }
            }
        }
        Self(all)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    /// The classes by which instances of the slot may leave.
    const fn classes(self) -> u32 {
        let (found, succeeded) = (Class::FoundOld.bit(), Class::SucceededOld.bit());
        let classes = self.0 & Self::CLASSES;
        // Those that were found are never fresh, so any available one beside them succeeds them.
        let has_successor = self.has(Self::DONE) || self.has(Self::FRESH);
        if has_successor && classes & found != 0 { classes & !found | succeeded } else { classes }
    }

    /// The classes of the slot.
    pub(super) const fn classes_of_slot(self, desired: bool, rests: bool, volume: bool, tiers: bool) -> u32 {
        let mut classes = self.classes();
        // A volume has one instance at a time: the next one comes when the last is gone.
        let is_taken = volume && self.has(Self::ANY);
        if desired && !rests && !is_taken && !self.has(Self::FIXED) {
            classes |= match (self.has(Self::NEW), self.has(Self::OLD)) {
                (false, false) => Class::Empty.bit(),
                (false, true) if self.has(Self::DRIFTED) => Class::OnlyDrifted.bit(),
                (false, true) if self.has(Self::REVOKED) => Class::OnlyRevoked.bit(),
                (false, true) if self.has(Self::REQUESTED) => Class::OnlyRequested.bit(),
                (false, true) => Class::OnlyOld.bit(),
                (true, false) => Class::OnlyNew.bit(),
                (true, true) => Class::Both.bit(),
            };
        }
        if desired && tiers && (!self.has(Self::DONE) || self.has(Self::OLD)) {
            classes |= Class::Unfinished.bit();
        }
        if desired && tiers && !self.has(Self::DONE) {
            classes |= Class::Unserved.bit();
        }
        classes
    }
}
