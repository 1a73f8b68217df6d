use std::fmt;

use serde::Serialize;

use crate::id::FleetId;

/// Groups for a person to read: the first few by name, the rest as a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupList {
    /// The first ones, in the order in which the groups were declared; at most [`GroupList::NAMED`].
    pub first: Vec<FleetId>,
    /// How many there are besides.
    pub more: usize,
}

impl GroupList {
    /// How many groups are named. Enough to see what they have in common, and still one line.
    pub const NAMED: usize = 5;

    pub(super) fn of<'a>(groups: impl IntoIterator<Item = &'a FleetId>) -> Self {
        let mut groups = groups.into_iter();
        let first = groups.by_ref().take(Self::NAMED).cloned().collect();
        Self { first, more: groups.count() }
    }

    /// How many groups there are.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.first.len() + self.more
    }
}

impl fmt::Display for GroupList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, more } = self;
        for (index, group) in first.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{group}`")?;
        }
        if *more > 0 {
            write!(f, " and {more} more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let groups: Vec<FleetId> = (0..8).map(|k| FleetId::new(format!("g{k}")).unwrap()).collect();
        let list = GroupList::of(&groups);
        assert_eq!(list.to_string(), "`g0`, `g1`, `g2`, `g3`, `g4` and 3 more");
        assert_eq!(list.total(), 8);
        assert_eq!(GroupList::of(&groups[..2]).to_string(), "`g0`, `g1`");
    }
}
