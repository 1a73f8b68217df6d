//! Makes faults happen.

use std::sync::Arc;

use immutable_core::controller::Clock;
use immutable_core::fleet::{Instance, Phase};
use immutable_core::journal::{Control, Fact, Journal, JournalError, JournalStore, Record};
use immutable_core::{Quantity, RolloutId, Slot, WriterId, Zone};

use super::Fault;
use super::link::Link;
use super::world::{World, behaviour, image};
use crate::faulty::{FaultKind, Mishap, SkewedClock};
use crate::fleet::ImageBehaviour;

impl World {
    fn zone(&self, number: u32) -> Option<Zone> {
        let mut zones = self.zones();
        let at = (number as usize).checked_rem(zones.len())?;
        Some(zones.swap_remove(at))
    }

    fn life(&self, process: u32) -> Option<(Link, SkewedClock)> {
        let hosts = self.hosts();
        let at = (process as usize).checked_rem(hosts.len())?;
        hosts[at].life.clone()
    }

    /// Makes a fault happen to a rollout.
    #[expect(clippy::too_many_lines, reason = "one arm for each fault")]
    pub(super) fn inject(self: &Arc<Self>, fault: &Fault, rollout: &RolloutId) {
        self.say("fault", || fault.to_string());
        let now = self.now();
        match fault {
            Fault::Crash { process, calls, done } => {
                if let Some((link, _)) = self.life(*process) {
                    link.doom(*calls, *done);
                }
            }
            Fault::StaleList(how) => self.faulty_fleet.suffer(Mishap::Stale, now + how.lasts),
            Fault::MissedEvents(how) => self.faulty_fleet.suffer(Mishap::Deaf, now + how.lasts),
            Fault::Reborn { instance } => self.rebear(*instance),
            Fault::TornList { percent, lasts } => {
                // Who is missing from lists for too long counts as removed.
                self.fleet.instances().iter().for_each(|instance| self.observer.touch(&instance.id));
                self.faulty_fleet.suffer(Mishap::Torn { percent: *percent }, now + *lasts);
            }
            Fault::Dangling { launch } => {
                let mut made = self.observer.made();
                let Some(at) = (*launch as usize).checked_rem(made.len()) else { return };
                let made = made.swap_remove(at);
                let id = self.fleet.add_copy(made.image, &made.zone, made.origin);
                self.observer.foreign(&id);
                self.met(FaultKind::Dangling);
            }
            Fault::ForgottenTokens => {
                self.observer.tokens_are_forgotten();
                self.fleet.forget_tokens();
                self.met(FaultKind::Dangling);
            }
            Fault::Dies { instance } => self.harm(*instance, |world, id| world.fleet.kill(id)),
            Fault::Vanishes { instance } => self.harm(*instance, |world, id| world.fleet.vanish(id)),
            Fault::Unready { instance, lasts } => {
                let lasts = *lasts;
                self.harm(*instance, |world, id| {
                    let id_then = id.clone();
                    world.later(lasts, move |world| {
                        // It may be gone by then.
                        let now = world.fleet.instance(&id_then);
                        if now.is_some_and(|instance| matches!(instance.phase, Phase::Running(_))) {
                            let _ = world.fleet.make_ready(&id_then);
                        }
                    });
                    world.fleet.make_unready(id)
                });
            }
            Fault::BadImage(how) => {
                self.fleet.set_behaviour(image(2), ImageBehaviour::NeverReady);
                self.met(FaultKind::BadImage);
                self.later(how.lasts, |world| {
                    world.fleet.set_behaviour(image(2), behaviour(world.setup.flaw));
                });
            }
            Fault::Retarget { version } => {
                self.met(FaultKind::Retarget);
                self.speak(rollout, Record::Control(Control::Retarget { target: image(*version) }));
            }
            Fault::Ambiguous { operation, times, how } => self.faulty_fleet.blur(*operation, *times, *how),
            Fault::RouterCalls { times, done: true } => self.faulty_router.lose_answers(*times),
            Fault::RouterCalls { times, done: false } => self.faulty_router.lose_calls(*times),
            Fault::RouterRestart => {
                self.router.restart();
                self.met(FaultKind::Outsider);
            }
            Fault::Stranger { version, zone } => {
                let Some(zone) = self.zone(*zone) else { return };
                let id = self.fleet.add_foreign(image(*version), &zone);
                self.observer.foreign(&id);
                self.met(FaultKind::Outsider);
            }
            Fault::Reclaimed { instance } => self.reclaim(*instance),
            Fault::Protected { instance, lasts } => {
                let Some(Instance { id, standing, .. }) = self.pick(*instance) else { return };
                let set = move |world: &Arc<Self>, protected| {
                    let mut standing = standing;
                    standing.protected = protected;
                    // It may be gone by then.
                    let _ = world.fleet.set_standing(&id, standing);
                };
                set(self, true);
                self.met(FaultKind::Outsider);
                self.later(*lasts, move |world| set(world, false));
            }
            Fault::Said { control } => {
                self.met(FaultKind::Outsider);
                self.speak(rollout, Record::Control((**control).clone()));
            }
            Fault::Rival { process } => self.summon(*process),
            Fault::Sleeps { process, lasts } => {
                if let Some((link, _)) = self.life(*process) {
                    self.met(FaultKind::Rival);
                    link.sleep();
                    self.later(*lasts, move |_| link.wake());
                }
            }
            Fault::Writes { times, stored: true } => self.faulty_store.lose_answers(*times),
            Fault::Writes { times, stored: false } => self.faulty_store.lose_writes(*times),
            Fault::JournalDown(how) => self.faulty_store.unreachable(now + how.lasts),
            Fault::Damaged { damage, lasts } => self.faulty_store.damage(*damage, now + *lasts),
            Fault::Slow { process, answers, lasts } => {
                if let Some((link, _)) = self.life(*process) {
                    link.slow(*answers, now + *lasts);
                }
            }
            Fault::ClockJump { process, by } => {
                if let Some((_, clock)) = self.life(*process) {
                    clock.jump(*by);
                    self.observer.clock_jumps();
                    self.met(FaultKind::ClockJump);
                }
            }
            Fault::Throttling { pause, lasts } => {
                self.faulty_fleet.suffer(Mishap::Throttled { pause: *pause }, now + *lasts);
            }
            Fault::NoCapacity { zone, lasts } => {
                if let Some(zone) = self.zone(*zone) {
                    self.faulty_fleet.suffer(Mishap::NoCapacity { zone }, now + *lasts);
                }
            }
            Fault::LateListing { age, lasts } => {
                self.faulty_fleet.suffer(Mishap::Hidden { since: now, age: *age }, now + *lasts);
            }
            Fault::StuckPending { times } => {
                self.fleet.hang_boots(*times);
                self.met(FaultKind::Stuck);
            }
            Fault::StuckStopping { takes, lasts } => {
                self.fleet.set_stop(*takes);
                self.met(FaultKind::Stuck);
                self.later(*lasts, |world| world.fleet.set_stop(world.setup.stop));
            }
            Fault::Revoked { version } => {
                self.met(FaultKind::Revocation);
                self.speak(rollout, Record::Fact(Fact::Revoked { image: image(*version) }));
            }
            Fault::Quota { zone, instances, lasts } => {
                let Some(zone) = self.zone(*zone) else { return };
                self.fleet.set_zone_capacity(&zone, Some(*instances as usize));
                self.met(FaultKind::LimitsChange);
                self.later(*lasts, move |world| world.fleet.set_zone_capacity(&zone, None));
            }
            Fault::Relimit { surge, unavailable } => {
                let mut limits = self.setup.limits.clone();
                limits.max_surge = Quantity::Count(*surge);
                limits.max_unavailable = Quantity::Count(*unavailable);
                self.met(FaultKind::LimitsChange);
                self.speak(rollout, Record::Control(Control::Limits { limits: Box::new(limits) }));
            }
            Fault::Resize { desired } => {
                self.met(FaultKind::LimitsChange);
                self.speak(rollout, Record::Control(Control::Resize { desired: *desired }));
            }
            Fault::Metrics { fault, lasts } => self.faulty_metrics.suffer(*fault, now + *lasts),
            Fault::ZoneOutage { zone, lasts } => {
                let Some(zone) = self.zone(*zone) else { return };
                let inside = self.fleet.instances().into_iter().filter(|instance| instance.zone == zone);
                inside.for_each(|instance| self.observer.touch(&instance.id));
                self.fleet.zone_outage(&zone);
                self.met(FaultKind::ZoneOutage);
                self.later(*lasts, move |world| world.fleet.zone_restored(&zone));
            }
            Fault::CursedSlot { slot, for_good, lasts } => {
                let mishap = Mishap::Refuses { slot: Slot(*slot), for_good: *for_good };
                self.faulty_fleet.suffer(mishap, now + *lasts);
            }
        }
    }

    fn harm<E>(
        self: &Arc<Self>,
        instance: u32,
        harm: impl FnOnce(&Arc<Self>, &immutable_core::InstanceId) -> Result<(), E>,
    ) {
        let Some(instance) = self.pick(instance) else { return };
        self.observer.touch(&instance.id);
        if harm(self, &instance.id).is_ok() {
            self.met(FaultKind::Failing);
        }
    }

    /// An instance is gone, and another one has its image, its place and its labels.
    fn rebear(&self, instance: u32) {
        let Some(instance) = self.pick(instance) else { return };
        self.observer.touch(&instance.id);
        if self.fleet.vanish(&instance.id).is_err() {
            return;
        }
        let id = match instance.origin {
            Some(origin) => self.fleet.add_copy(instance.image, &instance.zone, origin),
            None => self.fleet.add_foreign(instance.image, &instance.zone),
        };
        self.observer.foreign(&id);
        self.met(FaultKind::Reborn);
    }

    fn reclaim(self: &Arc<Self>, instance: u32) {
        use immutable_core::fleet::{Fleet, TerminateRequest};
        let Some(instance) = self.pick(instance) else { return };
        self.observer.reclaim(&instance.id);
        self.met(FaultKind::Outsider);
        let world = Arc::clone(self);
        self.nursery.spawn(async move {
            world.fleet.terminate(&[TerminateRequest::new(instance.id)]).await;
        });
    }

    /// A host that stands by begins again.
    pub(super) fn summon(&self, process: u32) {
        {
            let mut hosts = self.hosts();
            let Some(at) = (process as usize).checked_rem(hosts.len()) else { return };
            if !hosts[at].stands_by {
                return;
            }
            hosts[at].stands_by = false;
        }
        self.met(FaultKind::Rival);
        self.summons.notify_waiters();
    }

    /// Somebody writes to the journal of a rollout, if it is there and not over.
    pub(super) fn speak(self: &Arc<Self>, rollout: &RolloutId, record: Record) {
        let (world, rollout) = (Arc::clone(self), rollout.clone());
        let number = self.dice().below(1 << 32);
        self.nursery.spawn(async move {
            #[expect(clippy::expect_used, reason = "letters, digits and a hyphen")]
            let writer = WriterId::new(format!("person-{number}")).expect("a valid name");
            let store: Arc<dyn JournalStore> = Arc::clone(&world.store);
            if let Err(error) = said(store, rollout, writer, record, &world).await {
                world.say("person", || format!("was not heard: {error}"));
            }
        });
    }
}

async fn said(
    store: Arc<dyn JournalStore>,
    rollout: RolloutId,
    writer: WriterId,
    record: Record,
    world: &World,
) -> Result<(), JournalError> {
    let mut journal = Journal::load(store, rollout, writer).await?;
    loop {
        match journal.state() {
            Some(state) if state.conclusion().is_none() => {}
            _ => return Ok(()),
        }
        let reading = world.clock.read();
        if journal.record(record.clone(), journal.fold().time(&reading)).is_err() {
            return Ok(());
        }
        match journal.commit(&reading).await {
            Err(JournalError::Moved { .. } | JournalError::Superseded { .. }) => {}
            other => return other.map(|_| ()),
        }
    }
}
