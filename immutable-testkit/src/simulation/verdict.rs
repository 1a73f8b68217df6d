//! What is looked at once, at an end.

use std::collections::BTreeSet;

use immutable_core::controller::ControllerError;
use immutable_core::error::with_causes;
use immutable_core::fleet::{Instance, RouteChange, Router};
use immutable_core::journal::JournalError;
use immutable_core::planner::Conclusion;
use immutable_core::{Digest, InstanceId, RolloutId, Timestamp};

use super::world::{World, image};
use super::{Flaw, Property};
use crate::faulty::FaultKind;
use crate::router::{Applied, Cut, CutCause};

/// A controller must never find itself or its journal at fault.
pub(super) fn find_defect(world: &World, error: &ControllerError) {
    let is_defect =
        matches!(error, ControllerError::Defect(_) | ControllerError::Journal(JournalError::Illegal { .. }));
    if is_defect {
        world.observer.find(Property::Journal, with_causes(error));
    }
}

/// What the fleet is at the end of the first rollout, if that was a good one; else what it was before.
pub(super) fn settled_on(world: &World, first: &RolloutId) -> Digest {
    let images: BTreeSet<Digest> = world.fleet.instances().iter().map(|instance| instance.image).collect();
    let is_completed = world.observer.conclusion(first) == Some(Conclusion::Completed);
    let only = images.first().copied().filter(|_| images.len() == 1 && is_completed);
    let is_bad = |digest: &Digest| *digest == image(2) && world.setup.flaw != Flaw::None;
    only.filter(|digest| !is_bad(digest)).unwrap_or_else(|| image(1))
}

/// After a good end in calm weather the fleet is of one image, and ready.
pub(super) async fn find_undeclared(world: &World, first: &RolloutId) {
    let images: BTreeSet<Digest> = world.fleet.instances().iter().map(|instance| instance.image).collect();
    match world.observer.conclusion(first) {
        Some(Conclusion::Completed | Conclusion::RolledBack { .. }) if images.len() > 1 => {
            world
                .observer
                .find(Property::Declared, format!("at the end the fleet has {} images", images.len()));
        }
        Some(Conclusion::Completed | Conclusion::RolledBack { .. }) => {
            let instances = world.fleet.instances();
            // A version that crashes may do so at any time after the end.
            let crashes = |it: &Digest| *it == image(2) && matches!(world.setup.flaw, Flaw::Crashes { .. });
            let is_bad = |it: &&Instance| !it.is_ready() && !crashes(&it.image);
            if let Some(unready) = instances.iter().find(is_bad) {
                let what = format!("at the end {} is {:?}", unready.id, unready.phase);
                world.observer.find(Property::Declared, what);
            }
            world.observer.find_orphans(first, &instances);
        }
        _ => {}
    }
}

/// At the very end fleet and router are exactly what was declared.
pub(super) async fn find_unsettled(world: &World, target: Digest, last: &RolloutId) {
    let find = |what: String| world.observer.find(Property::Declared, what);
    let instances = world.fleet.instances();
    if instances.len() != world.setup.instances as usize {
        find(format!("at the end there are {} of {}", instances.len(), world.setup.instances));
    }
    if let Some(wrong) = instances.iter().find(|instance| instance.image != target || !instance.is_ready()) {
        find(format!("at the end {} of {} is {:?}", wrong.id, wrong.image.short(), wrong.phase));
    }
    world.observer.find_orphans(last, &instances);
    let routed: Vec<InstanceId> = match world.router.observe().await {
        Ok(routes) => routes.into_iter().map(|route| route.instance).collect(),
        Err(error) => return find(with_causes(&error)),
    };
    if !routed.iter().eq(instances.iter().map(|instance| &instance.id)) {
        find(format!("at the end the router has {routed:?}"));
    }
}

/// What became of the traffic, and whether there were ever too few.
pub(super) fn find_lost_traffic(world: &World) {
    let applied = world.router.applied();
    let met = world.tally.counts();
    // Whose clock jumps, or is another, measures other spans than those that really pass.
    let is_timed = !met.contains_key(&FaultKind::ClockJump);
    for cut in world.router.cuts() {
        find_cut(world, &cut, &applied, is_timed);
    }
    let min_ready = world.setup.limits.min_ready;
    for Applied { at, change, effective, ready_for } in &applied {
        let RouteChange::Serve { instance, weight, .. } = change else { continue };
        let is_early = ready_for.is_none_or(|ready_for| is_timed && ready_for < min_ready);
        if *effective && weight.get() > 0 && is_early && !world.observer.is_touched(instance) {
            let what = format!("at {at} {instance} got traffic, ready for {ready_for:?} of {min_ready:?}");
            world.observer.find(Property::Traffic, what);
        }
    }
    let takes = |kind: &FaultKind| !kind.only_delays();
    let is_whole = !met.keys().any(takes) && !matches!(world.setup.flaw, Flaw::Crashes { .. });
    let (seen, fewest) = (world.fleet.peaks().min_available, world.observer.fewest());
    if is_whole && seen < fewest {
        let what = format!("nothing took any away, and yet only {seen} of at least {fewest} were available");
        world.observer.find(Property::Available, what);
    }
}

fn find_cut(world: &World, cut: &Cut, applied: &[Applied], is_timed: bool) {
    if cut.cause == CutCause::Died || world.observer.is_reclaimed(&cut.instance) {
        return;
    }
    let drained: Option<Timestamp> = applied
        .iter()
        .filter(|applied| applied.effective && applied.at <= cut.at)
        .filter_map(|applied| match &applied.change {
            RouteChange::Drain { instance } if *instance == cut.instance => Some(applied.at),
            _ => None,
        })
        .next_back();
    let deadline = world.setup.limits.drain_deadline;
    let is_over = drained.is_some_and(|since| cut.at.since(since) >= deadline || !is_timed);
    if cut.serving || !is_over {
        let what = format!(
            "at {} {} was {:?} with {} sessions, drained since {drained:?}",
            cut.at, cut.instance, cut.cause, cut.sessions
        );
        world.observer.find(Property::Serving, what);
    }
}
