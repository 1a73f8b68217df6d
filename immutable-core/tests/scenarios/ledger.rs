//! The limits, checked after every record by a bookkeeping of its own.

use std::collections::{BTreeMap, BTreeSet};

use immutable_core::fleet::{Health, Instance, Phase as Seen};
use immutable_core::id::Zone;
use immutable_core::journal::{Control, Fact, Intent, Outcome, Record};
use immutable_core::limits::Limits;
use immutable_core::plan::{Plan, Seat};
use immutable_core::planner::{Direction, Observation, OpId, RolloutState};
use immutable_core::strategy::Share;
use immutable_core::{Digest, Quantity, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
    Available,
    Suspect,
    Broken,
    Leaving,
}

#[derive(Clone, Debug)]
struct Entry {
    image: Digest,
    zone: Zone,
    phase: Phase,
    since: Timestamp,
    volume: bool,
    standby: bool,
    /// Its removal may have cost an available one: the platform chose.
    charged: bool,
}

impl Entry {
    fn serves(&self) -> bool {
        self.phase == Phase::Available && !self.standby
    }
}

/// What exists, and the most and the fewest there ever were.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: BTreeMap<Seat, Entry>,
    launches: BTreeMap<OpId, Seat>,
    retirements: BTreeMap<OpId, Seat>,
    seats: BTreeSet<Seat>,
    launched_at: Vec<Timestamp>,
    aborted: bool,
    revoked: BTreeSet<Digest>,
    most: usize,
    fewest: usize,
}

/// A limit in numbers, as Kubernetes rounds it.
fn surge(quantity: Quantity, of: u32) -> usize {
    match quantity {
        Quantity::Count(count) => count as usize,
        Quantity::Percent(percent) => (percent as usize * of as usize).div_ceil(100),
    }
}

fn unavailable(quantity: Quantity, of: u32) -> usize {
    match quantity {
        Quantity::Count(count) => count.min(of) as usize,
        Quantity::Percent(percent) => (percent as usize * of as usize / 100).min(of as usize),
    }
}

fn in_force(state: &RolloutState) -> (usize, usize, usize) {
    let (limits, desired) = (state.limits(), state.budget().desired);
    let (most, least) = match (state.direction(), &limits.rollback) {
        (Direction::Back { .. }, Some(back)) => (back.max_surge, back.max_unavailable),
        _ => (limits.max_surge, limits.max_unavailable),
    };
    (desired as usize, surge(most, desired), unavailable(least, desired))
}

impl Ledger {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut ledger = Self {
            entries: BTreeMap::new(),
            launches: BTreeMap::new(),
            retirements: BTreeMap::new(),
            seats: BTreeSet::new(),
            launched_at: Vec::new(),
            aborted: false,
            revoked: BTreeSet::new(),
            most: 0,
            fewest: usize::MAX,
        };
        for adopted in &plan.initial {
            ledger.adopt(adopted.seat, &adopted.instance, plan.as_of, &plan.spec.limits);
        }
        ledger.count();
        ledger
    }

    fn adopt(&mut self, seat: Seat, instance: &Instance, now: Timestamp, limits: &Limits) {
        let phase = match instance.phase {
            Seen::Launching => Phase::Starting,
            Seen::Running(Health::Ready) if now.since(instance.launched_at) >= limits.min_ready => {
                Phase::Available
            }
            Seen::Running(Health::Ready) => Phase::Ready,
            Seen::Running(_) => Phase::Suspect,
            Seen::Stopping | Seen::Stopped { .. } => Phase::Broken,
        };
        let entry = Entry {
            image: instance.image,
            zone: instance.zone.clone(),
            phase,
            since: instance.launched_at,
            volume: instance.standing.volume,
            standby: instance.standing.standby,
            charged: false,
        };
        self.entries.insert(seat, entry);
    }

    fn available(&self, of: impl Fn(&Seat, &Entry) -> bool) -> usize {
        let entries = self.entries.iter();
        let available = entries.clone().filter(|(seat, entry)| entry.serves() && of(seat, entry));
        let charged = entries.filter(|(seat, entry)| entry.charged && of(seat, entry));
        available.count().saturating_sub(charged.count())
    }

    fn count(&mut self) {
        self.most = self.most.max(self.entries.len());
        self.fewest = self.fewest.min(self.entries.values().filter(|entry| entry.serves()).count());
    }

    pub(crate) fn peaks(&self) -> String {
        format!("most that existed {}, fewest that were available {}", self.most, self.fewest)
    }

    /// What is about to be done, and whether it may.
    pub(crate) fn before(&mut self, record: &Record, state: &RolloutState, now: Timestamp) {
        match record {
            Record::Intent { op, intent: Intent::Launch { seat, zone, image, .. } } => {
                self.launch(*op, *seat, zone, *image, state, now);
            }
            Record::Intent { op, intent: Intent::Retire { seat } } => self.retire(*op, *seat, state),
            Record::Shift { share } => self.shift(*share, state),
            Record::Fact(Fact::Observed { seat, observation: Observation::Available }) => {
                let entry = &self.entries[seat];
                assert!(
                    entry.phase == Phase::Ready && now.since(entry.since) >= state.limits().min_ready,
                    "{seat} gets traffic before the minimum ready time"
                );
            }
            Record::Control(Control::Abort) => self.aborted = true,
            Record::Control(Control::Limits { .. }) => self.launched_at.clear(),
            Record::Fact(Fact::Revoked { image }) => {
                self.revoked.insert(*image);
            }
            _ => {}
        }
    }

    fn launch(
        &mut self,
        op: OpId,
        seat: Seat,
        zone: &Zone,
        image: Digest,
        state: &RolloutState,
        now: Timestamp,
    ) {
        let (desired, surge, _) = in_force(state);
        assert!(self.entries.len() < desired + surge, "{op} exceeds max_surge");
        assert!(self.seats.insert(seat), "{seat} is launched twice");
        assert!(!self.aborted, "{op} launches after an abort");
        assert!(!self.revoked.contains(&image), "{op} launches a revoked image");
        let limits = state.limits();
        if let Some(most) = limits.max_surge_per_zone {
            let exist = self.entries.values().filter(|entry| entry.zone == *zone).count();
            let slots = slots_in(zone, state);
            assert!(
                exist < slots as usize + self::surge(most, slots),
                "{op} exceeds max_surge_per_zone in {zone}"
            );
        }
        if let Some(most) = limits.max_versions {
            let mut images: BTreeSet<Digest> = self.entries.values().map(|entry| entry.image).collect();
            assert!(!images.insert(image) || images.len() <= most as usize, "{op} exceeds max_versions");
        }
        if let Some(rate) = limits.launch_rate {
            self.launched_at.push(now);
            for (number, from) in self.launched_at.iter().enumerate() {
                let launched = self.launched_at.len() - number;
                let refilled = now.since(*from).as_nanos() / rate.every.as_nanos();
                assert!(launched as u128 <= u128::from(rate.burst) + refilled, "{op} exceeds launch_rate");
            }
        }
        let in_slot = || self.entries.iter().filter(|(other, _)| other.slot == seat.slot);
        assert!(!in_slot().any(|(_, entry)| entry.volume), "{op} launches where a volume is in use");
        if image == state.wanted() {
            let new =
                state.members().filter(|member| member.is_new && member.is_live() && !member.is_broken());
            let stage = state.stage().1;
            assert!(new.count() < stage.new as usize, "{op} launches more than the stage allows");
        }
        let (zone, phase) = (zone.clone(), Phase::Starting);
        self.entries.insert(
            seat,
            Entry { image, zone, phase, since: now, volume: false, standby: false, charged: false },
        );
        self.launches.insert(op, seat);
    }

    fn retire(&mut self, op: OpId, seat: Seat, state: &RolloutState) {
        let (desired, _, unavailable) = in_force(state);
        let member = state.member(seat).unwrap();
        assert!(!member.is_apart, "{op} retires {seat}, which is set apart");
        let entry = self.entries[&seat].clone();
        let is_available = entry.serves();
        let costs = is_available || state.spec().picks_victim;
        if costs {
            let available = self.available(|_, _| true);
            assert!(
                available > desired - unavailable,
                "{op} exceeds max_unavailable: {available} are available"
            );
            if let Some(most) = state.limits().max_unavailable_per_zone {
                let available = self.available(|_, other| other.zone == entry.zone);
                let slots = slots_in(&entry.zone, state);
                let least = (slots as usize).saturating_sub(self::unavailable(most, slots));
                assert!(available > least, "{op} exceeds max_unavailable_per_zone in {}", entry.zone);
            }
        }
        if let Some(share) = state.share().filter(|_| is_available) {
            let carried = if member.is_new { share } else { share.rest() };
            let serving = self.available(|seat, _| is_new(*seat, state) == member.is_new);
            let needed = carries(carried, desired, unavailable);
            assert!(serving > needed, "{op}: {serving} must carry {carried} of the traffic");
        }
        let left = self.entries.get_mut(&seat).unwrap();
        left.phase = Phase::Leaving;
        left.charged = costs && !is_available;
        self.retirements.insert(op, seat);
    }

    fn shift(&self, share: Share, state: &RolloutState) {
        let (desired, _, unavailable) = in_force(state);
        let new = self.available(|seat, _| is_new(*seat, state));
        let needed = carries(share, desired, unavailable);
        assert!(new >= needed, "{new} new instances cannot carry {share} of the traffic");
    }

    /// What has happened.
    pub(crate) fn after(&mut self, record: &Record, state: &RolloutState, now: Timestamp) {
        match record {
            Record::Outcome { op, outcome } => {
                let launched = self.launches.remove(op);
                match (outcome, launched) {
                    (Outcome::Failed { .. }, Some(seat)) => drop(self.entries.remove(&seat)),
                    (Outcome::Gone, _) => drop(self.entries.remove(&self.retirements[op])),
                    _ => {}
                }
            }
            Record::Fact(Fact::Found { seat, instance }) => self.adopt(*seat, instance, now, state.limits()),
            Record::Fact(Fact::Standing { seat, standing }) => {
                self.entries.get_mut(seat).unwrap().standby = standing.standby;
            }
            Record::Fact(Fact::Observed { seat, observation }) => {
                let entry = self.entries.get_mut(seat).unwrap();
                entry.since = now;
                entry.phase = match observation {
                    Observation::Ready { .. } => Phase::Ready,
                    Observation::Available => Phase::Available,
                    Observation::Suspect => Phase::Suspect,
                    Observation::Broken(_) => Phase::Broken,
                    other => panic!("{other:?}"),
                };
            }
            _ => {}
        }
        self.count();
        let available = state.members().filter(|member| member.is_available()).count();
        assert_eq!(
            self.entries.len(),
            state.size() as usize,
            "the state and the ledger differ after {record}"
        );
        let counted = self.entries.values().filter(|entry| entry.serves()).count();
        assert_eq!(counted, available, "the state and the ledger differ after {record}");
    }
}

fn is_new(seat: Seat, state: &RolloutState) -> bool {
    state.member(seat).is_some_and(|member| member.is_new)
}

/// How many must be available to carry a share of the traffic.
fn carries(share: Share, desired: usize, unavailable: usize) -> usize {
    let needed = (usize::from(share.hundredths()) * desired).div_ceil(100);
    needed.saturating_sub(unavailable).max(needed.min(1))
}

fn slots_in(zone: &Zone, state: &RolloutState) -> u32 {
    let (zones, desired) = (&state.spec().zones, state.budget().desired);
    let slots = (0..desired).filter(|slot| zones[*slot as usize % zones.len()] == *zone);
    u32::try_from(slots.count()).unwrap()
}
