use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Phase};

use crate::script::Behaviour;

/// An instance on the platform.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) instance: Instance,
    pub(crate) behaviour: Behaviour,
}

/// What an instance does by itself, after a time.
#[derive(Clone, Debug)]
pub(crate) enum Habit {
    Ready,
    Unready,
    Die,
}

impl Machine {
    /// What it does next, once it has done this.
    pub(crate) fn after(&self, habit: &Habit) -> Vec<(Duration, Habit)> {
        let Behaviour { dies_after, flaps, .. } = self.behaviour;
        match habit {
            Habit::Ready => {
                let dies = dies_after.map(|after| (after, Habit::Die));
                dies.into_iter().chain(flaps.map(|after| (after, Habit::Unready))).collect()
            }
            Habit::Unready => flaps.map(|after| (after, Habit::Ready)).into_iter().collect(),
            Habit::Die => Vec::new(),
        }
    }

    pub(crate) fn does(&mut self, habit: &Habit) {
        if matches!(self.instance.phase, Phase::Stopping | Phase::Stopped { .. }) {
            return;
        }
        self.instance.phase = match habit {
            Habit::Ready => Phase::Running(Health::Ready),
            Habit::Unready => Phase::Running(Health::Unready),
            Habit::Die => Phase::Stopped { reason: "exit code 1".to_owned() },
        };
    }
}
