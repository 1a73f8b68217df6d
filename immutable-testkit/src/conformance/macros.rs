//! The macros that make tests of cases.

/// One `#[test]` for each case of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($attributes:tt, $harness:expr, |$h:ident, $case:ident| $body:expr, $suite:ident: $($name:ident)*) => {
        $($crate::__conformance_test! { $attributes, $harness, |$h, $case| $body, $suite, $name })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ([$(#[$attribute:meta])*], $harness:expr, |$h:ident, $case:ident| $body:expr, $suite:ident, $name:ident) => {
        #[test]
        $(#[$attribute])*
        fn $name() {
            let $h = $harness;
            let $case = async {
                let result = $crate::conformance::$suite::$name(&$h).await;
                $crate::conformance::Harness::cleanup(&$h).await;
                result
            };
            let result = $body;
            $crate::conformance::report(stringify!($name), result);
        }
    };
}

/// Makes a `#[test]` of each case of [`conformance::fleet`](crate::conformance::fleet).
///
/// `harness` is evaluated for each test. `run` names the harness and the case, a future, and runs it. Attributes
/// before `harness` go to each test, for example `#[ignore = "needs Docker"]`.
///
/// ```ignore
/// immutable_testkit::fleet_conformance! {
///     #[ignore = "needs Docker"]
///     harness: DockerHarness::new(),
///     run: |harness, case| harness.runtime.block_on(case),
/// }
/// ```
#[macro_export]
macro_rules! fleet_conformance {
    ($(#[$attribute:meta])* harness: $harness:expr, run: |$h:ident, $case:ident| $body:expr $(,)?) => {
        $crate::__conformance_tests! {
            [$(#[$attribute])*], $harness, |$h, $case| $body, fleet:
            launch_is_idempotent_by_token
            concurrent_launches_with_one_token_launch_once
            one_batch_with_a_token_twice_launches_once
            launch_results_are_in_order
            a_missing_image_is_refused_and_launches_nothing
            an_unknown_zone_is_refused
            a_token_of_another_request_is_refused
            a_batch_with_a_bad_request_does_the_others
            a_dropped_launch_can_be_repeated
            capabilities_are_usable
            a_good_image_passes_the_check
            launched_instances_show_origin_image_and_zone
            a_launched_instance_becomes_ready
            a_never_ready_image_never_becomes_ready
            snapshots_are_sorted_and_their_revisions_grow
            another_view_shows_the_same_instances
            instances_of_another_fleet_are_not_shown
            terminate_proves_that_instances_are_gone
            terminate_may_be_repeated
            terminate_of_an_unknown_instance_succeeds
            a_dropped_terminate_can_be_repeated
            drain_may_be_repeated_and_stops_nothing
            changed_wakes_on_a_launch
            changed_wakes_when_an_instance_becomes_ready
            changed_wakes_on_a_termination
            changed_returns_at_once_for_a_stale_revision
        }
    };
}

/// Makes a `#[test]` of each case of [`conformance::router`](crate::conformance::router), as
/// [`fleet_conformance!`](crate::fleet_conformance) does.
#[macro_export]
macro_rules! router_conformance {
    ($(#[$attribute:meta])* harness: $harness:expr, run: |$h:ident, $case:ident| $body:expr $(,)?) => {
        $crate::__conformance_tests! {
            [$(#[$attribute])*], $harness, |$h, $case| $body, router:
            serve_may_be_repeated
            a_weight_changes
            weight_zero_is_a_route_without_traffic
            drain_keeps_the_route
            drain_may_be_repeated
            drain_of_an_unknown_instance_does_nothing
            detach_forgets_the_route
            detach_may_be_repeated
            detach_of_an_unknown_instance_does_nothing
            observe_is_in_order_of_the_instances
            changes_are_made_in_order
            a_changed_address_is_taken_over
            a_restart_can_be_repaired
        }
    };
}

/// Makes a `#[test]` of each case of [`conformance::journal_store`](crate::conformance::journal_store), as
/// [`fleet_conformance!`](crate::fleet_conformance) does.
#[macro_export]
macro_rules! journal_store_conformance {
    ($(#[$attribute:meta])* harness: $harness:expr, run: |$h:ident, $case:ident| $body:expr $(,)?) => {
        $crate::__conformance_tests! {
            [$(#[$attribute])*], $harness, |$h, $case| $body, journal_store:
            the_first_creation_wins
            of_eight_concurrent_writers_one_wins
            concurrent_writers_of_different_objects_all_win
            content_is_stored_whole
            an_object_of_one_mebibyte_is_stored_whole
            the_list_is_sorted_and_complete_with_gaps
            a_missing_object_is_none
            an_unknown_rollout_is_empty
            rollouts_are_kept_apart
            another_view_sees_what_was_created
            what_was_created_survives_reopening
            a_dropped_creation_stored_all_or_nothing
            every_writer_of_one_journal_gets_a_number_of_its_own
            a_list_begins_where_it_was_asked_to
            a_commit_whose_answer_was_lost_is_recognised
            a_damaged_object_is_neither_hidden_nor_replaced
            a_full_store_keeps_what_it_has
            a_store_without_the_right_to_write_says_so
        }
    };
}

/// Makes a `#[test]` of each case of [`conformance::catalog`](crate::conformance::catalog), as
/// [`fleet_conformance!`](crate::fleet_conformance) does.
#[macro_export]
macro_rules! catalog_conformance {
    ($(#[$attribute:meta])* harness: $harness:expr, run: |$h:ident, $case:ident| $body:expr $(,)?) => {
        $crate::__conformance_tests! {
            [$(#[$attribute])*], $harness, |$h, $case| $body, catalog:
            a_published_image_is_found_whole
            publish_may_be_repeated
            a_version_is_never_reused
            the_highest_active_version_is_resolved
            an_unknown_image_is_not_found
            a_channel_moves
            an_unknown_image_cannot_be_promoted_deprecated_or_revoked
            a_deprecated_image_is_found_by_digest_only
            a_revoked_image_is_never_resolved
            publishing_again_does_not_undo_a_revocation
            a_revocation_descends
            a_revocation_without_descent_does_not
            the_list_is_in_order_of_versions
            collect_spares_what_is_needed
        }
    };
}
