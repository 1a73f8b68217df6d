use serde::{Deserialize, Serialize};

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Go on.
    Pass,
    /// Stop and undo.
    Fail,
    /// The evidence is complete and says neither; a person must decide.
    Inconclusive,
    /// There is not enough evidence yet; ask again.
    Wait,
}

/// One thing a verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What was looked at.
    pub what: String,
    /// What was seen.
    pub seen: String,
}

/// A verdict with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

impl Judgement {
    /// A verdict that rests on one thing.
    #[must_use]
    pub fn new(verdict: Verdict, what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { verdict, evidence: vec![Evidence { what: what.into(), seen: seen.into() }] }
    }
}
