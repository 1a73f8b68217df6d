use std::net::SocketAddr;

use immutable_core::Timestamp;
use immutable_core::fleet::{Health, Instance, Phase};

/// Where an instance is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Booting,
    Up,
    Stopping { gone_at: Timestamp },
    Ended { reason: String },
}

/// One simulated instance: what it shows, and what that follows from.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// As the platform shows it; always up to date.
    pub(super) shown: Instance,
    /// Whether the platform lists it yet.
    pub(super) listed: bool,
    /// Since when it has been ready without a break.
    pub(super) ready_since: Option<Timestamp>,
    /// Where it will take requests once it is up.
    pub(super) endpoint: SocketAddr,
    pub(super) life: Life,
    /// What its image makes of its health check.
    pub(super) healthy: bool,
    /// What a test makes of it.
    pub(super) forced: Option<bool>,
    /// Whether its zone is cut off.
    pub(super) cut_off: bool,
    pub(super) drained: bool,
}

impl Machine {
    /// Brings what it shows in line with what it follows from.
    pub(super) fn refresh(&mut self, at: Timestamp) {
        self.shown.phase = match &self.life {
            Life::Booting => Phase::Launching,
            Life::Up => Phase::Running(self.health()),
            Life::Stopping { .. } => Phase::Stopping,
            Life::Ended { reason } => Phase::Stopped { reason: reason.clone() },
        };
        self.shown.endpoint = (self.life != Life::Booting).then_some(self.endpoint);
        self.ready_since = self.shown.is_ready().then(|| self.ready_since.unwrap_or(at));
    }

    fn health(&self) -> Health {
        if self.cut_off {
            Health::Unknown
        } else if self.forced.unwrap_or(self.healthy) {
            Health::Ready
        } else {
            Health::Unready
        }
    }

    pub(super) fn runs(&self) -> bool {
        !matches!(self.life, Life::Ended { .. })
    }

    pub(super) fn is_available(&self) -> bool {
        self.shown.is_ready() && !self.drained
    }
}
