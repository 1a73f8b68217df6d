use std::sync::Arc;

use super::board::{Cell, Phase};
use super::goal::Goal;
use super::state::{Failures, Run};
use super::{Conclusion, Direction, FailReason, IllegalTransition, RolloutState};
use crate::digest::Digest;
use crate::gate::{Judgement, Verdict};
use crate::id::GateName;
use crate::limits::{Budget, Limits, LimitsError, Tokens};
use crate::plan::{OnResize, OnRetarget, Seat};
use crate::strategy::{Reason, Share, Stage};
use crate::time::{Skew, Timestamp};

/// The transitions of the rollout as a whole.
impl RolloutState {
    /// A check came to a verdict on the current stage.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn judged(
        &mut self,
        stage: usize,
        gate: GateName,
        judgement: Judgement,
    ) -> Result<(), IllegalTransition> {
        if stage != self.stage {
            return Err(IllegalTransition::new(format!(
                "check `{gate}` judged stage {stage}, but stage {} is current",
                self.stage
            )));
        }
        self.judgements.insert(gate, judgement);
        Ok(())
    }

    /// Somebody approved something. Approvals are kept for the whole rollout, so one may come early.
    pub fn approved(&mut self, name: GateName) {
        self.approvals.insert(name);
    }

    /// Nothing new is begun from now on. Without effect on a rollout that is ending.
    pub fn paused(&mut self) {
        if self.run == Run::Running {
            self.run = Run::Paused;
        }
    }

    /// Goes on after a pause; the time of the pause does not count against the progress deadline.
    pub fn resumed(&mut self, at: Timestamp) {
        if self.run == Run::Paused {
            self.run = Run::Running;
            self.progressed_at = at;
        }
    }

    /// How far the clock of the controller is ahead of the times of this state.
    #[must_use]
    pub const fn skew(&self) -> Skew {
        self.skew
    }

    /// It is run by a clock that is so far ahead; the calendar is asked by what that one shows.
    pub const fn skewed(&mut self, skew: Skew) {
        self.skew = skew;
    }

    /// Finishes what was begun and then ends where it stands.
    ///
    /// # Errors
    /// [`IllegalTransition`] after the end.
    pub fn ending(&mut self, conclusion: Conclusion) -> Result<(), IllegalTransition> {
        match self.run {
            Run::Closed(_) => Err(IllegalTransition::new("the rollout is closed")),
            // The first reason to end holds.
            Run::Ending(_) => Ok(()),
            Run::Running | Run::Paused => {
                self.run = Run::Ending(conclusion);
                Ok(())
            }
        }
    }

    /// Turns back to the previous image.
    ///
    /// # Errors
    /// [`IllegalTransition`] when there is none, or when it has turned already: a rollback is never rolled back.
    pub fn turned_back(&mut self, reason: FailReason, at: Timestamp) -> Result<(), IllegalTransition> {
        if self.goal.previous.is_none() {
            return Err(IllegalTransition::new("there is no previous image to go back to"));
        }
        seeded!(RollbackRolledBack => self.flip());
        if !self.is_forward() {
            return Err(IllegalTransition::new("a rollback is never rolled back"));
        }
        if !matches!(self.run, Run::Running | Run::Paused) {
            return Err(IllegalTransition::new("the rollout is ending"));
        }
        let desired = self.goal.budget.desired;
        let budget = self.goal.limits.rollback_budget(desired);
        let budget = budget.map_err(|error| IllegalTransition::new(error.to_string()))?;
        self.goal_mut().budget = budget;
        seeded!(ReversibleEffects => self.keep_leaving());
        self.direction = Direction::Back { reason };
        self.run = Run::Running;
        // The way back begins with the traffic: what still serves with the previous image takes it over at once.
        self.share = self.share.map(Share::rest);
        self.goal_mut().straight = true;
        let last = self.straight_to(desired);
        // Two versions that must not run together on the way there must not do so on the way back.
        let apart = self.goal.stages.iter().any(Stage::is_empty).then(|| Stage::new(0, 0));
        self.head_for(apart.into_iter().chain([last]).collect(), at);
        Ok(())
    }

    /// The one stage of the way to an image that served before.
    fn straight_to(&self, desired: u32) -> Stage {
        Stage { share: self.share.map(|_| Share::ALL), ..Stage::new(desired, 0) }
    }

    /// Another target was asked for.
    pub fn retarget(&mut self, target: Digest, at: Timestamp) {
        let refuse = |why: &str| Some(format!("target {} was refused: {why}", target.short()));
        self.refused = None;
        if target == self.goal.target && self.is_forward() {
            self.goal_mut().queue.clear();
            return;
        }
        if !self.is_forward() || !matches!(self.run, Run::Running | Run::Paused) {
            self.refused = refuse("the rollout is on its way back or ending");
            return;
        }
        if self.revoked.contains(&target) {
            self.refused = refuse("it was revoked");
            return;
        }
        match self.spec.on_retarget {
            OnRetarget::Refuse => self.refused = refuse("this rollout keeps its target (on_retarget)"),
            OnRetarget::FinishFirst => self.goal_mut().queue = vec![target],
            OnRetarget::Queue if self.goal.queue.last() == Some(&target) => {}
            OnRetarget::Queue => self.goal_mut().queue.push(target),
            OnRetarget::Replace => {
                let former = self.goal.target;
                // What never had traffic must not get any because it is no longer the new group.
                let unproven = self.share == Some(Share::NONE);
                self.aim_at(target, at);
                self.give_up(former, unproven);
            }
        }
    }

    /// Begins with the next target of the queue; the one that is reached is now what a failure leads back to.
    ///
    /// # Errors
    /// [`IllegalTransition`] when there is none.
    pub fn next_target(&mut self, at: Timestamp) -> Result<(), IllegalTransition> {
        if self.goal.queue.is_empty() {
            return Err(IllegalTransition::new("no further target was asked for"));
        }
        let goal = self.goal_mut();
        let target = goal.queue.remove(0);
        goal.previous = Some(goal.target);
        self.aim_at(target, at);
        Ok(())
    }

    fn aim_at(&mut self, target: Digest, at: Timestamp) {
        let returns = self.goal.previous == Some(target);
        let goal = self.goal_mut();
        goal.target = target;
        goal.previous = goal.previous.filter(|_| !returns);
        let desired = goal.budget.desired;
        // Traffic stays where it is: with what another target calls the old group, or with the image that it came from.
        let straight = returns && self.share.is_some();
        self.share = self.share.map(|share| if straight { share.rest() } else { Share::NONE });
        self.goal_mut().straight = straight;
        let stages = match straight {
            true => vec![self.straight_to(desired)],
            false => Goal::scaled(&self.spec.stages, self.spec.budget.desired, desired),
        };
        self.head_for(stages, at);
    }

    /// What runs a target that another one took the place of leaves first, unless it is wanted again or is the way back.
    fn give_up(&mut self, former: Digest, unproven: bool) {
        let stays = former == self.wanted() || self.goal.previous == Some(former);
        let Some(number) = self.roster.known_image(former).filter(|_| !stays) else { return };
        self.board.regroup(|cell| {
            if cell.image == number {
                cell.former = true;
                cell.in_service &= !unproven || !cell.is_ours();
            }
        });
    }

    /// Another image is wanted, by other stages: everything is counted anew.
    fn head_for(&mut self, stages: Vec<Stage>, at: Timestamp) {
        self.goal_mut().stages = stages;
        self.stage = 0;
        self.complete_since = None;
        self.judgements.clear();
        self.failures = Failures::default();
        for slot in self.timers.clear_slots() {
            self.board.rest(slot, false);
        }
        let regroup = self.regrouping();
        self.board.regroup(regroup);
        self.mark = 0;
        self.replaced = 0;
        self.progressed_at = at;
    }

    /// What another wanted image makes of each instance.
    pub(super) fn regrouping(&self) -> impl Fn(&mut Cell) + use<> {
        let wanted = self.roster.known_image(self.wanted());
        let revoked: Vec<u16> =
            self.revoked.iter().filter_map(|image| self.roster.known_image(*image)).collect();
        let previous = self.goal.previous.and_then(|image| self.roster.known_image(image));
        move |cell| {
            let urgent = cell.reason.filter(|_| cell.is_asked());
            cell.former &= Some(cell.image) != wanted && Some(cell.image) != previous;
            let revoked = revoked.contains(&cell.image).then_some(Reason::Revoked);
            let reason = urgent.min(revoked).or(urgent).or(revoked);
            cell.reason = reason.or_else(|| (Some(cell.image) != wanted).then_some(Reason::OtherImage));
            (cell.fresh, cell.spare) = (false, false);
        }
    }

    /// Another number of instances was asked for.
    pub fn resized(&mut self, desired: u32, at: Timestamp) {
        let now = self.goal.budget.desired;
        self.refused = None;
        if desired == now {
            return;
        }
        let refuse = |why: String| Some(format!("a size of {desired} was refused: {why}"));
        if !matches!(self.run, Run::Running | Run::Paused) {
            self.refused = refuse("the rollout is ending".to_owned());
            return;
        }
        match self.spec.on_resize {
            OnResize::Refuse => {
                self.refused = refuse(format!("this rollout keeps its size of {now} (on_resize)"));
                return;
            }
            OnResize::Pin => {
                self.refused = refuse(format!("this rollout is pinned to {now}; ask again when it is over"));
                return;
            }
            OnResize::Track => {}
        }
        if let Err(why) = self.adopt_limits(self.goal.limits.clone(), desired) {
            self.refused = refuse(why);
            return;
        }
        let stages = match self.direction {
            Direction::Forward if !self.goal.straight => {
                Goal::scaled(&self.spec.stages, self.spec.budget.desired, desired)
            }
            Direction::Forward | Direction::Back { .. } => Goal::scaled(&self.goal.stages, now, desired),
        };
        self.goal_mut().stages = stages;
        self.board.resize(desired);
        self.mark = 0;
        self.progressed_at = at;
    }

    /// Other limits were asked for.
    pub fn relimited(&mut self, limits: Limits, at: Timestamp) {
        self.refused = None;
        if limits.has_zone_limits() && !self.spec.limits.has_zone_limits()
            || limits.one_zone_at_a_time != self.spec.limits.one_zone_at_a_time
        {
            let why = "a rollout that began without limits of zones cannot take them up";
            self.refused = Some(format!("the limits were refused: {why}"));
            return;
        }
        let rate = self.goal.limits.launch_rate;
        match self.adopt_limits(limits, self.goal.budget.desired) {
            Ok(()) => {
                // Another rate begins with a full bucket; the same one goes on with what is left.
                if self.goal.limits.launch_rate != rate {
                    self.tokens = self.goal.limits.launch_rate.map(|rate| Tokens::full(&rate, at));
                }
                self.progressed_at = at;
                self.time_all();
            }
            Err(why) => self.refused = Some(format!("the limits were refused: {why}")),
        }
    }

    fn adopt_limits(&mut self, limits: Limits, desired: u32) -> Result<(), String> {
        let zones = u32::try_from(self.spec.zones.len()).unwrap_or(u32::MAX);
        // Both ways, as when it was planned: the way back must stay open.
        let checked = |budget: Result<Budget, LimitsError>| {
            let budget = budget.and_then(|budget| limits.check_zones(&budget, zones).map(|()| budget));
            budget.map_err(|error| error.to_string())
        };
        let (forward, back) = (checked(limits.budget(desired))?, checked(limits.rollback_budget(desired))?);
        let budget = if self.is_forward() { forward } else { back };
        let goal = self.goal_mut();
        goal.budget = budget;
        goal.limits = limits;
        Ok(())
    }

    /// Worlds that are tried out share what was not changed.
    pub(super) fn goal_mut(&mut self) -> &mut Goal {
        Arc::make_mut(&mut self.goal)
    }

    /// A guard over several groups leaves no more than this to go; the time in which it left nothing does not count against
    /// the progress deadline.
    pub fn floored(&mut self, available: u32, at: Timestamp) {
        if self.is_floored() {
            self.progressed_at = at;
        }
        self.goal_mut().floor = available;
    }

    /// Whether nothing may leave service that the limits would let go.
    pub(super) fn is_floored(&self) -> bool {
        let floor = self.goal.floor;
        floor > self.goal.budget.min_available() && self.available() <= floor
    }

    /// The calendar has opened or closed; the time in which it was closed does not count against the progress deadline.
    pub fn windowed(&mut self, open: bool, at: Timestamp) {
        if open && !self.window_open {
            let closed_for = at.since(self.closed_at.max(self.progressed_at));
            self.progressed_at = self.progressed_at + closed_for;
        }
        if !open && self.window_open {
            self.closed_at = at;
        }
        self.window_open = open;
    }

    /// An image was revoked: nothing is launched from it any more.
    pub fn revoked(&mut self, image: Digest) {
        self.revoked.insert(image);
        let Some(number) = self.roster.known_image(image) else { return };
        self.board.regroup(|cell| {
            if cell.image == number {
                cell.reason = Some(cell.reason.map_or(Reason::Revoked, |known| known.min(Reason::Revoked)));
            }
        });
    }

    /// Somebody asked for the replacement of a member; of one that is gone it has no effect.
    pub fn replacement_asked(&mut self, seat: Seat) {
        let _ = self.marked(seat, Reason::Requested);
    }

    /// The new group gets this share of the traffic.
    ///
    /// # Errors
    /// [`IllegalTransition`] when the rollout does not share traffic.
    pub fn shifted(&mut self, share: Share, at: Timestamp) -> Result<(), IllegalTransition> {
        if self.share.is_none() {
            return Err(IllegalTransition::new("traffic was shifted, but no stage shares it"));
        }
        self.share = Some(share);
        self.begun = true;
        self.progressed_at = at;
        Ok(())
    }

    /// Goes on to the next stage.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn advanced(&mut self, stage: usize, at: Timestamp) -> Result<(), IllegalTransition> {
        if stage != self.stage + 1 || stage >= self.goal.stages.len() {
            return Err(IllegalTransition::new(format!(
                "went on to stage {stage}, but stage {} of {} is current",
                self.stage,
                self.goal.stages.len()
            )));
        }
        self.stage = stage;
        self.begun = true;
        self.complete_since = None;
        if !seeded!(VerdictReused) {
            self.judgements.clear();
        }
        self.progressed_at = at;
        Ok(())
    }

    /// Ends.
    ///
    /// # Errors
    /// [`IllegalTransition`] while an intent has no outcome.
    pub fn closed(&mut self, conclusion: Conclusion) -> Result<(), IllegalTransition> {
        if let Some((op, _)) = self.open.first_key_value()
            && !seeded!(ClosedWhileOpen)
        {
            return Err(IllegalTransition::new(format!("the rollout ends, but {op} has no outcome")));
        }
        self.run = Run::Closed(conclusion);
        Ok(())
    }

    /// Takes stock after a transition: progress, and whether the stage is complete.
    pub fn settle(&mut self, at: Timestamp) {
        let reached = self.replaced + u64::from(self.board.counts().new_ready);
        if reached > self.mark {
            self.mark = reached;
            self.progressed_at = at;
        }
        let idle = self.waits_for_people();
        if self.idle && !idle {
            // Somebody freed an instance or one went: the time until then was not the rollout's.
            self.progressed_at = at;
        }
        self.idle = idle;
        let complete = self.is_complete();
        match (complete, self.complete_since) {
            (true, None) => self.complete_since = Some(at),
            (false, Some(since)) => {
                // Work came up again: the time in which the stage was complete does not count against its deadline. That
                // does not begin anew, or one that is complete and broken again and again would go on for ever.
                self.complete_since = None;
                self.progressed_at = self.progressed_at + at.since(since.max(self.progressed_at));
                self.judgements.retain(|_, judgement| judgement.verdict == Verdict::Fail);
            }
            _ => {}
        }
    }

    /// Whether the fleet was what is wanted before anything was begun: then there is nothing to roll out.
    pub(super) fn is_no_op(&self) -> bool {
        let counts = self.board.counts();
        let goal = &self.goal;
        !self.begun
            && goal.queue.is_empty()
            && counts.total == goal.budget.desired
            && counts.new_ready + counts.skipped_idle == counts.total
    }

    fn is_complete(&self) -> bool {
        let stage = &self.goal.stages[self.stage];
        let desired = self.goal.budget.desired;
        let counts = self.board.counts();
        // Nobody may take away who is left alone, though it be more than are desired.
        seeded!(StageEarly => return counts.new_live >= stage.new && counts.old_live <= stage.old && self.open.is_empty());
        // Everything that exists is available, so nothing is starting, stopping or broken; what is left alone may be anything.
        counts.new_ready + counts.old_ready + counts.skipped_idle == counts.total
            && counts.new_ready + counts.skipped_idle >= stage.new.min(desired)
            && counts.new_ready <= desired.max(counts.skipped_ready)
            && counts.old_ready <= stage.old
            && counts.fresh_live >= self.baseline().min(counts.old_ready)
            && (stage.share.is_none() || stage.share == self.share)
    }

    /// The phase of the member in a seat, if there is one.
    pub(super) fn phase(&self, seat: Seat) -> Option<Phase> {
        self.board.find(seat).map(|id| self.board.cell(id).phase)
    }
}
