//! What really exists, and what a list says of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Origin, Phase, Snapshot};
use immutable_core::id::{Attempt, Slot};
use immutable_core::{FleetId, InstanceId, Timestamp, Token, Zone};

use crate::setting;

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
pub(crate) const NEVER: Duration = Duration::from_secs(1_000_000);
/// How long a launch may take, and a member may be suspect.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// Longer than that, and than a member must be missing from lists before it counts as removed.
pub(crate) const A_WHILE: Duration = Duration::from_secs(6);

/// One attempt in one slot; `nonce` differs where the protocol is so weak that one attempt can be launched twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) slot: u8,
    pub(crate) attempt: u8,
    pub(crate) nonce: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Life {
    Launching,
    Ready,
    Unready,
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Machine {
    pub(crate) name: Name,
    pub(crate) is_new: bool,
    pub(crate) life: Life,
}

/// A call of a controller. The platform may execute it at any time after it was sent, twice or never; each has one
/// effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Call {
    Launch { name: Name, is_new: bool },
    Terminate { name: Name },
}

/// Why a launch will have no effect any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Spent {
    Refused,
    Removed,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Platform {
    /// In order of their names.
    pub(crate) machines: Vec<Machine>,
    /// Launches that had their effect once, or were refused, and will never have another.
    spent: Vec<(Name, Spent)>,
}

impl Platform {
    pub(crate) fn full(desired: u32) -> Self {
        let name = |slot| Name { slot, attempt: 0, nonce: 0 };
        let machine = |slot| Machine { name: name(slot), is_new: false, life: Life::Ready };
        Self { machines: (0..u8::try_from(desired).unwrap()).map(machine).collect(), spent: Vec::new() }
    }

    pub(crate) fn machine(&self, name: Name) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    pub(crate) fn set(&mut self, name: Name, life: Life) {
        self.machines.iter_mut().find(|machine| machine.name == name).unwrap().life = life;
    }

    pub(crate) fn ready(&self) -> usize {
        self.machines.iter().filter(|machine| machine.life == Life::Ready).count()
    }

    /// Why a launch will have no effect any more, if so.
    pub(crate) fn spent(&self, name: Name) -> Option<Spent> {
        self.spent.iter().find(|(spent, _)| *spent == name).map(|(_, why)| *why)
    }

    pub(crate) fn has_effect(&self, call: Call) -> bool {
        match call {
            Call::Launch { name, .. } => self.machine(name).is_none() && self.spent(name).is_none(),
            Call::Terminate { name } => self.machine(name).is_some(),
        }
    }

    pub(crate) fn execute(&mut self, call: Call) {
        match call {
            Call::Launch { name, is_new } => {
                self.machines.push(Machine { name, is_new, life: Life::Launching });
                self.machines.sort_unstable();
            }
            Call::Terminate { name } => self.remove(name),
        }
    }

    /// The launch will never have an effect.
    pub(crate) fn refuse(&mut self, name: Name) {
        self.spend(name, Spent::Refused);
    }

    pub(crate) fn remove(&mut self, name: Name) {
        self.machines.retain(|machine| machine.name != name);
        self.spend(name, Spent::Removed);
    }

    fn spend(&mut self, name: Name, why: Spent) {
        self.spent.push((name, why));
        self.spent.sort_unstable();
    }

    /// What a complete list says.
    pub(crate) fn list(&self) -> Snapshot {
        let mut snapshot = Snapshot::new(FleetId::new("web").unwrap(), NOW, 0, Vec::new());
        snapshot.instances = self.machines.iter().map(instance).collect();
        snapshot.instances.sort_by(|a, b| a.id.cmp(&b.id));
        snapshot
    }

    pub(crate) fn key(&self, into: &mut Vec<u8>) {
        into.push(u8::try_from(self.machines.len()).unwrap());
        for Machine { name, is_new, life } in &self.machines {
            into.extend([name.slot, name.attempt, name.nonce, u8::from(*is_new) * 8 + *life as u8]);
        }
        into.push(u8::try_from(self.spent.len()).unwrap());
        for (name, why) in &self.spent {
            into.extend([name.slot, name.attempt, name.nonce, *why as u8]);
        }
    }
}

thread_local! {
    /// The same few instances are listed millions of times.
    static INSTANCES: RefCell<HashMap<Machine, Arc<Instance>>> = RefCell::new(HashMap::new());
}

fn instance(machine: &Machine) -> Arc<Instance> {
    INSTANCES.with_borrow_mut(|known| {
        let make = || {
            let Machine { name, is_new, life } = *machine;
            let phase = match life {
                Life::Launching => Phase::Launching,
                Life::Ready => Phase::Running(Health::Ready),
                Life::Unready => Phase::Running(Health::Unready),
                Life::Stopped => Phase::Stopped { reason: "exit 1".to_owned() },
            };
            let (slot, attempt) = (u32::from(name.slot), u32::from(name.attempt));
            let id = instance_id(slot, attempt, name.nonce);
            let image = if is_new { setting::new_image() } else { setting::old_image() };
            let mut instance = Instance::new(id, image, zone(), phase, NOW);
            if attempt > 0 {
                let (rollout, slot, attempt) = (setting::rollout(), Slot(slot), Attempt(attempt));
                let token = Token::of(&rollout, slot, attempt);
                instance.origin = Some(Origin { rollout, slot, attempt, token });
            }
            Arc::new(instance)
        };
        Arc::clone(known.entry(*machine).or_insert_with(make))
    })
}

pub(crate) fn instance_id(slot: u32, attempt: u32, nonce: u8) -> InstanceId {
    InstanceId::new(format!("i-{slot}-{attempt}-{nonce}")).unwrap()
}

pub(crate) fn zone() -> Zone {
    Zone::new("a").unwrap()
}
