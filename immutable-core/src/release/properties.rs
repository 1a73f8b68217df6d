//! What holds of every release, on random orders between groups and random events. The counters are private, so these
//! tests are here and not beside the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::{
    Admission, Barrier, Capacity, Group, GroupOutcome, GroupPhase, Heading, Node, OnGroupFailure, Release,
    ReleaseEvent, ReleaseOutcome, ReleaseSpec, Service, forecast,
};
use crate::id::{BarrierName, FleetId, ServiceName};
use crate::strategy::Share;

const CASES: u32 = 20_000;

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(CASES), failure_persistence: None, ..default }
}

fn group(index: usize) -> FleetId {
    FleetId::new(format!("g{index}")).unwrap()
}

fn barrier(index: usize) -> BarrierName {
    BarrierName::new(format!("b{index}")).unwrap()
}

/// The barriers of a range that a mask picks.
fn picked(range: std::ops::Range<usize>, mask: u8) -> Vec<BarrierName> {
    range.filter(|index| mask & (1 << index) != 0).map(barrier).collect()
}

/// Any order without a cycle, declared in any order: barriers have a rank, and a group comes after some below its own
/// rank and before some from there on.
fn specs() -> impl Strategy<Value = ReleaseSpec> {
    let barriers = prop::collection::vec(any::<u8>(), 0..7);
    let groups = prop::collection::vec((0_usize..7, any::<u8>(), any::<u8>()), 0..12);
    let failure = prop_oneof![
        Just(OnGroupFailure::Stop),
        Just(OnGroupFailure::Rollback),
        Just(OnGroupFailure::Continue)
    ];
    (barriers, groups, failure, 0_u32..5, 0_u32..4, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(barriers, groups, failure, max_running, max_returning, turn, reversed)| {
            let ranks = barriers.len();
            let mut spec = ReleaseSpec::new().on_failure(failure);
            spec.max_running = NonZeroU32::new(max_running);
            spec.max_returning = NonZeroU32::new(max_returning);
            for (rank, mask) in barriers.into_iter().enumerate() {
                spec.barriers.push(Barrier { name: barrier(rank), after: picked(0..rank, mask) });
            }
            for (index, (cut, after, before)) in groups.into_iter().enumerate() {
                let cut = cut.min(ranks);
                spec.groups.push(Group {
                    after: picked(0..cut, after),
                    before: picked(cut..ranks, before),
                    ..Group::new(group(index))
                });
            }
            if reversed {
                spec.barriers.reverse();
            }
            if !spec.groups.is_empty() {
                let turn = turn.index(spec.groups.len());
                spec.groups.rotate_left(turn);
            }
            spec
        },
    )
}

/// The order as it was written down, counted anew from the edges each time.
struct Naive {
    nodes: Vec<Node>,
    before: BTreeMap<Node, Vec<Node>>,
    after: BTreeMap<Node, Vec<Node>>,
}

impl Naive {
    fn of(spec: &ReleaseSpec) -> Self {
        let groups = spec.groups.iter().map(|group| Node::Group(group.fleet.clone()));
        let nodes: Vec<Node> =
            groups.chain(spec.barriers.iter().map(|barrier| Node::Barrier(barrier.name.clone()))).collect();
        let mut edges = Vec::new();
        for group in &spec.groups {
            let node = Node::Group(group.fleet.clone());
            edges.extend(group.after.iter().map(|name| (Node::Barrier(name.clone()), node.clone())));
            edges.extend(group.before.iter().map(|name| (node.clone(), Node::Barrier(name.clone()))));
        }
        for barrier in &spec.barriers {
            let node = Node::Barrier(barrier.name.clone());
            edges.extend(barrier.after.iter().map(|name| (Node::Barrier(name.clone()), node.clone())));
        }
        let mut before: BTreeMap<Node, Vec<Node>> =
            nodes.iter().map(|node| (node.clone(), Vec::new())).collect();
        let mut after = before.clone();
        for (from, to) in edges {
            after.get_mut(&from).unwrap().push(to.clone());
            before.get_mut(&to).unwrap().push(from);
        }
        Self { nodes, before, after }
    }

    fn is_passed(&self, release: &Release, node: &Node) -> bool {
        match node {
            Node::Group(fleet) => release.phase(fleet) == Ok(GroupPhase::Done),
            Node::Barrier(_) => self.before[node].iter().all(|before| self.is_passed(release, before)),
        }
    }

    fn is_bad(&self, release: &Release, node: &Node) -> bool {
        let itself = match node {
            Node::Group(fleet) => {
                matches!(release.phase(fleet), Ok(GroupPhase::Failed | GroupPhase::RolledBack))
            }
            Node::Barrier(_) => false,
        };
        itself || self.before[node].iter().any(|before| self.is_bad(release, before))
    }

    fn is_up(&self, release: &Release, node: &Node) -> bool {
        match node {
            Node::Group(fleet) => release.phase(fleet).unwrap().is_up(),
            Node::Barrier(_) => self.after[node].iter().any(|after| self.is_up(release, after)),
        }
    }

    /// All groups that a group depends on, however far away.
    fn ancestors(&self, node: &Node) -> BTreeSet<FleetId> {
        let mut found = BTreeSet::new();
        for before in &self.before[node] {
            if let Node::Group(fleet) = before {
                found.insert(fleet.clone());
            }
            found.extend(self.ancestors(before));
        }
        found
    }

    fn count(&self, nodes: &[Node], counts: impl Fn(&Node) -> bool) -> usize {
        nodes.iter().filter(|node| counts(node)).count()
    }

    /// Everything the release keeps along is what the edges say now.
    fn check(&self, release: &Release) {
        let groups = release.phases.len();
        for (index, node) in self.nodes.iter().enumerate() {
            let (before, after) = (&self.before[node], &self.after[node]);
            match release.heading {
                Heading::Forward => {
                    let pending = self.count(before, |before| !self.is_passed(release, before));
                    assert_eq!(release.pending[index], pending, "pending of {node}");
                    let broken = self.count(before, |before| self.is_bad(release, before));
                    assert_eq!(release.broken[index], broken, "broken of {node}");
                }
                Heading::Back => {
                    let above = self.count(after, |after| self.is_up(release, after));
                    assert_eq!(release.above[index], above, "above of {node}");
                }
            }
            let Node::Group(fleet) = node else { continue };
            if release.phases[index].is_up() {
                for ancestor in self.ancestors(node) {
                    assert_eq!(
                        release.phase(&ancestor),
                        Ok(GroupPhase::Done),
                        "{ancestor} is before {fleet}"
                    );
                }
            }
        }
        let mut counts = super::PhaseCounts::default();
        for index in 0..groups {
            *counts.of_mut(release.phase_at(index)) += 1;
        }
        assert_eq!(release.counts(), counts);
        assert!(release.max_running.is_none_or(|max| counts.running <= max.get() as usize));
        assert!(release.max_returning.is_none_or(|max| counts.returning <= max.get() as usize));
        self.check_choice(release);
    }

    /// What may move is exactly what the edges, the policy and the maxima let move, and all else says why not.
    fn check_choice(&self, release: &Release) {
        let left = |max: Option<NonZeroU32>, taken| max.map_or(usize::MAX, |max| max.get() as usize - taken);
        let counts = release.counts();
        let may = |index: &usize| match release.heading {
            Heading::Forward => {
                release.phase_at(*index) == GroupPhase::Waiting
                    && self.before[&self.nodes[*index]].iter().all(|before| self.is_passed(release, before))
            }
            Heading::Back => {
                release.phases[*index].can_return()
                    && !self.after[&self.nodes[*index]].iter().any(|after| self.is_up(release, after))
            }
        };
        let open: Vec<usize> = (0..release.phases.len()).filter(may).collect();
        let name = |index: &usize| release.graph.groups[*index].clone();
        let (ready, returning): (Vec<FleetId>, Vec<FleetId>) = match release.heading {
            Heading::Forward => {
                (open.iter().take(left(release.max_running, counts.running)).map(name).collect(), vec![])
            }
            Heading::Back => {
                let slots = left(release.max_returning, counts.returning);
                (vec![], open.iter().rev().take(slots).map(name).collect())
            }
        };
        assert_eq!(release.ready().cloned().collect::<Vec<_>>(), ready);
        assert_eq!(release.turning_back().cloned().collect::<Vec<_>>(), returning);
        let slots = match release.heading {
            Heading::Forward => left(release.max_running, counts.running),
            Heading::Back => left(release.max_returning, counts.returning),
        };
        for index in 0..release.phases.len() {
            let is_next = open.contains(&index) && slots > 0;
            let phase = release.phase_at(index);
            let moves_on = match release.heading {
                Heading::Forward => matches!(phase, GroupPhase::Waiting | GroupPhase::Held),
                Heading::Back => matches!(phase, GroupPhase::Held) || phase.can_return(),
            };
            assert_eq!(release.waiting_at(index).is_some(), moves_on && !is_next, "{} {phase}", name(&index));
        }
        let moves = counts.running + counts.returning > 0 || !open.is_empty();
        assert_eq!(release.outcome().is_none(), moves);
    }
}

/// An event that the state allows, or any event at all when `action` says so.
fn event(release: &Release, action: u8, pick: usize, outcome: u8) -> Option<ReleaseEvent> {
    let of = |wanted: &dyn Fn(GroupPhase) -> bool| {
        let found: Vec<&FleetId> =
            release.graph.groups().filter(|group| wanted(release.phase(group).unwrap())).collect();
        (!found.is_empty()).then(|| found[pick % found.len()].clone())
    };
    let outcome = match outcome {
        0 => GroupOutcome::Failed,
        1 => GroupOutcome::RolledBack,
        _ if release.heading == Heading::Back => GroupOutcome::RolledBack,
        _ => GroupOutcome::Done,
    };
    let is_under_way = |phase| matches!(phase, GroupPhase::Running | GroupPhase::Returning);
    let can_retry =
        |phase| matches!(phase, GroupPhase::Failed | GroupPhase::RolledBack | GroupPhase::Stranded);
    Some(match action {
        0..=5 => ReleaseEvent::Begin { group: release.ready().next()?.clone() },
        6..=11 => ReleaseEvent::End { group: of(&is_under_way)?, outcome },
        12..=14 => ReleaseEvent::TurnBack { group: release.turning_back().next()?.clone() },
        15 => ReleaseEvent::Retry { group: of(&can_retry)? },
        16 if pick.is_multiple_of(8) => ReleaseEvent::RollBack,
        17 => ReleaseEvent::Begin { group: of(&|_| true)? },
        18 => ReleaseEvent::TurnBack { group: of(&|_| true)? },
        19 => ReleaseEvent::End { group: of(&|_| true)?, outcome },
        _ => return None,
    })
}

/// Does whatever may be done, every group ending well, until nothing moves.
fn finish(release: &mut Release, naive: &Naive) -> ReleaseOutcome {
    for _ in 0..10 * release.phases.len() + 10 {
        if let Some(outcome) = release.outcome() {
            return outcome;
        }
        let next = release
            .ready()
            .next()
            .map(|group| ReleaseEvent::Begin { group: group.clone() })
            .or_else(|| event(release, 12, 0, 9))
            .or_else(|| event(release, 6, 0, 9));
        release.apply(&next.unwrap()).unwrap();
        naive.check(release);
    }
    panic!("the release does not end: {}", release.report());
}

proptest! {
    #![proptest_config(config())]

    /// After any events: every counter is what the edges say; no group has begun before all it depends on were done, none
    /// of those goes back before it; an event that is refused changes nothing; and once nothing fails any more, the release
    /// ends.
    #[test]
    fn counters_are_what_the_edges_say(
        spec in specs(),
        moves in prop::collection::vec((0_u8..20, any::<usize>(), 0_u8..10), 0..60),
    ) {
        let naive = Naive::of(&spec);
        let mut release = Release::open(&spec).unwrap();
        naive.check(&release);
        for (action, pick, outcome) in moves {
            let Some(event) = event(&release, action, pick, outcome) else { continue };
            let was = release.clone();
            let may = match &event {
                ReleaseEvent::Begin { group } => {
                    let is_waiting = release.phase(group) == Ok(GroupPhase::Waiting);
                    Some(is_waiting && release.waiting(group).unwrap().is_none())
                }
                ReleaseEvent::TurnBack { group } => {
                    let can_return = release.heading == Heading::Back && release.phase(group).unwrap().can_return();
                    Some(can_return && release.waiting(group).unwrap().is_none())
                }
                ReleaseEvent::End { .. } | ReleaseEvent::Retry { .. } | ReleaseEvent::RollBack => None,
            };
            let applied = release.apply(&event);
            prop_assert!(may.is_none_or(|may| may == applied.is_ok()), "{event:?}: {applied:?}");
            if applied.is_err() {
                prop_assert_eq!(&release, &was);
            }
            naive.check(&release);
        }
        finish(&mut release, &naive);
        if release.heading == Heading::Forward {
            release.apply(&ReleaseEvent::RollBack).unwrap();
            prop_assert_eq!(finish(&mut release, &naive), ReleaseOutcome::RolledBack);
        }
    }

    /// Every order without a cycle is worked off when every group finishes, in whatever order they do.
    #[test]
    fn every_order_without_a_cycle_ends(spec in specs(), picks in prop::collection::vec(any::<usize>(), 24)) {
        let naive = Naive::of(&spec);
        let mut release = Release::open(&spec).unwrap();
        for pick in picks {
            let next = event(&release, if pick % 2 == 0 { 0 } else { 6 }, pick, 9);
            if let Some(event) = next {
                release.apply(&event).unwrap();
                naive.check(&release);
            }
        }
        prop_assert_eq!(finish(&mut release, &naive), ReleaseOutcome::Done);
    }

    /// Without a maximum a group is predicted to begin when the last of those it depends on ends; with one, never more run
    /// at a time. The makespan is the last end.
    #[test]
    fn a_forecast_is_the_longest_way(
        mut spec in specs(),
        seconds in prop::collection::vec(0_u64..9, 12),
    ) {
        let naive = Naive::of(&spec);
        let length = |fleet: &FleetId| {
            let number: usize = fleet.as_str()[1..].parse().unwrap();
            Duration::from_secs(seconds[number])
        };
        let limited = forecast(&spec, length).unwrap();
        if let Some(max) = spec.max_running {
            for at in &limited.groups {
                let running = limited.groups.iter().filter(|other| other.begin <= at.begin && at.begin < other.end);
                prop_assert!(running.count() <= max.get() as usize);
            }
        }
        spec.max_running = None;
        let free = forecast(&spec, length).unwrap();
        let ends: BTreeMap<&FleetId, Duration> = free.groups.iter().map(|group| (&group.fleet, group.end)).collect();
        for group in &free.groups {
            let ancestors = naive.ancestors(&Node::Group(group.fleet.clone()));
            let begin = ancestors.iter().map(|ancestor| ends[ancestor]).max().unwrap_or_default();
            prop_assert_eq!((group.begin, group.end), (begin, begin + length(&group.fleet)));
        }
        prop_assert_eq!(free.makespan, ends.values().copied().max().unwrap_or_default());
    }

    /// If every group goes down to its floor at once, a guarded service still has its share, or nothing more leaves it; no
    /// floor is below what the group's own limits ask for; and as long as a service can spare an instance that a group whose
    /// turn it is wants, that group is not refused.
    #[test]
    fn floors_keep_the_share_together(
        mut spec in specs(),
        share in 0_u8..=100,
        sizes in prop::collection::vec((0_u32..9, 0_u32..12, 0_u32..9, 0_u32..2), 12),
        moves in prop::collection::vec((0_u8..16, any::<usize>(), 0_u8..10), 0..20),
    ) {
        let web = ServiceName::new("web").unwrap();
        if spec.groups.is_empty() {
            spec.groups.push(Group::new(group(0)));
        }
        for group in spec.groups.iter_mut().step_by(2) {
            group.service = Some(web.clone());
        }
        let guarded: BTreeSet<FleetId> = spec.groups.iter().step_by(2).map(|group| group.fleet.clone()).collect();
        let service = Service::new(web, Share::new(share).unwrap());
        spec.services.push(service.clone());
        let capacity = |fleet: &FleetId| {
            let number: usize = fleet.as_str()[1..].parse().unwrap();
            let (desired, serving, min_available, max_surge) = sizes[number];
            Capacity::new(desired, serving).min_available(min_available.min(desired)).max_surge(max_surge)
        };
        let mut release = Release::open(&spec).unwrap();
        for (action, pick, outcome) in moves {
            if let Some(event) = event(&release, action, pick, outcome) {
                // A retry may find no slot.
                let _ = release.apply(&event);
            }
        }

        let Admission { begin, turn_back, floors, refused } = release.admit(capacity);
        let counted = |fleet: &FleetId, serving: u32| u64::from(serving.min(capacity(fleet).desired));
        let desired: u64 = guarded.iter().map(|fleet| u64::from(capacity(fleet).desired)).sum();
        let least = service.guard().min_serving(desired);
        let now: u64 = guarded.iter().map(|fleet| counted(fleet, capacity(fleet).serving)).sum();
        let worst: u64 = guarded
            .iter()
            .map(|fleet| {
                let serving = capacity(fleet).serving;
                counted(fleet, floors.get(fleet).map_or(serving, |floor| serving.min(*floor)))
            })
            .sum();
        prop_assert!(worst >= least.min(now), "{worst} of {now} would serve, {least} must: {floors:?}");
        for (fleet, floor) in &floors {
            prop_assert!(*floor >= capacity(fleet).min_available);
        }
        for fleet in refused.keys() {
            prop_assert!(capacity(fleet).max_surge == 0, "{fleet} is refused though it can launch first");
            prop_assert!(worst <= least, "{fleet} is refused though {worst} of at least {least} would serve");
        }
        let slots = release.slots().min(release.return_slots());
        if slots == usize::MAX {
            let turn = release.ready().chain(release.turning_back()).count();
            prop_assert_eq!(begin.len() + turn_back.len() + refused.len(), turn);
        }
        prop_assert!(begin.len() <= release.slots() && turn_back.len() <= release.return_slots());
    }
}
