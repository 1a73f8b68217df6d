//! Sorting by numbers, digit by digit: no comparisons to mispredict, and only of the highest digits in which the numbers
//! differ.

use std::cmp::Ordering;

/// Below this many, comparing is cheaper.
const FEW: usize = 64;
const DIGIT: u32 = 8;
/// Items that are sorted by so many bits more than their number has are rarely equal in them.
const SPARE_BITS: u32 = 3;

/// Puts items in order of their keys; `then` compares those of which the keys are equal.
pub(super) fn sort(items: &mut [(u64, u32)], then: &impl Fn(u32, u32) -> Ordering) {
    sort_by_digits(items, &mut vec![(0, 0); if items.len() < FEW { 0 } else { items.len() }], then);
}

/// The same, with room for as many items.
fn sort_by_digits(items: &mut [(u64, u32)], room: &mut [(u64, u32)], then: &impl Fn(u32, u32) -> Ordering) {
    let differ = items.iter().fold(0, |differ, item| differ | item.0 ^ items[0].0);
    if items.len() < FEW || differ == 0 {
        items.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| then(a.1, b.1)));
        return;
    }
    let digits = digits(differ, items.len());
    let lowest = digits.last().copied().unwrap_or(0);
    for pair in digits.rchunks(2) {
        by_digit(items, room, pair[pair.len() - 1]);
        match pair {
            [higher, _] => by_digit(room, items, *higher),
            _ => items.copy_from_slice(room),
        }
    }
    let mut from = 0;
    for equal in items.chunk_by_mut(|a, b| a.0 >> lowest == b.0 >> lowest) {
        let to = from + equal.len();
        if equal.len() > 1 {
            sort_by_digits(equal, &mut room[from..to], then);
        }
        from = to;
    }
}

/// Where the highest digits begin that tell most of so many items apart, the highest one first.
fn digits(differ: u64, items: usize) -> Vec<u32> {
    let (mut rest, mut missing) = (differ, items.ilog2() + SPARE_BITS);
    let mut digits = Vec::with_capacity(8);
    while rest != 0 && missing > 0 {
        let from = (u64::BITS - rest.leading_zeros()).saturating_sub(DIGIT);
        missing = missing.saturating_sub((rest >> from).count_ones());
        rest &= (1 << from) - 1;
        digits.push(from);
    }
    digits
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
            let mut items = items;
            sort(&mut items, &|a, b| a.cmp(&b));
            prop_assert_eq!(items, expected);
        }
    }
}
