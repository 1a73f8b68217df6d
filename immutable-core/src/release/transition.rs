use super::{GroupOutcome, GroupPhase, Heading, IllegalReleaseEvent, OnGroupFailure, Release, ReleaseEvent};

impl Release {
    /// Takes in what happened.
    ///
    /// # Errors
    /// [`IllegalReleaseEvent`] when the state does not allow it: a group that begins before its turn, an end of what did
    /// not run. Nothing is changed then.
    pub fn apply(&mut self, event: &ReleaseEvent) -> Result<(), IllegalReleaseEvent> {
        match event {
            ReleaseEvent::Begin { group } => {
                let index = self.graph.find(group)?;
                self.check_begin(index)?;
                self.begin(index);
            }
            ReleaseEvent::End { group, outcome } => {
                let index = self.graph.find(group)?;
                match (self.phases[index], outcome) {
                    (GroupPhase::Running, _)
                    | (GroupPhase::Returning, GroupOutcome::RolledBack | GroupOutcome::Failed) => {}
                    (GroupPhase::Returning, GroupOutcome::Done) => {
                        return Err(self.not_now(index, "be done", "it is on its way back"));
                    }
                    (phase, _) => return Err(self.not_now(index, "end", format!("it is {phase}"))),
                }
                self.end(index, *outcome);
            }
            ReleaseEvent::TurnBack { group } => {
                let index = self.graph.find(group)?;
                self.check_turn_back(index)?;
                self.turn_back(index);
            }
            ReleaseEvent::Retry { group } => {
                let index = self.graph.find(group)?;
                self.retry(index)?;
            }
            ReleaseEvent::RollBack if self.heading == Heading::Back => {
                return Err(IllegalReleaseEvent::GoesBackAlready);
            }
            ReleaseEvent::RollBack => self.go_back(),
        }
        Ok(())
    }

    fn check_begin(&self, group: usize) -> Result<(), IllegalReleaseEvent> {
        let phase = self.phases[group];
        let reason = if phase != GroupPhase::Waiting {
            format!("it is {phase}")
        } else if let Some(waiting) = self.waiting_at(group) {
            format!("it waits for {waiting}")
        } else {
            return Ok(());
        };
        Err(self.not_now(group, "begin", reason))
    }

    fn check_turn_back(&self, group: usize) -> Result<(), IllegalReleaseEvent> {
        let phase = self.phases[group];
        let reason = if self.heading == Heading::Forward {
            "the release goes forward".to_owned()
        } else if !phase.can_return() {
            format!("it is {phase}")
        } else if let Some(waiting) = self.waiting_at(group) {
            format!("it waits for {waiting}")
        } else {
            return Ok(());
        };
        Err(self.not_now(group, "go back", reason))
    }

    pub(super) fn begin(&mut self, group: usize) {
        self.free.remove(&group);
        self.set(group, GroupPhase::Running);
    }

    pub(super) fn end(&mut self, group: usize, outcome: GroupOutcome) {
        let was = self.phases[group];
        let phase = match outcome {
            GroupOutcome::Done => GroupPhase::Done,
            GroupOutcome::RolledBack => GroupPhase::RolledBack,
            GroupOutcome::Failed if was == GroupPhase::Returning => GroupPhase::Stranded,
            GroupOutcome::Failed => GroupPhase::Failed,
        };
        self.set(group, phase);
        match (self.heading, outcome) {
            (Heading::Forward, GroupOutcome::Done) => self.pass(group),
            (Heading::Forward, GroupOutcome::RolledBack | GroupOutcome::Failed) => {
                self.failed.insert(group);
                self.spread(group, true);
                if self.on_failure == OnGroupFailure::Rollback {
                    self.go_back();
                }
            }
            (Heading::Back, GroupOutcome::RolledBack) => self.lower(group),
            // It ran while the release turned; it stays what is to go back, or what somebody must look at.
            (Heading::Back, GroupOutcome::Done | GroupOutcome::Failed) => {}
        }
    }

    fn turn_back(&mut self, group: usize) {
        self.returnable.remove(&group);
        self.set(group, GroupPhase::Returning);
    }

    fn retry(&mut self, group: usize) -> Result<(), IllegalReleaseEvent> {
        let slots = |slots: usize| (slots == 0).then(|| "as many as may are under way".to_owned());
        let (phase, refused) = match (self.heading, self.phases[group]) {
            (Heading::Forward, GroupPhase::Failed | GroupPhase::RolledBack) => {
                (GroupPhase::Running, slots(self.slots()))
            }
            (Heading::Back, GroupPhase::Stranded) => (GroupPhase::Returning, slots(self.return_slots())),
            (Heading::Forward, phase) => (phase, Some(format!("it is {phase}"))),
            (Heading::Back, phase) => (phase, Some(format!("it is {phase} and the release goes back"))),
        };
        if let Some(reason) = refused {
            return Err(self.not_now(group, "be retried", reason));
        }
        self.set(group, phase);
        if self.failed.remove(&group) {
            self.spread(group, false);
        }
        Ok(())
    }

    /// A node is done or passed: lets go what waited for it alone.
    pub(super) fn pass(&mut self, node: usize) {
        let graph = std::sync::Arc::clone(&self.graph);
        let mut passed = vec![node];
        while let Some(node) = passed.pop() {
            for &after in graph.after(node) {
                self.pending[after] -= 1;
                if self.pending[after] > 0 {
                    continue;
                }
                if after < self.phases.len() {
                    self.free.insert(after);
                } else {
                    passed.push(after);
                }
            }
        }
    }

    /// A node failed, or is put right again: so is all that waits for it, unless something else failed too.
    fn spread(&mut self, node: usize, failed: bool) {
        let graph = std::sync::Arc::clone(&self.graph);
        let mut reached = vec![node];
        while let Some(node) = reached.pop() {
            for &after in graph.after(node) {
                let changed = if failed {
                    self.broken[after] += 1;
                    self.broken[after] == 1
                } else {
                    self.broken[after] -= 1;
                    self.broken[after] == 0
                };
                if !changed {
                    continue;
                }
                reached.push(after);
                if after < self.phases.len() {
                    // Only a waiting group can wait for something that failed.
                    if failed { self.held += 1 } else { self.held -= 1 }
                }
            }
        }
    }

    /// From here on the release goes back: counts, once, what each node has above it.
    fn go_back(&mut self) {
        self.heading = Heading::Back;
        self.above = vec![0; self.graph.nodes()];
        for &node in self.graph.order.iter().rev() {
            let is_up = self.phases.get(node).map_or(self.above[node] > 0, |phase| phase.is_up());
            if is_up {
                for &before in self.graph.before(node) {
                    self.above[before] += 1;
                }
            }
        }
        self.returnable = (0..self.phases.len())
            .filter(|group| self.above[*group] == 0 && self.phases[*group].can_return())
            .collect();
    }

    /// A group is back: lets go back what only waited for it.
    fn lower(&mut self, group: usize) {
        self.returnable.remove(&group);
        let graph = std::sync::Arc::clone(&self.graph);
        let mut down = vec![group];
        while let Some(node) = down.pop() {
            for &before in graph.before(node) {
                self.above[before] -= 1;
                if self.above[before] > 0 {
                    continue;
                }
                match self.phases.get(before) {
                    Some(phase) if phase.can_return() => {
                        self.returnable.insert(before);
                    }
                    Some(_) => {}
                    None => down.push(before),
                }
            }
        }
    }

    fn set(&mut self, group: usize, phase: GroupPhase) {
        *self.counts.of_mut(self.phases[group]) -= 1;
        *self.counts.of_mut(phase) += 1;
        self.phases[group] = phase;
    }

    fn not_now(&self, group: usize, act: &'static str, reason: impl Into<String>) -> IllegalReleaseEvent {
        IllegalReleaseEvent::NotNow { group: self.graph.groups[group].clone(), act, reason: reason.into() }
    }
}
