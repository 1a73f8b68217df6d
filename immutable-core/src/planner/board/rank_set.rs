/// A set of small numbers that yields them in order: bits in words, and above each level one that says which of its words
/// are not empty. Every operation touches one word a level, of which a million ranks have four.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::planner) struct RankSet {
    levels: Vec<Vec<u64>>,
    len: u32,
}

const BITS: u32 = u64::BITS;

impl RankSet {
    pub(in crate::planner) const fn len(&self) -> u32 {
        self.len
    }

    pub(in crate::planner) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(in crate::planner) fn contains(&self, rank: u32) -> bool {
        let word = self.levels.first().and_then(|words| words.get((rank / BITS) as usize));
        word.is_some_and(|word| word >> (rank % BITS) & 1 == 1)
    }

    pub(in crate::planner) fn insert(&mut self, rank: u32) {
        if self.contains(rank) {
            return;
        }
        self.len += 1;
        let mut at = rank;
        let mut level = 0;
        loop {
            if level == self.levels.len() {
                // The new top says which words of the level below are not empty; so far it had at most one.
                let below = level.checked_sub(1).map(|below| &self.levels[below]);
                let first = below.is_some_and(|words| words.first().is_some_and(|word| *word != 0));
                self.levels.push(vec![u64::from(first)]);
            }
            let words = &mut self.levels[level];
            let word = (at / BITS) as usize;
            if word >= words.len() {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (at % BITS);
            at /= BITS;
            level += 1;
            if level >= self.levels.len() && at == 0 && self.levels[level - 1].len() == 1 {
                return;
            }
        }
    }

    pub(in crate::planner) fn remove(&mut self, rank: u32) {
        if !self.contains(rank) {
            return;
        }
        self.len -= 1;
        let mut at = rank;
        for words in &mut self.levels {
            let word = &mut words[(at / BITS) as usize];
            *word &= !(1 << (at % BITS));
            if *word != 0 {
                return;
            }
            at /= BITS;
        }
    }

    /// The least member that is not less than `from`.
    pub(in crate::planner) fn at_or_after(&self, from: u32) -> Option<u32> {
        let mut at = from;
        let mut level = 0;
        loop {
            let words = self.levels.get(level)?;
            let index = (at / BITS) as usize;
            let rest = words.get(index).map_or(0, |word| word >> (at % BITS));
            if rest != 0 {
                at += rest.trailing_zeros();
                break;
            }
            // Nothing left in this word: the next one that is not empty, as the level above knows.
            at = at / BITS + 1;
            level += 1;
        }
        while level > 0 {
            level -= 1;
            at = at * BITS + self.levels[level][at as usize].trailing_zeros();
        }
        Some(at)
    }

    pub(in crate::planner) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let mut from = Some(0);
        std::iter::from_fn(move || {
            let found = self.at_or_after(from?)?;
            from = found.checked_add(1);
            Some(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It is a set: whatever goes in and out, it holds and yields what a set from the standard library does.
        #[test]
        fn is_a_set_in_order(ops in prop::collection::vec((any::<bool>(), 0u32..300_000), 0..200)) {
            let mut model = BTreeSet::new();
            let mut set = RankSet::default();
            for (insert, rank) in ops {
                // Dense at the bottom, sparse above, so that all levels come and go.
                let rank = if rank % 3 == 0 { rank } else { rank % 200 };
                if insert {
                    model.insert(rank);
                    set.insert(rank);
                } else {
                    model.remove(&rank);
                    set.remove(rank);
                }
                prop_assert_eq!(set.len() as usize, model.len());
            }
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            for from in [0, 1, 63, 64, 199, 200, 4095, 4096, 262_144, 299_999] {
                prop_assert_eq!(set.at_or_after(from), model.range(from..).next().copied());
                prop_assert_eq!(set.contains(from), model.contains(&from));
            }
        }
    }
}
