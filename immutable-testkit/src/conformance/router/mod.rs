//! What every router must do.

mod cases;
mod harness;

pub use cases::{
    a_changed_address_is_taken_over, a_restart_can_be_repaired, a_weight_changes, changes_are_made_in_order,
    detach_forgets_the_route, detach_may_be_repeated, detach_of_an_unknown_instance_does_nothing,
    drain_keeps_the_route, drain_may_be_repeated, drain_of_an_unknown_instance_does_nothing,
    observe_is_in_order_of_the_instances, serve_may_be_repeated, weight_zero_is_a_route_without_traffic,
};
pub use harness::RouterHarness;
