//! Sorting by numbers, digit by digit: no comparisons to mispredict, and only of the digits in which the numbers differ.

use std::cmp::Ordering;

/// Below this many, comparing is cheaper.
const FEW: usize = 64;
const DIGIT: u32 = 8;

/// Items in order of their keys; `then` compares those of which the keys are equal.
pub(super) fn sorted(mut items: Vec<(u64, u32)>, then: impl Fn(u32, u32) -> Ordering) -> Vec<(u64, u32)> {
    if items.len() < FEW {
        items.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| then(a.1, b.1)));
        return items;
    }
    let differ = items.iter().fold(0, |differ, item| differ | item.0 ^ items[0].0);
    let mut other = vec![(0, 0); items.len()];
    let mut from = differ.trailing_zeros();
    while from < u64::BITS {
        by_digit(&items, &mut other, from);
        std::mem::swap(&mut items, &mut other);
        let higher = differ.checked_shr(from + DIGIT).unwrap_or(0);
        from = if higher == 0 { u64::BITS } else { from + DIGIT + higher.trailing_zeros() };
    }
    for equal in items.chunk_by_mut(|a, b| a.0 == b.0).filter(|equal| equal.len() > 1) {
        equal.sort_unstable_by(|a, b| then(a.1, b.1));
    }
    items
}

/// Puts the items in order of one digit; those that have the same one keep their order.
fn by_digit(items: &[(u64, u32)], sorted: &mut [(u64, u32)], from: u32) {
    let digit = |key: u64| (key >> from & ((1 << DIGIT) - 1)) as usize;
    let mut places = [0_u32; 1 << DIGIT];
    for (key, _) in items {
        places[digit(*key)] += 1;
    }
    let mut before = 0;
    for place in &mut places {
        before += std::mem::replace(place, before);
    }
    for item in items {
        let place = &mut places[digit(item.0)];
        sorted[*place as usize] = *item;
        *place += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The order is that of the keys and then of the items, as comparing finds it, wherever the keys differ.
        #[test]
        fn sorts_like_comparing(
            keys in prop::collection::vec(0_u64..5, 0..300),
            low in 0_u32..62,
            high in 0_u32..62,
        ) {
            let key = |number: &u64| (number & 1) << low | (number >> 1) << high | 7 << 20;
            let items: Vec<(u64, u32)> = keys.iter().map(key).zip((0..1_000).rev()).collect();
            let mut expected = items.clone();
            expected.sort_unstable();
            prop_assert_eq!(sorted(items, |a, b| a.cmp(&b)), expected);
        }
    }
}
