use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where HAProxy takes commands: the `stats socket` line of its configuration.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AdminAddress(Place);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl AdminAddress {
    /// A unix stream socket.
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self(Place::Unix(path.into()))
    }

    /// A TCP address of this machine. Commands are neither encrypted nor authenticated, so no other is taken.
    ///
    /// # Errors
    /// [`NotLoopback`].
    pub const fn tcp(address: SocketAddr) -> Result<Self, NotLoopback> {
        if address.ip().is_loopback() { Ok(Self(Place::Tcp(address))) } else { Err(NotLoopback { address }) }
    }

    pub(super) const fn place(&self) -> &Place {
        &self.0
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Unix(path) => path.display().fmt(f),
            Place::Tcp(address) => address.fmt(f),
        }
    }
}

impl fmt::Debug for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An admin address that other machines can reach.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} is not a loopback address: HAProxy's admin commands are not authenticated, use a unix socket or 127.0.0.1"
)]
pub struct NotLoopback {
    address: SocketAddr,
}
