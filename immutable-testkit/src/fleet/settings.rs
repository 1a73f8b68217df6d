use std::collections::BTreeMap;
use std::time::Duration;

use immutable_core::fleet::Capabilities;
use immutable_core::{Digest, FleetId, Seed, Timestamp, Zone};

use super::{ImageBehaviour, Operation};

/// When a call has its effect, if the call takes time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EffectTime {
    /// When it is first polled; dropping the future later loses only the answer.
    #[default]
    AtStart,
    /// Just before it returns; dropping the future before that means it never happened.
    BeforeReturn,
}

/// What a fleet was built with; only a test changes any of it later.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) fleet: FleetId,
    pub(super) start: Timestamp,
    pub(super) capabilities: Capabilities,
    pub(super) images: BTreeMap<Digest, ImageBehaviour>,
    pub(super) seed: Seed,
    pub(super) boot: Duration,
    pub(super) boot_of: BTreeMap<Digest, Duration>,
    pub(super) boot_in: BTreeMap<Zone, Duration>,
    pub(super) boot_jitter: Duration,
    pub(super) stop: Duration,
    pub(super) call_times: BTreeMap<Operation, Duration>,
    pub(super) effect_time: EffectTime,
    pub(super) listing_delay: Duration,
    pub(super) token_lifetime: Duration,
    pub(super) zone_capacity: BTreeMap<Zone, usize>,
    pub(super) tick: Duration,
}

impl Settings {
    pub(super) fn call_time(&self, operation: Operation) -> Duration {
        self.call_times.get(&operation).copied().unwrap_or(Duration::ZERO)
    }

    /// How long an instance boots; `key` tells instances of one image in one zone apart.
    pub(super) fn boot_time(&self, image: &Digest, zone: &Zone, key: &[u8]) -> Duration {
        let base = self.boot_of.get(image).copied().unwrap_or(self.boot);
        let extra = self.boot_in.get(zone).copied().unwrap_or(Duration::ZERO);
        base + extra + self.jitter(key)
    }

    fn jitter(&self, key: &[u8]) -> Duration {
        let span = u64::try_from(self.boot_jitter.as_nanos()).unwrap_or(u64::MAX);
        if span == 0 {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.seed.child("boot").rank(key) % span)
    }

    /// The next multiple of the tick.
    pub(super) fn rounded(&self, at: Timestamp) -> Timestamp {
        let tick = self.tick.as_nanos();
        let over = at.since(self.start).as_nanos().checked_rem(tick).unwrap_or(0);
        if over == 0 { at } else { at + Duration::from_nanos(u64::try_from(tick - over).unwrap_or(u64::MAX)) }
    }
}
