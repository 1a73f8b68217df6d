use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Cause;
use super::roster::{Name, Roster};
use crate::digest::Digest;
use crate::id::{InstanceId, Zone};
use crate::plan::Seat;

/// A roster as a checkpoint holds it. Names come in order, since what is in order is put back faster.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frozen {
    images: Vec<Digest>,
    zones: Vec<Zone>,
    /// How many cells have been named so far.
    cells: u32,
    instances: Vec<InstanceId>,
    /// Of each of them: its cell, slot and attempt.
    places: Vec<(u32, u32, u32)>,
    endpoints: Vec<(u32, SocketAddr)>,
    causes: Vec<(u32, Cause)>,
    gone: Vec<InstanceId>,
}

impl Serialize for Roster {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = || (0..).zip(&self.names);
        let mut found: Vec<(&InstanceId, u32)> =
            names().filter_map(|(cell, name)| Some((name.instance.as_ref()?, cell))).collect();
        found.sort_unstable();
        // Every instance that has a name is found by it, and the other way round.
        let places = found.iter().zip(&self.by_instance);
        let places = places.map(|((_, cell), (_, seat))| (*cell, seat.slot.0, seat.attempt.0));
        Frozen {
            images: self.images.clone(),
            zones: self.zones.clone(),
            cells: u32::try_from(self.names.len()).map_err(serde::ser::Error::custom)?,
            instances: self.by_instance.keys().cloned().collect(),
            places: places.collect(),
            endpoints: names().filter_map(|(cell, name)| Some((cell, name.endpoint?))).collect(),
            causes: names().filter_map(|(cell, name)| Some((cell, name.cause.clone()?))).collect(),
            gone: self.gone.iter().cloned().collect(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Roster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let frozen = Frozen::deserialize(deserializer)?;
        thawed(frozen).ok_or_else(|| serde::de::Error::custom("a roster whose numbers contradict each other"))
    }
}

fn thawed(frozen: Frozen) -> Option<Roster> {
    let Frozen { images, zones, cells, instances, places, endpoints, causes, gone } = frozen;
    let mut names = vec![Name::default(); cells as usize];
    if instances.len() != places.len() {
        return None;
    }
    for (instance, (cell, ..)) in instances.iter().zip(&places) {
        names.get_mut(*cell as usize)?.instance = Some(instance.clone());
    }
    for (cell, endpoint) in endpoints {
        names.get_mut(cell as usize)?.endpoint = Some(endpoint);
    }
    for (cell, cause) in causes {
        names.get_mut(cell as usize)?.cause = Some(cause);
    }
    let seats = places.into_iter().map(|(_, slot, attempt)| Seat::new(slot, attempt));
    let by_instance = instances.into_iter().zip(seats).collect();
    Some(Roster { images, zones, names, by_instance, gone: gone.into_iter().collect() })
}
