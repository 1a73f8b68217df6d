//! What every store of journals must do.

mod cases;
mod faults;
mod harness;

pub use cases::{
    a_dropped_creation_stored_all_or_nothing, a_missing_object_is_none,
    an_object_of_one_mebibyte_is_stored_whole, an_unknown_rollout_is_empty,
    another_view_sees_what_was_created, concurrent_writers_of_different_objects_all_win,
    content_is_stored_whole, of_eight_concurrent_writers_one_wins, rollouts_are_kept_apart,
    the_first_creation_wins, the_list_is_sorted_and_complete_with_gaps, what_was_created_survives_reopening,
};
pub use faults::{
    a_commit_whose_answer_was_lost_is_recognised, a_damaged_object_is_neither_hidden_nor_replaced,
    a_full_store_keeps_what_it_has, a_list_begins_where_it_was_asked_to,
    a_store_without_the_right_to_write_says_so, every_writer_of_one_journal_gets_a_number_of_its_own,
};
pub use harness::JournalStoreHarness;
