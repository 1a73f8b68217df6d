use std::fmt;

use super::Node;
use crate::id::{BarrierName, FleetId, ServiceName};

/// A release that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// Declare each group and each barrier once.
    #[error("{node} is declared twice: give one of the two another name, or remove it")]
    Duplicate {
        /// Which.
        node: Node,
    },
    /// Declare each service once.
    #[error("service `{service}` is declared twice: remove one of the two")]
    DuplicateService {
        /// Which.
        service: ServiceName,
    },
    /// Name each barrier once in a list; a second time is most likely another one's place.
    #[error(
        "`{field}` of {node} names `{barrier}` twice: remove one of the two, or put the one that was meant"
    )]
    Repeated {
        /// Whose list.
        node: Node,
        /// Which list: `after` or `before`.
        field: &'static str,
        /// The barrier.
        barrier: BarrierName,
    },
    /// Correct the name, or declare the barrier.
    #[error("`{field}` of {node} names `{barrier}`, which is no barrier: {}", BarrierHint { nearest, is_group: *is_group })]
    UnknownBarrier {
        /// Whose list.
        node: Node,
        /// Which list: `after` or `before`.
        field: &'static str,
        /// What it names.
        barrier: BarrierName,
        /// The declared barrier that is spelt most like it.
        nearest: Option<BarrierName>,
        /// Whether there is a group of that name.
        is_group: bool,
    },
    /// Correct the name, or declare the service.
    #[error(
        "`service` of group `{group}` is `{service}`, which is not declared: {}",
        nearest_or(nearest.as_ref(), "declare it among `services`")
    )]
    UnknownService {
        /// Whose.
        group: FleetId,
        /// What it names.
        service: ServiceName,
        /// The declared service that is spelt most like it.
        nearest: Option<ServiceName>,
    },
    /// Name the service in its groups: a guard over nothing guards nothing.
    #[error("service `{service}` has no group: name it as `service` of its groups, or remove it")]
    EmptyService {
        /// Which.
        service: ServiceName,
    },
    /// Take one of these dependencies away: none of them could ever begin.
    #[error(
        "the order has a cycle, in which each waits for the one before it; take one `after` or `before` away: {}",
        Arrows(nodes)
    )]
    Cycle {
        /// The cycle in order, each node once.
        nodes: Vec<Node>,
    },
}

/// An event that the state of the release does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IllegalReleaseEvent {
    /// Correct the name.
    #[error("the release has no group `{group}`: {}", nearest_or(nearest.as_ref(), "it has none at all"))]
    UnknownGroup {
        /// What was named.
        group: FleetId,
        /// The group that is spelt most like it.
        nearest: Option<FleetId>,
    },
    /// Ask what may happen before it is made to happen: [`Release::ready`](super::Release::ready),
    /// [`Release::turning_back`](super::Release::turning_back).
    #[error("group `{group}` cannot {act}: {reason}")]
    NotNow {
        /// Which.
        group: FleetId,
        /// What it was to do.
        act: &'static str,
        /// Why it cannot.
        reason: String,
    },
    /// Nothing: it goes back already.
    #[error("the release goes back already")]
    GoesBackAlready,
}

fn nearest_or<N: fmt::Display>(nearest: Option<&N>, otherwise: &str) -> String {
    nearest.map_or_else(|| otherwise.to_owned(), |name| format!("the nearest name is `{name}`"))
}

struct BarrierHint<'a> {
    nearest: &'a Option<BarrierName>,
    is_group: bool,
}

impl fmt::Display for BarrierHint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_group {
            return f.write_str("it is a group; declare a barrier, and put the group `before` it");
        }
        f.write_str(&nearest_or(self.nearest.as_ref(), "declare it among `barriers`"))
    }
}

struct Arrows<'a>(&'a [Node]);

impl fmt::Display for Arrows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in self.0 {
            write!(f, "{node} → ")?;
        }
        // A cycle has at least one node, and ends where it began.
        self.0.first().map_or(Ok(()), |first| write!(f, "{first}"))
    }
}
