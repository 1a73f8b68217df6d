use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    BlueGreen, Canary, Candidate, Opportunistic, Reason, Recreate, Repair, Rolling, RollingBlueGreen,
    RolloutStrategy, Rotate, SlotOrder, Stage, StrategyContext, StrategyError, Waves,
};

/// Any of the strategies of this library, as a configuration file names it: `kind`, and beside it the fields of that
/// strategy, each of which has a default.
///
/// ```
/// use immutable_core::strategy::StandardStrategy;
///
/// let strategy: StandardStrategy = serde_json::from_str(
///     r#"{"kind": "canary", "steps": [{"size": 1, "bake": "5m"}, {"size": "25%", "approval": "go"}]}"#,
/// )
/// .unwrap();
/// assert_eq!(
///     strategy.to_string(),
///     "canary; 1, bakes for 300s; 25%, bakes for 600s, waits for approval `go`; then all"
/// );
///
/// let error = serde_json::from_str::<StandardStrategy>(r#"{"kind": "rolling", "bakes": "5m"}"#).unwrap_err();
/// assert!(error.to_string().contains("unknown field `bakes`, expected one of"), "{error}");
/// let error = serde_json::from_str::<StandardStrategy>(r#"{"kind": "red_black"}"#).unwrap_err();
/// assert!(error.to_string().contains("unknown variant `red_black`, expected one of `rolling`"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StandardStrategy {
    /// As many at a time as the limits allow.
    Rolling(Rolling),
    /// A complete second group, all traffic at once.
    BlueGreen(BlueGreen),
    /// A complete second group, traffic in steps.
    RollingBlueGreen(RollingBlueGreen),
    /// A few first, the rest while they do well.
    Canary(Canary),
    /// In growing parts.
    Waves(Waves),
    /// All old ones stop before the first new one starts.
    Recreate(Recreate),
    /// Only what goes by itself or is asked for.
    Opportunistic(Opportunistic),
    /// What has lived for long enough.
    Rotate(Rotate),
    /// What drifted, was revoked or is asked for.
    Repair(Repair),
}

/// What every variant can do.
trait Standard: RolloutStrategy + fmt::Display {}

impl<T: RolloutStrategy + fmt::Display> Standard for T {}

impl StandardStrategy {
    fn inner(&self) -> &dyn Standard {
        match self {
            Self::Rolling(strategy) => strategy,
            Self::BlueGreen(strategy) => strategy,
            Self::RollingBlueGreen(strategy) => strategy,
            Self::Canary(strategy) => strategy,
            Self::Waves(strategy) => strategy,
            Self::Recreate(strategy) => strategy,
            Self::Opportunistic(strategy) => strategy,
            Self::Rotate(strategy) => strategy,
            Self::Repair(strategy) => strategy,
        }
    }
}

/// [`Rolling`] with its defaults: it needs no room beyond the limits' own default.
impl Default for StandardStrategy {
    fn default() -> Self {
        Self::Rolling(Rolling::default())
    }
}

impl RolloutStrategy for StandardStrategy {
    fn name(&self) -> &str {
        self.inner().name()
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        self.inner().stages(context)
    }

    fn replaces(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        self.inner().replaces(candidate)
    }

    fn order(&self) -> SlotOrder {
        self.inner().order()
    }
}

impl fmt::Display for StandardStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.inner(), f)
    }
}

macro_rules! from {
    ($($strategy:ident),*) => {$(
        impl From<$strategy> for StandardStrategy {
            fn from(strategy: $strategy) -> Self {
                Self::$strategy(strategy)
            }
        }
    )*};
}

from!(Rolling, BlueGreen, RollingBlueGreen, Canary, Waves, Recreate, Opportunistic, Rotate, Repair);
