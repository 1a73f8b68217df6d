use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Weak;
use std::time::Duration;

use immutable_core::fleet::{FleetError, Instance, LaunchRequest, Origin, Phase, Snapshot};
use immutable_core::{Attempt, Digest, InstanceId, RolloutId, Slot, Timestamp, Token, Zone};

use super::fault::Faults;
use super::gauge::Gauge;
use super::machine::{Life, Machine};
use super::settings::Settings;
use super::{Effect, EffectKind, ImageBehaviour, Operation, Witness};

/// Something that will happen to an instance by itself.
#[derive(Clone, Copy, Debug)]
enum Transition {
    Listed,
    Booted,
    Flapped,
    Crashed,
    Gone,
}

/// What the platform remembers of a token.
#[derive(Debug)]
struct Issued {
    instance: InstanceId,
    image: Digest,
    zone: Zone,
    origin: Origin,
    at: Timestamp,
}

/// What observers are shown instead of the truth.
#[derive(Debug)]
struct Frozen {
    revision: u64,
    instances: Vec<Instance>,
}

/// The state of a fleet: a function of what was asked of it and of the time. Nothing runs in the background; what has
/// become due is made up for, in its order, when the state is next looked at.
#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) gauge: Gauge,
    pub(super) faults: Faults,
    pub(super) effects: Vec<Effect>,
    pub(super) witnesses: Vec<Weak<dyn Witness>>,
    pub(super) machines: BTreeMap<InstanceId, Machine>,
    pub(super) outages: BTreeSet<Zone>,
    revision: u64,
    frozen: Option<Frozen>,
    issued: BTreeMap<Token, Issued>,
    due: BTreeMap<(Timestamp, u64), (InstanceId, Transition)>,
    scheduled: u64,
    created: u32,
    failing_launches: BTreeMap<Digest, u32>,
    /// How many of the next instances never finish booting.
    pub(super) hanging: u32,
}

impl World {
    pub(super) const fn new(settings: Settings) -> Self {
        Self {
            settings,
            gauge: Gauge::new(),
            faults: Faults::new(),
            effects: Vec::new(),
            witnesses: Vec::new(),
            machines: BTreeMap::new(),
            outages: BTreeSet::new(),
            revision: 0,
            frozen: None,
            issued: BTreeMap::new(),
            due: BTreeMap::new(),
            scheduled: 0,
            created: 0,
            failing_launches: BTreeMap::new(),
            hanging: 0,
        }
    }

    /// The revision that observers are shown.
    pub(super) fn revision(&self) -> u64 {
        self.frozen.as_ref().map_or(self.revision, |frozen| frozen.revision)
    }

    pub(super) fn next_transition(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|(key, _)| key.0)
    }

    pub(super) fn snapshot(&self, now: Timestamp) -> Snapshot {
        let instances = match &self.frozen {
            Some(frozen) => frozen.instances.clone(),
            None => self.listed(),
        };
        Snapshot::new(self.settings.fleet.clone(), now, self.revision(), instances)
    }

    fn listed(&self) -> Vec<Instance> {
        let mut instances = Vec::with_capacity(self.machines.len());
        instances.extend(self.machines.values().filter(|m| m.listed).map(|m| m.shown.clone()));
        instances
    }

    pub(super) fn freeze(&mut self) {
        if self.frozen.is_none() {
            self.frozen = Some(Frozen { revision: self.revision, instances: self.listed() });
        }
    }

    pub(super) fn thaw(&mut self) {
        self.frozen = None;
    }

    /// Makes up for everything that has become due.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((at, _), (id, transition)) = entry.remove_entry();
            self.come(&id, at, transition);
        }
    }

    fn schedule(&mut self, at: Timestamp, id: &InstanceId, transition: Transition) {
        self.scheduled += 1;
        self.due.insert((self.settings.rounded(at), self.scheduled), (id.clone(), transition));
    }

    /// Applies a transition, unless the instance has gone another way since it was scheduled.
    fn come(&mut self, id: &InstanceId, at: Timestamp, transition: Transition) {
        let Some(machine) = self.machines.get(id) else { return };
        match transition {
            Transition::Listed => {
                self.change(id, at, |machine| machine.listed = true);
            }
            Transition::Booted if machine.life == Life::Booting => self.boot(id, at),
            Transition::Flapped if machine.life == Life::Up => {
                let image = machine.shown.image;
                self.change(id, at, |machine| machine.healthy = !machine.healthy);
                self.schedule_flap(id, at, &image);
            }
            Transition::Crashed if matches!(machine.life, Life::Booting | Life::Up) => {
                self.end(id, at, "exit code 1".to_owned());
            }
            Transition::Gone if matches!(machine.life, Life::Stopping { .. }) => self.remove(id, at),
            Transition::Booted | Transition::Flapped | Transition::Crashed | Transition::Gone => {}
        }
    }

    fn boot(&mut self, id: &InstanceId, at: Timestamp) {
        let Some(machine) = self.machines.get(id) else { return };
        let image = machine.shown.image;
        let healthy = self.settings.images.get(&image) != Some(&ImageBehaviour::NeverReady);
        self.change(id, at, |machine| {
            machine.life = Life::Up;
            machine.healthy = healthy;
        });
        self.schedule_flap(id, at, &image);
    }

    fn schedule_flap(&mut self, id: &InstanceId, at: Timestamp, image: &Digest) {
        if let Some(&ImageBehaviour::FlapsEvery(period)) = self.settings.images.get(image)
            && !period.is_zero()
        {
            self.schedule(at + period, id, Transition::Flapped);
        }
    }

    /// Changes an instance, and everything that is derived from it.
    pub(super) fn change<T>(
        &mut self,
        id: &InstanceId,
        at: Timestamp,
        change: impl FnOnce(&mut Machine) -> T,
    ) -> Option<T> {
        let machine = self.machines.get_mut(id)?;
        let was_ready = machine.ready_since.is_some();
        let result = self.gauge.changing(machine, |machine| {
            let result = change(machine);
            machine.refresh(at);
            result
        });
        if machine.ready_since.is_some() && !was_ready {
            self.witnesses.iter().filter_map(Weak::upgrade).for_each(|witness| witness.became_ready(id));
        }
        self.revision += 1;
        Some(result)
    }

    pub(super) fn record(&mut self, at: Timestamp, kind: EffectKind) {
        let effect = Effect { at, kind };
        self.witnesses.retain(|witness| witness.upgrade().inspect(|w| w.happened(&effect)).is_some());
        self.effects.push(effect);
    }

    fn tell(&mut self, id: &InstanceId, at: Timestamp, on_request: bool) {
        self.witnesses.retain(|witness| {
            witness.upgrade().inspect(|witness| witness.ended(id, at, on_request)).is_some()
        });
    }

    /// The instance ends without a request.
    pub(super) fn end(&mut self, id: &InstanceId, at: Timestamp, reason: String) {
        self.tell(id, at, false);
        self.change(id, at, |machine| machine.life = Life::Ended { reason: reason.clone() });
        self.record(at, EffectKind::Died { instance: id.clone(), reason });
    }

    /// The instance is gone without a trace and without a request.
    pub(super) fn vanish(&mut self, id: &InstanceId, at: Timestamp) {
        self.tell(id, at, false);
        self.forget(id);
        self.record(at, EffectKind::Died { instance: id.clone(), reason: "vanished".to_owned() });
    }

    fn remove(&mut self, id: &InstanceId, at: Timestamp) {
        self.forget(id);
        self.record(at, EffectKind::Terminated { instance: id.clone() });
    }

    fn forget(&mut self, id: &InstanceId) {
        if let Some(machine) = self.machines.remove(id) {
            self.gauge.removed(&machine);
            self.revision += 1;
        }
    }

    /// Begins to stop an instance, or goes on with it; returns when it will be gone.
    pub(super) fn stop(&mut self, id: &InstanceId, now: Timestamp) -> Timestamp {
        match self.machines.get(id).map(|machine| machine.life.clone()) {
            None => now,
            Some(Life::Stopping { gone_at }) => gone_at,
            Some(Life::Ended { .. }) => {
                self.remove(id, now);
                now
            }
            Some(Life::Booting | Life::Up) => {
                let gone_at = self.settings.rounded(now + self.settings.stop);
                self.record(now, EffectKind::Stopping { instance: id.clone() });
                self.tell(id, now, true);
                self.change(id, now, |machine| machine.life = Life::Stopping { gone_at });
                self.schedule(gone_at, id, Transition::Gone);
                gone_at
            }
        }
    }

    pub(super) fn drain(&mut self, id: &InstanceId, now: Timestamp) {
        if self.settings.capabilities.drain && self.machines.get(id).is_some_and(|machine| !machine.drained) {
            self.change(id, now, |machine| machine.drained = true);
            self.record(now, EffectKind::Drained { instance: id.clone() });
        }
    }

    pub(super) fn launch(
        &mut self,
        request: &LaunchRequest,
        now: Timestamp,
    ) -> Result<InstanceId, FleetError> {
        let origin = Origin {
            rollout: request.rollout.clone(),
            slot: request.slot,
            attempt: request.attempt,
            token: request.token.clone(),
        };
        if let Some(issued) = self.issued.get(&request.token)
            && now.since(issued.at) < self.settings.token_lifetime
        {
            let instance = issued.instance.clone();
            if (issued.image, &issued.zone, &issued.origin) != (request.image, &request.zone, &origin) {
                let reason = "the token was used for another request; use another token".to_owned();
                return Err(FleetError::Tampered { fleet: self.settings.fleet.clone(), instance, reason });
            }
            self.record(now, EffectKind::Repeated { instance: instance.clone(), origin });
            return Ok(instance);
        }
        self.admit(request)?;
        let id = self.create(request.image, &request.zone, Some(origin.clone()), now);
        let issued = Issued {
            instance: id.clone(),
            image: request.image,
            zone: request.zone.clone(),
            origin: origin.clone(),
            at: now,
        };
        self.issued.insert(request.token.clone(), issued);
        let (zone, image) = (request.zone.clone(), request.image);
        self.record(now, EffectKind::Launched { instance: id.clone(), origin, zone, image });
        Ok(id)
    }

    /// Refuses what the platform would refuse.
    fn admit(&mut self, request: &LaunchRequest) -> Result<(), FleetError> {
        let fleet = &self.settings.fleet;
        let (image, zone) = (&request.image, &request.zone);
        if !self.settings.capabilities.zones.contains(zone) {
            let reason = format!("no zone `{zone}`; launch in one of the zones of its capabilities");
            return Err(FleetError::Invalid { fleet: fleet.clone(), reason });
        }
        let behaviour = self.known(image)?;
        if self.outages.contains(zone) {
            return Err(FleetError::NoCapacity {
                fleet: fleet.clone(),
                reason: format!("zone `{zone}` is out"),
            });
        }
        let capacity = self.settings.zone_capacity.get(zone).copied().unwrap_or(usize::MAX);
        if self.gauge.in_zone(zone) >= capacity {
            let reason = format!("zone `{zone}` is full with {capacity} instances");
            return Err(FleetError::NoCapacity { fleet: fleet.clone(), reason });
        }
        if let ImageBehaviour::LaunchFails { times, failure } = behaviour {
            let failed = self.failing_launches.entry(*image).or_default();
            if *failed < times {
                *failed += 1;
                return Err(failure.error(fleet, Operation::Launch));
            }
        }
        Ok(())
    }

    pub(super) fn known(&self, image: &Digest) -> Result<ImageBehaviour, FleetError> {
        self.settings.images.get(image).copied().ok_or_else(|| FleetError::Invalid {
            fleet: self.settings.fleet.clone(),
            reason: format!("no image {image} on this platform; declare it with `MemoryFleetBuilder::image`"),
        })
    }

    /// Forgets which tokens were used, as a platform does after their time.
    pub(super) fn forget_tokens(&mut self) {
        self.issued.clear();
    }

    /// A new instance, booting.
    pub(super) fn create(
        &mut self,
        image: Digest,
        zone: &Zone,
        origin: Option<Origin>,
        now: Timestamp,
    ) -> InstanceId {
        let key = origin.as_ref().map_or_else(|| self.created.to_string(), |o| o.token.to_string());
        let boot = self.settings.boot_time(&image, zone, key.as_bytes());
        let listed = self.settings.listing_delay.is_zero();
        let id = self.insert(image, zone, origin, now, Life::Booting, listed);
        let behaviour = self.settings.images.get(&image).copied().unwrap_or(ImageBehaviour::Healthy);
        if !listed {
            self.schedule(now + self.settings.listing_delay, &id, Transition::Listed);
        }
        let hangs = self.hanging > 0;
        self.hanging -= u32::from(hangs);
        if behaviour != ImageBehaviour::NeverStarts && !hangs {
            self.schedule(now + boot, &id, Transition::Booted);
        }
        if let ImageBehaviour::CrashAfter(time) = behaviour {
            self.schedule(now + time, &id, Transition::Crashed);
        }
        id
    }

    /// An instance that was launched long ago and is ready.
    pub(super) fn found(
        &mut self,
        rollout: &RolloutId,
        slot: Slot,
        zone: &Zone,
        image: Digest,
        now: Timestamp,
    ) {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let launched_at = now.saturating_sub(30 * DAY) + Duration::from_secs(u64::from(slot.0));
        let token = Token::of(rollout, slot, Attempt(1));
        let origin = Origin { rollout: rollout.clone(), slot, attempt: Attempt(1), token };
        self.insert(image, zone, Some(origin), launched_at, Life::Up, true);
    }

    fn insert(
        &mut self,
        image: Digest,
        zone: &Zone,
        origin: Option<Origin>,
        at: Timestamp,
        life: Life,
        listed: bool,
    ) -> InstanceId {
        self.created += 1;
        // With the name of the fleet, so that two fleets of one test do not share identifiers.
        #[expect(clippy::expect_used, reason = "a fleet name, a dash and digits")]
        let id = InstanceId::new(format!("{}-{:08}", self.settings.fleet, self.created))
            .expect("a valid identifier");
        let address =
            Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + (self.created & 0x00ff_ffff));
        let mut shown = Instance::new(id.clone(), image, zone.clone(), Phase::Launching, at);
        shown.origin = origin;
        let mut machine = Machine {
            shown,
            listed,
            ready_since: None,
            endpoint: SocketAddr::from((address, 8080)),
            life,
            healthy: true,
            forced: None,
            cut_off: self.outages.contains(zone),
            drained: false,
        };
        machine.refresh(at);
        self.gauge.added(&machine);
        self.machines.insert(id.clone(), machine);
        self.revision += 1;
        id
    }
}
