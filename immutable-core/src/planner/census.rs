use super::{Condition, RolloutState};

/// The counters of the arithmetic (design, "The planner"). Open intents count as done where that is worse: an intended
/// launch exists, an intended retirement is not available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// All that exist.
    pub(super) total: u32,
    /// All that are available.
    pub(super) available: u32,
    /// Of the wanted image, not retiring and not broken.
    pub(super) new: u32,
    /// Of other images, not retiring and not broken.
    pub(super) old: u32,
}

impl Census {
    pub(super) fn of(state: &RolloutState) -> Self {
        let wanted = state.wanted();
        let mut census = Self::default();
        for member in state.members.values() {
            census.total += 1;
            match member.condition {
                Condition::Retiring { .. } => continue,
                // A broken one whose launch was confirmed is retired in the same decision; it holds no place.
                Condition::Broken { .. } => continue,
                Condition::Available => census.available += 1,
                Condition::Launching | Condition::Ready { .. } | Condition::Suspect { .. } => {}
            }
            if member.image == wanted {
                census.new += 1;
            } else {
                census.old += 1;
            }
        }
        census
    }
}
