use super::Span;

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
        self.insert_all(Span::one(rank));
    }

    pub(super) fn remove(&mut self, rank: u32) {
        self.remove_all(Span::one(rank));
    }

    /// The span is not empty.
    pub(super) fn insert_all(&mut self, span: Span) {
        debug_assert!(!span.is_empty(), "the levels above would count an empty word");
        if span.word == 0 {
            self.lowest |= span.mask;
            return;
        }
        let (mut at, mut mask) = (span.word, span.mask);
        for level in 0.. {
            let word = at as usize;
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let words = &mut self.levels[level];
            if word >= words.len() {
                words.resize(word + 1, 0);
            }
            let was_empty = words[word] == 0;
            words[word] |= mask;
            if !was_empty {
                // The levels above know it already.
                return;
            }
            // The top is the level of which one word is enough. One above it that a larger rank has brought is kept.
            if at == 0 && level + 1 >= self.levels.len() {
                return;
            }
            (at, mask) = (at / BITS, 1 << (at % BITS));
        }
    }

    pub(super) fn remove_all(&mut self, span: Span) {
        if span.word == 0 {
            self.lowest &= !span.mask;
            return;
        }
        let (mut at, mut mask) = (span.word, span.mask);
        for words in &mut self.levels {
            let Some(word) = words.get_mut(at as usize) else { return };
            let before = *word;
            *word &= !mask;
            // They were not in, or others of their word still are.
            if *word == before || *word != 0 {
                return;
            }
            (at, mask) = (at / BITS, 1 << (at % BITS));
        }
    }

    /// Takes in all members of another set.
    pub(super) fn extend(&mut self, other: Self) {
        self.lowest |= other.lowest;
        for (level, words) in other.levels.into_iter().enumerate() {
            if level == self.levels.len() {
                self.levels.push(words);
                continue;
            }
            let known = &mut self.levels[level];
            known.resize(known.len().max(words.len()), 0);
            known.iter_mut().zip(words).for_each(|(known, more)| *known |= more);
        }
    }

    /// The members among the ranks of a word.
    pub(super) fn word(&self, word: u32) -> u64 {
        if word == 0 {
            return self.lowest;
        }
        self.levels.first().and_then(|words| words.get(word as usize)).copied().unwrap_or(0)
    }

    /// Those of these ranks that are members.
    pub(super) fn of(&self, span: Span) -> Span {
        Span { mask: span.mask & self.word(span.word), ..span }
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
