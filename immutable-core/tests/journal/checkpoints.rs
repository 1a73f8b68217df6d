//! Checkpoints are a cache: with one, a damaged one or none, a reader comes to the same, and no rollout needs one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use immutable_core::controller::Options;
use immutable_core::error::Retry;
use immutable_core::fleet::{Fleet, Router};
use immutable_core::journal::{
    Created, Fold, Journal, JournalError, JournalStore, Key, MemoryStore, Part, StoreError,
};
use immutable_core::planner::{Conclusion, RolloutState};
use immutable_core::{Digest, WriterId};
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, v};
use crate::stories::eventful;

/// A store that counts what is read of the log, and takes no checkpoints if told so.
#[derive(Debug, Default)]
struct Counting {
    inner: MemoryStore,
    read: AtomicUsize,
    refused: AtomicUsize,
    takes_none: bool,
}

#[async_trait]
impl JournalStore for Counting {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        if self.takes_none && key.part() == Part::Checkpoint {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(StoreError::new("create", key.to_string(), Retry::Never, "no room".into()));
        }
        self.inner.create_if_absent(key, bytes).await
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        self.inner.list(from).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.read.fetch_add(usize::from(key.part() == Part::Log), Ordering::Relaxed);
        self.inner.get(key).await
    }
}

fn log(seq: u64) -> Key {
    Key::new(Scenario::rollout(), seq)
}

fn checkpoint(seq: u64) -> Key {
    Key::checkpoint(Scenario::rollout(), seq)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn put(store: &Counting, key: &Key, bytes: &[u8]) {
    assert_eq!(block_on(store.inner.create_if_absent(key, bytes)).unwrap(), Created::Yes);
}

fn load(store: &Arc<Counting>) -> Result<Fold, JournalError> {
    let (store, reader) = (Arc::clone(store) as Arc<dyn JournalStore>, WriterId::new("reader").unwrap());
    block_on(Journal::load(store, Scenario::rollout(), reader)).map(|journal| journal.fold().clone())
}

fn audit(store: &Arc<Counting>) -> Result<Fold, JournalError> {
    let store = Arc::clone(store) as Arc<dyn JournalStore>;
    block_on(Journal::<RolloutState>::audit(store, Scenario::rollout()))
}

/// A store with these objects of the log.
fn stored(objects: &[Vec<u8>]) -> Arc<Counting> {
    let store = Counting::default();
    (1..).zip(objects).for_each(|(seq, bytes)| put(&store, &log(seq), bytes));
    Arc::new(store)
}

fn folded(objects: &[Vec<u8>]) -> Fold {
    audit(&stored(objects)).unwrap()
}

#[test]
fn a_reader_begins_with_the_last_checkpoint() {
    let objects = eventful();
    let half = objects.len() / 2;
    for at in [1, half, objects.len()] {
        let store = stored(&objects);
        put(&store, &checkpoint(at as u64), &folded(&objects[..at]).freeze().unwrap());
        assert_eq!(load(&store).unwrap(), folded(&objects));
        // The commit it stands on, and those after it.
        assert_eq!(store.read.load(Ordering::Relaxed), 1 + objects.len() - at, "at {at}");
    }
}

/// Each of these is of no use, and does no harm: another one before it is used, or none.
#[test]
fn a_checkpoint_that_is_of_no_use_is_passed_over() {
    let objects = eventful();
    let half = objects.len() / 2;
    let whole = folded(&objects[..half]).freeze().unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let (_, lines) = text.split_once('\n').unwrap();
    let signed = |lines: &str| {
        let lines = lines.strip_suffix('\n').unwrap();
        format!("{}\n{lines}\n", Digest::of(lines.as_bytes())).into_bytes()
    };
    assert_eq!(signed(lines), whole);
    let with = |from: &str, to: &str| {
        assert!(lines.contains(from), "no {from}");
        signed(&lines.replacen(from, to, 1))
    };
    let library = format!("\"library\":\"{}\"", env!("CARGO_PKG_VERSION"));
    let useless = [
        ("nothing", Vec::new()),
        ("torn", whole[..whole.len() / 2].to_vec()),
        ("of a newer format", with("\"format\":1", "\"format\":2")),
        ("of an older version", with(&library, "\"library\":\"0.0.9\"")),
        ("of another rollout", with("\"rollout\":\"deploy-42\"", "\"rollout\":\"deploy-43\"")),
        ("of another commit", folded(&objects[..half - 1]).freeze().unwrap()),
        ("not one that the log has", with("\"commit\":\"sha256:", "\"commit\":\"sha256:0000").replace_len(4)),
        ("a state with something new", with("{\"spec\":", "{\"novelty\":1,\"spec\":")),
        ("numbers that contradict each other", with("\"desired\":4,\"zones\":", "\"desired\":9,\"zones\":")),
    ];
    for (what, bytes) in &useless {
        let store = stored(&objects);
        put(&store, &checkpoint(half as u64), bytes);
        assert_eq!(load(&store).unwrap(), folded(&objects), "{what}");
        let read = store.read.swap(0, Ordering::Relaxed);
        assert!(read >= objects.len(), "{what} was of use: {read} commits were read");
        // One before it is.
        put(&store, &checkpoint(2), &folded(&objects[..2]).freeze().unwrap());
        assert_eq!(load(&store).unwrap(), folded(&objects), "{what}");
        assert!(store.read.load(Ordering::Relaxed) <= objects.len(), "{what}");
    }
    // Nor is one of a log that has lost its end since.
    let store = stored(&objects[..half - 1]);
    put(&store, &checkpoint(half as u64), &whole);
    assert_eq!(load(&store).unwrap(), folded(&objects[..half - 1]));
}

/// Takes as many hexadecimal digits away again as were put in.
trait ReplaceLen {
    fn replace_len(self, digits: usize) -> Vec<u8>;
}

impl ReplaceLen for Vec<u8> {
    fn replace_len(self, digits: usize) -> Vec<u8> {
        let text = String::from_utf8(self).unwrap();
        let (_, lines) = text.split_once('\n').unwrap();
        let at = lines.find("\"commit\":\"sha256:").unwrap() + "\"commit\":\"sha256:".len() + 64;
        let lines = format!("{}{}", &lines[..at], &lines[at + digits..]);
        let lines = lines.strip_suffix('\n').unwrap();
        format!("{}\n{lines}\n", Digest::of(lines.as_bytes())).into_bytes()
    }
}

/// No byte of a checkpoint matters: turned, it is passed over.
#[test]
fn a_turned_byte_of_a_checkpoint_is_found() {
    let objects = eventful();
    let whole = folded(&objects).freeze().unwrap();
    assert!(Fold::<RolloutState>::thaw(Scenario::rollout(), &whole).is_ok());
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(Fold::<RolloutState>::thaw(Scenario::rollout(), &bytes).is_err(), "byte {at}");
    }
}

/// What is before a checkpoint is not read, so only an audit finds what became of it.
#[test]
fn damage_before_a_checkpoint_is_found_by_an_audit() {
    let mut objects = eventful();
    let whole = folded(&objects);
    let half = objects.len() / 2;
    let checkpoint_at = folded(&objects[..half]).freeze().unwrap();
    for at in [1, half - 1] {
        let good = objects[at - 1].clone();
        objects[at - 1][100] ^= 1;
        let store = stored(&objects);
        put(&store, &checkpoint(half as u64), &checkpoint_at);
        assert_eq!(load(&store).unwrap(), whole);
        assert!(matches!(audit(&store), Err(JournalError::Damaged { key, .. }) if key == log(at as u64)));
        objects[at - 1] = good;
    }
    // What it stands on and what is after it is read.
    for at in [half, half + 1, objects.len()] {
        let good = objects[at - 1].clone();
        objects[at - 1][100] ^= 1;
        let store = stored(&objects);
        put(&store, &checkpoint(half as u64), &checkpoint_at);
        assert!(matches!(load(&store), Err(JournalError::Damaged { key, .. }) if key == log(at as u64)));
        objects[at - 1] = good;
    }
}

fn options(checkpoint_after: u32) -> Options {
    let mut options = Options::default();
    options.checkpoint_after = checkpoint_after;
    options
}

fn run(store: &Arc<Counting>, options: Options) -> (Conclusion, usize) {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let controller = immutable_core::controller::Controller::new(
        Arc::clone(&scenario.fleet) as Arc<dyn Fleet>,
        Arc::clone(store) as Arc<dyn JournalStore>,
        scenario.clock.shared(),
    );
    let controller = controller
        .with_router(Arc::clone(&scenario.router) as Arc<dyn Router>)
        .with_sink(Arc::clone(&scenario.log) as Arc<dyn immutable_core::event::EventSink>)
        .with_options(options);
    let token = CancellationToken::new();
    let conclusion = scenario.clock.run(controller.run(&plan, &token)).unwrap();
    scenario.assert_safe();
    (conclusion, scenario.log.text().matches("write a checkpoint").count())
}

#[test]
fn a_controller_writes_them_as_the_journal_grows() {
    let store = Arc::new(Counting::default());
    assert_eq!(run(&store, options(20)), (Conclusion::Completed, 0));
    let keys = block_on(store.list(&checkpoint(1))).unwrap();
    assert!(keys.len() > 1, "{keys:?}");
    let whole = audit(&store).unwrap();
    assert_eq!(load(&store).unwrap(), whole);
    for key in keys {
        let bytes = block_on(store.get(&key)).unwrap().unwrap();
        let before: Vec<Vec<u8>> =
            (1..=key.seq()).map(|seq| block_on(store.get(&log(seq))).unwrap().unwrap()).collect();
        assert_eq!(bytes, folded(&before).freeze().unwrap(), "{key}");
    }
    let few = Arc::new(Counting::default());
    assert_eq!(run(&few, Options::default()), (Conclusion::Completed, 0));
    assert_eq!(block_on(few.list(&checkpoint(1))).unwrap(), [], "a short journal needs none");
}

#[test]
fn a_checkpoint_that_cannot_be_written_stops_nothing() {
    let store = Arc::new(Counting { takes_none: true, ..Counting::default() });
    let (conclusion, troubles) = run(&store, options(20));
    assert_eq!(conclusion, Conclusion::Completed);
    let refused = store.refused.load(Ordering::Relaxed);
    assert!(refused > 1 && troubles > 0 && troubles <= refused, "{refused} refused, {troubles} told");
    assert_eq!(load(&store).unwrap(), audit(&store).unwrap());
}
