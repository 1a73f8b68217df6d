use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::event::Event;
use crate::setting::Setting;
use crate::world::World;

/// Every world that can be reached, breadth first, so that the first way to a bad one is a shortest one.
///
/// An own search, not a library's: it keeps sixteen bytes of a world that was visited, and asks of every one of them
/// whether an end can still be reached by reliable events alone, which needs the edges backwards.
pub(crate) struct Search {
    came: Vec<Option<(u32, Event)>>,
    reliably_from: Vec<(u32, u32)>,
    ends: Vec<u32>,
    edges: usize,
    violation: Option<String>,
    is_complete: bool,
}

impl Search {
    pub(crate) fn run(setting: &Setting, at_most: usize) -> Self {
        let start = World::start(setting);
        let mut known = HashMap::from([(start.key(setting), 0)]);
        let mut search = Self {
            came: vec![None],
            reliably_from: Vec::new(),
            ends: Vec::new(),
            edges: 0,
            violation: None,
            is_complete: false,
        };
        let mut queue = VecDeque::from([start]);
        let mut here = 0;
        while let Some(world) = queue.pop_front() {
            if world.is_over() {
                search.ends.push(here);
            }
            for event in world.events(setting) {
                let next = match world.after(event, setting) {
                    Ok(Some(next)) => next,
                    Ok(None) => continue,
                    Err(what) => {
                        search.violation =
                            Some(format!("{what}, after {}", search.way_to(here, Some(event))));
                        return search;
                    }
                };
                search.edges += 1;
                let there = u32::try_from(search.came.len()).unwrap();
                let there = match known.entry(next.key(setting)) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        search.came.push(Some((here, event)));
                        queue.push_back(next);
                        *new.insert(there)
                    }
                };
                if there != here && world.is_reliable(event, setting) {
                    search.reliably_from.push((there, here));
                }
            }
            here += 1;
            if search.came.len() >= at_most {
                return search;
            }
        }
        search.is_complete = true;
        search.violation = search.stuck();
        search
    }

    pub(crate) const fn worlds(&self) -> usize {
        self.came.len()
    }

    pub(crate) fn violation(&self) -> Option<&str> {
        self.violation.as_deref()
    }

    fn way_to(&self, mut world: u32, last: Option<Event>) -> String {
        let mut way: Vec<Event> = last.into_iter().collect();
        while let Some((from, event)) = self.came[world as usize] {
            way.push(event);
            world = from;
        }
        way.reverse();
        let steps: Vec<String> = way.iter().map(|event| format!("\n  {event:?}")).collect();
        format!("{} events:{}", way.len(), steps.concat())
    }

    /// A world from which no end can be reached by reliable events, if there is one.
    fn stuck(&self) -> Option<String> {
        let mut first = vec![0_usize; self.came.len() + 1];
        for (there, _) in &self.reliably_from {
            first[*there as usize + 1] += 1;
        }
        for world in 1..first.len() {
            first[world] += first[world - 1];
        }
        let mut next = first.clone();
        let mut before = vec![0_u32; self.reliably_from.len()];
        for (there, here) in &self.reliably_from {
            before[next[*there as usize]] = *here;
            next[*there as usize] += 1;
        }
        let mut good = vec![false; self.came.len()];
        let mut open = self.ends.clone();
        while let Some(world) = open.pop() {
            let at = world as usize;
            if !std::mem::replace(&mut good[at], true) {
                open.extend(&before[first[at]..first[at + 1]]);
            }
        }
        let stuck = good.iter().position(|good| !good)?;
        let count = good.iter().filter(|good| !**good).count();
        let way = self.way_to(u32::try_from(stuck).unwrap(), None);
        Some(format!("no end can be reached from {count} worlds, the first after {way}"))
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} worlds, {} edges", self.came.len(), self.edges)?;
        if self.is_complete { Ok(()) } else { f.write_str(", cut there") }
    }
}
