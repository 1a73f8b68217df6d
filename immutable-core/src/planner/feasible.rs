//! Whether the images and the platform's quota last for the rollout and for its way back: asked before the start, because in
//! the middle it is too late.

use super::{PlanError, PlanRequest};
use crate::digest::Digest;
use crate::plan::{OnFailure, Plan};
use crate::time::Timestamp;

impl PlanRequest {
    /// Nothing is launched of an image that has expired, so both must last until the predicted end.
    pub(super) fn check_expiry(&self, plan: &Plan) -> Result<(), PlanError> {
        let until = plan.as_of + plan.makespan;
        let expired = |image: Digest| Some((image, *self.expires.get(&image).filter(|end| **end <= until)?));
        let rollout = || self.rollout.clone();
        if let Some((image, expires)) = expired(self.target) {
            return Err(PlanError::TargetExpires { rollout: rollout(), image, expires, until });
        }
        match plan.spec.previous.filter(|_| self.goes_back()).and_then(expired) {
            Some((image, expires)) => {
                Err(PlanError::WayBackExpires { rollout: rollout(), image, expires, until })
            }
            None => Ok(()),
        }
    }

    /// Both ways may need all that their limits allow.
    pub(super) fn check_quota(&self, forward: u32, back: u32) -> Result<(), PlanError> {
        let Some(quota) = self.quota else { return Ok(()) };
        let back = if self.goes_back() { back } else { 0 };
        let needed = forward.max(back);
        if needed <= quota {
            return Ok(());
        }
        let field = if forward >= back { "limits.max_surge" } else { "limits.rollback.max_surge" };
        let desired = self.desired;
        Err(PlanError::Quota { rollout: self.rollout.clone(), quota, needed, desired, field })
    }

    fn goes_back(&self) -> bool {
        self.on_failure == OnFailure::Rollback
    }

    /// From this time on nothing can be launched of this image. A rollout that would still need it then is refused.
    pub fn expires(mut self, image: Digest, at: Timestamp) -> Self {
        self.expires.insert(image, at);
        self
    }

    /// How many instances of this fleet the platform allows at once, those that start and stop included. A rollout whose
    /// limits allow more is refused. Default: nobody knows of a quota.
    pub const fn quota(mut self, instances: u32) -> Self {
        self.quota = Some(instances);
        self
    }
}
