use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Instance;
use crate::id::{FleetId, InstanceId};
use crate::time::Timestamp;

/// What a fleet looked like at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The fleet.
    pub fleet: FleetId,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Grows with every change the fleet notices; pass it to [`Fleet::changed`](super::Fleet::changed) to wait for
    /// the next one. Only comparable with revisions of the same fleet object.
    pub revision: u64,
    /// The instances, in order of their identifiers. Those that are gone without a trace are not in it, but a missing
    /// instance is no proof that it is gone: see [`Fleet::terminate`](super::Fleet::terminate).
    ///
    /// Plans and journals share them: whoever needs another one changes a copy (`Arc::make_mut`).
    pub instances: Vec<Arc<Instance>>,
}

impl Snapshot {
    /// A snapshot; sorts the instances.
    #[must_use]
    pub fn new(fleet: FleetId, taken_at: Timestamp, revision: u64, mut instances: Vec<Instance>) -> Self {
        instances.sort_by(|a, b| a.id.cmp(&b.id));
        Self { fleet, taken_at, revision, instances: instances.into_iter().map(Arc::new).collect() }
    }

    /// The instance with this identifier.
    #[must_use]
    pub fn get(&self, id: &InstanceId) -> Option<&Instance> {
        self.instances.binary_search_by(|instance| instance.id.cmp(id)).ok().map(|at| &*self.instances[at])
    }
}
