use std::fmt;

use serde::{Deserialize, Serialize};

use crate::gate::GateSpec;

/// A target state on the way: how many instances of the new image, how many of the old one, and what must be true
/// before the next stage begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Stage {
    /// How many instances of the new image there shall be.
    pub new: u32,
    /// How many instances of other images are kept.
    pub old: u32,
    /// What must pass, once the numbers are reached.
    pub gates: Vec<GateSpec>,
}

impl Stage {
    /// A stage without gates.
    #[must_use]
    pub const fn new(new: u32, old: u32) -> Self {
        Self { new, old, gates: Vec::new() }
    }

    /// The stage with one more gate.
    #[must_use]
    pub fn gate(mut self, gate: GateSpec) -> Self {
        self.gates.push(gate);
        self
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} new, {} old", self.new, self.old)?;
        for gate in &self.gates {
            write!(f, ", {gate}")?;
        }
        Ok(())
    }
}
