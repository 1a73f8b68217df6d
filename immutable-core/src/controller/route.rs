//! What the router must do, from what the journal says. Asserted at every turn, so a router that lost its state is
//! repaired. Pure.

use std::collections::BTreeMap;

use crate::fleet::{Route, RouteChange, RouteState, Weight};
use crate::id::InstanceId;
use crate::planner::{Member, RolloutState};

/// The routes by instance.
pub(super) type Routes = BTreeMap<InstanceId, Route>;

/// The changes that make the router send traffic to every serving member and to no other one. New routes come before
/// old ones drain, so the router is never left without a target.
pub(super) fn changes(state: &RolloutState, routes: &Routes) -> Vec<RouteChange> {
    let mut serve = Vec::new();
    let mut drain = Vec::new();
    for member in state.members() {
        let Some(instance) = &member.instance else { continue };
        let route = routes.get(instance);
        if let (true, Some(endpoint)) = (member.serves(), member.endpoint) {
            let is_right = route.is_some_and(|route| {
                route.endpoint == endpoint && route.state == RouteState::Serving(Weight::FULL)
            });
            if !is_right {
                serve.push(RouteChange::Serve { instance: instance.clone(), endpoint, weight: Weight::FULL });
            }
        } else if leaves(member) && route.is_some_and(|route| route.state != RouteState::Draining) {
            drain.push(RouteChange::Drain { instance: instance.clone() });
        }
    }
    let forgotten = routes.keys().filter(|instance| state.is_gone(instance));
    let detach = forgotten.map(|instance| RouteChange::Detach { instance: instance.clone() });
    serve.into_iter().chain(drain).chain(detach).collect()
}

const fn leaves(member: &Member) -> bool {
    member.is_broken() || !member.is_live()
}
