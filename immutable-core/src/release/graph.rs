use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::nearest::nearest;
use super::{IllegalReleaseEvent, ReleaseError, ReleaseSpec};
use crate::id::{BarrierName, FleetId, ServiceName};

/// A node of the order between groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// A group.
    Group(FleetId),
    /// A barrier.
    Barrier(BarrierName),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group `{name}`"),
            Self::Barrier(name) => write!(f, "barrier `{name}`"),
        }
    }
}

/// The checked order between the groups of a release: no cycle, no unknown name.
///
/// Groups and barriers are nodes; what was written as `after` and `before` are the edges, and there are no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseGraph {
    pub(super) groups: Vec<FleetId>,
    pub(super) barriers: Vec<BarrierName>,
    by_fleet: BTreeMap<FleetId, usize>,
    /// What must be done or passed before each node; groups first, then barriers.
    before: Adjacency,
    /// What each node must be done or passed before.
    after: Adjacency,
    /// Every node after all that are before it.
    pub(super) order: Vec<usize>,
}

/// The neighbours of all nodes, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Adjacency {
    /// Where those of each node begin; one more than there are nodes.
    begins: Vec<usize>,
    neighbours: Vec<usize>,
}

impl Adjacency {
    /// Of these edges, from the first to the second; neighbours in the order of the edges.
    fn of(nodes: usize, edges: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut begins = vec![0; nodes + 1];
        for (from, _) in edges.clone() {
            begins[from + 1] += 1;
        }
        for node in 0..nodes {
            begins[node + 1] += begins[node];
        }
        let mut next = begins.clone();
        let mut neighbours = vec![0; begins[nodes]];
        for (from, to) in edges {
            neighbours[next[from]] = to;
            next[from] += 1;
        }
        Self { begins, neighbours }
    }

    fn of_node(&self, node: usize) -> &[usize] {
        &self.neighbours[self.begins[node]..self.begins[node + 1]]
    }
}

impl ReleaseSpec {
    /// The checked order between the groups. Takes time and memory linear in groups, barriers and edges, but for a
    /// logarithm to look names up.
    ///
    /// # Errors
    /// [`ReleaseError`] names what contradicts itself, and the nearest name where one is unknown.
    pub fn graph(&self) -> Result<ReleaseGraph, ReleaseError> {
        self.check_services()?;
        let by_fleet = index(self.groups.iter().map(|group| &group.fleet), Node::Group).map_err(duplicate)?;
        let by_barrier =
            index(self.barriers.iter().map(|barrier| &barrier.name), Node::Barrier).map_err(duplicate)?;

        let names = Names { by_fleet: &by_fleet, by_barrier: &by_barrier };
        let groups = self.groups.len();
        let mut edges: Vec<(usize, usize)> = Vec::new();
        for (index, group) in self.groups.iter().enumerate() {
            let node = || Node::Group(group.fleet.clone());
            names.resolve(node, "after", &group.after, |barrier| edges.push((groups + barrier, index)))?;
            names.resolve(node, "before", &group.before, |barrier| edges.push((index, groups + barrier)))?;
        }
        for (index, barrier) in self.barriers.iter().enumerate() {
            let node = || Node::Barrier(barrier.name.clone());
            let to = groups + index;
            names.resolve(node, "after", &barrier.after, |from| edges.push((groups + from, to)))?;
        }

        let nodes = groups + self.barriers.len();
        let mut graph = ReleaseGraph {
            after: Adjacency::of(nodes, edges.iter().copied()),
            before: Adjacency::of(nodes, edges.iter().map(|(from, to)| (*to, *from))),
            by_fleet: by_fleet.into_iter().map(|(fleet, index)| (fleet.clone(), index)).collect(),
            groups: self.groups.iter().map(|group| group.fleet.clone()).collect(),
            barriers: self.barriers.iter().map(|barrier| barrier.name.clone()).collect(),
            order: Vec::with_capacity(nodes),
        };
        graph.sort()?;
        Ok(graph)
    }

    fn check_services(&self) -> Result<(), ReleaseError> {
        let mut declared: BTreeSet<&ServiceName> = BTreeSet::new();
        for service in &self.services {
            if !declared.insert(&service.name) {
                return Err(ReleaseError::DuplicateService { service: service.name.clone() });
            }
        }
        let mut unused = declared.clone();
        for group in &self.groups {
            let Some(service) = &group.service else { continue };
            if !declared.contains(service) {
                return Err(ReleaseError::UnknownService {
                    group: group.fleet.clone(),
                    service: service.clone(),
                    nearest: nearest(service.as_str(), declared).cloned(),
                });
            }
            unused.remove(service);
        }
        match unused.first() {
            Some(service) => Err(ReleaseError::EmptyService { service: (*service).clone() }),
            None => Ok(()),
        }
    }
}

/// Every name with its number; the name that occurs twice otherwise.
fn index<'a, N: Ord + Clone>(
    names: impl Iterator<Item = &'a N>,
    node: impl Fn(N) -> Node,
) -> Result<BTreeMap<&'a N, usize>, Node> {
    let mut indices = BTreeMap::new();
    for (index, name) in names.enumerate() {
        if indices.insert(name, index).is_some() {
            return Err(node(name.clone()));
        }
    }
    Ok(indices)
}

const fn duplicate(node: Node) -> ReleaseError {
    ReleaseError::Duplicate { node }
}

struct Names<'a> {
    by_fleet: &'a BTreeMap<&'a FleetId, usize>,
    by_barrier: &'a BTreeMap<&'a BarrierName, usize>,
}

impl Names<'_> {
    /// Hands over the number of each barrier in this list.
    fn resolve(
        &self,
        node: impl Fn() -> Node,
        field: &'static str,
        list: &[BarrierName],
        mut found: impl FnMut(usize),
    ) -> Result<(), ReleaseError> {
        let mut seen = BTreeSet::new();
        for name in list {
            let Some(barrier) = self.by_barrier.get(name) else {
                return Err(ReleaseError::UnknownBarrier {
                    node: node(),
                    field,
                    barrier: name.clone(),
                    nearest: nearest(name.as_str(), self.by_barrier.keys().copied()).cloned(),
                    is_group: self.by_fleet.keys().any(|fleet| fleet.as_str() == name.as_str()),
                });
            };
            if !seen.insert(*barrier) {
                return Err(ReleaseError::Repeated { node: node(), field, barrier: name.clone() });
            }
            found(*barrier);
        }
        Ok(())
    }
}

impl ReleaseGraph {
    /// How many groups and barriers there are.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.groups.len() + self.barriers.len()
    }

    /// How many dependencies there are: as many as were written down.
    #[must_use]
    pub const fn edges(&self) -> usize {
        self.after.neighbours.len()
    }

    /// The groups as declared.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &FleetId> {
        self.groups.iter()
    }

    /// The barriers as declared.
    pub fn barriers(&self) -> impl ExactSizeIterator<Item = &BarrierName> {
        self.barriers.iter()
    }

    /// The nodes directly before this one, in no particular order; nothing for a node that does not exist.
    pub fn predecessors(&self, node: &Node) -> impl Iterator<Item = Node> {
        let index = match node {
            Node::Group(fleet) => self.by_fleet.get(fleet).copied(),
            Node::Barrier(name) => {
                self.barriers.iter().position(|barrier| barrier == name).map(|at| at + self.groups.len())
            }
        };
        index.map_or(&[][..], |index| self.before(index)).iter().map(|index| self.node(*index))
    }

    pub(super) fn before(&self, node: usize) -> &[usize] {
        self.before.of_node(node)
    }

    pub(super) fn after(&self, node: usize) -> &[usize] {
        self.after.of_node(node)
    }

    pub(super) fn barrier(&self, node: usize) -> Option<&BarrierName> {
        self.barriers.get(node.checked_sub(self.groups.len())?)
    }

    pub(super) fn find(&self, group: &FleetId) -> Result<usize, IllegalReleaseEvent> {
        self.by_fleet.get(group).copied().ok_or_else(|| IllegalReleaseEvent::UnknownGroup {
            group: group.clone(),
            nearest: nearest(group.as_str(), &self.groups).cloned(),
        })
    }

    fn node(&self, node: usize) -> Node {
        match self.barrier(node) {
            Some(barrier) => Node::Barrier(barrier.clone()),
            None => Node::Group(self.groups[node].clone()),
        }
    }

    /// Puts every node after all that are before it.
    fn sort(&mut self) -> Result<(), ReleaseError> {
        let nodes = self.nodes();
        let mut pending: Vec<usize> = (0..nodes).map(|node| self.before(node).len()).collect();
        let mut order: Vec<usize> = (0..nodes).filter(|node| pending[*node] == 0).collect();
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            for &after in self.after(node) {
                pending[after] -= 1;
                if pending[after] == 0 {
                    order.push(after);
                }
            }
        }
        if order.len() < nodes {
            return Err(self.cycle(&pending));
        }
        self.order = order;
        Ok(())
    }

    /// A cycle among the nodes that still wait for others. Each of them waits for another of them, so whoever follows what
    /// they wait for comes by the same node twice.
    fn cycle(&self, pending: &[usize]) -> ReleaseError {
        let waits = |node: &usize| pending[*node] > 0;
        let mut path: Vec<usize> = Vec::new();
        let mut seen = vec![false; pending.len()];
        let mut at = (0..pending.len()).find(waits);
        while let Some(node) = at.filter(|node| !seen[*node]) {
            seen[node] = true;
            path.push(node);
            at = self.before(node).iter().copied().find(waits);
        }
        let begin = path.iter().position(|node| Some(*node) == at).unwrap_or(0);
        let mut cycle = path.split_off(begin);
        cycle.reverse();
        // The node declared first comes first, so that the text does not depend on where the search began.
        let first = cycle.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(at, _)| at);
        cycle.rotate_left(first);
        ReleaseError::Cycle { nodes: cycle.into_iter().map(|node| self.node(node)).collect() }
    }
}
