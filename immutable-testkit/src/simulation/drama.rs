//! The course of a simulation: processes that live and die, faults that come, and the end.

use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::{Clock, ControllerError};
use immutable_core::error::with_causes;
use immutable_core::journal::{Control, JournalError, Record};
use immutable_core::limits::Limits;
use immutable_core::plan::Plan;
use immutable_core::planner::Conclusion;
use immutable_core::strategy::Rolling;
use immutable_core::{RolloutId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::setup::{APPROVAL, gate_name};
use super::world::{World, image};
use super::{Property, Schedule, verdict};

/// How long after the last fault something may still come late.
const AFTERSHOCKS: Duration = Duration::from_secs(50);
/// How long a rollout may take once everything is good.
const BOUND: Duration = Duration::from_secs(3600);

/// How long all of it may take.
pub(super) fn limit(world: &World) -> Timestamp {
    world.now() + world.setup.chaos + AFTERSHOCKS + BOUND * 2
}

pub(super) fn rollout(name: &str) -> RolloutId {
    #[expect(clippy::expect_used, reason = "constants")]
    RolloutId::new(name).expect("a valid name")
}

/// Plays it to its end; `false` if nothing could be begun.
pub(super) async fn play(world: Arc<World>, schedule: Schedule) -> bool {
    let first = rollout("deploy");
    let (desired, strategy) = (world.setup.instances, world.setup.strategy.clone());
    let plan = match world.plan(&first, image(2), desired, &strategy, world.setup.limits.clone()).await {
        Ok(plan) => plan,
        Err(error) => {
            world.say("world", || format!("no plan: {error}"));
            return false;
        }
    };
    for host in 0..world.setup.processes.max(1) as usize {
        let delay = if host == 0 { Duration::ZERO } else { world.dice().seconds(0, 60) };
        world.nursery.spawn(host_life(Arc::clone(&world), host, plan.clone(), delay));
    }
    chaos(&world, &schedule, &first).await;
    world.heal();
    let (healed, mut said) = (world.now(), world.now());
    while world.observer.conclusion(&first).is_none() {
        if world.now().since(healed) > BOUND {
            let what = format!("no end {BOUND:?} after everything was good");
            world.observer.find(Property::Bounded, what);
            return true;
        }
        // Nobody who could go on must not wait for one who cannot.
        if world.hosts().iter().all(|host| host.stands_by) {
            world.summon(0);
        }
        if said <= world.now() {
            world.speak(&first, Record::Control(Control::Resume));
            world.speak(&first, Record::Control(Control::Approve { name: gate_name(APPROVAL) }));
            said = world.now() + Duration::from_secs(60);
        }
        world.clock.sleep_until(world.now() + Duration::from_secs(1)).await;
    }
    let is_calm = world.now() >= healed + AFTERSHOCKS;
    if is_calm {
        verdict::find_undeclared(&world, &first).await;
    } else {
        world.clock.sleep_until(healed + AFTERSHOCKS).await;
    }
    world.heal();
    // The routes of instances that went away after the end are nobody's.
    world.router.restart();
    again(&world, &first).await;
    true
}

/// The faults happen. Soon after the rollout is over there is nothing left to disturb.
async fn chaos(world: &Arc<World>, schedule: &Schedule, first: &RolloutId) {
    let mut over: Option<Timestamp> = None;
    for scheduled in schedule.faults() {
        world.clock.sleep_until(world.start + scheduled.at).await;
        if world.observer.conclusion(first).is_some() {
            let over = *over.get_or_insert_with(|| world.now());
            if world.now().since(over) > Duration::from_secs(30) {
                break;
            }
        }
        world.inject(&scheduled.fault, first);
    }
    if over.is_none() && !schedule.faults().is_empty() {
        world.clock.sleep_until(world.start + world.setup.chaos).await;
    }
}

/// A host runs one process after the other until one says that the rollout is over.
async fn host_life(world: Arc<World>, host: usize, plan: Plan, delay: Duration) {
    world.clock.sleep_until(world.now() + delay).await;
    for life in 0_u32.. {
        let name = format!("p{host}-{life}");
        let (link, clock, controller) = world.process(&name);
        world.say(&name, || format!("begins, by its clock at {}", clock.now()));
        world.hosts()[host].life = Some((link.clone(), clock));
        let end = link.live(Box::pin(controller.run(&plan, &CancellationToken::new()))).await;
        world.hosts()[host].life = None;
        match end {
            None => world.say(&name, || "dies".to_owned()),
            Some(Ok(conclusion)) => return world.say(&name, || format!("is done: {conclusion}")),
            Some(Err(ControllerError::Journal(JournalError::Superseded { by, .. }))) => {
                world.say(&name, || format!("leaves the rollout to {by}"));
                stand_by(&world, host).await;
            }
            Some(Err(error)) => {
                world.say(&name, || format!("stops: {}", with_causes(&error)));
                verdict::find_defect(&world, &error);
            }
        }
        let restart = world.setup.restart.max(Duration::from_millis(1));
        world.clock.sleep_until(world.now() + restart).await;
    }
}

async fn stand_by(world: &World, host: usize) {
    world.hosts()[host].stands_by = true;
    loop {
        let summoned = world.summons.notified();
        if !world.hosts()[host].stands_by {
            return;
        }
        summoned.await;
    }
}

/// Whatever was left, a new rollout makes the fleet what it shall be.
async fn again(world: &Arc<World>, first: &RolloutId) {
    let target = verdict::settled_on(world, first);
    let name = rollout("again");
    // What is there and not ready counts as in service to whoever comes upon it, so the router is told to serve it.
    let instances = world.fleet.instances();
    instances.iter().filter(|it| !it.is_ready()).for_each(|it| world.observer.touch(&it.id));
    // As many versions as were left, and not one more, would leave no room for another one.
    let limits = Limits { max_versions: None, ..world.setup.limits.clone() };
    let plan = match world.plan(&name, target, world.setup.instances, &Rolling::new(), limits).await {
        Ok(plan) => plan,
        Err(error) => {
            return world.observer.find(Property::Declared, format!("no plan to end with: {error}"));
        }
    };
    let (_, _, controller) = world.process("last");
    match controller.run(&plan, &CancellationToken::new()).await {
        Ok(Conclusion::Completed) => verdict::find_unsettled(world, target, &name).await,
        Ok(other) => {
            world.observer.find(Property::Declared, format!("the last rollout ended otherwise: {other}"))
        }
        Err(error) => {
            world.observer.find(Property::Declared, format!("the last rollout: {}", with_causes(&error)))
        }
    }
}
