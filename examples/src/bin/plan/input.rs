use std::collections::BTreeMap;
use std::ops::Range;

use immutable_core::error::with_causes;
use immutable_core::limits::LimitsError;
use immutable_core::plan::{Deadlock, Relaxation};
use immutable_core::planner::PlanError;
use immutable_core::strategy::StandardStrategy;
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::{Document, Mistake, Place};

/// What a JSON file holds.
pub(crate) fn json<T: DeserializeOwned>(document: &Document) -> Result<T, Mistake> {
    let mut deserializer = serde_json::Deserializer::from_str(&document.text);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| bad_json(document, Some(error.path()), error.inner()))?;
    deserializer.end().map_err(|error| bad_json(document, None, &error))?;
    Ok(value)
}

fn bad_json(document: &Document, path: Option<&Path>, error: &serde_json::Error) -> Mistake {
    let text = error.to_string();
    // The place stands in front.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text).to_owned();
    let parsed = Place { line: error.line().max(1), column: error.column().max(1) };
    // What is valid JSON but not what it should be was noticed after it was read.
    let found = path.filter(|_| error.is_data()).and_then(|path| json_value(&document.text, path));
    document.mistake(Some(found.map_or(parsed, |at| document.place(at))), path.and_then(field), text)
}

/// Where the value on this path begins, or the innermost one around it.
fn json_value(text: &str, path: &Path) -> Option<usize> {
    let mut value: &RawValue = serde_json::from_str(text).ok()?;
    for segment in path {
        let inner = match segment {
            Segment::Map { key } | Segment::Enum { variant: key } => {
                let fields = serde_json::from_str::<BTreeMap<String, &RawValue>>(value.get());
                fields.ok().and_then(|mut fields| fields.remove(key))
            }
            Segment::Seq { index } => {
                let items = serde_json::from_str::<Vec<&RawValue>>(value.get());
                items.ok().and_then(|items| items.get(*index).copied())
            }
            Segment::Unknown => None,
        };
        let Some(inner) = inner else { break };
        value = inner;
    }
    // A raw value is borrowed from the text, so its address tells where.
    (value.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)
}

/// What a TOML file holds.
pub(crate) fn toml<T: DeserializeOwned>(document: &Document) -> Result<T, Mistake> {
    let read = |at: Option<usize>, field, error: &toml::de::Error| {
        document.mistake(at.map(|at| document.place(at)), field, error.message().to_owned())
    };
    let table = DeTable::parse(&document.text)
        .map_err(|error| read(error.span().map(|span| span.start), None, &error))?;
    let strategy = table.get_ref().get("strategy").cloned();
    serde_path_to_error::deserialize(toml::Deserializer::from(table)).map_err(|error| {
        let in_strategy = error.path().iter().next().is_some_and(|segment| segment.to_string() == "strategy");
        let exact = strategy.filter(|_| in_strategy).and_then(strategy_error);
        let (prefix, error) = exact.map_or((None, error), |error| (Some("strategy"), error));
        let span = error.inner().span();
        let place = value_inside(document, prefix, error.path(), span.clone());
        let field = match (prefix, field(error.path())) {
            (Some(prefix), Some(field)) => Some(format!("{prefix}.{field}")),
            (prefix, field) => field.or_else(|| prefix.map(str::to_owned)),
        };
        read(place.or_else(|| span.map(|span| span.start)), field, error.inner())
    })
}

/// The error of a strategy once more, with the field that it is in: its fields come in the order of their names, but read
/// with `kind` first, each of them knows what it must be.
fn strategy_error(strategy: Spanned<DeValue<'_>>) -> Option<serde_path_to_error::Error<toml::de::Error>> {
    let DeValue::Table(fields) = strategy.into_inner() else { return None };
    let (kind, others): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(name, _)| name.get_ref() == "kind");
    let fields = kind.into_iter().chain(others).map(|(name, value)| (name.into_inner().into_owned(), value));
    serde_path_to_error::deserialize::<_, StandardStrategy>(MapDeserializer::new(fields)).err()
}

/// Where the value on this path begins, if the span of the error is wider than it: of an array, only the whole.
fn value_inside(
    document: &Document,
    prefix: Option<&str>,
    path: &Path,
    span: Option<Range<usize>>,
) -> Option<usize> {
    let root = DeTable::parse(&document.text).ok()?;
    let mut found: Option<&Spanned<DeValue<'_>>> = prefix.and_then(|name| root.get_ref().get(name));
    for segment in path {
        found = Some(match (found.map(Spanned::get_ref), segment) {
            (None, Segment::Map { key } | Segment::Enum { variant: key }) => {
                root.get_ref().get(key.as_str())?
            }
            (Some(DeValue::Table(table)), Segment::Map { key } | Segment::Enum { variant: key }) => {
                table.get(key.as_str())?
            }
            (Some(DeValue::Array(array)), Segment::Seq { index }) => array.get(*index)?,
            _ => return None,
        });
    }
    let inner = found?.span();
    let inside = span.is_none_or(|outer| outer.start <= inner.start && inner.end <= outer.end);
    inside.then_some(inner.start)
}

fn field(path: &Path) -> Option<String> {
    path.iter().next().is_some().then(|| path.to_string())
}

/// A request that cannot be planned, in the file and at the field that says so.
pub(crate) fn refused(fleet: &Document, rollout: &Document, error: &PlanError) -> Mistake {
    let text = with_causes(error);
    let fields: Vec<String> = match error {
        PlanError::Limits { source, .. } => limits(source),
        PlanError::Strategy { .. } => owned(&["strategy", "limits", "desired"]),
        PlanError::NoZones { .. } => owned(&["zones"]),
        PlanError::RepeatedZone { zone, .. } => {
            let (place, field) = repeated(rollout, "zones", zone.as_str()).unzip();
            return rollout.mistake(place, field, text);
        }
        PlanError::UnknownMark { instance, .. } => {
            let place = find_in(rollout, &["marks"], instance.as_str());
            return rollout.mistake(place, Some(format!("marks.{instance}")), text);
        }
        PlanError::PreviousIsTarget { .. } => owned(&["previous"]),
        PlanError::TargetRevoked { .. } => owned(&["target"]),
        PlanError::NoWayBack { .. } => owned(&["previous", "revoked"]),
        PlanError::TargetExpires { .. } => owned(&["expires", "target"]),
        PlanError::WayBackExpires { .. } => owned(&["expires", "previous"]),
        PlanError::Quota { field, .. } => owned(&["quota", field, "limits", "desired"]),
        PlanError::Deadlock { deadlock, .. } => relaxed(deadlock),
        PlanError::StuckWayBack { .. } => owned(&["limits.rollback", "limits", "on_failure", "strategy"]),
        PlanError::Snapshot { .. } => return fleet.mistake(None, None, text),
        _ => Vec::new(),
    };
    let found = fields.into_iter().find_map(|field| Some((find(rollout, &field)?, field)));
    let (place, field) = found.unzip();
    rollout.mistake(place, field, text)
}

/// The fields of which another value would do; those first that do alone.
fn relaxed(deadlock: &Deadlock) -> Vec<String> {
    let fields = deadlock.ways_out.iter().flatten().filter_map(|relaxation| match relaxation {
        Relaxation::MaxSurge { .. } => Some("limits.max_surge"),
        Relaxation::MaxUnavailable { .. } => Some("limits.max_unavailable"),
        Relaxation::MaxSurgePerZone { .. } => Some("limits.max_surge_per_zone"),
        Relaxation::MaxUnavailablePerZone { .. } => Some("limits.max_unavailable_per_zone"),
        Relaxation::MaxVersions { .. } => Some("limits.max_versions"),
        Relaxation::Free { .. } | Relaxation::Order => None,
        _ => None,
    });
    owned(&fields.chain(["limits", "strategy"]).collect::<Vec<_>>())
}

/// The fields that contradict each other; the first one that the file has is the one to show.
fn limits(error: &LimitsError) -> Vec<String> {
    let mut fields = match error {
        LimitsError::BothZero { scope: "", .. } => owned(&["limits.max_surge", "limits.max_unavailable"]),
        LimitsError::BothZero { .. } => owned(&["limits.rollback"]),
        LimitsError::ProgressDeadline { .. } => {
            owned(&["limits.progress_deadline", "limits.healthy_deadline", "limits.min_ready"])
        }
        LimitsError::SlowerThanProgress { field, .. } => {
            vec![format!("limits.{field}"), "limits.progress_deadline".to_owned()]
        }
        LimitsError::ZoneZero { .. } => {
            owned(&["limits.max_surge_per_zone", "limits.max_unavailable_per_zone"])
        }
        LimitsError::Zero { field } | LimitsError::NoTime { field, .. } => vec![format!("limits.{field}")],
        LimitsError::PoisonZones { .. } => owned(&["limits.poison", "zones"]),
        LimitsError::TooMany { .. } => owned(&["desired"]),
        _ => Vec::new(),
    };
    fields.extend(owned(&["limits", "desired"]));
    fields
}

fn owned(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

/// Where a field stands, if it does.
fn find(document: &Document, field: &str) -> Option<Place> {
    let mut parents: Vec<&str> = field.split('.').collect();
    let name = parents.pop()?;
    find_in(document, &parents, name)
}

/// Where a field of these tables stands, whatever is in its name.
fn find_in(document: &Document, parents: &[&str], name: &str) -> Option<Place> {
    // It was read a moment ago.
    let root = DeTable::parse(&document.text).ok()?;
    let mut table = root.get_ref();
    for parent in parents {
        table = table.get(*parent)?.get_ref().as_table()?;
    }
    let (key, _) = table.get_key_value(name)?;
    Some(document.place(key.span().start))
}

/// Where a list has an item for the second time, and as which of its items.
fn repeated(document: &Document, list: &str, item: &str) -> Option<(Place, String)> {
    let root = DeTable::parse(&document.text).ok()?;
    let items = root.get_ref().get(list)?.get_ref().as_array()?;
    let mut equal = items.iter().enumerate().filter(|(_, value)| value.get_ref().as_str() == Some(item));
    let (number, value) = equal.nth(1)?;
    Some((document.place(value.span().start), format!("{list}[{number}]")))
}
