use std::collections::{BTreeMap, BTreeSet};

use immutable_core::fleet::{Health, Instance, Phase};
use immutable_core::gate::{GateSpec, Verdict};
use immutable_core::journal::{Control, Fact, Intent, Outcome, Record};
use immutable_core::limits::Limits;
use immutable_core::plan::{Adopted, OnApart, RolloutSpec, Seat};
use immutable_core::planner::{Cause, Conclusion, Observation, OpId};
use immutable_core::strategy::{Reason, Share};
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
    /// It was available at some time.
    served: bool,
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
    paused: bool,
    stage: usize,
    /// Since when the stage may have stood: what a commit says may have been so since the one before.
    stage_since: Timestamp,
    commits: (Timestamp, Timestamp),
    /// How many launches each commit has intended, and since when they may have been; `None` once nobody knows.
    launched: Option<Vec<(Timestamp, u32)>>,
    revoked: BTreeSet<Digest>,
    approvals: BTreeSet<GateName>,
    passed: BTreeSet<GateName>,
    /// The tokens of intended launches, with what they launch.
    pub(super) launches: BTreeMap<Token, (Digest, Zone)>,
    pub(super) retirements: BTreeSet<InstanceId>,
    /// The tokens of launches that the platform refused. One that comes to life all the same, by a request that was
    /// repeated or late, is found by its labels like anybody's.
    pub(super) refused: BTreeSet<Token>,
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
            paused: false,
            stage: 0,
            stage_since: at,
            commits: (at, at),
            launched: Some(Vec::new()),
            revoked: BTreeSet::new(),
            approvals: BTreeSet::new(),
            passed: BTreeSet::new(),
            launches: BTreeMap::new(),
            retirements: BTreeSet::new(),
            refused: BTreeSet::new(),
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
            served: true,
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

    pub(super) fn instance(&self, seat: Seat) -> Option<&InstanceId> {
        self.entries.get(&seat)?.instance.as_ref()
    }

    /// Another commit begins.
    pub(super) fn commit(&mut self, at: Timestamp) {
        self.commits = (self.commits.1, at);
        self.launched.iter_mut().for_each(|launched| launched.push((self.commits.0, 0)));
    }

    /// Takes a record in and says what is wrong with it; without a time, spans are not looked at.
    pub(super) fn record(&mut self, record: &Record, at: Option<Timestamp>) -> Findings {
        let mut findings = Vec::new();
        match record {
            Record::Open { .. } | Record::Claim { .. } | Record::NextTarget => {}
            Record::Shift { share } => self.may_shift(*share, &mut findings),
            Record::Intent { op, intent: Intent::Launch { seat, zone, image, token } } => {
                self.may_launch(*seat, zone, *image, &mut findings);
                self.is_in_time(at, &mut findings);
                let entry = Entry {
                    image: *image,
                    zone: zone.clone(),
                    stand: Stand::Starting,
                    instance: None,
                    served: false,
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
                self.stage_since = self.commits.0;
                self.passed.clear();
            }
            Record::TurnBack { .. } => (self.back, self.paused) = (true, false),
            Record::End { .. } => self.aborted = true,
            Record::Close { conclusion } => {
                let leaves_things = matches!(conclusion, Conclusion::Failed { .. } | Conclusion::Aborted);
                let left = self.entries.iter().find(|(seat, entry)| {
                    let is_useless = entry.stand == Stand::Broken || !entry.served && !entry.apart;
                    seat.attempt.0 > 0 && is_useless
                });
                if let Some((seat, _)) = left.filter(|_| leaves_things) {
                    findings
                        .push((Property::Orphan, format!("closed, and {seat} is left and serves nobody")));
                }
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
        if self.paused {
            find(Property::Ended, format!("{seat} is launched in a pause"));
        }
        if self.plain && self.back && image == self.spec.target {
            find(Property::Gates, format!("{seat} is launched of the new version on the way back"));
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
            // Those that others launched stand beside the slots, and are nobody's to count here.
            let desired = self.spec.budget.desired;
            let new = self.entries.iter().filter(|(seat, entry)| {
                let lives = !matches!(entry.stand, Stand::Broken | Stand::Leaving);
                lives && entry.image == image && seat.slot.0 < desired
            });
            let new = new.count() + 1;
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
        // Of one that is gone by all lists nobody knows better.
        if entry.apart && entry.stand != Stand::Broken {
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

    fn may_advance(&self, stage: usize, at: Option<Timestamp>, findings: &mut Findings) {
        if !self.plain || self.back {
            return;
        }
        let Some(before) = stage.checked_sub(1).and_then(|before| self.spec.stages.get(before)) else {
            return;
        };
        let mut new = 0;
        for entry in self.entries.values() {
            new += u32::from(entry.stand == Stand::Available && entry.image == self.spec.target);
        }
        let wanted = before.new.min(self.spec.budget.desired);
        if new < wanted {
            findings.push((Property::Gates, format!("stage {stage} begins with {new} of {wanted} new ones")));
        }
        for gate in &before.gates {
            let is_passed = match gate {
                GateSpec::Bake(time) => at.is_none_or(|at| at.since(self.stage_since) >= *time),
                GateSpec::Approval(name) => self.approvals.contains(name),
                GateSpec::Check(name) => self.passed.contains(name),
                _ => true,
            };
            if !is_passed {
                findings.push((Property::Gates, format!("stage {stage} begins, but {gate} has not passed")));
            }
        }
    }

    /// The new ones must be enough for their share of the traffic, but for as many as may be missing of all.
    fn may_shift(&self, share: Share, findings: &mut Findings) {
        let desired = self.spec.budget.desired;
        let wanted = if self.back { self.spec.previous } else { Some(self.spec.target) };
        let is_new = |entry: &&Entry| entry.stand == Stand::Available && Some(entry.image) == wanted;
        let new = self.entries.values().filter(is_new).count();
        let needed = (u32::from(share.hundredths()) * desired).div_ceil(100) as usize;
        let needed = (needed + self.fewest()).saturating_sub(desired as usize).max(needed.min(1));
        if self.plain && new < needed {
            let what = format!("{share} of the traffic for {new} new ones, and {needed} are needed");
            findings.push((Property::Available, what));
        }
    }

    /// No more launches than the rate allows, in every span that ends with this one.
    fn is_in_time(&mut self, at: Option<Timestamp>, findings: &mut Findings) {
        let rate = self.spec.limits.launch_rate;
        let Some((rate, at)) = rate.zip(at).filter(|_| self.plain) else {
            self.launched = None;
            return;
        };
        let Some(launched) = &mut self.launched else { return };
        launched.last_mut().into_iter().for_each(|(_, count)| *count += 1);
        let mut count = 0;
        for (since, launches) in launched.iter().rev() {
            count += launches;
            let most = u128::from(rate.burst) + at.since(*since).as_nanos() / rate.every.as_nanos().max(1);
            if u128::from(count) > most {
                let what = format!("{count} launches within {:?}, {most} are allowed", at.since(*since));
                findings.push((Property::Rate, what));
                return;
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
            Outcome::Failed { .. } => {
                self.entries.remove(&seat);
                self.refused.insert(Token::of(&self.spec.rollout, seat.slot, seat.attempt));
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
                entry.served |= entry.stand == Stand::Available;
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
            Control::Pause => self.paused = true,
            Control::Resume => self.paused = false,
            Control::Rollback => (self.back, self.paused) = (true, false),
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

#[cfg(test)]
mod tests {
    use immutable_core::fleet::Fleet;
    use immutable_core::plan::Plan;
    use immutable_core::planner::PlanRequest;
    use immutable_core::strategy::{Canary, CanaryStep};
    use immutable_core::{FleetId, RolloutId};

    use super::*;
    use crate::clock::VirtualClock;
    use crate::fleet::{ImageBehaviour, MemoryFleet};

    fn image(version: u8) -> Digest {
        Digest::of(&[version])
    }

    /// A canary of one beside three, one more at most, none fewer.
    fn plan() -> Plan {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
            .image(image(2), ImageBehaviour::Healthy)
            .running(3, image(1))
            .build();
        let zones = fleet.capabilities().zones;
        let limits = Limits { max_surge: Quantity::Count(1), max_versions: Some(2), ..Limits::default() };
        let snapshot = clock.run(fleet.observe()).unwrap();
        let request =
            PlanRequest::new(RolloutId::new("now").unwrap(), image(2), 3).zones(zones).limits(limits);
        request.plan(&snapshot, &Canary::new(CanaryStep::new(Quantity::Count(1)))).unwrap()
    }

    fn launch(op: u64, seat: Seat, version: u8) -> Record {
        let plan = plan();
        let token = Token::of(&plan.spec.rollout, seat.slot, seat.attempt);
        let zone = plan.spec.zones[0].clone();
        Record::Intent { op: OpId(op), intent: Intent::Launch { seat, zone, image: image(version), token } }
    }

    fn retire(op: u64, slot: u32) -> Record {
        Record::Intent { op: OpId(op), intent: Intent::Retire { seat: Seat::new(slot, 0) } }
    }

    /// What the last of these records breaks; those before it break nothing.
    fn breaks(records: &[Record]) -> Vec<Property> {
        let plan = plan();
        let mut books = Books::open(plan.spec, &plan.initial, Timestamp::UNIX_EPOCH);
        let mut last = Vec::new();
        for record in records {
            assert_eq!(last, [], "before {record}");
            let findings = books.record(record, Some(Timestamp::UNIX_EPOCH));
            last = findings.into_iter().map(|(property, _)| property).collect();
        }
        last
    }

    #[test]
    fn every_rule_can_be_broken() {
        let (first, second) = (Seat::new(0, 1), Seat::new(1, 1));
        assert_eq!(breaks(&[launch(1, first, 2)]), []);
        assert_eq!(breaks(&[launch(1, first, 2), launch(2, second, 2)]), [Property::Total, Property::Gates]);
        assert_eq!(breaks(&[launch(1, first, 2), launch(2, first, 2)])[0], Property::LaunchedOnce);
        assert_eq!(breaks(&[retire(1, 0)]), [Property::Available]);
        let early = [launch(1, first, 2), Record::Stage { stage: 1 }];
        assert_eq!(breaks(&early), [Property::Gates; 2], "it is not complete, and its gates have not passed");
        let abort = Record::Control(Control::Abort);
        assert_eq!(breaks(&[abort, launch(1, first, 2)]), [Property::Ended]);
        let revoked = Record::Fact(Fact::Revoked { image: image(2) });
        assert_eq!(breaks(&[revoked, launch(1, first, 2)]), [Property::Ended]);
        let other = [Record::Control(Control::Retarget { target: image(3) }), launch(1, first, 2)];
        assert_eq!(breaks(&other), []);
        let third = [other[0].clone(), other[1].clone(), launch(2, second, 3)];
        assert_eq!(breaks(&third), [Property::Total, Property::Versions]);
    }
}
