use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::contestant::Name;

/// Compare whole rollouts: this library, the engine's floor, Docker Swarm and docker-compose
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask bench-docker")]
pub(crate) struct Options {
    /// Sizes of the fleet
    #[arg(long, value_delimiter = ',', default_value = "10,30")]
    pub(crate) replicas: Vec<NonZeroU32>,
    /// How many containers are replaced at a time
    #[arg(long, value_delimiter = ',', default_value = "1,5,10")]
    pub(crate) parallelism: Vec<NonZeroU32>,
    /// How often every contestant has its turn
    #[arg(long, default_value = "2")]
    pub(crate) rounds: NonZeroU32,
    /// Whom to compare with
    #[arg(long, value_delimiter = ',', value_enum, default_value = "floor,swarm,compose")]
    pub(crate) peers: Vec<Peer>,
    /// The interval of Swarm's health checks, in milliseconds
    #[arg(long, value_name = "MS", default_value = "1000")]
    swarm_health_interval: NonZeroU32,
    /// Exit with 1 when a limit is not kept
    #[arg(long)]
    pub(crate) check: bool,
    /// Write what our controller did, with times, into a file of this folder for each run
    #[arg(long, value_name = "FOLDER")]
    pub(crate) trace: Option<PathBuf>,
}

/// With whom to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// The least that the engine needs
    Floor,
    /// `docker service update`
    Swarm,
    /// `docker-compose up -d`
    Compose,
}

impl Options {
    pub(crate) fn swarm_health_interval(&self) -> Duration {
        Duration::from_millis(self.swarm_health_interval.get().into())
    }

    /// Who takes part.
    pub(crate) fn contestants(&self) -> Vec<Name> {
        let peers = [(Peer::Floor, Name::Floor), (Peer::Swarm, Name::Swarm), (Peer::Compose, Name::Compose)];
        let invited = peers.into_iter().filter(|(peer, _)| self.peers.contains(peer)).map(|(_, name)| name);
        std::iter::once(Name::Ours).chain(invited).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn everybody_takes_part_by_default() {
        let options = Options::parse_from(["bench"]);
        assert_eq!(options.contestants(), [Name::Ours, Name::Floor, Name::Swarm, Name::Compose]);
        assert_eq!(options.replicas, [of(10), of(30)]);
        let options = Options::parse_from(["bench", "--peers", "swarm", "--parallelism", "5,7"]);
        assert_eq!(options.contestants(), [Name::Ours, Name::Swarm]);
        assert_eq!(options.parallelism, [of(5), of(7)]);
        assert!(Options::try_parse_from(["bench", "--replicas", "0"]).is_err());
    }
}
