//! What other systems assert of their planners, in this library's words.
//!
//! Nomad's property tests of its reconciler (`reconcile_cluster_prop_test.go`) and the two invariants that Cluster API
//! checks after every step of its rollouts. What Nomad places is launched here, what it destroys, migrates or stops is
//! retired, and what it ignores is not touched.

use std::collections::BTreeSet;

use immutable_core::journal::{Intent, Record};
use immutable_core::plan::{Seat, Step};
use proptest::prelude::*;

use crate::books::{Books, Run};
use crate::checks::Broken;
use crate::generate::{calm_case, config};
use crate::world::World;

/// Nomad's properties of one decision, made while the books were like this.
pub(crate) fn check_decision(books: &Books, steps: &[Step]) -> Result<(), Broken> {
    let mut launched: Vec<Seat> = Vec::new();
    let mut retired: BTreeSet<Seat> = BTreeSet::new();
    let (mut new, mut serving, mut urgent) = (0, 0, 0);
    for step in steps {
        match step {
            Step::Launch { seat, image, .. } => {
                launched.push(*seat);
                new += u32::from(*image == books.wanted());
            }
            Step::Retire { seat } => {
                if !retired.insert(*seat) {
                    return Err(format!("nomad 6: {seat} is retired twice in one decision"));
                }
                let entry = books.entries.get(seat);
                serving += u32::from(entry.is_some_and(|entry| entry.serves()));
                urgent += usize::from(entry.is_some_and(|entry| entry.is_urgent()));
            }
            _ => {}
        }
    }
    let (all, existing) = (books.desired, books.count(|_| true));
    let launches = launched.len() as u32;
    let new_before = books.count(|entry| entry.lives() && !entry.is_old());
    let slots: BTreeSet<_> = launched.iter().map(|seat| seat.slot).collect();
    let facts = [
        (
            books.run == Run::On || books.run == Run::Ending && launches == 0 && serving == 0,
            "1: stopped: nothing is launched, and nothing that serves is retired",
        ),
        (all > 0 || launches == 0, "1: nothing is desired: nothing is launched"),
        (new <= all, "2: no more are placed than are desired"),
        (new == 0 || new_before + new <= books.stage.new, "3: no more canaries than the stage has"),
        (serving <= books.count(|entry| entry.serves()), "4: no more are destroyed than exist"),
        (
            launches == 0 || existing + launches <= books.most(),
            "5: all that is placed fits beside what exists",
        ),
        (retired.iter().all(|seat| books.entries.contains_key(seat)), "6: only what exists is retired"),
        (urgent <= retired.len(), "7: who is migrated is stopped"),
        (slots.len() == launched.len(), "8: a slot is filled once, and not while it rests"),
        (existing > 0 || launches <= all, "11: a new fleet places at most what is desired"),
    ];
    match facts.iter().find(|(holds, _)| !holds) {
        Some((_, words)) => Err(format!("nomad {words}: {steps:?}")),
        None => Ok(()),
    }
}

proptest! {
    #![proptest_config(config())]

    /// Cluster API: after every step at least desired − unavailable are available and at most desired + surge exist, in
    /// whatever order the platform does its part. (A breach that a resize made is tolerated there; here nobody resizes.)
    #[test]
    fn cluster_api_available_and_total_hold_after_every_step(case in calm_case()) {
        let Ok(plan) = case.plan() else { return Ok(()) };
        let full = case.fleet.len() >= case.desired as usize;
        let mut world = World::open(&plan);
        let mut before = case.fleet.len() as u32;
        for event in &case.script {
            let happened = world.happen(event);
            prop_assert!(happened.is_ok(), "{}", happened.unwrap_err());
            let books = &world.ledger.books;
            let (available, total) = (books.count(|entry| entry.serves()), books.count(|_| true));
            prop_assert!(!full || available >= books.fewest(), "{available} available, {} must", books.fewest());
            prop_assert!(total <= books.most().max(before), "{total} exist, {} may", books.most());
            before = total;
        }
    }

    /// Nomad 9: a failed rollout never yields a new one: after it has turned back, and after its end was decided, it never
    /// launches the target nor begins with another. 10: one that is stopped only finishes what it began.
    #[test]
    fn nomad_a_failed_or_stopped_rollout_begins_nothing(case in calm_case(), abort in any::<bool>()) {
        use crate::case::Event;
        let Ok(plan) = case.plan() else { return Ok(()) };
        let mut world = World::open(&plan);
        let (first, rest) = case.script.split_at(case.script.len() / 2);
        let said = [if abort { Event::Abort } else { Event::Rollback }];
        let target = plan.spec.target;
        for event in first.iter().chain(&said) {
            let happened = world.happen(event);
            prop_assert!(happened.is_ok(), "{}", happened.unwrap_err());
        }
        if world.over.is_some() {
            return Ok(());
        }
        let of_target = |world: &World| {
            let launches = world.records.iter().filter(|(_, record)| match record {
                Record::Intent { intent: Intent::Launch { image, .. }, .. } => *image == target,
                _ => false,
            });
            launches.count()
        };
        let launched = of_target(&world);
        for event in rest {
            let happened = world.happen(event);
            prop_assert!(happened.is_ok(), "{}", happened.unwrap_err());
            prop_assert_eq!(of_target(&world), launched);
            prop_assert!(world.ledger.books.back || world.ledger.books.run == Run::Ending);
        }
    }
}
