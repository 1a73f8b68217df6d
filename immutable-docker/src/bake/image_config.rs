use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// When everything that is baked is said to have been made.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// The image configuration, whose digest is the image id. Structs and not a map: the bytes are then fixed by the order
/// of the fields here, whatever features of `serde_json` other crates turn on.
#[derive(Debug, Serialize)]
pub(super) struct ImageConfig<'a> {
    architecture: &'a str,
    config: &'a RunConfig,
    created: &'static str,
    os: &'static str,
    rootfs: RootFs,
}

#[derive(Debug, Serialize)]
struct RootFs {
    diff_ids: [String; 1],
    r#type: &'static str,
}

/// How containers of the image run, under the names of Docker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RunConfig {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cmd: Vec<String>,
    pub(super) entrypoint: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) env: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) exposed_ports: BTreeMap<String, Nothing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) healthcheck: Option<HealthConfig>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) working_dir: Option<String>,
}

/// The value of a Go set: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Nothing {}

/// Durations in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HealthConfig {
    pub(super) interval: u64,
    pub(super) retries: u32,
    pub(super) start_period: u64,
    pub(super) test: Vec<String>,
    pub(super) timeout: u64,
}

/// Go's durations end at 292 years.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).min(i64::MAX as u64)
}

impl<'a> ImageConfig<'a> {
    pub(super) fn new(architecture: &'a str, config: &'a RunConfig, layer: String) -> Self {
        Self {
            architecture,
            config,
            created: CREATED,
            os: "linux",
            rootfs: RootFs { diff_ids: [layer], r#type: "layers" },
        }
    }
}
