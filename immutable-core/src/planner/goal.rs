use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::limits::{Budget, Limits};
use crate::plan::RolloutSpec;
use crate::strategy::Stage;

/// Where a rollout is going: what it was opened with, and what was asked for since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Goal {
    pub(super) target: Digest,
    pub(super) previous: Option<Digest>,
    pub(super) limits: Limits,
    pub(super) budget: Budget,
    pub(super) stages: Vec<Stage>,
    /// How many must be available at least, whatever the limits allow.
    pub(super) floor: u32,
    /// It heads for an image that served before: by one stage, its traffic in as many steps as it takes.
    pub(super) straight: bool,
    /// Targets to begin with once this one is reached.
    pub(super) queue: Vec<Digest>,
}

impl Goal {
    pub(super) fn of(spec: &RolloutSpec) -> Self {
        Self {
            target: spec.target,
            previous: spec.previous,
            limits: spec.limits.clone(),
            budget: spec.budget,
            stages: spec.stages.clone(),
            floor: 0,
            straight: false,
            queue: Vec::new(),
        }
    }

    /// How many instances must be available at any moment.
    pub(super) fn min_available(&self) -> u32 {
        self.budget.min_available().max(self.floor)
    }

    /// The stages of a fleet of another size: each holds the same part of it, so what was half-way stays half-way.
    pub(super) fn scaled(stages: &[Stage], from: u32, to: u32) -> Vec<Stage> {
        let part = |count: u32| {
            if count >= from {
                return to;
            }
            let scaled = (u64::from(count) * u64::from(to)).div_ceil(u64::from(from));
            // A part of `to`, because `count` is less than `from`.
            u32::try_from(scaled).unwrap_or(to)
        };
        let scaled = |stage: &Stage| {
            let new = if stage.new == 0 { 0 } else { part(stage.new) };
            // What belonged together still does: new and old instances of a stage that made up the fleet.
            let old = match stage.old {
                0 => 0,
                old if old < from && stage.new.saturating_add(old) == from => to - new,
                old => part(old),
            };
            // Whoever carries a share of the traffic must be enough for it.
            let (new, old) = match stage.share {
                Some(share) => (new.max(share.of(to)), old.max(share.rest().of(to))),
                None => (new, old),
            };
            Stage {
                new,
                old,
                baseline: if stage.baseline == 0 { 0 } else { part(stage.baseline) },
                ..stage.clone()
            }
        };
        let mut stages: Vec<Stage> = stages.iter().map(scaled).collect();
        if let Some(last) = stages.last_mut() {
            // Of no instances every part is none, but the end is the whole fleet.
            last.new = to;
        }
        stages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Share;

    #[test]
    fn stages_keep_their_part_of_the_fleet() {
        let stages = [Stage::new(1, 9), Stage::new(5, 5), Stage::new(10, 10), Stage::new(10, 0)];
        let numbers = |to| {
            let scaled = Goal::scaled(&stages, 10, to);
            scaled.iter().map(|stage| (stage.new, stage.old)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(20), [(2, 18), (10, 10), (20, 20), (20, 0)]);
        assert_eq!(numbers(4), [(1, 3), (2, 2), (4, 4), (4, 0)]);
        assert_eq!(numbers(1), [(1, 0), (1, 0), (1, 1), (1, 0)]);
        assert_eq!(numbers(0), [(0, 0), (0, 0), (0, 0), (0, 0)]);
        assert_eq!(Goal::scaled(&[Stage::new(0, 0)], 0, 3), [Stage::new(3, 0)], "a fleet of none that grows");

        let quarter = [Stage::new(3, 9).share(Share::new(25).unwrap()), Stage::new(12, 0)];
        let scaled = &Goal::scaled(&quarter, 12, 5)[0];
        assert_eq!((scaled.new, scaled.old), (2, 4), "four must carry three quarters of five");
    }
}
