//! A tree of seeds: reproducible choices without a random generator.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The source of every choice that nothing else decides. Each use derives its own child, so that one instance more
/// does not shift the choices made for all others.
///
/// ```
/// use immutable_core::Seed;
///
/// let seed = Seed::new(7).child("victims");
/// assert_eq!(seed.rank(b"i-1"), Seed::new(7).child("victims").rank(b"i-1"));
/// assert_ne!(seed.rank(b"i-1"), seed.rank(b"i-2"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// The root of a tree.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed of one purpose.
    #[must_use]
    pub fn child(self, purpose: &str) -> Self {
        Self(self.rank(purpose.as_bytes()))
    }

    /// As [`rank`](Self::rank) for a number, and much cheaper: the finalizer of SplitMix64 (Steele, Lea and Flood, *Fast
    /// Splittable Pseudorandom Number Generators*, 2014).
    #[must_use]
    pub const fn rank_number(self, item: u64) -> u64 {
        let mixed = self.0.wrapping_add(item.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number that is the same for the same seed and item and looks random otherwise: sort by it to break a tie.
    #[must_use]
    pub fn rank(self, item: &[u8]) -> u64 {
        let digest = Digest::of_fields("immutable seed v1", &[&self.0.to_be_bytes(), item]);
        let mut head = [0; 8];
        head.copy_from_slice(&digest.as_bytes()[..8]);
        u64::from_be_bytes(head)
    }
}
