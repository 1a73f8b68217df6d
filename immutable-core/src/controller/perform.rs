//! What a turn does: directs the router and begins what is committed.

use std::sync::Arc;

use super::route::{self, Routes};
use super::run::{Call, Run};
use super::{ControllerError, act, judge};
use crate::fleet::{LaunchRequest, RouteState, RouterError};
use crate::id::InstanceId;
use crate::planner::{Condition, OpenOp};
use crate::time::Timestamp;

impl Run<'_> {
    /// Makes the router do what the journal says. `wrote` says that this turn has committed something and so knows that
    /// nobody took over.
    pub(super) async fn route(&mut self, wrote: bool) -> Result<(), ControllerError> {
        let now = self.now();
        let Some(router) = self.controller.router.clone() else { return Ok(()) };
        // With nothing new, and nobody leaving, it is asked as often as everything else is looked at.
        let quiet = self.routed && !wrote && self.draining_since()?.next().is_none();
        let recent = self.routed_at.is_some_and(|at| now < at + self.controller.options.poll);
        if (quiet && recent) || !self.backoff.may(&Call::Router, now) {
            return Ok(());
        }
        self.routes = None;
        self.routed = false;
        let routes = match router.observe().await {
            Ok(routes) => Routes::new(routes),
            Err(error) => {
                self.router_failed(&error, now);
                return Ok(());
            }
        };
        for route in routes.iter().filter(|route| route.state == RouteState::Draining) {
            self.draining.entry(route.instance.clone()).or_insert(now);
        }
        let changes = route::changes(self.state()?, &routes);
        if !changes.is_empty() {
            // Whoever slept through a takeover must not send traffic to what its successor has drained.
            if !wrote && !seeded!(ZombieRoutes) && !self.is_owner().await? {
                return Ok(());
            }
            if let Err(error) = router.apply(&changes).await {
                self.router_failed(&error, now);
                return Ok(());
            }
        }
        self.backoff.succeeded(&Call::Router);
        self.routes = Some(routes);
        self.routed = changes.is_empty();
        self.routed_at = Some(now);
        Ok(())
    }

    fn router_failed(&mut self, error: &RouterError, now: Timestamp) {
        self.backoff.failed(Call::Router, error.retry(), now);
        self.trouble("direct the router", error);
    }

    /// Begins what is committed and not under way.
    pub(super) fn act(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        let capabilities = self.controller.fleet.capabilities();
        let mut launches = Vec::new();
        let mut retirements = Vec::new();
        let mut tell = Vec::new();
        let state = self.state()?;
        for (op, open) in state.open_ops() {
            if self.in_flight.contains(&op) || !self.backoff.may(&Call::Op(op), now) {
                continue;
            }
            match open {
                OpenOp::Launch { seat, .. } if !self.backoff.may(&Call::Refused(seat.slot), now) => {}
                OpenOp::Launch { seat, .. } => {
                    let Some(member) = state.member(*seat) else { continue };
                    let rollout = state.spec().rollout.clone();
                    let (zone, image) = (member.zone.clone(), member.image);
                    let request = LaunchRequest::new(rollout, seat.slot, seat.attempt, zone, image);
                    #[cfg(seeded_bugs)]
                    let request = seeded!(FreshToken => self.backoff.renamed(op, request); else request);
                    launches.push((op, request));
                }
                OpenOp::Retire { seat, instance } => {
                    let since = match state.member(*seat).map(|member| member.condition) {
                        Some(Condition::Retiring { since }) => since,
                        _ => now,
                    };
                    if self.may_stop(instance, since, now) {
                        retirements.push((op, instance.clone()));
                    } else if capabilities.drain && !self.told.contains(&op) {
                        tell.push((op, instance.clone()));
                    }
                }
            }
        }
        let fleet = || Arc::clone(&self.controller.fleet);
        let batch = capabilities.max_batch.max(1);
        for batch in launches.chunks(batch) {
            self.in_flight.extend(batch.iter().map(|(op, _)| *op));
            self.actions.push(act::launch(fleet(), batch.to_vec()));
        }
        for batch in retirements.chunks(batch) {
            self.in_flight.extend(batch.iter().map(|(op, _)| *op));
            self.actions.push(act::terminate(fleet(), self.controller.router.clone(), batch.to_vec()));
        }
        for batch in tell.chunks(batch) {
            self.told.extend(batch.iter().map(|(op, _)| *op));
            let instances = batch.iter().map(|(_, instance)| instance.clone()).collect();
            self.actions.push(act::tell(fleet(), instances));
        }
        for (stage, context) in judge::questions(self.state()?, now) {
            let gate = self.controller.gates.get(&context.gate);
            if let Some(gate) = gate
                && self.backoff.may(&Call::Gate(context.gate.clone()), now)
                && self.asked.insert(context.gate.clone())
            {
                self.actions.push(act::judge(Arc::clone(gate), stage, context));
            }
        }
        Ok(())
    }

    /// Whether a leaving instance may be stopped: the router sends it nothing any more and it has finished what it had,
    /// or its time is up. Never while nobody knows what the router does.
    fn may_stop(&self, instance: &InstanceId, since: Timestamp, now: Timestamp) -> bool {
        if self.controller.router.is_none() || seeded!(StoppedServing) {
            return true;
        }
        let (Some(routes), Some(state)) = (&self.routes, self.journal.state()) else { return false };
        // It must have been seen draining: of the changes of this very turn the sessions tell nothing. And its time
        // begins then, or whoever takes over late would cut sessions that were never asked to end.
        routes.get(instance).is_none_or(|route| {
            let seen = self.draining.get(instance).copied().unwrap_or(now);
            let since = seeded!(DrainFromIntent => since; else seen.max(since));
            let is_over = now >= since + state.spec().limits.drain_deadline;
            route.state == RouteState::Draining && (route.sessions == 0 || is_over)
        })
    }
}
