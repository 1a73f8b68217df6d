use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::Clock;
use immutable_core::fleet::Capabilities;
use immutable_core::{Digest, FleetId, Seed, Zone};

use super::settings::Settings;
use super::{EffectTime, ImageBehaviour, MemoryFleet, Operation};

/// Builds a [`MemoryFleet`].
///
/// Without further words: one zone `zone-a`, a boot takes 10 s, a stop 1 s, calls take no time, tokens never expire,
/// events and drain are supported, and capacity has no end.
#[derive(Debug)]
#[must_use]
pub struct MemoryFleetBuilder {
    clock: Arc<dyn Clock>,
    settings: Settings,
    running: Vec<(u32, Digest)>,
}

impl MemoryFleetBuilder {
    pub(super) fn new(fleet: FleetId, clock: Arc<dyn Clock>) -> Self {
        let mut capabilities = Capabilities::new(Vec::new());
        capabilities.events = true;
        capabilities.drain = true;
        let settings = Settings {
            fleet,
            start: clock.now(),
            capabilities,
            images: BTreeMap::new(),
            seed: Seed::new(0),
            boot: Duration::from_secs(10),
            boot_of: BTreeMap::new(),
            boot_in: BTreeMap::new(),
            boot_jitter: Duration::ZERO,
            stop: Duration::from_secs(1),
            call_times: BTreeMap::new(),
            effect_time: EffectTime::AtStart,
            listing_delay: Duration::ZERO,
            token_lifetime: Duration::MAX,
            zone_capacity: BTreeMap::new(),
            tick: Duration::ZERO,
        };
        Self { clock, settings, running: Vec::new() }
    }

    /// The zones instances can be launched in.
    pub fn zones(mut self, zones: impl IntoIterator<Item = Zone>) -> Self {
        self.settings.capabilities.zones = zones.into_iter().collect();
        self
    }

    /// An image that exists on the platform, and what its instances do. Any other image is missing.
    pub fn image(mut self, image: Digest, behaviour: ImageBehaviour) -> Self {
        self.settings.images.insert(image, behaviour);
        self
    }

    /// Instances that run from the start: launched 30 days ago by a rollout `before`, ready, striped over the zones.
    /// An image that was not declared is [`ImageBehaviour::Healthy`].
    pub fn running(mut self, instances: u32, image: Digest) -> Self {
        self.settings.images.entry(image).or_insert(ImageBehaviour::Healthy);
        self.running.push((instances, image));
        self
    }

    /// How long instances boot.
    pub const fn boot(mut self, time: Duration) -> Self {
        self.settings.boot = time;
        self
    }

    /// How long instances of one image boot, instead of the general time.
    pub fn boot_of(mut self, image: Digest, time: Duration) -> Self {
        self.settings.boot_of.insert(image, time);
        self
    }

    /// How much longer instances in one zone boot.
    pub fn boot_in(mut self, zone: Zone, extra: Duration) -> Self {
        self.settings.boot_in.insert(zone, extra);
        self
    }

    /// Up to how much longer an instance boots than it should, chosen by the seed and its token.
    pub const fn boot_jitter(mut self, most: Duration) -> Self {
        self.settings.boot_jitter = most;
        self
    }

    /// The seed of the jitter.
    pub const fn seed(mut self, seed: Seed) -> Self {
        self.settings.seed = seed;
        self
    }

    /// How long instances take from the request to stop until they are gone; one that ended by itself is gone at once.
    pub const fn stop(mut self, time: Duration) -> Self {
        self.settings.stop = time;
        self
    }

    /// How long a call takes.
    pub fn call_time(mut self, operation: Operation, time: Duration) -> Self {
        self.settings.call_times.insert(operation, time);
        self
    }

    /// When a call that takes time has its effect.
    pub const fn effect_time(mut self, effect_time: EffectTime) -> Self {
        self.settings.effect_time = effect_time;
        self
    }

    /// How long a launched instance is missing from what is observed.
    pub const fn listing_delay(mut self, delay: Duration) -> Self {
        self.settings.listing_delay = delay;
        self
    }

    /// How long the platform remembers a token; a request with a forgotten one launches another instance.
    pub const fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// How many instances fit into a zone.
    pub fn zone_capacity(mut self, zone: Zone, instances: usize) -> Self {
        self.settings.zone_capacity.insert(zone, instances);
        self
    }

    /// How many requests one call takes; each request of a larger one is refused.
    pub const fn max_batch(mut self, requests: usize) -> Self {
        self.settings.capabilities.max_batch = requests;
        self
    }

    /// A platform without the capability `events`.
    pub const fn without_events(mut self) -> Self {
        self.settings.capabilities.events = false;
        self
    }

    /// A platform without the capability `drain`.
    pub const fn without_drain(mut self) -> Self {
        self.settings.capabilities.drain = false;
        self
    }

    /// Moves what happens by itself (booted, crashed, gone) to the next multiple of this time, so that a large fleet
    /// changes at fewer moments.
    pub const fn tick(mut self, tick: Duration) -> Self {
        self.settings.tick = tick;
        self
    }

    /// The fleet.
    #[must_use]
    pub fn build(self) -> Arc<MemoryFleet> {
        let Self { clock, mut settings, running } = self;
        if settings.capabilities.zones.is_empty() {
            #[expect(clippy::expect_used, reason = "a constant")]
            settings.capabilities.zones.push(Zone::new("zone-a").expect("a valid name"));
        }
        Arc::new(MemoryFleet::new(clock, settings, &running))
    }
}
