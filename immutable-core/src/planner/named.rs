//! What a request and a snapshot name: every zone and every instance once, and none that nobody knows.

use std::collections::BTreeSet;

use super::{IllegalTransition, PlanError, PlanRequest};
use crate::fleet::Snapshot;
use crate::id::InstanceId;

impl PlanRequest {
    pub(super) fn check_names(&self, snapshot: &Snapshot) -> Result<(), PlanError> {
        let rollout = || self.rollout.clone();
        if self.zones.is_empty() {
            return Err(PlanError::NoZones { rollout: rollout() });
        }
        let mut seen = BTreeSet::new();
        if let Some(zone) = self.zones.iter().find(|zone| !seen.insert(*zone)) {
            return Err(PlanError::RepeatedZone { rollout: rollout(), zone: zone.clone() });
        }
        // They are in order.
        if let Some(twice) = snapshot.instances.windows(2).find(|pair| pair[0].id == pair[1].id) {
            let source = IllegalTransition::new(format!(
                "instance {} is listed twice: expected every identifier once",
                twice[0].id
            ));
            return Err(PlanError::Snapshot { fleet: snapshot.fleet.clone(), source });
        }
        match self.unknown_mark(snapshot) {
            Some(instance) => Err(PlanError::UnknownMark {
                rollout: rollout(),
                instance: instance.clone(),
                fleet: snapshot.fleet.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The first instance that is marked and not there.
    fn unknown_mark(&self, snapshot: &Snapshot) -> Option<&InstanceId> {
        if self.marks.is_empty() {
            return None;
        }
        let known: BTreeSet<&InstanceId> = snapshot.instances.iter().map(|instance| &instance.id).collect();
        self.marks.keys().find(|instance| !known.contains(instance))
    }
}
