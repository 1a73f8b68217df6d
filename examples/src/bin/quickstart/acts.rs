use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use immutable_core::controller::Clock;
use immutable_core::plan::{Plan, lint};
use immutable_core::planner::{Conclusion, FailReason, OpenOp};
use immutable_core::{Digest, Timestamp};
use immutable_examples::progress::{LiveView, Screen};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::world::{Failed, SERVERS, World, secs, version};

/// No rollout of these takes as long.
const AT_MOST: Duration = secs(3600);

pub(crate) fn play(world: &World) -> Result<(), Failed> {
    a_good_version(world)?;
    a_version_that_never_gets_ready(world)?;
    a_version_that_dies_soon(world)?;
    a_controller_that_is_killed(world)
}

fn a_good_version(world: &World) -> Result<(), Failed> {
    headline("1. v2 is good: thirty servers, none of them ever missing");
    let plan = world.plan("deploy-2", version(2))?;
    println!("  v1 is {}, v2 is {}", version(1).short(), version(2).short());
    print!("{plan}");
    checked(&plan)?;
    println!("\n  {}\n", Screen::LEGEND);
    let act = Act::begin(world, &plan)?;
    let conclusion = act.run()?;
    ensure(conclusion == Conclusion::Completed, "v2 completes")?;
    act.end(&conclusion, version(2))
}

fn a_version_that_never_gets_ready(world: &World) -> Result<(), Failed> {
    headline("2. v3 never gets ready: it is given up after its deadline, and the fleet goes back");
    let plan = world.plan("deploy-3", version(3))?;
    checked(&plan)?;
    let act = Act::begin(world, &plan)?;
    let conclusion = act.run()?;
    ensure_rolled_back(&conclusion)?;
    act.end(&conclusion, version(2))
}

fn a_version_that_dies_soon(world: &World) -> Result<(), Failed> {
    headline("3. v4 gets ready and dies seconds later: min_ready keeps it from ever counting");
    let plan = world.plan("deploy-4", version(4))?;
    checked(&plan)?;
    let act = Act::begin(world, &plan)?;
    let conclusion = act.run()?;
    ensure_rolled_back(&conclusion)?;
    act.end(&conclusion, version(2))
}

fn a_controller_that_is_killed(world: &World) -> Result<(), Failed> {
    headline("4. the controller is killed twice in mid-rollout: others go on from its journal");
    let plan = world.plan("deploy-5", version(5))?;
    checked(&plan)?;
    let act = Act::begin(world, &plan)?;
    act.kill("controller-1", 8)?;
    act.kill("controller-2", 13)?;
    let conclusion = act.resume("controller-3")?;
    ensure(conclusion == Conclusion::Completed, "v5 completes")?;
    act.end(&conclusion, version(5))?;
    ensure(world.proof(act.first_effect).repeated > 0, "a kill met a launch under way")
}

/// One rollout, and what the fleet was like before it.
struct Act<'w> {
    world: &'w World,
    plan: &'w Plan,
    began: Timestamp,
    first_effect: usize,
}

impl<'w> Act<'w> {
    fn begin(world: &'w World, plan: &'w Plan) -> Result<Self, Failed> {
        world.fleet.reset_peaks();
        let first_effect = world.fleet.effects().len();
        Ok(Self { world, plan, began: world.clock.now(), first_effect })
    }

    fn run(&self) -> Result<Conclusion, Failed> {
        let view = self.view();
        let controller =
            self.world.controller(&format!("{}-controller", self.plan.spec.rollout), Arc::clone(&view))?;
        let cancel = CancellationToken::new();
        let ended = self.world.clock.run_until(self.began + AT_MOST, controller.run(self.plan, &cancel));
        view.finish();
        Ok(ended??)
    }

    /// Runs a controller until the platform has begun so many launches, and drops it there: nothing in it does more
    /// when it is dropped than when its process is killed.
    fn kill(&self, name: &str, launched: usize) -> Result<(), Failed> {
        let view = self.view();
        let controller = self.world.controller(name, Arc::clone(&view))?;
        let cancel = CancellationToken::new();
        let run = pin!(controller.run(self.plan, &cancel));
        let killer = pin!(self.when_launched(launched));
        let first = self.world.clock.run_until(self.began + AT_MOST, select(run, killer))?;
        ensure(matches!(first, Either::Right(_)), "the controller was still at work")?;
        view.finish();
        let state = self.world.journal(&self.plan.spec.rollout)?;
        let launches = state.open_ops().filter(|(_, open)| matches!(open, OpenOp::Launch { .. })).count();
        let after = self.world.clock.now().since(self.began);
        let after = after.as_secs_f64();
        println!("  KILLED {name} after {after:.1} s, with {launches} launches under way and not answered");
        ensure(launches > 0, "the kill met launches under way")
    }

    /// Looks more often than the platform takes to answer a launch.
    async fn when_launched(&self, launched: usize) {
        let look_every = Duration::from_millis(250);
        while self.world.proof(self.first_effect).launched < launched {
            self.world.clock.sleep_until(self.world.clock.now() + look_every).await;
        }
    }

    fn resume(&self, name: &str) -> Result<Conclusion, Failed> {
        let view = self.view();
        let controller = self.world.controller(name, Arc::clone(&view))?;
        let cancel = CancellationToken::new();
        let rollout = &self.plan.spec.rollout;
        let ended = self.world.clock.run_until(self.began + AT_MOST, controller.resume(rollout, &cancel));
        view.finish();
        Ok(ended??)
    }

    /// A view that begins where the journal is, or else where the plan does.
    fn view(&self) -> Arc<LiveView> {
        let view = self.world.view().since(self.began);
        Arc::new(match self.world.journal(&self.plan.spec.rollout) {
            Ok(state) => view.following(&state),
            Err(_) => view.expecting(self.plan),
        })
    }

    /// Tells how it ended, and checks what the limits promise against what the platform saw.
    fn end(&self, conclusion: &Conclusion, image: Digest) -> Result<(), Failed> {
        let took = self.world.clock.now().since(self.began);
        println!("\n  outcome: {conclusion}");
        println!("  took {took:.0?} of virtual time");
        if *conclusion == Conclusion::Completed {
            println!(
                "  planned were {:.0?}, and less than {:.0?} is impossible",
                self.plan.makespan, self.plan.lower_bound
            );
        }
        let proof = self.world.proof(self.first_effect);
        let budget = self.plan.spec.budget;
        println!(
            "  as the platform saw it: at most {} existed (limit {}), never fewer than {} available (limit {})",
            proof.most,
            budget.max_total(),
            proof.fewest_available,
            budget.min_available()
        );
        println!(
            "  launched {}, asked again and recognised {}, launched twice {}, requests lost {}",
            proof.launched, proof.repeated, proof.twice, proof.lost_requests
        );
        ensure(proof.most <= budget.max_total() as usize, "no more existed than may")?;
        ensure(proof.fewest_available >= budget.min_available() as usize, "enough were available")?;
        ensure(proof.twice == 0, "nothing was launched twice")?;
        ensure(proof.lost_requests == 0, "no request was lost")?;
        ensure(self.world.fleet.instances().len() == SERVERS as usize, "thirty servers are left")?;
        ensure(self.world.serving(image)? == SERVERS as usize, "all of them serve the right version")
    }
}

/// Has the plan checked by the linter, which shares no arithmetic with the planner.
fn checked(plan: &Plan) -> Result<(), Failed> {
    let findings = lint(plan);
    for finding in &findings {
        println!("  lint: {finding}");
    }
    ensure(findings.is_empty(), "the plan keeps the limits")?;
    println!("  lint: nothing to complain about in {} steps", plan.timeline.len());
    Ok(())
}

fn ensure_rolled_back(conclusion: &Conclusion) -> Result<(), Failed> {
    let failures =
        matches!(conclusion, Conclusion::RolledBack { reason: FailReason::TooManyFailures { .. } });
    ensure(failures, "the bad version is rolled back because too many of it failed")
}

fn ensure(holds: bool, claim: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("expected that {claim}").into()) }
}

fn headline(text: &str) {
    println!("\n== {text}\n");
}
