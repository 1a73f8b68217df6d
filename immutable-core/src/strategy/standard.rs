use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
///
/// Write `kind` first: then an error in a file tells the line and the column of the field that is wrong, and otherwise only
/// those of the whole strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// The values of `kind`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Rolling,
    BlueGreen,
    RollingBlueGreen,
    Canary,
    Waves,
    Recreate,
    Opportunistic,
    Rotate,
    Repair,
}

impl Kind {
    /// The strategy of this kind with these fields.
    fn read<'de, D: Deserializer<'de>>(self, fields: D) -> Result<StandardStrategy, D::Error> {
        match self {
            Self::Rolling => Rolling::deserialize(fields).map(Into::into),
            Self::BlueGreen => BlueGreen::deserialize(fields).map(Into::into),
            Self::RollingBlueGreen => RollingBlueGreen::deserialize(fields).map(Into::into),
            Self::Canary => Canary::deserialize(fields).map(Into::into),
            Self::Waves => Waves::deserialize(fields).map(Into::into),
            Self::Recreate => Recreate::deserialize(fields).map(Into::into),
            Self::Opportunistic => Opportunistic::deserialize(fields).map(Into::into),
            Self::Rotate => Rotate::deserialize(fields).map(Into::into),
            Self::Repair => Repair::deserialize(fields).map(Into::into),
        }
    }
}

// By hand, because what serde derives for a tagged enum buffers all fields before it looks at them, and with that no error
// knows its place any more. Here only what comes before `kind` is buffered.
impl<'de> Deserialize<'de> for StandardStrategy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = StandardStrategy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a strategy: its `kind`, and beside it its fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let Some(name) = fields.next_key::<String>()? else {
                    return Err(A::Error::missing_field("kind"));
                };
                if name == "kind" {
                    return fields.next_value::<Kind>()?.read(MapAccessDeserializer::new(fields));
                }
                let mut buffer = serde_json::Map::new();
                buffer.insert(name, fields.next_value()?);
                while let Some(name) = fields.next_key::<String>()? {
                    if buffer.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    buffer.insert(name, fields.next_value()?);
                }
                let kind = buffer.remove("kind").ok_or_else(|| A::Error::missing_field("kind"))?;
                let kind = Kind::deserialize(kind).map_err(A::Error::custom)?;
                kind.read(serde_json::Value::Object(buffer)).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
