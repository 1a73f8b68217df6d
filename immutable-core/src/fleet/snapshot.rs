use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Instance;
use crate::id::{FleetId, InstanceId};
use crate::time::Timestamp;

/// What a fleet looked like at one moment.
///
/// A stored one may list its instances in any order, but none of them twice:
///
/// ```
/// use immutable_core::fleet::Snapshot;
///
/// let instance = r#"{"id": "i-1", "image": "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
///     "zone": "a", "phase": {"running": "ready"}, "launched_at": "2026-11-01T00:00:00Z"}"#;
/// let stored = |instances: &str| {
///     format!(r#"{{"fleet": "web", "taken_at": "2026-11-23T10:00:00Z", "revision": 1, "instances": [{instances}]}}"#)
/// };
/// let snapshot: Snapshot = serde_json::from_str(&stored(instance)).unwrap();
/// assert!(snapshot.instances[0].is_ready());
/// let error = serde_json::from_str::<Snapshot>(&stored(&format!("{instance}, {instance}"))).unwrap_err();
/// assert!(error.to_string().contains("instance `i-1` is listed twice"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Snapshot {
    /// The fleet.
    pub fleet: FleetId,
    /// When it was taken, by the clock that tells when the instances were launched.
    pub taken_at: Timestamp,
    /// Grows with every change the fleet notices; pass it to [`Fleet::changed`](super::Fleet::changed) to wait for
    /// the next one. Only comparable with revisions of the same fleet object.
    pub revision: u64,
    /// The instances, in order of their identifiers. Those that are gone without a trace are not in it, but a missing
    /// instance is no proof that it is gone: see [`Fleet::terminate`](super::Fleet::terminate).
    ///
    /// Plans and journals share them: whoever needs another one changes a copy (`Arc::make_mut`).
    #[serde(deserialize_with = "distinct")]
    pub instances: Vec<Arc<Instance>>,
}

/// The instances, sorted; an identifier that comes again is an error where it does.
fn distinct<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<Instance>>, D::Error> {
    struct Instances;

    impl<'de> Visitor<'de> for Instances {
        type Value = Vec<Arc<Instance>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of instances")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let (mut instances, mut seen) = (Vec::new(), BTreeSet::new());
            while let Some(instance) = list.next_element_seed(Unseen(&mut seen))? {
                instances.push(Arc::new(instance));
            }
            instances.sort_by(|a: &Arc<Instance>, b| a.id.cmp(&b.id));
            Ok(instances)
        }
    }

    deserializer.deserialize_seq(Instances)
}

/// Reads an instance that is none of these, and adds it to them. A seed, so that the error is that of the element.
struct Unseen<'a>(&'a mut BTreeSet<InstanceId>);

impl<'de> DeserializeSeed<'de> for Unseen<'_> {
    type Value = Instance;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Instance, D::Error> {
        let instance = Instance::deserialize(deserializer)?;
        if self.0.insert(instance.id.clone()) {
            return Ok(instance);
        }
        let id = &instance.id;
        Err(D::Error::custom(format_args!("instance `{id}` is listed twice: expected every identifier once")))
    }
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
