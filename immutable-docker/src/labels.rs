//! The labels on every container of a fleet. Docker never changes the labels of a container once it exists, so they
//! say for good who launched it and why.

use std::collections::HashMap;

use immutable_core::fleet::{LaunchRequest, Origin};
use immutable_core::{Attempt, Digest, FleetId, Slot, Zone};

/// The fleet the container belongs to. A container without it, or with another value, is never touched.
pub const FLEET: &str = "immutable.fleet";
/// The rollout that launched it.
pub const ROLLOUT: &str = "immutable.rollout";
/// The number of its slot.
pub const SLOT: &str = "immutable.slot";
/// The number of the attempt in that slot.
pub const ATTEMPT: &str = "immutable.attempt";
/// The idempotency token of its launch.
pub const TOKEN: &str = "immutable.token";
/// The image id it was launched from, `sha256:...`.
pub const IMAGE: &str = "immutable.image";
/// The zone it was launched in.
pub const ZONE: &str = "immutable.zone";

/// What the labels of one container say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LaunchLabels {
    pub(crate) origin: Origin,
    pub(crate) zone: Zone,
    pub(crate) image: Digest,
}

/// A label that is missing or is not what this library writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadLabel {
    pub(crate) label: &'static str,
    pub(crate) problem: String,
}

/// The labels a container launched for this request carries.
pub(crate) fn of_request(fleet: &FleetId, request: &LaunchRequest) -> [(&'static str, String); 7] {
    [
        (FLEET, fleet.to_string()),
        (ROLLOUT, request.rollout.to_string()),
        (SLOT, request.slot.0.to_string()),
        (ATTEMPT, request.attempt.0.to_string()),
        (TOKEN, request.token.to_string()),
        (IMAGE, request.image.to_string()),
        (ZONE, request.zone.to_string()),
    ]
}

/// Reads the labels of a container that carries [`FLEET`].
pub(crate) fn read(labels: &HashMap<String, String>) -> Result<LaunchLabels, BadLabel> {
    Ok(LaunchLabels {
        origin: Origin {
            rollout: parse(labels, ROLLOUT)?,
            slot: Slot(parse(labels, SLOT)?),
            attempt: Attempt(parse(labels, ATTEMPT)?),
            token: parse(labels, TOKEN)?,
        },
        zone: parse(labels, ZONE)?,
        image: parse(labels, IMAGE)?,
    })
}

fn parse<T>(labels: &HashMap<String, String>, label: &'static str) -> Result<T, BadLabel>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text = labels.get(label).ok_or_else(|| BadLabel { label, problem: "is missing".to_owned() })?;
    text.parse().map_err(|error| BadLabel { label, problem: format!("is malformed ({error})") })
}

#[cfg(test)]
mod tests {
    use immutable_core::{RolloutId, Zone};

    use super::*;

    fn request() -> LaunchRequest {
        let rollout = RolloutId::new("deploy-1").unwrap();
        LaunchRequest::new(rollout, Slot(3), Attempt(2), Zone::new("a").unwrap(), Digest::of(b"x"))
    }

    #[test]
    fn written_labels_are_read_back() {
        let request = request();
        let written = of_request(&FleetId::new("web").unwrap(), &request);
        let labels: HashMap<_, _> = written.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let read = read(&labels).unwrap();
        assert_eq!(read.origin.token, request.token);
        assert_eq!(read.origin.slot, Slot(3));
        assert_eq!((read.zone, read.image), (request.zone, request.image));
    }

    #[test]
    fn a_bad_label_is_named() {
        let written = of_request(&FleetId::new("web").unwrap(), &request());
        for (label, bad) in [(SLOT, "-1"), (TOKEN, "x"), (IMAGE, "web:latest"), (ZONE, "")] {
            let mut labels: HashMap<_, _> =
                written.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
            labels.insert(label.to_owned(), bad.to_owned());
            assert_eq!(read(&labels).unwrap_err().label, label);
            labels.remove(label);
            assert_eq!(read(&labels).unwrap_err().problem, "is missing");
        }
    }
}
