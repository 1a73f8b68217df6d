use std::sync::Arc;

use crate::view::View;

/// One controller process.
#[derive(Clone, Debug)]
pub(crate) enum Writer {
    Down,
    /// Has read the whole journal.
    Current,
    /// Has read a part of it, and does not know that there is more.
    Behind(Arc<View>),
}

impl Writer {
    /// What it knows, if it runs.
    pub(crate) fn view<'v>(&'v self, head: &'v Arc<View>) -> Option<&'v Arc<View>> {
        match self {
            Self::Down => None,
            Self::Current => Some(head),
            Self::Behind(view) => Some(view),
        }
    }
}
