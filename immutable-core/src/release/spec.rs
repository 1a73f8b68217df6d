use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::TrafficGuard;
use crate::id::{BarrierName, FleetId, ServiceName};
use crate::strategy::Share;

/// What a release shall do: its groups, their order, and what holds over all of them. The form that a file holds.
///
/// ```
/// use immutable_core::release::ReleaseSpec;
///
/// let spec: ReleaseSpec = serde_json::from_str(r#"{
///     "barriers": [{ "name": "databases" }],
///     "groups": [
///         { "fleet": "db-eu", "before": ["databases"] },
///         { "fleet": "db-us", "before": ["databases"] },
///         { "fleet": "web-eu", "after": ["databases"], "service": "web" },
///         { "fleet": "web-us", "after": ["databases"], "service": "web" }
///     ],
///     "services": [{ "name": "web", "min_share": 75 }],
///     "on_failure": "rollback",
///     "max_running": 2
/// }"#).unwrap();
/// assert_eq!(spec.graph().unwrap().edges(), 4, "one an end of a group, never one a pair of groups");
///
/// let typo = r#"{ "barriers": [{ "name": "databases" }], "groups": [{ "fleet": "web-eu", "after": ["database"] }] }"#;
/// let error = serde_json::from_str::<ReleaseSpec>(typo).unwrap().graph().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`after` of group `web-eu` names `database`, which is no barrier: the nearest name is `databases`"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReleaseSpec {
    /// What a failed group leads to.
    pub on_failure: OnGroupFailure,
    /// How many groups run at the same time. Default: as many as their order allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_running: Option<NonZeroU32>,
    /// How many groups go back at the same time. Default: as many as their order allows, because what goes back is known
    /// to be bad where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_returning: Option<NonZeroU32>,
    /// The groups. Of those that may begin, the one that is declared first begins first.
    pub groups: Vec<Group>,
    /// The barriers that order them. Each must be declared, so that a misspelt one is an error and not a new one.
    pub barriers: Vec<Barrier>,
    /// The services whose traffic is guarded over all their groups.
    pub services: Vec<Service>,
}

/// One fleet of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Group {
    /// The fleet. A release has at most one rollout of each.
    pub fleet: FleetId,
    /// The service whose traffic it takes part in. Default none: then no traffic guard concerns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// It begins when all of these are passed. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<BarrierName>,
    /// None of these is passed before it is done. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<BarrierName>,
}

impl Group {
    /// A group that depends on nothing and on which nothing depends.
    #[must_use]
    pub const fn new(fleet: FleetId) -> Self {
        Self { fleet, service: None, after: Vec::new(), before: Vec::new() }
    }

    /// The group, taking part in the traffic of this service.
    #[must_use]
    pub fn service(mut self, service: ServiceName) -> Self {
        self.service = Some(service);
        self
    }

    /// The group, beginning only when this barrier is passed too.
    #[must_use]
    pub fn after(mut self, barrier: BarrierName) -> Self {
        self.after.push(barrier);
        self
    }

    /// The group, with this barrier not passed before the group is done.
    #[must_use]
    pub fn before(mut self, barrier: BarrierName) -> Self {
        self.before.push(barrier);
        self
    }
}

/// A point that is passed when every group before it is done and every barrier it comes after is passed.
///
/// A tier is a barrier that its groups are before and those of the next tier are after. With neither, it is passed from
/// the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Barrier {
    /// Its name. Groups and barriers may have the same name: where one is meant, the other cannot be.
    pub name: BarrierName,
    /// It is not passed before all of these are. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<BarrierName>,
}

impl Barrier {
    /// A barrier that comes after no other.
    #[must_use]
    pub const fn new(name: BarrierName) -> Self {
        Self { name, after: Vec::new() }
    }

    /// The barrier, passed only when this one is passed too.
    #[must_use]
    pub fn after(mut self, barrier: BarrierName) -> Self {
        self.after.push(barrier);
        self
    }
}

/// A service whose traffic several groups share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// The least share of its desired capacity that serves at every moment, in hundredths; see [`TrafficGuard`].
    pub min_share: Share,
}

impl Service {
    /// A service of which this share serves at every moment.
    #[must_use]
    pub const fn new(name: ServiceName, min_share: Share) -> Self {
        Self { name, min_share }
    }

    /// Its guard.
    #[must_use]
    pub const fn guard(&self) -> TrafficGuard {
        TrafficGuard::new(self.min_share)
    }
}

/// What a release does when the rollout of a group failed, whether that group turned back by itself or stands where it
/// was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnGroupFailure {
    /// Begins no further group; those that run finish. The default: nothing more is put at risk, and nothing that works
    /// is taken away, so that a person can choose between [`Retry`](super::ReleaseEvent::Retry) and
    /// [`RollBack`](super::ReleaseEvent::RollBack).
    #[default]
    Stop,
    /// Begins no further group and takes back all that began: a group goes back when all that depend on it are back. For
    /// groups that only work together in one version.
    Rollback,
    /// Holds only the groups that depend on the failed one; all others go on. For groups that have nothing to do with each
    /// other but the day of their release.
    Continue,
}

impl ReleaseSpec {
    /// A release of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The release with this group too.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// The release with this barrier too.
    #[must_use]
    pub fn barrier(mut self, barrier: Barrier) -> Self {
        self.barriers.push(barrier);
        self
    }

    /// The release with this service guarded too.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// What a failed group leads to. Default [`OnGroupFailure::Stop`].
    #[must_use]
    pub const fn on_failure(mut self, on_failure: OnGroupFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// How many groups run at the same time. Default: as many as their order allows.
    #[must_use]
    pub const fn max_running(mut self, groups: NonZeroU32) -> Self {
        self.max_running = Some(groups);
        self
    }

    /// How many groups go back at the same time. Default: as many as their order allows.
    #[must_use]
    pub const fn max_returning(mut self, groups: NonZeroU32) -> Self {
        self.max_returning = Some(groups);
        self
    }
}
