//! The journal as it is read: replay is live, and nothing that is damaged is obeyed.

use std::sync::{Arc, Mutex};

use immutable_core::controller::{Clock, ControllerError};
use immutable_core::event::{Event, EventKind, EventSink};
use immutable_core::journal::{
    Commit, Fold, Intent, Journal, JournalError, JournalStore, Key, MemoryStore, Outcome, Reading, Record,
};
use immutable_core::plan::Plan;
use immutable_core::planner::OpId;
use immutable_core::{Digest, Quantity, RolloutId, Slot, Token, WriterId};

use crate::scenario::{Scenario, secs, v};

fn key(seq: u64) -> Key {
    Key::new(Scenario::rollout(), seq)
}

/// Everything a rollout left in its store, in order.
fn objects(scenario: &Scenario) -> Vec<Vec<u8>> {
    scenario.clock.run(async {
        let mut objects = Vec::new();
        for key in scenario.store.list(&key(1)).await.unwrap() {
            objects.push(scenario.store.get(&key).await.unwrap().unwrap());
        }
        objects
    })
}

/// A rollout in which a good deal can happen.
fn eventful(image: u32) -> (Scenario, Plan) {
    let mut scenario = Scenario::new();
    scenario.limits.min_ready = secs(2);
    scenario.limits.max_failures = Quantity::Count(2);
    let plan = scenario.plan(v(image));
    (scenario, plan)
}

/// Commits as a controller sent them to its observers.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<(u64, Record)>>);

impl EventSink for Seen {
    fn emit(&self, event: &Event) {
        if let EventKind::Committed { seq, record } = &event.kind {
            self.0.lock().unwrap().push((*seq, (**record).clone()));
        }
    }
}

#[test]
fn replaying_any_part_of_a_journal_gives_the_state_that_was_live_then() {
    for image in [2, 3, 4] {
        let (scenario, plan) = eventful(image);
        let controller = scenario.controller();
        let token = tokio_util::sync::CancellationToken::new();
        let meddle = async {
            scenario.clock.sleep_until(scenario.now() + secs(11)).await;
            scenario.router.restart();
            let victim = scenario.fleet.instances().remove(3);
            scenario.fleet.kill(&victim.id).unwrap();
        };
        let (conclusion, ()) =
            scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), meddle) });
        conclusion.unwrap();
        assert_replay_is_live(&scenario, &plan);
    }
}

fn assert_replay_is_live(scenario: &Scenario, plan: &Plan) {
    // Live: another writer records the same, one record after the other, and then commits it.
    let store: Arc<dyn JournalStore> = Arc::new(MemoryStore::new());
    let load = |writer: WriterId| Journal::load(Arc::clone(&store), Scenario::rollout(), writer);
    let mut replay = Fold::new(Scenario::rollout());
    for (seq, bytes) in (1..).zip(&objects(scenario)) {
        let (commit, digest) = Commit::decode(bytes).unwrap();
        let mut live = scenario.clock.run(load(commit.writer.clone())).unwrap();
        for record in &commit.records {
            live.record(record.clone(), commit.at).unwrap();
        }
        let reading = Reading { clock: commit.clock.clone(), at: commit.at };
        let before = live.state().cloned();
        scenario.clock.run(live.commit(&reading)).unwrap();
        assert_eq!(live.state(), before.as_ref(), "committing changes nothing");

        replay.apply(&commit, digest).unwrap();
        assert_eq!(replay.state(), live.state(), "after commit {seq}");
        assert_eq!((replay.len(), replay.plan()), (seq, Some(plan.digest())));
        assert_eq!(commit.encode(), (bytes.clone(), digest), "it is written as it was read");
    }
    assert!(replay.len() > 5 && replay.state().unwrap().conclusion().is_some());
}

#[test]
fn observers_see_exactly_what_the_journal_says() {
    let (scenario, plan) = eventful(4);
    let seen = Arc::new(Seen::default());
    let controller = scenario.controller().with_sink(Arc::clone(&seen) as Arc<dyn EventSink>);
    scenario.run_with(&controller, &plan).unwrap();
    let mut stored = Vec::new();
    for bytes in objects(&scenario) {
        let (commit, _) = Commit::decode(&bytes).unwrap();
        stored.extend(commit.records.into_iter().map(|record| (commit.seq, record)));
    }
    assert_eq!(seen.0.lock().unwrap()[..], stored);
}

/// A rollout whose controller died in its middle, and the objects it left.
fn half_done() -> (Scenario, Plan, Vec<Vec<u8>>) {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let limit = scenario.now() + secs(15);
    let token = tokio_util::sync::CancellationToken::new();
    let controller = scenario.controller();
    assert!(scenario.clock.run_until(limit, controller.run(&plan, &token)).is_err());
    let objects = objects(&scenario);
    assert!(objects.len() > 4, "{}", objects.len());
    (scenario, plan, objects)
}

/// Puts these objects into a new store, starts a controller on it, and returns what it says. Whatever that is, it has
/// not touched the fleet, the router or the store.
fn refused(scenario: &mut Scenario, plan: &Plan, objects: &[Option<Vec<u8>>]) -> JournalError {
    scenario.store = MemoryStore::new();
    let put = async |seq: u64, bytes: &[u8]| scenario.store.create_if_absent(&key(seq), bytes).await.unwrap();
    scenario.clock.run(async {
        for (seq, bytes) in (1..).zip(objects) {
            if let Some(bytes) = bytes {
                put(seq, bytes).await;
            }
        }
    });
    let keys = || scenario.clock.run(scenario.store.list(&key(1))).unwrap();
    let before = (keys(), scenario.fleet.effects(), scenario.router.applied());
    let error = scenario.run(plan).unwrap_err();
    let resumed = scenario
        .clock
        .run(scenario.controller().resume(&Scenario::rollout(), &tokio_util::sync::CancellationToken::new()));
    assert_eq!(resumed.unwrap_err().to_string(), error.to_string());
    assert!(before == (keys(), scenario.fleet.effects(), scenario.router.applied()), "{error}");
    match error {
        ControllerError::Journal(error) => error,
        other => panic!("{other}"),
    }
}

/// Changes one object, and checks that the error is about it, says what is wrong and what to do.
fn assert_refused(what: &str, change: impl FnOnce(&mut Vec<Option<Vec<u8>>>) -> u64) {
    let (mut scenario, plan, objects) = half_done();
    let mut objects: Vec<_> = objects.into_iter().map(Some).collect();
    let at = change(&mut objects);
    let error = refused(&mut scenario, &plan, &objects);
    let (named, ways_out) = match &error {
        JournalError::Damaged { key, .. } | JournalError::Illegal { key, .. } => {
            (key, ["backup", "new name"])
        }
        JournalError::Newer { key, .. } => (key, ["go on", "later one"]),
        other => panic!("{other}"),
    };
    assert_eq!(*named, key(at));
    let mut text = error.to_string();
    assert!(text.contains(&key(at).to_string()), "{text}");
    assert!(ways_out.iter().all(|way| text.contains(way)), "no way out: {text}");
    if let Some(source) = std::error::Error::source(&error) {
        text.push_str(&source.to_string());
    }
    assert!(text.contains(what), "{text}");
}

/// Changes the content of an object and makes it whole again, as somebody would who does not keep the protocol.
fn rewrite(object: &mut Option<Vec<u8>>, change: impl FnOnce(&mut Commit)) {
    let (mut commit, _) = Commit::decode(object.as_ref().unwrap()).unwrap();
    change(&mut commit);
    *object = Some(commit.encode().0);
}

#[test]
fn a_flipped_bit_is_found() {
    assert_refused("altered", |objects| {
        let middle = objects[2].as_mut().unwrap();
        let at = middle.len() / 2;
        middle[at] ^= 1;
        3
    });
}

#[test]
fn no_flipped_bit_and_no_cut_goes_unnoticed() {
    let (_, _, objects) = half_done();
    let whole = &objects[3];
    assert!(Commit::decode(whole).is_ok());
    for at in 0..whole.len() {
        assert!(Commit::decode(&whole[..at]).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            assert!(Commit::decode(&flipped).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_torn_object_is_found() {
    assert_refused("its end is missing", |objects| {
        let last = objects.last_mut().unwrap().as_mut().unwrap();
        last.truncate(last.len() - 10);
        objects.len() as u64
    });
    assert_refused("torn", |objects| {
        objects[1] = Some(Vec::new());
        2
    });
}

#[test]
fn a_missing_object_is_found() {
    for at in [1, 2, 4] {
        assert_refused("missing", |objects| {
            objects[at - 1] = None;
            at as u64
        });
    }
}

#[test]
fn a_commit_of_another_rollout_is_found() {
    let other = || {
        let scenario = Scenario::new();
        let name = RolloutId::new("deploy-43").unwrap();
        let plan = scenario.plan_as(v(2), &immutable_core::strategy::Rolling::new(), name.clone());
        scenario.run(&plan).unwrap();
        scenario.clock.run(async move {
            let mut objects = Vec::new();
            for seq in [1, 3] {
                objects.push(scenario.store.get(&Key::new(name.clone(), seq)).await.unwrap());
            }
            objects
        })
    };
    assert_refused("it opens rollout deploy-43", |objects| {
        objects[0] = other().remove(0);
        1
    });
    assert_refused("it does not follow commit 2", |objects| {
        objects[2] = other().remove(1);
        3
    });
}

#[test]
fn an_older_commit_in_place_of_a_newer_one_is_found() {
    assert_refused("it does not follow commit 3", |objects| {
        objects[3] = objects[2].clone();
        4
    });
}

#[test]
fn a_foreign_launch_token_is_found() {
    assert_refused("foreign token", |objects| {
        rewrite(&mut objects[2], |commit| {
            let token = commit.records.iter_mut().find_map(|record| match record {
                Record::Intent { intent: Intent::Launch { token, .. }, .. } => Some(token),
                _ => None,
            });
            *token.unwrap() = Token::of(&Scenario::rollout(), Slot(99), immutable_core::Attempt(1));
        });
        3
    });
}

#[test]
fn records_in_an_impossible_order_are_found() {
    assert_refused("is not an open launch", |objects| {
        rewrite(&mut objects[2], |commit| {
            let outcome = Outcome::Failed { reason: "never asked for".to_owned() };
            commit.records.insert(0, Record::Outcome { op: OpId(1), outcome });
        });
        3
    });
    assert_refused("was intended where", |objects| {
        rewrite(&mut objects[2], |commit| {
            let first = commit.records.iter().position(|record| matches!(record, Record::Intent { .. }));
            commit.records.swap(first.unwrap(), first.unwrap() + 1);
        });
        3
    });
    assert_refused("opened twice", |objects| {
        let (open, _) = Commit::decode(objects[0].as_ref().unwrap()).unwrap();
        rewrite(&mut objects[1], |commit| commit.records.extend(open.records));
        2
    });
}

/// Writes a member into the JSON of an object, where the text in it begins, and makes the object whole again.
fn graft(object: &[u8], before: &str, member: &str) -> Vec<u8> {
    let text = std::str::from_utf8(object).unwrap();
    let body = text.split_once('\n').unwrap().1.trim_end();
    let at = body.find(before).unwrap_or_else(|| panic!("no {before} in {body}"));
    let body = format!("{}{member},{}", &body[..at], &body[at..]);
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{body}");
    format!("{}\n{body}\n", Digest::of(body.as_bytes())).into_bytes()
}

#[test]
fn what_a_newer_version_wrote_is_not_half_understood() {
    // In the commit, in the specification, in a record, in an intent, in a seat.
    let places = [
        (3, "\"seq\":"),
        (1, "\"rollout\":"),
        (1, "\"desired\":"),
        (1, "\"gates\":"),
        (3, "\"op\":"),
        (3, "\"zone\":"),
        (3, "\"slot\":"),
    ];
    for (at, before) in places {
        eprintln!("{before}");
        assert_refused("newer version", |objects| {
            objects[at - 1] = Some(graft(objects[at - 1].as_ref().unwrap(), before, "\"novelty\":true"));
            at as u64
        });
    }
}
