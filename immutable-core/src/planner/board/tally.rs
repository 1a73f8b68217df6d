use super::{Cell, Counts};

/// What is counted over all instances: kept along with every change.
#[derive(Clone, Debug, Default)]
pub(in crate::planner) struct Tally {
    pub(super) counts: Counts,
    /// Of each zone, where the limits look at zones.
    zones: Vec<Counts>,
    pub(super) looks_at_zones: bool,
    /// How many instances of each image exist.
    images: Vec<u32>,
}

impl Tally {
    pub(in crate::planner) fn new(looks_at_zones: bool) -> Self {
        Self { looks_at_zones, ..Self::default() }
    }

    /// The counters of one zone, where the limits look at zones.
    pub(super) fn zone(&self, zone: u16) -> Counts {
        self.zones.get(usize::from(zone)).copied().unwrap_or_default()
    }

    /// Whether instances of an image exist.
    pub(super) fn has_image(&self, image: u16) -> bool {
        self.images.get(usize::from(image)).is_some_and(|count| *count > 0)
    }

    /// How many different images exist.
    pub(super) fn versions(&self) -> usize {
        self.images.iter().filter(|count| **count > 0).count()
    }

    /// So many instances like this one come.
    pub(super) fn come(&mut self, cell: &Cell, times: u32) {
        let image = usize::from(cell.image);
        if image >= self.images.len() {
            self.images.resize(image + 1, 0);
        }
        self.images[image] += times;
        self.turn(cell.zone, &Counts::default(), &Counts::of(cell), times);
    }

    /// So many instances like this one go.
    pub(super) fn go(&mut self, cell: &Cell, times: u32) {
        self.images[usize::from(cell.image)] -= times;
        self.turn(cell.zone, &Counts::of(cell), &Counts::default(), times);
    }

    /// So many instances of a zone change from one state to another.
    pub(super) fn turn(&mut self, zone: u16, before: &Counts, after: &Counts, times: u32) {
        self.counts.turn(before, after, times);
        if self.looks_at_zones {
            let zone = usize::from(zone);
            if zone >= self.zones.len() {
                self.zones.resize(zone + 1, Counts::default());
            }
            self.zones[zone].turn(before, after, times);
        }
    }
}
