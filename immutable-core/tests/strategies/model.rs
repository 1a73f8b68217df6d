//! The acts that the design allows in a stage, and whether they lead through a list of stages.

use immutable_core::limits::Budget;
use immutable_core::strategy::{Share, Stage};

/// A fleet without faults: what is launched is ready at once, what leaves is gone at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct World {
    new: u32,
    old: u32,
    share: Share,
}

impl World {
    fn fits(self, stage: &Stage) -> bool {
        self.new >= stage.new && self.old <= stage.old && stage.share.is_none_or(|share| share == self.share)
    }

    /// One act towards the stage, or the same world if none is allowed.
    fn act(mut self, stage: &Stage, budget: &Budget) -> Self {
        let Budget { desired, max_unavailable, .. } = *budget;
        let needs = |share: Share| share.of(desired).saturating_sub(max_unavailable);
        let rest_is_borne = stage.share.is_none() || self.old > needs(self.share.rest());
        let wanted = stage.share.unwrap_or(self.share);
        // Traffic never goes to nobody, whatever may be unavailable.
        let borne = self.new >= needs(wanted).max(wanted.of(desired).min(1));
        if self.new < stage.new && self.new + self.old < budget.max_total() {
            self.new += 1;
        } else if wanted != self.share && borne {
            self.share = wanted;
        } else if self.old > stage.old && self.new + self.old > budget.min_available() && rest_is_borne {
            self.old -= 1;
        }
        self
    }
}

/// Goes through the stages by allowed acts alone.
///
/// # Errors
/// Where nothing is allowed although the stage is not reached.
pub(crate) fn walk(stages: &[Stage], budget: &Budget) -> Result<(), String> {
    let mut world = World { new: 0, old: budget.desired, share: Share::NONE };
    for (number, stage) in stages.iter().enumerate() {
        while !world.fits(stage) {
            let next = world.act(stage, budget);
            if next == world {
                return Err(format!("stuck before stage {number} `{stage}` at {world:?} within {budget:?}"));
            }
            world = next;
        }
    }
    Ok(())
}
