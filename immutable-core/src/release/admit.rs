use std::collections::BTreeMap;

use serde::Serialize;

use super::{Capacity, GroupWaitingOn, Heading, Release, Spare};
use crate::id::FleetId;

/// What may happen now under the traffic guards.
#[must_use = "groups begin only when somebody begins them"]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Admission {
    /// The groups that may begin, in the order in which they were declared.
    pub begin: Vec<FleetId>,
    /// The groups that are to go back, those declared last first.
    pub turn_back: Vec<FleetId>,
    /// Of each group of a guarded service that is under way or in one of the lists above: how many instances must stay in
    /// service. Never fewer than its own limits ask for. Valid for what was seen: ask again when that changed.
    pub floors: BTreeMap<FleetId, u32>,
    /// The groups that would have their turn but for the guard of their service, and why.
    pub refused: BTreeMap<FleetId, GroupWaitingOn>,
}

impl Release {
    /// Like [`Release::ready`] and [`Release::turning_back`], but for groups of guarded services only as far as their
    /// services can do without instances; and how much each group must keep in service.
    ///
    /// What a service can spare goes to the groups under way first, then to those whose turn it is, each as much as its own
    /// limits let it take. A group for which nothing is left does not begin, unless it can launch first or has nothing in
    /// service that it could take. The floors of all groups together keep every service at its share, even if each group goes down to its own.
    ///
    /// `capacity` tells what each group of a guarded service has now; it is asked for every one of them, also for those
    /// that are not begun. Takes time linear in the groups of guarded services and those whose turn it is.
    ///
    /// ```
    /// use immutable_core::release::{Capacity, Group, Release, ReleaseSpec, Service};
    /// use immutable_core::strategy::Share;
    /// use immutable_core::{FleetId, ServiceName};
    ///
    /// let web = ServiceName::new("web").unwrap();
    /// let group = |name: &str| Group::new(FleetId::new(name).unwrap()).service(web.clone());
    /// let spec = ReleaseSpec::new()
    ///     .service(Service::new(web.clone(), Share::new(75).unwrap()))
    ///     .group(group("web-eu")).group(group("web-us")).group(group("web-ap"));
    /// let release = Release::open(&spec).unwrap();
    ///
    /// // 30 instances, of which 23 must serve; each group's own limits would let it take five, and none can launch first.
    /// let now = release.admit(|_| Capacity::new(10, 10).min_available(5));
    /// assert_eq!(now.begin.iter().map(FleetId::as_str).collect::<Vec<_>>(), ["web-eu", "web-us"]);
    /// assert_eq!(now.floors.values().copied().collect::<Vec<_>>(), [5, 8]);
    /// assert_eq!(
    ///     now.refused[&FleetId::new("web-ap").unwrap()].to_string(),
    ///     "capacity of service `web`: no instance may leave service now"
    /// );
    /// ```
    pub fn admit(&self, mut capacity: impl FnMut(&FleetId) -> Capacity) -> Admission {
        let mut capacities: Vec<Vec<Capacity>> = vec![Vec::new(); self.services.len()];
        let mut seen: Vec<Option<Capacity>> = vec![None; self.phases.len()];
        for (group, service) in self.service_of.iter().enumerate() {
            if let Some(service) = service {
                let capacity = capacity(&self.graph.groups[group]);
                capacities[*service].push(capacity);
                seen[group] = Some(capacity);
            }
        }
        let spares =
            self.services.iter().zip(capacities).map(|(service, groups)| service.guard().spare(groups));
        let mut turn =
            Turn { release: self, spares: spares.collect(), seen, admission: Admission::default() };

        for (group, phase) in self.phases.iter().enumerate() {
            if matches!(phase, super::GroupPhase::Running | super::GroupPhase::Returning) {
                turn.grant(group);
            }
        }
        match self.heading {
            Heading::Forward => turn.admission.begin = turn.admitted(self.candidates(), self.slots()),
            Heading::Back => turn.admission.turn_back = turn.admitted(self.returnees(), self.return_slots()),
        }
        turn.admission
    }
}

struct Turn<'a> {
    release: &'a Release,
    spares: Vec<Spare>,
    /// What each group of a guarded service has.
    seen: Vec<Option<Capacity>>,
    admission: Admission,
}

impl Turn<'_> {
    /// The groups that the guards let through, at most so many.
    fn admitted(&mut self, candidates: impl Iterator<Item = usize>, slots: usize) -> Vec<FleetId> {
        let mut admitted = Vec::new();
        for group in candidates {
            if admitted.len() == slots {
                break;
            }
            if self.may_take(group) {
                self.grant(group);
                admitted.push(self.release.graph.groups[group].clone());
            }
        }
        admitted
    }

    /// Whether a group can do anything now; notes the refusal if not.
    fn may_take(&mut self, group: usize) -> bool {
        let Some((capacity, service)) = self.seen[group].zip(self.release.service_of[group]) else {
            return true;
        };
        // One that runs when the release turns back has its part already.
        let is_under_way = self.admission.floors.contains_key(&self.release.graph.groups[group]);
        let needs_nothing = capacity.wanted() == 0 || capacity.max_surge > 0;
        if is_under_way || needs_nothing || self.spares[service].allowance(capacity) > 0 {
            return true;
        }
        let waiting = GroupWaitingOn::Traffic { service: self.release.services[service].name.clone() };
        self.admission.refused.insert(self.release.graph.groups[group].clone(), waiting);
        false
    }

    /// Gives a group its part of what its service can spare, once.
    fn grant(&mut self, group: usize) {
        let Some((capacity, service)) = self.seen[group].zip(self.release.service_of[group]) else { return };
        let name = &self.release.graph.groups[group];
        if !self.admission.floors.contains_key(name) {
            let floor = capacity.serving - self.spares[service].take(capacity);
            self.admission.floors.insert(name.clone(), floor.max(capacity.min_available));
        }
    }
}
