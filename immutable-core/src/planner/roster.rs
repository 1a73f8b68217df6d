use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::board::CellId;
use super::{Cause, IllegalTransition};
use crate::digest::Digest;
use crate::id::{InstanceId, Zone};
use crate::plan::{Adopted, Seat};

/// What a member is called. No decision reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) instance: Option<InstanceId>,
    pub(super) endpoint: Option<SocketAddr>,
    pub(super) cause: Option<Cause>,
}

/// The names behind the numbers of the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Roster {
    pub(super) images: Vec<Digest>,
    pub(super) zones: Vec<Zone>,
    /// The name of the instance in each cell of the board.
    pub(super) names: Vec<Name>,
    pub(super) by_instance: BTreeMap<InstanceId, Seat>,
    /// Instances proved gone: a late list that still shows one is no news.
    pub(super) gone: BTreeSet<InstanceId>,
}

impl Roster {
    pub(super) fn new(zones: &[Zone]) -> Self {
        Self { zones: zones.to_vec(), ..Self::default() }
    }

    /// The number of an image, a new one if it was not seen before.
    pub(super) fn image(&mut self, image: Digest) -> Result<u16, IllegalTransition> {
        number(&mut self.images, &image, "images")
    }

    /// The number of a zone, a new one if it was not seen before.
    pub(super) fn zone(&mut self, zone: &Zone) -> Result<u16, IllegalTransition> {
        number(&mut self.zones, zone, "zones")
    }

    /// The number of an image that was seen.
    pub(super) fn known_image(&self, image: Digest) -> Option<u16> {
        self.images.iter().position(|known| *known == image).and_then(|at| u16::try_from(at).ok())
    }

    pub(super) fn image_of(&self, number: u16) -> Digest {
        self.images[usize::from(number)]
    }

    pub(super) fn zone_of(&self, number: u16) -> &Zone {
        &self.zones[usize::from(number)]
    }

    /// All zones that were seen, by their numbers.
    pub(super) fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// All images that were seen, by their numbers.
    pub(super) fn images(&self) -> &[Digest] {
        &self.images
    }

    pub(super) fn name(&self, id: CellId) -> Option<&Name> {
        self.names.get(id.index())
    }

    /// Everyone with an identifier, in order of identifiers.
    pub(super) fn instances(&self) -> impl Iterator<Item = (&InstanceId, Seat)> {
        self.by_instance.iter().map(|(instance, seat)| (instance, *seat))
    }

    pub(super) fn seat_of(&self, instance: &InstanceId) -> Option<Seat> {
        self.by_instance.get(instance).copied()
    }

    pub(super) fn is_gone(&self, instance: &InstanceId) -> bool {
        self.gone.contains(instance)
    }

    /// How many are proved gone.
    pub(super) fn gone(&self) -> usize {
        self.gone.len()
    }

    pub(super) fn call(
        &mut self,
        id: CellId,
        seat: Seat,
        instance: InstanceId,
        endpoint: Option<SocketAddr>,
    ) {
        self.find_at(instance.clone(), seat);
        self.name_only(id, instance, endpoint);
    }

    pub(super) fn find_at(&mut self, instance: InstanceId, seat: Seat) {
        self.by_instance.insert(instance, seat);
    }

    /// Says who is in a cell, but not yet where the instance is found.
    pub(super) fn name_only(&mut self, id: CellId, instance: InstanceId, endpoint: Option<SocketAddr>) {
        *self.entry(id) = Name { instance: Some(instance), endpoint, cause: None };
    }

    /// Where everybody is who was there at the beginning: at once, because a map is built faster from what is in order.
    pub(super) fn index(&mut self, initial: &[Adopted]) -> Result<(), IllegalTransition> {
        let mut all: Vec<(InstanceId, Seat)> =
            initial.iter().map(|adopted| (adopted.instance.id.clone(), adopted.seat)).collect();
        all.sort_unstable();
        if let Some((instance, _)) =
            all.iter().zip(all.iter().skip(1)).find(|(a, b)| a.0 == b.0).map(|(a, _)| a)
        {
            return Err(IllegalTransition::new(format!("{instance} has two seats")));
        }
        self.by_instance = all.into_iter().collect();
        Ok(())
    }

    pub(super) fn answers_at(&mut self, id: CellId, endpoint: Option<SocketAddr>) {
        let name = self.entry(id);
        name.endpoint = endpoint.or(name.endpoint);
    }

    pub(super) fn blame(&mut self, id: CellId, cause: Cause) {
        self.entry(id).cause = Some(cause);
    }

    /// The member is gone, and so is its instance. Its cell will hold another one.
    pub(super) fn forget(&mut self, id: CellId) {
        if let Some(instance) = std::mem::take(self.entry(id)).instance {
            self.by_instance.remove(&instance);
            self.gone.insert(instance);
        }
    }

    fn entry(&mut self, id: CellId) -> &mut Name {
        if id.index() >= self.names.len() {
            self.names.resize_with(id.index() + 1, Name::default);
        }
        &mut self.names[id.index()]
    }
}

fn number<T: PartialEq + Clone>(
    known: &mut Vec<T>,
    wanted: &T,
    what: &str,
) -> Result<u16, IllegalTransition> {
    let at = known.iter().position(|known| known == wanted).unwrap_or_else(|| {
        known.push(wanted.clone());
        known.len() - 1
    });
    u16::try_from(at).map_err(|_| IllegalTransition::new(format!("the fleet has more than 65,536 {what}")))
}
