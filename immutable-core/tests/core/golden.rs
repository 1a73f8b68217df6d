//! Whole scenarios as text: the plan as a person reads it, and everything that happened. A change of behaviour shows up
//! as a difference to judge; `INSTA_UPDATE=always` writes the files anew.

use immutable_core::controller::{Clock, Controller};
use immutable_core::journal::{JournalStore, Key};
use immutable_core::plan::Plan;
use immutable_core::planner::Conclusion;
use immutable_core::strategy::Rolling;
use immutable_core::{GateName, Quantity, WriterId};
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

/// Six instances in three zones, two extra ones allowed.
fn six() -> Scenario {
    let mut scenario = Scenario::with(6, |fleet| fleet.running(6, v(1)));
    scenario.limits.max_surge = Quantity::Count(2);
    scenario
}

fn controller(scenario: &Scenario) -> Controller {
    scenario.controller().with_writer(WriterId::new("golden").unwrap())
}

/// Runs a plan while something else happens, and tells the whole story.
fn story(scenario: &Scenario, plan: &Plan, meanwhile: impl Future<Output = ()>) -> String {
    let controller = controller(scenario);
    let token = CancellationToken::new();
    let both = async { futures_util::join!(controller.run(plan, &token), meanwhile) };
    let (conclusion, ()) = scenario.clock.run(both);
    format!("{plan}\n{}\n\n{}\n", scenario.log.text(), conclusion.unwrap())
}

macro_rules! assert_golden {
    ($name:literal, $story:expr) => {
        insta::with_settings!({
            snapshot_path => "golden",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $story) })
    };
}

#[test]
fn a_good_image() {
    let scenario = six();
    let story = story(&scenario, &scenario.plan(v(2)), async {});
    assert_golden!("good_image", story);
}

#[test]
fn an_image_that_is_never_ready() {
    let mut scenario = six();
    scenario.limits.healthy_deadline = secs(60);
    let story = story(&scenario, &scenario.plan(v(3)), async {});
    assert_golden!("never_ready", story);
}

#[test]
fn an_instance_that_is_killed() {
    let mut scenario = six();
    scenario.limits.max_failures = Quantity::Count(1);
    let plan = scenario.plan(v(2));
    let story = story(&scenario, &plan, async {
        scenario.clock.sleep_until(scenario.now() + secs(16)).await;
        let new = scenario.fleet.instances().into_iter().find(|instance| instance.image == v(2));
        scenario.fleet.kill(&new.unwrap().id).unwrap();
    });
    assert_golden!("killed_instance", story);
}

#[test]
fn a_pause_and_an_approval() {
    let scenario = six();
    let go = GateName::new("go").unwrap();
    let strategy = Rolling::new().approve_start(go.clone()).bake(secs(60));
    let plan = scenario.plan_as(v(2), &strategy, Scenario::rollout());
    let controller = controller(&scenario);
    let control = controller.control();
    let token = CancellationToken::new();
    let person = async {
        scenario.clock.sleep_until(scenario.now() + secs(300)).await;
        control.approve(go);
        scenario.clock.sleep_until(scenario.now() + secs(5)).await;
        control.pause();
        scenario.clock.sleep_until(scenario.now() + secs(3000)).await;
        control.resume();
    };
    let (conclusion, ()) =
        scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), person) });
    assert_eq!(conclusion.unwrap(), Conclusion::Completed);
    assert_golden!("pause_and_approval", format!("{plan}\n{}\n", scenario.log.text()));
}

/// Everything a run left in its store.
fn journal(scenario: &Scenario) -> Vec<(String, Vec<u8>)> {
    scenario.clock.run(async {
        let mut objects = Vec::new();
        for key in scenario.store.list(&Key::new(Scenario::rollout(), 1)).await.unwrap() {
            objects.push((key.to_string(), scenario.store.get(&key).await.unwrap().unwrap()));
        }
        objects
    })
}

#[test]
fn the_same_rollout_writes_the_same_journal() {
    let run = |image: u32| {
        let scenario = Scenario::with(20, |fleet| {
            fleet.running(20, v(1)).boot_jitter(secs(7)).image(
                v(5),
                immutable_testkit::fleet::ImageBehaviour::LaunchFails {
                    times: 5,
                    failure: immutable_testkit::fleet::Failure::Lost,
                },
            )
        });
        let plan = scenario.plan(v(image));
        let killed = async {
            scenario.clock.sleep_until(scenario.now() + secs(25)).await;
            let victim = scenario.fleet.instances().remove(9);
            scenario.fleet.kill(&victim.id).unwrap();
        };
        story(&scenario, &plan, killed);
        journal(&scenario)
    };
    for image in [2, 3, 4, 5] {
        let (first, second) = (run(image), run(image));
        assert!(first.len() >= 5, "{}", first.len());
        assert!(first == second, "image {image}: two runs of one rollout differ");
    }
    assert!(run(2) != run(5), "the comparison tells journals apart");
}
