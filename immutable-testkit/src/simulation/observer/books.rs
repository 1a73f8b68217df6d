use std::collections::{BTreeMap, BTreeSet};

use immutable_core::fleet::{Health, Instance, Phase};
use immutable_core::gate::{GateSpec, Verdict};
use immutable_core::journal::{Control, Fact, Intent, Outcome, Record};
use immutable_core::limits::Limits;
use immutable_core::plan::{Adopted, OnApart, RolloutSpec, Seat};
use immutable_core::planner::{Cause, Observation, OpId};
use immutable_core::strategy::Reason;
use immutable_core::{Digest, GateName, InstanceId, Quantity, Timestamp, Token, Zone};

use super::Property;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
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
    stand: Stand,
    instance: Option<InstanceId>,
    leads: bool,
    apart: bool,
}

/// What one rollout has said that it will do, and knows, by its committed records and by nothing else. Finds what it must
/// not have said.
#[derive(Debug)]
pub(super) struct Books {
    spec: RolloutSpec,
    entries: BTreeMap<Seat, Entry>,
    ops: BTreeMap<OpId, Seat>,
    seats: BTreeSet<Seat>,
    /// Every size, and every pair of limits, that somebody asked for: which of them hold is the kernel's to say, so the
    /// loosest counts.
    sizes: BTreeSet<u32>,
    limits: Vec<Limits>,
    /// Nobody asked for anything but what was planned.
    plain: bool,
    back: bool,
    aborted: bool,
    stage: usize,
    stage_since: Timestamp,
    revoked: BTreeSet<Digest>,
    approvals: BTreeSet<GateName>,
    passed: BTreeSet<GateName>,
    /// The tokens of intended launches, with what they launch.
    pub(super) launches: BTreeMap<Token, (Digest, Zone)>,
    pub(super) retirements: BTreeSet<InstanceId>,
    /// It said that its clock showed another time than before, so spans in its records tell nothing.
    pub(super) closed: bool,
}

type Findings = Vec<(Property, String)>;

impl Books {
    pub(super) fn open(spec: RolloutSpec, initial: &[Adopted], at: Timestamp) -> Self {
        let mut books = Self {
            entries: BTreeMap::new(),
            ops: BTreeMap::new(),
            seats: BTreeSet::new(),
            sizes: BTreeSet::from([spec.budget.desired]),
            limits: vec![spec.limits.clone()],
            plain: true,
            back: false,
            aborted: false,
            stage: 0,
            stage_since: at,
            revoked: BTreeSet::new(),
            approvals: BTreeSet::new(),
            passed: BTreeSet::new(),
            launches: BTreeMap::new(),
            retirements: BTreeSet::new(),
            closed: false,
            spec,
        };
        for Adopted { seat, instance, .. } in initial {
            books.adopt(*seat, instance);
        }
        books
    }

    fn adopt(&mut self, seat: Seat, instance: &Instance) {
        let stand = match &instance.phase {
            Phase::Launching => Stand::Starting,
            // Whether it has been ready for long enough is not looked at: the loosest counts.
            Phase::Running(Health::Ready) => Stand::Available,
            Phase::Running(Health::Unknown | Health::Unready) => Stand::Suspect,
            Phase::Stopping | Phase::Stopped { .. } => Stand::Broken,
        };
        let entry = Entry {
            image: instance.image,
            zone: instance.zone.clone(),
            stand,
            instance: Some(instance.id.clone()),
            leads: instance.standing.leader,
            apart: instance.standing.protected && self.spec.on_protected != OnApart::Replace,
        };
        self.entries.insert(seat, entry);
        self.seats.insert(seat);
    }

    pub(super) const fn spec(&self) -> &RolloutSpec {
        &self.spec
    }

    fn up(quantity: Quantity, of: u32) -> u32 {
        match quantity {
            Quantity::Count(count) => count,
            Quantity::Percent(percent) => (percent * of).div_ceil(100),
        }
    }

    fn down(quantity: Quantity, of: u32) -> u32 {
        match quantity {
            Quantity::Count(count) => count.min(of),
            Quantity::Percent(percent) => (percent * of / 100).min(of),
        }
    }

    fn each_size(&self) -> impl Iterator<Item = (u32, &Limits)> {
        self.sizes.iter().flat_map(|size| self.limits.iter().map(move |limits| (*size, limits)))
    }

    /// N+s.
    pub(super) fn most(&self) -> usize {
        self.each_size().map(|(size, limits)| size + Self::up(limits.max_surge, size)).max().unwrap_or(0)
            as usize
    }

    /// N−u.
    pub(super) fn fewest(&self) -> usize {
        let fewest = self.each_size().map(|(size, limits)| size - Self::down(limits.max_unavailable, size));
        fewest.min().unwrap_or(0) as usize
    }

    fn most_in(&self, zone: &Zone) -> Option<usize> {
        let zones = &self.spec.zones;
        let slots =
            |size: u32| (0..size).filter(|slot| zones[*slot as usize % zones.len()] == *zone).count() as u32;
        let limits = self.each_size().map(|(size, limits)| {
            let slots = slots(size);
            limits.max_surge_per_zone.map(|surge| (slots + Self::up(surge, slots)) as usize)
        });
        limits.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    fn available(&self) -> usize {
        self.entries.values().filter(|entry| entry.stand == Stand::Available).count()
    }

    /// Whether the instance is one that shall serve, by what is known.
    pub(super) fn is_member(&self, instance: &InstanceId) -> bool {
        self.entries.values().any(|entry| entry.instance.as_ref() == Some(instance))
    }

    /// Takes a record in and says what is wrong with it.
    pub(super) fn record(&mut self, record: &Record, at: Timestamp) -> Findings {
        let mut findings = Vec::new();
        match record {
            Record::Open { .. } | Record::Claim { .. } | Record::NextTarget | Record::Shift { .. } => {}
            Record::Intent { op, intent: Intent::Launch { seat, zone, image, token } } => {
                self.may_launch(*seat, zone, *image, &mut findings);
                let entry = Entry {
                    image: *image,
                    zone: zone.clone(),
                    stand: Stand::Starting,
                    instance: None,
                    leads: false,
                    apart: false,
                };
                self.entries.insert(*seat, entry);
                self.ops.insert(*op, *seat);
                self.launches.insert(token.clone(), (*image, zone.clone()));
            }
            Record::Intent { op, intent: Intent::Retire { seat } } => {
                self.may_retire(*seat, &mut findings);
                if let Some(entry) = self.entries.get_mut(seat) {
                    entry.stand = Stand::Leaving;
                    self.retirements.extend(entry.instance.clone());
                }
                self.ops.insert(*op, *seat);
            }
            Record::Outcome { op, outcome } => self.outcome(*op, outcome),
            Record::Fact(fact) => self.fact(fact),
            Record::Gate { gate, judgement, .. } => {
                if judgement.verdict == Verdict::Pass {
                    self.passed.insert(gate.clone());
                } else {
                    self.passed.remove(gate);
                }
            }
            Record::Control(control) => self.control(control),
            Record::Stage { stage } => {
                self.may_advance(*stage, at, &mut findings);
                self.stage = *stage;
                self.stage_since = at;
                self.passed.clear();
            }
            Record::TurnBack { .. } => self.back = true,
            Record::End { .. } => self.aborted = true,
            Record::Close { .. } => {
                self.closed = true;
                if let Some((op, seat)) = self.ops.first_key_value() {
                    findings.push((Property::Orphan, format!("closed while {op} for {seat} is open")));
                }
            }
            other => {
                findings.push((Property::Journal, format!("a record that the books do not know: {other:?}")))
            }
        }
        findings
    }

    fn may_launch(&mut self, seat: Seat, zone: &Zone, image: Digest, findings: &mut Findings) {
        let mut find = |property, what| findings.push((property, what));
        if !self.seats.insert(seat) {
            find(Property::LaunchedOnce, format!("{seat} is launched a second time"));
        }
        if self.aborted {
            find(Property::Ended, format!("{seat} is launched after the end was decided"));
        }
        if self.revoked.contains(&image) {
            find(Property::Ended, format!("{seat} is launched of {}, which was revoked", image.short()));
        }
        let (total, most) = (self.entries.len() + 1, self.most());
        if total > most {
            find(Property::Total, format!("{seat} makes {total} of at most {most}"));
        }
        let here = self.entries.values().filter(|entry| entry.zone == *zone).count() + 1;
        if let Some(most) = self.most_in(zone).filter(|most| here > *most) {
            find(Property::Zone, format!("{seat} makes {here} of at most {most} in {zone}"));
        }
        let images: BTreeSet<Digest> = self.entries.values().map(|entry| entry.image).collect();
        let versions = images.len() + 1;
        let allowed = self.limits.iter().map(|limits| limits.max_versions).collect::<Option<Vec<_>>>();
        if let Some(most) = allowed.and_then(|all| all.into_iter().max())
            && !images.contains(&image)
            && versions > most as usize
        {
            find(Property::Versions, format!("{seat} brings version {versions} of at most {most}"));
        }
        if self.plain && !self.back && image == self.spec.target {
            let live = |entry: &&Entry| !matches!(entry.stand, Stand::Broken | Stand::Leaving);
            let new = self.entries.values().filter(live).filter(|entry| entry.image == image).count() + 1;
            let allowed = self.spec.stages[self.stage].new.min(self.spec.budget.desired) as usize;
            if new > allowed {
                find(
                    Property::Gates,
                    format!("{seat} makes {new} new ones in stage {}, which has {allowed}", self.stage),
                );
            }
        }
    }

    fn may_retire(&self, seat: Seat, findings: &mut Findings) {
        let mut find = |property, what| findings.push((property, what));
        let Some(entry) = self.entries.get(&seat) else {
            find(Property::Intended, format!("{seat} is retired, but is not there"));
            return;
        };
        let (left, fewest) = (self.available().saturating_sub(1), self.fewest());
        if entry.stand == Stand::Available && left < fewest {
            find(Property::Available, format!("retiring {seat} leaves {left} of at least {fewest}"));
        }
        if entry.apart {
            find(Property::Protected, format!("{seat} is retired, but protected"));
        }
        let others = self.entries.iter().filter(|(other, entry)| **other != seat && entry.instance.is_some());
        let mut old =
            others.filter(|(_, other)| other.image != self.spec.target && other.stand == Stand::Available);
        if entry.leads
            && self.plain
            && !self.back
            && entry.stand == Stand::Available
            && let Some((other, _)) = old.find(|(other, other_entry)| {
                other.attempt.0 == 0 && other.slot.0 < self.spec.budget.desired && !other_entry.leads
            })
        {
            find(Property::Order, format!("{seat} leads and is retired before {other}"));
        }
    }

    fn may_advance(&self, stage: usize, at: Timestamp, findings: &mut Findings) {
        if !self.plain || self.back {
            return;
        }
        let Some(before) = stage.checked_sub(1).and_then(|before| self.spec.stages.get(before)) else {
            return;
        };
        for gate in &before.gates {
            let is_passed = match gate {
                GateSpec::Bake(time) => at.since(self.stage_since) >= *time,
                GateSpec::Approval(name) => self.approvals.contains(name),
                GateSpec::Check(name) => self.passed.contains(name),
                _ => true,
            };
            if !is_passed {
                findings.push((Property::Gates, format!("stage {stage} begins, but {gate} has not passed")));
            }
        }
    }

    fn outcome(&mut self, op: OpId, outcome: &Outcome) {
        let Some(seat) = self.ops.remove(&op) else { return };
        match outcome {
            Outcome::Launched { instance } => {
                if let Some(entry) = self.entries.get_mut(&seat) {
                    entry.instance = Some(instance.clone());
                }
            }
            _ => {
                self.entries.remove(&seat);
            }
        }
    }

    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Observed { seat, observation } => {
                let Some(entry) = self.entries.get_mut(seat) else { return };
                entry.stand = match observation {
                    Observation::Ready { .. } => Stand::Ready,
                    Observation::Available => Stand::Available,
                    Observation::Suspect => Stand::Suspect,
                    Observation::Broken(Cause::Missing | Cause::HealthyDeadline | Cause::Stopped(_)) => {
                        Stand::Broken
                    }
                    _ => entry.stand,
                };
            }
            Fact::Found { seat, instance } => self.adopt(*seat, instance),
            Fact::Standing { seat, standing } => {
                let is_apart = standing.protected && self.spec.on_protected != OnApart::Replace;
                if let Some(entry) = self.entries.get_mut(seat) {
                    entry.apart = is_apart;
                }
            }
            Fact::Revoked { image } => {
                self.revoked.insert(*image);
                self.plain = false;
            }
            Fact::Marked { reason: Reason::Drifted | Reason::Revoked | Reason::Requested, .. } => {
                self.plain = false
            }
            _ => {}
        }
    }

    fn control(&mut self, control: &Control) {
        match control {
            Control::Abort => self.aborted = true,
            Control::Approve { name } => {
                self.approvals.insert(name.clone());
            }
            Control::Resize { desired } => {
                self.sizes.insert(*desired);
                self.plain = false;
            }
            Control::Limits { limits } => {
                self.limits.push((**limits).clone());
                self.plain = false;
            }
            Control::Retarget { .. } | Control::Replace { .. } | Control::Floor { .. } => self.plain = false,
            _ => {}
        }
    }
}
