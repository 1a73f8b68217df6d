//! What the router must do, from what the journal says. Asserted at every turn, so a router that lost its state is
//! repaired. Pure.

use std::iter::Peekable;

use crate::fleet::{Route, RouteChange, RouteState, Weight};
use crate::id::InstanceId;
use crate::planner::{Condition, Member, RolloutState};
use crate::strategy::Share;

/// The routes, in order of their instances.
#[derive(Debug)]
pub(super) struct Routes(Vec<Route>);

impl Routes {
    pub(super) fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by(|a, b| a.instance.cmp(&b.instance));
        Self(routes)
    }

    pub(super) fn get(&self, instance: &InstanceId) -> Option<&Route> {
        self.0.binary_search_by(|route| route.instance.cmp(instance)).ok().map(|at| &self.0[at])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }
}

/// The changes that make the router send traffic to every serving member and to no other one. New routes come before
/// old ones drain, so the router is never left without a target.
pub(super) fn changes(state: &RolloutState, routes: &Routes) -> Vec<RouteChange> {
    let weights = Weights::of(state);
    let mut serve = Vec::new();
    let mut drain = Vec::new();
    let mut detach = Vec::new();
    // Both are in order of instances, so one walk finds all pairs.
    let mut routes = routes.iter().peekable();
    for (instance, member) in state.instances() {
        detach.extend(before(&mut routes, Some(instance)).filter(|route| state.is_gone(&route.instance)));
        let route = routes.next_if(|route| route.instance == *instance);
        let serves =
            member.serves() || seeded!(RoutedEarly) && matches!(member.condition, Condition::Ready { .. });
        if let (true, Some(endpoint)) = (serves, member.endpoint) {
            let weight = if member.is_new { weights.new } else { weights.old };
            let is_right = route.is_some_and(|route| {
                route.endpoint == endpoint && route.state == RouteState::Serving(weight)
            });
            // One that does not answer keeps the traffic that it has, but gets none.
            let is_suspect = matches!(member.condition, Condition::Suspect { .. });
            if !(is_right || is_suspect && route.is_none()) {
                serve.push(RouteChange::Serve { instance: instance.clone(), endpoint, weight });
            }
        } else if leaves(&member) && route.is_some_and(|route| route.state != RouteState::Draining) {
            drain.push(RouteChange::Drain { instance: instance.clone() });
        }
    }
    detach.extend(before(&mut routes, None).filter(|route| state.is_gone(&route.instance)));
    let detach = detach.into_iter().map(|route| RouteChange::Detach { instance: route.instance.clone() });
    serve.into_iter().chain(drain).chain(detach).collect()
}

/// The routes that come before that of an instance, or all that are left.
fn before<'r, 'i>(
    routes: &mut Peekable<impl Iterator<Item = &'r Route>>,
    instance: Option<&'i InstanceId>,
) -> impl Iterator<Item = &'r Route> {
    let is_before = move |route: &&Route| instance.is_none_or(|instance| route.instance < *instance);
    std::iter::from_fn(move || routes.next_if(is_before))
}

const fn leaves(member: &Member<'_>) -> bool {
    member.is_broken() || !member.is_live()
}

/// The weight of each instance of a group, so that the groups share the traffic as they shall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weights {
    new: Weight,
    old: Weight,
}

impl Weights {
    fn of(state: &RolloutState) -> Self {
        let Some(share) = state.share() else { return Self { new: Weight::FULL, old: Weight::FULL } };
        let serving = |is_new: bool| {
            state.members().filter(|member| member.is_new == is_new && member.serves()).count() as u64
        };
        Self::shared(share, serving(true), serving(false))
    }

    /// `new · n : old · o = share : rest`, in the finest weights there are.
    fn shared(share: Share, new: u64, old: u64) -> Self {
        // Nobody else is there to take what one group shall not.
        if new == 0 || old == 0 {
            return Self { new: Weight::FULL, old: Weight::FULL };
        }
        let heavy = u64::from(share.hundredths()) * old;
        let light = u64::from(share.rest().hundredths()) * new;
        let scale = |part: u64| {
            let most = u64::from(Weight::MAX.get());
            let weight = (part * most + heavy.max(light) / 2) / heavy.max(light).max(1);
            // A group with any share at all gets some traffic.
            let weight = weight.clamp(u64::from(part > 0), most);
            u16::try_from(weight).ok().and_then(|weight| Weight::new(weight).ok()).unwrap_or(Weight::MAX)
        };
        Self { new: scale(heavy), old: scale(light) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(share: u8, new: u64, old: u64) -> (u16, u16) {
        let Weights { new, old } = Weights::shared(Share::new(share).unwrap(), new, old);
        (new.get(), old.get())
    }

    #[test]
    fn weights_share_the_traffic() {
        assert_eq!(weights(50, 10, 10), (256, 256));
        assert_eq!(weights(20, 2, 8), (256, 256), "by numbers alone it is right already");
        assert_eq!(weights(5, 1, 9), (121, 256), "one of ten with half of its part");
        assert_eq!(weights(0, 10, 10), (0, 256));
        assert_eq!(weights(100, 10, 10), (256, 0));
        assert_eq!(weights(1, 1000, 1), (1, 256), "as little as can be, but some");
        assert_eq!(weights(0, 10, 0), (100, 100), "nobody else is there");
    }
}
