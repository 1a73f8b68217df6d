/// A set of small numbers that yields them in order: bits in words, and above each level one that says which of its words
/// are not empty. Every operation touches one word a level, of which a million ranks have four.
///
/// The lowest word is kept aside, so that the sets of a small fleet live without an allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RankSet {
    lowest: u64,
    /// The words of the ranks from 64 on, level by level; the lowest one is empty.
    levels: Vec<Vec<u64>>,
}

const BITS: u32 = u64::BITS;

impl RankSet {
    pub(super) fn insert(&mut self, rank: u32) {
        if rank < BITS {
            self.lowest |= 1 << rank;
            return;
        }
        let mut at = rank;
        for level in 0.. {
            let word = (at / BITS) as usize;
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let words = &mut self.levels[level];
            if word >= words.len() {
                words.resize(word + 1, 0);
            }
            let was_empty = words[word] == 0;
            words[word] |= 1 << (at % BITS);
            if !was_empty {
                // The levels above know it already.
                return;
            }
            at /= BITS;
            // The top is the level of which one word is enough. One above it that a larger rank has brought is kept.
            if at == 0 && level + 1 >= self.levels.len() {
                return;
            }
        }
    }

    pub(super) fn remove(&mut self, rank: u32) {
        if rank < BITS {
            self.lowest &= !(1 << rank);
            return;
        }
        let mut at = rank;
        for words in &mut self.levels {
            let Some(word) = words.get_mut((at / BITS) as usize) else { return };
            let before = *word;
            *word &= !(1 << (at % BITS));
            // It was not in, or others of its word still are.
            if *word == before || *word != 0 {
                return;
            }
            at /= BITS;
        }
    }

    /// The least member that is not less than `from`.
    pub(super) fn at_or_after(&self, from: u32) -> Option<u32> {
        if from < BITS {
            let rest = self.lowest >> from;
            if rest != 0 {
                return Some(from + rest.trailing_zeros());
            }
        }
        let mut at = from.max(BITS);
        let mut level = 0;
        loop {
            let words = self.levels.get(level)?;
            let rest = words.get((at / BITS) as usize).map_or(0, |word| word >> (at % BITS));
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
            }
            let mut met = Vec::new();
            let mut next = set.at_or_after(0);
            while let Some(rank) = next {
                met.push(rank);
                next = set.at_or_after(rank + 1);
            }
            prop_assert_eq!(met, model.iter().copied().collect::<Vec<_>>());
            for from in [0, 1, 63, 64, 199, 200, 4095, 4096, 262_144, 299_999] {
                prop_assert_eq!(set.at_or_after(from), model.range(from..).next().copied());
            }
        }
    }
}
