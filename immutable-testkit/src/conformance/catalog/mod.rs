//! What every catalog must do.

mod cases;
mod harness;
mod revocation;

pub use cases::{
    a_channel_moves, a_deprecated_image_is_found_by_digest_only, a_published_image_is_found_whole,
    a_version_is_never_reused, an_unknown_image_cannot_be_promoted_deprecated_or_revoked,
    an_unknown_image_is_not_found, collect_spares_what_is_needed, publish_may_be_repeated,
    the_highest_active_version_is_resolved, the_list_is_in_order_of_versions,
};
pub use harness::CatalogHarness;
pub use revocation::{
    a_revocation_descends, a_revocation_without_descent_does_not, a_revoked_image_is_never_resolved,
    publishing_again_does_not_undo_a_revocation,
};
