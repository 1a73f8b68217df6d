use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use immutable_core::controller::Clock;
use immutable_core::fleet::{Instance, Origin};
use immutable_core::gate::Verdict;
use immutable_core::journal::{
    Commit, Created, Fact, JournalStore, Key, MemoryStore, Part, Record, StoreError,
};
use immutable_core::planner::{Conclusion, Observation};
use immutable_core::{Digest, GateName, InstanceId, RolloutId, Slot, Token, Zone};

use super::super::trace::{Fingerprint, Trace};
use super::books::Books;
use super::{Property, Violation};
use crate::fleet::{Effect, EffectKind, Witness};

/// One launch that the platform made.
#[derive(Clone, Debug)]
pub(in super::super) struct Made {
    pub(in super::super) instance: InstanceId,
    pub(in super::super) origin: Origin,
    pub(in super::super) zone: Zone,
    pub(in super::super) image: Digest,
}

#[derive(Debug, Default)]
struct Seen {
    books: BTreeMap<RolloutId, Books>,
    existing: BTreeSet<InstanceId>,
    /// Those that were really ready at some time.
    was_ready: BTreeSet<InstanceId>,
    /// Those that others launched.
    foreign: BTreeSet<InstanceId>,
    /// Those that a fault has touched: what is believed of them may be wrong.
    touched: BTreeSet<InstanceId>,
    /// Those that others told to stop.
    reclaimed: BTreeSet<InstanceId>,
    tokens: BTreeSet<Token>,
    tokens_forgotten: bool,
    /// A clock has jumped, so what its process measures is not what really passes.
    clock_jumped: bool,
    made: Vec<Made>,
    /// What checks have said in this stage.
    judged: Vec<(GateName, Verdict)>,
    per_slot: BTreeMap<(RolloutId, Slot), u32>,
    conclusions: BTreeMap<RolloutId, Conclusion>,
    violations: Vec<Violation>,
    fingerprint: Fingerprint,
    records: u64,
    effects: u64,
}

/// Watches journal, fleet and router, and keeps what it sees in books of its own.
#[derive(Debug)]
pub(in super::super) struct Observer {
    clock: Arc<dyn Clock>,
    trace: Trace,
    seen: Mutex<Seen>,
}

impl Observer {
    pub(in super::super) fn new(clock: Arc<dyn Clock>, trace: Trace, existing: &[Instance]) -> Self {
        let existing: BTreeSet<_> = existing.iter().map(|instance| instance.id.clone()).collect();
        let was_ready = existing.clone();
        Self { clock, trace, seen: Mutex::new(Seen { existing, was_ready, ..Seen::default() }) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in super::super) fn find(&self, property: Property, what: String) {
        self.find_in(&mut self.seen(), property, what);
    }

    fn find_in(&self, seen: &mut Seen, property: Property, what: String) {
        let at = self.clock.now();
        self.trace.say(at, "VIOLATION", || format!("{property}: {what}"));
        seen.violations.push(Violation { property, at, what });
    }

    /// The first thing that was wrong.
    pub(in super::super) fn violation(&self) -> Option<Violation> {
        self.seen().violations.first().cloned()
    }

    /// A fault touched this one.
    pub(in super::super) fn touch(&self, instance: &InstanceId) {
        self.seen().touched.insert(instance.clone());
    }

    pub(in super::super) fn is_touched(&self, instance: &InstanceId) -> bool {
        let seen = self.seen();
        seen.touched.contains(instance) || seen.foreign.contains(instance)
    }

    /// Somebody else launched this one.
    pub(in super::super) fn foreign(&self, instance: &InstanceId) {
        let mut seen = self.seen();
        seen.foreign.insert(instance.clone());
        seen.existing.insert(instance.clone());
    }

    /// Somebody else stops this one.
    pub(in super::super) fn reclaim(&self, instance: &InstanceId) {
        let mut seen = self.seen();
        seen.touched.insert(instance.clone());
        seen.reclaimed.insert(instance.clone());
    }

    pub(in super::super) fn is_reclaimed(&self, instance: &InstanceId) -> bool {
        self.seen().reclaimed.contains(instance)
    }

    /// From now on a token may launch once more.
    pub(in super::super) fn tokens_are_forgotten(&self) {
        self.seen().tokens_forgotten = true;
    }

    /// From now on spans tell nothing.
    pub(in super::super) fn clock_jumps(&self) {
        self.seen().clock_jumped = true;
    }

    /// A check says this.
    pub(in super::super) fn judged(&self, gate: GateName, verdict: Verdict) {
        self.seen().judged.push((gate, verdict));
    }

    /// Holds a record against what really is.
    fn find_untrue(&self, seen: &mut Seen, rollout: &RolloutId, record: &Record) {
        match record {
            Record::Stage { .. } => seen.judged.clear(),
            Record::Gate { gate, judgement, .. } => {
                let said = (gate.clone(), judgement.verdict);
                if !seen.judged.contains(&said) {
                    let what = format!("check {gate} is said to say {:?}, and never did", said.1);
                    self.find_in(seen, Property::Gates, what);
                }
            }
            Record::Fact(Fact::Observed { seat, observation: Observation::Ready { .. } }) => {
                let books = seen.books.get(rollout);
                let instance = books.and_then(|books| books.instance(*seat)).cloned();
                if let Some(instance) = instance.filter(|instance| !seen.was_ready.contains(instance)) {
                    let what = format!("{instance} is said to be ready, and never was");
                    self.find_in(seen, Property::Traffic, what);
                }
            }
            _ => {}
        }
    }

    /// What was launched so far.
    pub(in super::super) fn made(&self) -> Vec<Made> {
        self.seen().made.clone()
    }

    pub(in super::super) fn conclusion(&self, rollout: &RolloutId) -> Option<Conclusion> {
        self.seen().conclusions.get(rollout).cloned()
    }

    /// The fewest that had to serve at any time.
    pub(in super::super) fn fewest(&self) -> usize {
        self.seen().books.values().map(Books::fewest).min().unwrap_or(0)
    }

    /// How often something was launched in each slot.
    pub(in super::super) fn per_slot(&self) -> BTreeMap<(RolloutId, Slot), u32> {
        self.seen().per_slot.clone()
    }

    /// How many records were committed, how many effects the fleet had, and the digest of both.
    pub(in super::super) fn totals(&self) -> (u64, u64, Digest) {
        let seen = self.seen();
        (seen.records, seen.effects, seen.fingerprint.digest())
    }

    /// Something was committed.
    fn committed(&self, key: &Key, bytes: &[u8]) {
        let mut seen = self.seen();
        seen.fingerprint.add(bytes);
        let commit = match Commit::decode(bytes) {
            Ok((commit, _)) => commit,
            Err(why) => return self.find_in(&mut seen, Property::Journal, format!("{key}: {why}")),
        };
        if let Some(books) = seen.books.get_mut(key.rollout()) {
            books.commit(self.clock.now());
        }
        for record in &commit.records {
            seen.records += 1;
            self.trace.say(self.clock.now(), commit.writer.as_str(), || format!("#{} {record}", commit.seq));
            if let Record::Open { spec, initial, .. } = record {
                let books = Books::open((**spec).clone(), initial, self.clock.now());
                seen.books.insert(key.rollout().clone(), books);
                continue;
            }
            if let Record::Close { conclusion } = record {
                seen.conclusions.insert(key.rollout().clone(), conclusion.clone());
            }
            self.find_untrue(&mut seen, key.rollout(), record);
            let at = (!seen.clock_jumped).then(|| self.clock.now());
            let findings = match seen.books.get_mut(key.rollout()) {
                Some(books) => books.record(record, at),
                None => vec![(Property::Journal, format!("{key} comes before the rollout was opened"))],
            };
            for (property, what) in findings {
                self.find_in(&mut seen, property, format!("{key} by {}: {what}", commit.writer));
            }
        }
    }

    fn launched(&self, seen: &mut Seen, made: Made) {
        let Made { instance, origin, zone, image } = &made;
        let what = |why: &str| format!("{instance} was launched in {}, {why}", origin.slot);
        seen.existing.insert(instance.clone());
        *seen.per_slot.entry((origin.rollout.clone(), origin.slot)).or_default() += 1;
        let is_refused = seen.books.values().any(|books| books.refused.contains(&origin.token));
        if is_refused {
            seen.foreign.insert(instance.clone());
        }
        let intended = seen.books.get(&origin.rollout).and_then(|books| books.launches.get(&origin.token));
        let is_intended = intended == Some(&(*image, zone.clone()));
        if !is_intended {
            self.find_in(seen, Property::Intended, what("and nobody committed to it"));
        }
        if !seen.tokens.insert(origin.token.clone()) {
            if seen.tokens_forgotten {
                seen.foreign.insert(instance.clone());
            } else {
                self.find_in(seen, Property::LaunchedOnce, what("a second time with the same token"));
            }
        }
        let ours = seen.existing.difference(&seen.foreign).count();
        let most = seen.books.get(&origin.rollout).map_or(usize::MAX, Books::most);
        if ours > most {
            self.find_in(seen, Property::Total, what(&format!("and makes {ours} of at most {most}")));
        }
        seen.made.push(made);
    }

    fn stopping(&self, seen: &mut Seen, instance: &InstanceId) {
        let is_intended = seen.books.values().any(|books| books.retirements.contains(instance));
        if !is_intended && !seen.reclaimed.contains(instance) {
            self.find_in(
                seen,
                Property::Intended,
                format!("{instance} is stopped, and nobody committed to it"),
            );
        }
    }

    /// At the end: everything that exists is known to the rollout that closed last.
    pub(in super::super) fn find_orphans(&self, rollout: &RolloutId, instances: &[Instance]) {
        let mut seen = self.seen();
        let Some(books) = seen.books.get(rollout) else { return };
        let unknown: Vec<_> = instances.iter().filter(|instance| !books.is_member(&instance.id)).collect();
        if let Some(orphan) = unknown.first() {
            let what = format!(
                "{} of {} is in no seat of {}",
                orphan.id,
                orphan.image.short(),
                books.spec().rollout
            );
            self.find_in(&mut seen, Property::Orphan, what);
        }
    }
}

impl Witness for Observer {
    fn became_ready(&self, instance: &InstanceId) {
        self.seen().was_ready.insert(instance.clone());
    }

    fn happened(&self, effect: &Effect) {
        let mut seen = self.seen();
        let seen = &mut *seen;
        seen.effects += 1;
        self.trace.say(effect.at, "fleet", || describe(&effect.kind));
        seen.fingerprint.add(format!("{} {:?}", effect.at, effect.kind).as_bytes());
        match &effect.kind {
            EffectKind::Launched { instance, origin, zone, image } => {
                let made = Made {
                    instance: instance.clone(),
                    origin: origin.clone(),
                    zone: zone.clone(),
                    image: *image,
                };
                self.launched(seen, made);
            }
            EffectKind::Stopping { instance } => self.stopping(seen, instance),
            EffectKind::Terminated { instance } => {
                seen.existing.remove(instance);
            }
            EffectKind::Died { instance, reason } => {
                seen.touched.insert(instance.clone());
                if reason == "vanished" {
                    seen.existing.remove(instance);
                }
            }
            EffectKind::Repeated { .. } | EffectKind::Drained { .. } => {}
        }
    }
}

fn describe(kind: &EffectKind) -> String {
    match kind {
        EffectKind::Launched { instance, origin, zone, image } => {
            format!(
                "launched {instance} in {zone} for {}.{} of {}",
                origin.slot,
                origin.attempt.0,
                image.short()
            )
        }
        EffectKind::Repeated { instance, .. } => format!("launched {instance} before"),
        EffectKind::Drained { instance } => format!("told {instance} that it will stop"),
        EffectKind::Stopping { instance } => format!("stopping {instance}"),
        EffectKind::Terminated { instance } => format!("{instance} is gone"),
        EffectKind::Died { instance, reason } => format!("{instance} died: {reason}"),
    }
}

/// The store in which everything is, with the observer beside it.
#[derive(Debug)]
pub(in super::super) struct WatchedStore {
    pub(in super::super) inner: MemoryStore,
    pub(in super::super) observer: Arc<Observer>,
}

#[async_trait]
impl JournalStore for WatchedStore {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        let created = self.inner.create_if_absent(key, bytes).await?;
        if created == Created::Yes && key.part() == Part::Log {
            self.observer.committed(key, bytes);
        }
        Ok(created)
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        self.inner.list(from).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key).await
    }
}
