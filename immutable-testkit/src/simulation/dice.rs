use std::time::Duration;

use immutable_core::Seed;

/// Numbers that follow from a seed, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    seed: Seed,
    thrown: u64,
}

impl Dice {
    pub(super) fn new(seed: Seed, purpose: &str) -> Self {
        Self { seed: seed.child(purpose), thrown: 0 }
    }

    pub(super) const fn below(&mut self, sides: u64) -> u64 {
        self.thrown += 1;
        let sides = if sides == 0 { 1 } else { sides };
        self.seed.rank_number(self.thrown) % sides
    }

    /// A number from `least` to `most`.
    pub(super) fn among(&mut self, least: u32, most: u32) -> u32 {
        least + u32::try_from(self.below(u64::from(most.saturating_sub(least)) + 1)).unwrap_or(0)
    }

    /// Heads in so many of a hundred throws.
    pub(super) const fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time in milliseconds, so that traces can be read.
    pub(super) fn time(&mut self, least: Duration, most: Duration) -> Duration {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (least, most) = (millis(least), millis(most));
        Duration::from_millis(least + self.below(most.saturating_sub(least) + 1))
    }

    pub(super) fn seconds(&mut self, least: u64, most: u64) -> Duration {
        self.time(Duration::from_secs(least), Duration::from_secs(most))
    }

    /// One of these; there must be one.
    pub(super) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        let number = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices[number].clone()
    }
}
