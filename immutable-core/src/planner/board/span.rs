use std::ops::Range;

/// Some of the 64 ranks of one word, in order: what moves at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::planner) struct Span {
    pub(super) word: u32,
    pub(super) mask: u64,
}

impl Span {
    pub(in crate::planner) const fn one(rank: u32) -> Self {
        Self { word: rank / u64::BITS, mask: 1 << (rank % u64::BITS) }
    }

    pub(in crate::planner) const fn word(self) -> u32 {
        self.word
    }

    pub(in crate::planner) const fn is_empty(self) -> bool {
        self.mask == 0
    }

    pub(in crate::planner) const fn len(self) -> u32 {
        self.mask.count_ones()
    }

    /// The lowest rank of one that is not empty.
    pub(in crate::planner) const fn first(self) -> u32 {
        self.word * u64::BITS + self.mask.trailing_zeros()
    }

    /// The highest rank of one that is not empty.
    pub(super) const fn last(self) -> u32 {
        self.word * u64::BITS + self.mask.ilog2()
    }

    /// The ranks, in order.
    pub(in crate::planner) fn ranks(self) -> impl Iterator<Item = u32> {
        let mut mask = self.mask;
        std::iter::from_fn(move || {
            let rank = (mask != 0).then(|| Self { mask, ..self }.first())?;
            mask &= mask - 1;
            Some(rank)
        })
    }

    /// The ranks as ranges, in order.
    pub(in crate::planner) fn ranges(self) -> impl Iterator<Item = Range<u32>> {
        let mut mask = self.mask;
        std::iter::from_fn(move || {
            let from = mask.trailing_zeros();
            let len = mask.checked_shr(from)?.trailing_ones();
            // What is above the ones: nothing, where they reach the top.
            mask &= u64::MAX.checked_shl(from + len).unwrap_or(0);
            let first = self.word * u64::BITS + from;
            Some(first..first + len)
        })
    }

    /// So many of them at most, the lowest ones.
    pub(in crate::planner) fn lowest(self, most: u32) -> Self {
        if most >= self.len() {
            return self;
        }
        let above = (0..most).fold(self.mask, |mask, _| mask & (mask - 1));
        Self { mask: self.mask & !above, ..self }
    }

    /// Both, of the same word.
    pub(in crate::planner) const fn and(self, other: Self) -> Self {
        Self { mask: self.mask | other.mask, ..self }
    }

    pub(in crate::planner) const fn without(self, other: Self) -> Self {
        if self.word == other.word { Self { mask: self.mask & !other.mask, ..self } } else { self }
    }

    /// Takes in what follows, if it is of the same word and comes after all of this one.
    pub(in crate::planner) const fn take_in(&mut self, next: Self) -> bool {
        let lowest = next.mask & next.mask.wrapping_neg();
        let follows = self.word == next.word && self.mask < lowest;
        if follows {
            self.mask |= next.mask;
        }
        follows
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn its_ranges_hold_its_ranks(word in 0_u32..3, (a, b, c) in any::<(u64, u64, u64)>()) {
            for mask in [a, a & b, a | b, a & b & c, a | b | c, 0, u64::MAX] {
                let span = Span { word, mask };
                let ranges: Vec<_> = span.ranges().collect();
                prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
                prop_assert!(ranges.into_iter().flatten().eq(span.ranks()));
            }
        }
    }
}
