//! What a stage waits for before the next one begins.

use std::fmt;
use std::time::Duration;

use super::Stage;
use crate::gate::GateSpec;
use crate::id::GateName;

/// How long a stage with only a part of the fleet stands by default: long enough for an alarm over five minutes to be
/// evaluated twice, which is what the monitoring of most services needs to notice a loud defect.
pub(super) const DETECTION: Duration = Duration::from_secs(600);

/// The gates of a stage, as the strategies take them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pause<'a> {
    pub(super) bake: Duration,
    pub(super) checks: &'a [GateName],
    pub(super) approval: Option<&'a GateName>,
}

impl Pause<'_> {
    /// The stage with these gates.
    pub(super) fn on(self, mut stage: Stage) -> Stage {
        let Self { bake, checks, approval } = self;
        if !bake.is_zero() {
            stage = stage.gate(GateSpec::Bake(bake));
        }
        stage.gates.extend(checks.iter().cloned().map(GateSpec::Check));
        stage.gates.extend(approval.cloned().map(GateSpec::Approval));
        stage
    }
}

/// Every gate with a comma before it.
impl fmt::Display for Pause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bake, checks, approval } = self;
        if !bake.is_zero() {
            write!(f, ", bakes for {bake:?}")?;
        }
        for check in *checks {
            write!(f, ", checks `{check}`")?;
        }
        if let Some(name) = approval {
            write!(f, ", waits for approval `{name}`")?;
        }
        Ok(())
    }
}
