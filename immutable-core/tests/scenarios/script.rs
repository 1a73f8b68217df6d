//! The script of a scenario, as its file says it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use immutable_core::calendar::Calendar;
use immutable_core::fleet::Health;
use immutable_core::gate::Verdict;
use immutable_core::id::Zone;
use immutable_core::limits::Limits;
use immutable_core::plan::{OnApart, OnFailure, OnResize, OnRetarget};
use immutable_core::strategy::{Reason, StandardStrategy};
use immutable_core::{GateName, InstanceId, Timestamp};
use jiff::fmt::serde::unsigned_duration::friendly::compact::{optional, required as friendly};
use serde::Deserialize;

/// A rollout, and what happens to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    #[serde(skip)]
    pub(crate) name: String,
    /// What it shows, in words.
    pub(crate) why: String,
    /// The numbers of the pains in `docs/pains.md` that it answers.
    #[serde(default)]
    pub(crate) pains: Vec<u8>,
    #[serde(default = "start")]
    pub(crate) start: Timestamp,
    /// When to stop looking.
    #[serde(default = "two_hours", with = "friendly")]
    pub(crate) until: Duration,
    #[serde(default = "three_zones")]
    pub(crate) zones: Vec<Zone>,
    pub(crate) desired: u32,
    /// What exists; `desired` of `v1` unless said otherwise.
    pub(crate) fleet: Option<Vec<Some_>>,
    #[serde(default = "v2")]
    pub(crate) target: String,
    pub(crate) previous: Option<String>,
    #[serde(default)]
    pub(crate) revoked: Vec<String>,
    #[serde(default)]
    pub(crate) marks: BTreeMap<InstanceId, Reason>,
    #[serde(default)]
    pub(crate) on_failure: OnFailure,
    #[serde(default)]
    pub(crate) on_protected: OnApart,
    #[serde(default)]
    pub(crate) on_standby: OnApart,
    #[serde(default)]
    pub(crate) on_resize: OnResize,
    #[serde(default)]
    pub(crate) on_retarget: OnRetarget,
    #[serde(default)]
    pub(crate) picks_victim: bool,
    #[serde(default)]
    pub(crate) known_good: bool,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) strategy: StandardStrategy,
    pub(crate) calendar: Option<Calendar>,
    /// How the images behave; one that is not named is sound.
    #[serde(default)]
    pub(crate) images: BTreeMap<String, Behaviour>,
    /// What the checks say from which time on; before that they have no verdict.
    #[serde(default)]
    pub(crate) checks: BTreeMap<GateName, Vec<Answer>>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
}

/// So many equal instances, launched one after the other so that the first is the oldest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Some_ {
    pub(crate) image: String,
    #[serde(default = "one")]
    pub(crate) count: u32,
    /// Where; in turn over all zones unless said otherwise.
    pub(crate) zone: Option<Zone>,
    #[serde(default = "ready")]
    pub(crate) health: Health,
    #[serde(default = "day", with = "friendly")]
    pub(crate) age: Duration,
    #[serde(default)]
    pub(crate) protected: bool,
    #[serde(default)]
    pub(crate) standby: bool,
    #[serde(default)]
    pub(crate) leader: bool,
    #[serde(default)]
    pub(crate) volume: bool,
    /// It is still starting.
    #[serde(default)]
    pub(crate) launching: bool,
}

/// What instances of an image do.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Behaviour {
    #[serde(with = "friendly")]
    pub(crate) ready_after: Duration,
    /// How long they take to leave.
    #[serde(with = "friendly")]
    pub(crate) gone_after: Duration,
    pub(crate) never_ready: bool,
    /// How long after ready they die.
    #[serde(with = "optional")]
    pub(crate) dies_after: Option<Duration>,
    /// How long they are ready, and then unready, again and again.
    #[serde(with = "optional")]
    pub(crate) flaps: Option<Duration>,
    /// The platform refuses to launch the first so many of them.
    pub(crate) refused: u32,
    /// Only the first so many are bad in the ways above.
    pub(crate) only: Option<u32>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            ready_after: Duration::from_secs(10),
            gone_after: Duration::from_secs(5),
            never_ready: false,
            dies_after: None,
            flaps: None,
            refused: 0,
            only: None,
        }
    }
}

/// What a check says from some time on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    #[serde(default, with = "friendly")]
    pub(crate) from: Duration,
    pub(crate) says: Verdict,
}

/// Something that happens.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    /// After the start.
    #[serde(with = "friendly")]
    pub(crate) at: Duration,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What happens; instances are named `i-0`, `i-1`, … where they were there, and `slot.attempt` where they were launched.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum What {
    /// An instance dies and stays in the list.
    Kill(InstanceId),
    /// An instance disappears from the list.
    Vanish(InstanceId),
    /// An instance fails its health check.
    Unready(InstanceId),
    /// It passes it again.
    Ready(InstanceId),
    /// Instances that nobody knows appear.
    Appear(Some_),
    /// Nothing is known of a zone any more, and nothing can be launched or stopped in it.
    Dark(Zone),
    /// It is back.
    Back(Zone),
    /// Somebody sets an instance apart.
    Protect(InstanceId),
    /// Somebody no longer does.
    Unprotect(InstanceId),
    Revoke(String),
    Resize(u32),
    Retarget(String),
    Limits(Box<Limits>),
    /// A guard over several groups keeps at least so many available.
    Floor(u32),
    Approve(GateName),
    /// Somebody asks for the replacement of an instance.
    Replace(InstanceId),
    /// Something is known against an instance.
    Mark(InstanceId, Reason),
    Say(Say),
}

/// A word of a person.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Say {
    Pause,
    Resume,
    Abort,
    Rollback,
}

fn start() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

const fn two_hours() -> Duration {
    Duration::from_secs(7200)
}

const fn day() -> Duration {
    Duration::from_secs(86_400)
}

const fn one() -> u32 {
    1
}

const fn ready() -> Health {
    Health::Ready
}

fn v2() -> String {
    "v2".to_owned()
}

fn three_zones() -> Vec<Zone> {
    ["a", "b", "c"].map(|name| Zone::new(name).unwrap()).into()
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// The names of all scripts, in order.
pub(crate) fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder().join("scripts")).unwrap();
    let mut names: Vec<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// The text of a script.
pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("scripts/{name}.toml"))).unwrap()
}

impl Script {
    pub(crate) fn read(name: &str) -> Self {
        let script: Self = toml::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), ..script }
    }
}
