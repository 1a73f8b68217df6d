use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// `<prefix>-<process id>-<counter>`: a name no other test of this machine uses at the same time.
///
/// ```
/// assert_ne!(immutable_lab::unique_name("web"), immutable_lab::unique_name("web"));
/// ```
#[must_use]
pub fn unique_name(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
