use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::id::InstanceId;

/// A share of traffic relative to the other routes, from 0 to 256.
///
/// 256 is the largest weight HAProxy takes; other routers scale it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
pub struct Weight(u16);

impl Weight {
    /// No new traffic.
    pub const ZERO: Self = Self(0);
    /// What an instance that serves normally gets.
    pub const FULL: Self = Self(100);
    /// The largest weight.
    pub const MAX: Self = Self(256);

    /// This weight.
    ///
    /// # Errors
    /// [`InvalidWeight`] above 256.
    pub const fn new(weight: u16) -> Result<Self, InvalidWeight> {
        if weight <= Self::MAX.0 { Ok(Self(weight)) } else { Err(InvalidWeight { weight }) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Weight> for u16 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

impl TryFrom<u16> for Weight {
    type Error = InvalidWeight;

    fn try_from(weight: u16) -> Result<Self, InvalidWeight> {
        Self::new(weight)
    }
}

/// A weight above 256.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{weight} is not a traffic weight: expected 0 to 256")]
pub struct InvalidWeight {
    weight: u16,
}

/// What a router does with one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The instance.
    pub instance: InstanceId,
    /// Where requests go.
    pub endpoint: SocketAddr,
    /// Whether it gets new requests.
    pub state: RouteState,
    /// Requests and connections that the instance still has through this router.
    pub sessions: u32,
}

impl Route {
    /// A route without open sessions.
    #[must_use]
    pub const fn new(instance: InstanceId, endpoint: SocketAddr, state: RouteState) -> Self {
        Self { instance, endpoint, state, sessions: 0 }
    }
}

/// Whether a route takes new requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteState {
    /// It gets its share.
    Serving(Weight),
    /// It gets no new ones and finishes those it has.
    Draining,
}

/// One change of a router. Each says what must be, not what to do about it, so it may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteChange {
    /// The instance gets this share of the traffic.
    Serve {
        /// The instance.
        instance: InstanceId,
        /// Where requests go.
        endpoint: SocketAddr,
        /// Its share.
        weight: Weight,
    },
    /// The instance gets nothing new and finishes what it has. A router that does not know it does nothing.
    Drain {
        /// The instance.
        instance: InstanceId,
    },
    /// The router forgets the instance; sessions that are left are cut. A router that does not know it does nothing.
    Detach {
        /// The instance.
        instance: InstanceId,
    },
}
