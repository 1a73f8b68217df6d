//! What a test does to a fleet and reads from it, besides what a controller does.

use std::sync::Weak;
use std::time::Duration;

use immutable_core::fleet::{Instance, Origin, Standing};
use immutable_core::{Digest, InstanceId, Timestamp, Zone};

use super::machine::{Life, Machine};
use super::world::World;
use super::{Effect, Failure, ImageBehaviour, MemoryFleet, Operation, Peaks, Witness};

/// A test named an instance that is not there, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no instance {instance} in the fleet now; take an identifier from `MemoryFleet::instances`")]
pub struct UnknownInstance {
    instance: InstanceId,
}

/// Faults.
impl MemoryFleet {
    /// An instance ends by itself; the platform still lists it.
    ///
    /// # Errors
    /// [`UnknownInstance`].
    pub fn kill(&self, instance: &InstanceId) -> Result<(), UnknownInstance> {
        self.on(instance, |world, now| {
            // One that is being stopped ends anyway.
            let lives = |machine: &Machine| matches!(machine.life, Life::Booting | Life::Up);
            if world.machines.get(instance).is_some_and(lives) {
                world.end(instance, now, "killed".to_owned());
            }
        })
    }

    /// An instance is gone without a trace.
    ///
    /// # Errors
    /// [`UnknownInstance`].
    pub fn vanish(&self, instance: &InstanceId) -> Result<(), UnknownInstance> {
        self.on(instance, |world, now| world.vanish(instance, now))
    }

    /// An instance fails its health check from now on; one that still boots, once it is up.
    ///
    /// # Errors
    /// [`UnknownInstance`].
    pub fn make_unready(&self, instance: &InstanceId) -> Result<(), UnknownInstance> {
        self.on(instance, |world, now| {
            world.change(instance, now, |machine| machine.forced = Some(false));
        })
    }

    /// An instance answers its health check from now on; one that still boots is up.
    ///
    /// # Errors
    /// [`UnknownInstance`].
    pub fn make_ready(&self, instance: &InstanceId) -> Result<(), UnknownInstance> {
        self.on(instance, |world, now| {
            world.change(instance, now, |machine| {
                machine.forced = Some(true);
                if machine.life == Life::Booting {
                    machine.life = Life::Up;
                }
            });
        })
    }

    /// Somebody else launches an instance: one without origin, booting, of any image.
    pub fn add_foreign(&self, image: Digest, zone: &Zone) -> InstanceId {
        self.operate(|world, now| world.create(image, zone, None, now))
    }

    /// Somebody else launches an instance with the labels of an earlier launch, as a platform that heals a group by
    /// itself does, or a request that comes when everybody believes it lost and the platform has forgotten its token.
    pub fn add_copy(&self, image: Digest, zone: &Zone, origin: Origin) -> InstanceId {
        self.operate(|world, now| world.create(image, zone, Some(origin), now))
    }

    /// Somebody sets an instance apart, or no longer does.
    ///
    /// # Errors
    /// [`UnknownInstance`].
    pub fn set_standing(&self, instance: &InstanceId, standing: Standing) -> Result<(), UnknownInstance> {
        self.on(instance, |world, now| {
            world.change(instance, now, |machine| machine.shown.standing = standing);
        })
    }

    /// What instances of an image do that boot from now on.
    pub fn set_behaviour(&self, image: Digest, behaviour: ImageBehaviour) {
        self.operate(|world, _| world.settings.images.insert(image, behaviour));
    }

    /// How many instances fit into a zone from now on; `None`: no limit.
    pub fn set_zone_capacity(&self, zone: &Zone, instances: Option<usize>) {
        self.operate(|world, _| {
            let capacity = &mut world.settings.zone_capacity;
            match instances {
                Some(instances) => capacity.insert(zone.clone(), instances),
                None => capacity.remove(zone),
            }
        });
    }

    /// How long instances take to stop that are told so from now on.
    pub fn set_stop(&self, time: Duration) {
        self.operate(|world, _| world.settings.stop = time);
    }

    /// The next instances never finish booting.
    pub fn hang_boots(&self, times: u32) {
        self.operate(|world, _| world.hanging = times);
    }

    /// The platform forgets every token: a request that is repeated launches another instance.
    pub fn forget_tokens(&self) {
        self.operate(|world, _| world.forget_tokens());
    }

    /// A zone is cut off: the health of its instances is unknown and it has no capacity. Drain and terminate work.
    pub fn zone_outage(&self, zone: &Zone) {
        self.operate(|world, now| {
            world.outages.insert(zone.clone());
            set_cut_off(world, zone, true, now);
        });
    }

    /// The end of [`zone_outage`](Self::zone_outage).
    pub fn zone_restored(&self, zone: &Zone) {
        self.operate(|world, now| {
            world.outages.remove(zone);
            set_cut_off(world, zone, false, now);
        });
    }

    /// The next calls (or requests of a batch) of this kind fail. Those injected earlier come first.
    pub fn fail_next(&self, operation: Operation, times: u32, failure: Failure) {
        self.settled().0.faults.add(operation, times, failure);
    }

    /// Takes back what [`fail_next`](Self::fail_next) injected and nobody met.
    pub fn clear_failures(&self) {
        self.settled().0.faults.clear();
    }

    /// Observers see the fleet as it is now, under the time of their call, until
    /// [`resume_observation`](Self::resume_observation): the list of a platform that is late. Nobody is told of changes
    /// meanwhile.
    pub fn pause_observation(&self) {
        self.settled().0.freeze();
    }

    /// Observers see the truth again.
    pub fn resume_observation(&self) {
        self.operate(|world, _| world.thaw());
    }

    fn on(
        &self,
        instance: &InstanceId,
        operation: impl FnOnce(&mut World, Timestamp),
    ) -> Result<(), UnknownInstance> {
        self.operate(|world, now| {
            if !world.machines.contains_key(instance) {
                return Err(UnknownInstance { instance: instance.clone() });
            }
            operation(world, now);
            Ok(())
        })
    }
}

fn set_cut_off(world: &mut World, zone: &Zone, cut_off: bool, now: Timestamp) {
    let inside: Vec<InstanceId> =
        world.machines.values().filter(|m| m.shown.zone == *zone).map(|m| m.shown.id.clone()).collect();
    for id in inside {
        world.change(&id, now, |machine| machine.cut_off = cut_off);
    }
}

/// Facts.
impl MemoryFleet {
    /// Every instance as it really is now, in order of the identifiers; failures and late lists do not apply.
    #[must_use]
    pub fn instances(&self) -> Vec<Instance> {
        self.settled().0.machines.values().map(|machine| machine.shown.clone()).collect()
    }

    /// An instance as it really is now.
    #[must_use]
    pub fn instance(&self, instance: &InstanceId) -> Option<Instance> {
        self.settled().0.machines.get(instance).map(|machine| machine.shown.clone())
    }

    /// Since when an instance has been ready without a break.
    #[must_use]
    pub fn ready_since(&self, instance: &InstanceId) -> Option<Timestamp> {
        self.settled().0.machines.get(instance)?.ready_since
    }

    /// How many instances are ready, not told to drain and not being stopped.
    #[must_use]
    pub fn available(&self) -> usize {
        self.settled().0.gauge.available()
    }

    /// The revision a snapshot taken now would have.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.settled().0.revision()
    }

    /// Everything that happened so far, in order.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        self.settled().0.effects.clone()
    }

    /// The highest and lowest counts since the fleet was built, or since [`reset_peaks`](Self::reset_peaks).
    #[must_use]
    pub fn peaks(&self) -> Peaks {
        self.settled().0.gauge.peaks().clone()
    }

    /// Begins new peaks at the counts of now.
    pub fn reset_peaks(&self) {
        self.settled().0.gauge.reset();
    }

    pub(crate) fn add_witness(&self, witness: Weak<dyn Witness>) {
        self.settled().0.witnesses.push(witness);
    }
}
