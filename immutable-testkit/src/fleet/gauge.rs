use std::collections::BTreeMap;

use immutable_core::{Digest, Zone};

use super::machine::Machine;

/// The highest and lowest counts a fleet went through, exact between any two effects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peaks {
    /// The most instances that existed at once, whatever their phase.
    pub max_total: usize,
    /// The most instances that existed and had not ended at once.
    pub max_running: usize,
    /// The fewest instances that were available at once: ready, not told to drain and not being stopped.
    pub min_available: usize,
    /// The most instances that existed at once, by zone.
    pub max_by_zone: BTreeMap<Zone, usize>,
    /// The most different images of existing instances at once.
    pub max_images: usize,
}

/// What one instance counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    running: bool,
    available: bool,
}

impl Share {
    fn of(machine: &Machine) -> Self {
        Self { running: machine.runs(), available: machine.is_available() }
    }
}

/// Counts now, and their peaks since the last reset.
#[derive(Debug)]
pub(super) struct Gauge {
    total: usize,
    running: usize,
    available: usize,
    by_zone: BTreeMap<Zone, usize>,
    by_image: BTreeMap<Digest, usize>,
    peaks: Peaks,
}

impl Gauge {
    pub(super) const fn new() -> Self {
        Self {
            total: 0,
            running: 0,
            available: 0,
            by_zone: BTreeMap::new(),
            by_image: BTreeMap::new(),
            peaks: Peaks {
                max_total: 0,
                max_running: 0,
                min_available: 0,
                max_by_zone: BTreeMap::new(),
                max_images: 0,
            },
        }
    }

    pub(super) const fn peaks(&self) -> &Peaks {
        &self.peaks
    }

    pub(super) const fn available(&self) -> usize {
        self.available
    }

    pub(super) fn in_zone(&self, zone: &Zone) -> usize {
        self.by_zone.get(zone).copied().unwrap_or(0)
    }

    /// Begins new peaks at the counts of now.
    pub(super) fn reset(&mut self) {
        self.peaks = Peaks {
            max_total: self.total,
            max_running: self.running,
            min_available: self.available,
            max_by_zone: self.by_zone.clone(),
            max_images: self.by_image.len(),
        };
    }

    pub(super) fn added(&mut self, machine: &Machine) {
        let zone = &machine.shown.zone;
        self.total += 1;
        *self.by_zone.entry(zone.clone()).or_default() += 1;
        *self.by_image.entry(machine.shown.image).or_default() += 1;
        let in_zone = self.in_zone(zone);
        match self.peaks.max_by_zone.get_mut(zone) {
            Some(max) => *max = (*max).max(in_zone),
            None => {
                self.peaks.max_by_zone.insert(zone.clone(), in_zone);
            }
        }
        self.peaks.max_images = self.peaks.max_images.max(self.by_image.len());
        self.shift(Share { running: false, available: false }, Share::of(machine));
    }

    pub(super) fn removed(&mut self, machine: &Machine) {
        self.total -= 1;
        if let Some(count) = self.by_zone.get_mut(&machine.shown.zone) {
            *count -= 1;
        }
        if let Some(count) = self.by_image.get_mut(&machine.shown.image) {
            *count -= 1;
            if *count == 0 {
                self.by_image.remove(&machine.shown.image);
            }
        }
        self.shift(Share::of(machine), Share { running: false, available: false });
    }

    /// Applies a change to an instance and counts it.
    pub(super) fn changing<T>(&mut self, machine: &mut Machine, change: impl FnOnce(&mut Machine) -> T) -> T {
        let before = Share::of(machine);
        let result = change(machine);
        self.shift(before, Share::of(machine));
        result
    }

    fn shift(&mut self, before: Share, after: Share) {
        self.running = self.running + usize::from(after.running) - usize::from(before.running);
        self.available = self.available + usize::from(after.available) - usize::from(before.available);
        self.peaks.max_total = self.peaks.max_total.max(self.total);
        self.peaks.max_running = self.peaks.max_running.max(self.running);
        self.peaks.min_available = self.peaks.min_available.min(self.available);
    }
}
