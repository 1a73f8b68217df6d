//! The platform of a scenario: it does what it is told after a while, and what the script says at its time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Phase, Standing};
use immutable_core::id::{Attempt, Slot, Zone};
use immutable_core::journal::{Control, Fact, Intent, Outcome, Record};
use immutable_core::plan::Seat;
use immutable_core::planner::{OpId, RolloutState};
use immutable_core::{Digest, InstanceId, Timestamp};

use crate::machine::{Habit, Machine};
use crate::script::{Behaviour, Say, Script, Some_, What};

/// How long the platform takes to confirm a launch.
const CONFIRMED_AFTER: Duration = Duration::from_secs(1);
/// How soon it tries again what cannot be done in a zone that is dark.
const TRIES_AGAIN: Duration = Duration::from_secs(1);
/// After how long one that is missing from every list counts as gone: the controller's own time.
pub(crate) const MISSING_FOR: Duration = Duration::from_secs(5);

/// What will happen.
#[derive(Clone, Debug)]
enum Coming {
    Script(What),
    Confirm {
        op: OpId,
        seat: Seat,
        zone: Zone,
        image: Digest,
    },
    Gone {
        op: OpId,
        instance: InstanceId,
    },
    Does(InstanceId, Habit),
    /// Nothing but a reason to look again.
    Look,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) machines: BTreeMap<InstanceId, Machine>,
    pub(crate) dark: BTreeSet<Zone>,
    behaviours: BTreeMap<Digest, Behaviour>,
    zones: Vec<Zone>,
    coming: BTreeMap<(Timestamp, u64), Coming>,
    number: u64,
    born: u32,
    launched: BTreeMap<Digest, u32>,
}

pub(crate) fn image(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

impl World {
    pub(crate) fn new(script: &Script) -> Self {
        let mut world = Self {
            now: script.start,
            machines: BTreeMap::new(),
            dark: BTreeSet::new(),
            behaviours: script.images.iter().map(|(name, how)| (image(name), how.clone())).collect(),
            zones: script.zones.clone(),
            coming: BTreeMap::new(),
            number: 0,
            born: 0,
            launched: BTreeMap::new(),
        };
        let all = || Some_ { count: script.desired, ..toml::from_str("image = \"v1\"").unwrap() };
        for some in script.fleet.clone().unwrap_or_else(|| vec![all()]) {
            world.appear(&some);
        }
        for event in &script.events {
            world.after(event.at, Coming::Script(event.what.clone()));
        }
        for answer in script.checks.values().flatten() {
            world.after(answer.from, Coming::Look);
        }
        world
    }

    fn after(&mut self, time: Duration, coming: Coming) {
        self.number += 1;
        self.coming.insert((self.now + time, self.number), coming);
    }

    fn appear(&mut self, some: &Some_) {
        for _ in 0..some.count {
            let number = self.born;
            self.born += 1;
            let id = InstanceId::new(format!("i-{number}")).unwrap();
            let zone =
                some.zone.clone().unwrap_or_else(|| self.zones[number as usize % self.zones.len()].clone());
            let phase = if some.launching { Phase::Launching } else { Phase::Running(some.health) };
            let age = some.age.saturating_sub(Duration::from_secs(u64::from(number)));
            let launched_at = self.now.saturating_sub(age);
            let mut instance = Instance::new(id.clone(), image(&some.image), zone, phase, launched_at);
            instance.standing.protected = some.protected;
            instance.standing.standby = some.standby;
            instance.standing.leader = some.leader;
            instance.standing.volume = some.volume;
            let behaviour = self.behaviours.get(&instance.image).cloned().unwrap_or_default();
            if some.launching && !behaviour.never_ready {
                self.after(behaviour.ready_after, Coming::Does(id.clone(), Habit::Ready));
            }
            self.machines.insert(id, Machine { instance, behaviour });
        }
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.coming.first_key_value().map(|((at, _), _)| *at)
    }

    /// Begins what was recorded.
    pub(crate) fn begin(&mut self, record: &Record, state: &RolloutState) {
        let Record::Intent { op, intent } = record else { return };
        match intent.clone() {
            Intent::Launch { seat, zone, image, .. } => {
                self.after(CONFIRMED_AFTER, Coming::Confirm { op: *op, seat, zone, image });
            }
            Intent::Retire { seat } => {
                let instance = state.member(seat).unwrap().instance.unwrap().clone();
                let gone_after = self.machines.get(&instance).map_or(Duration::ZERO, |machine| {
                    let stopped = matches!(machine.instance.phase, Phase::Stopped { .. });
                    if stopped { Duration::from_secs(1) } else { machine.behaviour.gone_after }
                });
                self.after(gone_after, Coming::Gone { op: *op, instance });
            }
            other => panic!("{other:?}"),
        }
    }

    /// Lets everything happen that is due now; returns what it makes the controller record.
    pub(crate) fn happen(&mut self, state: &RolloutState) -> Vec<Record> {
        let mut records = Vec::new();
        while let Some(entry) = self.coming.first_entry().filter(|entry| entry.key().0 <= self.now) {
            match entry.remove() {
                Coming::Script(what) => records.extend(self.script(&what, state)),
                Coming::Confirm { op, seat, zone, image } => {
                    records.extend(self.confirm(op, seat, zone, image))
                }
                Coming::Gone { op, instance } => {
                    let zone = self.machines.get(&instance).map(|machine| &machine.instance.zone);
                    if zone.is_some_and(|zone| self.dark.contains(zone)) {
                        self.after(TRIES_AGAIN, Coming::Gone { op, instance });
                        continue;
                    }
                    self.machines.remove(&instance);
                    records.push(Record::Outcome { op, outcome: Outcome::Gone });
                }
                Coming::Does(instance, habit) => {
                    let Some(machine) = self.machines.get_mut(&instance) else { continue };
                    machine.does(&habit);
                    for (time, next) in machine.after(&habit) {
                        self.after(time, Coming::Does(instance.clone(), next));
                    }
                }
                Coming::Look => {}
            }
        }
        records
    }

    fn confirm(&mut self, op: OpId, seat: Seat, zone: Zone, image: Digest) -> Option<Record> {
        if self.dark.contains(&zone) {
            self.after(TRIES_AGAIN, Coming::Confirm { op, seat, zone, image });
            return None;
        }
        let behaviour = self.behaviours.get(&image).cloned().unwrap_or_default();
        let launched = self.launched.entry(image).or_default();
        *launched += 1;
        let number = *launched;
        let is_bad = behaviour.only.is_none_or(|only| number <= only);
        let behaviour = match is_bad {
            true => behaviour,
            false => Behaviour { never_ready: false, dies_after: None, flaps: None, ..behaviour },
        };
        if number <= behaviour.refused {
            let reason = "the quota of the account is used up".to_owned();
            return Some(Record::Outcome { op, outcome: Outcome::Failed { reason } });
        }
        let (Slot(slot), Attempt(attempt)) = (seat.slot, seat.attempt);
        let id = InstanceId::new(format!("{slot}.{attempt}")).unwrap();
        if !behaviour.never_ready {
            self.after(behaviour.ready_after, Coming::Does(id.clone(), Habit::Ready));
        }
        let instance = Instance::new(id.clone(), image, zone, Phase::Launching, self.now);
        self.machines.insert(id.clone(), Machine { instance, behaviour });
        Some(Record::Outcome { op, outcome: Outcome::Launched { instance: id } })
    }

    fn machine(&mut self, id: &InstanceId) -> &mut Instance {
        let Some(machine) = self.machines.get_mut(id) else { panic!("there is no instance {id} now") };
        &mut machine.instance
    }

    fn script(&mut self, what: &What, state: &RolloutState) -> Option<Record> {
        let seat = |id| state.member_of(id).unwrap_or_else(|| panic!("{id} is no member")).seat;
        match what {
            What::Kill(id) => self.machine(id).phase = Phase::Stopped { reason: "killed".to_owned() },
            What::Vanish(id) => {
                self.machines.remove(id);
                self.after(MISSING_FOR, Coming::Look);
            }
            What::Unready(id) => self.machine(id).phase = Phase::Running(Health::Unready),
            What::Ready(id) => self.machine(id).phase = Phase::Running(Health::Ready),
            What::Appear(some) => self.appear(some),
            What::Dark(zone) => assert!(self.dark.insert(zone.clone())),
            What::Back(zone) => assert!(self.dark.remove(zone)),
            What::Protect(id) => self.machine(id).standing.protected = true,
            What::Unprotect(id) => self.machine(id).standing = Standing::PLAIN,
            What::Revoke(name) => return Some(Record::Fact(Fact::Revoked { image: image(name) })),
            What::Mark(id, reason) => {
                return Some(Record::Fact(Fact::Marked { seat: seat(id), reason: *reason }));
            }
            What::Resize(desired) => return Some(Record::Control(Control::Resize { desired: *desired })),
            What::Retarget(name) => return Some(Record::Control(Control::Retarget { target: image(name) })),
            What::Limits(limits) => return Some(Record::Control(Control::Limits { limits: limits.clone() })),
            What::Floor(available) => return Some(Record::Control(Control::Floor { available: *available })),
            What::Approve(name) => return Some(Record::Control(Control::Approve { name: name.clone() })),
            What::Replace(id) => return Some(Record::Control(Control::Replace { seat: seat(id) })),
            What::Say(say) => {
                return Some(Record::Control(match say {
                    Say::Pause => Control::Pause,
                    Say::Resume => Control::Resume,
                    Say::Abort => Control::Abort,
                    Say::Rollback => Control::Rollback,
                }));
            }
        }
        None
    }
}
