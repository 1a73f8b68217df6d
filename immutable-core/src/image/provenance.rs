use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// How an image came to be: the subset of the SLSA v1 build provenance that a rollout decides by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// Who built it (SLSA `runDetails.builder.id`).
    pub builder: String,
    /// Where the source is (SLSA `externalParameters`).
    pub source: Option<String>,
    /// The revision of the source.
    pub revision: Option<String>,
    /// Everything that went in (SLSA `resolvedDependencies`).
    pub dependencies: Vec<Dependency>,
}

impl Provenance {
    /// Provenance that names only the builder.
    #[must_use]
    pub fn new(builder: impl Into<String>) -> Self {
        Self { builder: builder.into(), source: None, revision: None, dependencies: Vec::new() }
    }
}

/// One thing that went into an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// What it is called, usually a URI.
    pub name: String,
    /// Digest of its content.
    pub digest: Digest,
}
