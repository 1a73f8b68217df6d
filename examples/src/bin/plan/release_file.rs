//! A release as a file: the groups, their order, and of each the files that a plan is made of.

use std::num::NonZeroU32;
use std::path::PathBuf;

use immutable_core::error::with_causes;
use immutable_core::plan::Plan;
use immutable_core::release::{
    Barrier, Group, Node, OnGroupFailure, ReleaseError, ReleasePlanError, ReleaseSpec, Service,
};
use immutable_core::{BarrierName, FleetId, RolloutId, ServiceName};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::{Document, Mistake, Place};

/// A release: groups in the order that depends on one another.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "Release"))]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseFile {
    /// Its name, unlike that of every rollout in it.
    pub(crate) release: RolloutId,
    /// What a failed group leads to. Default `stop`.
    #[serde(default)]
    on_failure: OnGroupFailure,
    /// How many groups run at the same time. Default: as many as their order allows.
    #[serde(default)]
    max_running: Option<NonZeroU32>,
    /// How many groups go back at the same time. Default: as many as their order allows.
    #[serde(default)]
    max_returning: Option<NonZeroU32>,
    /// The groups. Of those that may begin, the one that is declared first begins first.
    pub(crate) groups: Vec<GroupFile>,
    /// The barriers that order them.
    #[serde(default)]
    barriers: Vec<Barrier>,
    /// The services whose traffic is guarded over all their groups.
    #[serde(default)]
    services: Vec<Service>,
}

/// One fleet of a release. Files are looked for beside the file of the release.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupFile {
    /// The fleet.
    fleet: FleetId,
    /// The file with the instances that exist, as for `--fleet`.
    pub(crate) snapshot: PathBuf,
    /// The file with what is asked for, as for `--rollout`.
    #[serde(rename = "rollout")]
    pub(crate) request: PathBuf,
    /// The service whose traffic it takes part in.
    #[serde(default)]
    service: Option<ServiceName>,
    /// It begins when all of these are passed.
    #[serde(default)]
    after: Vec<BarrierName>,
    /// None of these is passed before it is done.
    #[serde(default)]
    before: Vec<BarrierName>,
}

impl ReleaseFile {
    pub(crate) fn spec(&self) -> ReleaseSpec {
        let mut spec = ReleaseSpec::new().on_failure(self.on_failure);
        spec.max_running = self.max_running;
        spec.max_returning = self.max_returning;
        spec.groups = self.groups.iter().map(GroupFile::group).collect();
        spec.barriers.clone_from(&self.barriers);
        spec.services.clone_from(&self.services);
        spec
    }

    /// The plan, if it is one of the group of this number.
    pub(crate) fn check(&self, number: usize, document: &Document, plan: Plan) -> Result<Plan, Mistake> {
        let GroupFile { fleet, snapshot, .. } = &self.groups[number];
        if plan.spec.fleet == *fleet {
            return Ok(plan);
        }
        let text = format!("{} is of fleet `{}`, not of `{fleet}`", snapshot.display(), plan.spec.fleet);
        let earlier = self.groups[..number].iter().filter(|group| group.fleet == *fleet).count();
        let entry = Entry::new("groups", "fleet", fleet.as_str()).nth(earlier).field("snapshot");
        let (place, field) = entry.find(document);
        Err(document.mistake(place, field, text))
    }
}

impl GroupFile {
    fn group(&self) -> Group {
        let mut group = Group::new(self.fleet.clone());
        group.service.clone_from(&self.service);
        group.after.clone_from(&self.after);
        group.before.clone_from(&self.before);
        group
    }
}

/// A release that contradicts itself, at the field that says so.
pub(crate) fn refused(document: &Document, file: &ReleaseFile, error: &ReleasePlanError) -> Mistake {
    let entry = match error {
        ReleasePlanError::Release { source, .. } => entry_of(source),
        // Each file is named by one group, so the name of a rollout is found by its file.
        ReleasePlanError::SameName { .. } | ReleasePlanError::LongName { .. } => None,
        _ => None,
    };
    let (place, field) = entry.map_or((None, None), |entry| entry.find(document));
    let text = match error {
        ReleasePlanError::Release { source, .. } => with_causes(source),
        other => format!("{} ({} groups)", with_causes(other), file.groups.len()),
    };
    document.mistake(place, field, text)
}

fn entry_of(error: &ReleaseError) -> Option<Entry<'_>> {
    Some(match error {
        ReleaseError::Duplicate { node } => Entry::of(node).nth(1),
        ReleaseError::DuplicateService { service } => Entry::new("services", "name", service.as_str()).nth(1),
        ReleaseError::Repeated { node, field, barrier } => Entry::of(node).item(field, barrier.as_str(), 1),
        ReleaseError::UnknownBarrier { node, field, barrier, .. } => {
            Entry::of(node).item(field, barrier.as_str(), 0)
        }
        ReleaseError::UnknownService { group, .. } => {
            Entry::new("groups", "fleet", group.as_str()).field("service")
        }
        ReleaseError::EmptyService { service } => Entry::new("services", "name", service.as_str()),
        ReleaseError::Cycle { nodes } => Entry::of(nodes.first()?),
        _ => return None,
    })
}

/// Where something stands: in a list of tables, the one of this name, and in it a field or an item of a list.
#[derive(Debug)]
struct Entry<'a> {
    list: &'static str,
    key: &'static str,
    name: &'a str,
    nth: usize,
    field: Option<&'a str>,
    item: Option<(&'a str, usize)>,
}

impl<'a> Entry<'a> {
    fn new(list: &'static str, key: &'static str, name: &'a str) -> Self {
        Self { list, key, name, nth: 0, field: None, item: None }
    }

    fn of(node: &'a Node) -> Self {
        match node {
            Node::Group(fleet) => Self::new("groups", "fleet", fleet.as_str()),
            Node::Barrier(barrier) => Self::new("barriers", "name", barrier.as_str()),
        }
    }

    fn nth(mut self, nth: usize) -> Self {
        self.nth = nth;
        self
    }

    fn field(mut self, field: &'a str) -> Self {
        self.field = Some(field);
        self
    }

    fn item(self, field: &'a str, item: &'a str, nth: usize) -> Self {
        Self { item: Some((item, nth)), ..self.field(field) }
    }

    fn find(&self, document: &Document) -> (Option<Place>, Option<String>) {
        self.locate(document).unzip()
    }

    fn locate(&self, document: &Document) -> Option<(Place, String)> {
        // It was read a moment ago.
        let root = DeTable::parse(&document.text).ok()?;
        let list = root.get_ref().get(self.list)?.get_ref().as_array()?;
        let mut named = list.iter().enumerate().filter(|(_, entry)| {
            let name = entry.get_ref().as_table().and_then(|table| table.get(self.key));
            name.and_then(|name| name.get_ref().as_str()) == Some(self.name)
        });
        let (number, entry) = named.nth(self.nth)?;
        let field = self.field.unwrap_or(self.key);
        let path = format!("{}[{number}].{field}", self.list);
        let value = entry.get_ref().as_table()?.get(field)?;
        let Some((item, nth)) = self.item else {
            return Some((document.place(value.span().start), path));
        };
        let equal = |(_, value): &(usize, &Spanned<DeValue<'_>>)| value.get_ref().as_str() == Some(item);
        let (at, value) = value.get_ref().as_array()?.iter().enumerate().filter(equal).nth(nth)?;
        Some((document.place(value.span().start), format!("{path}[{at}]")))
    }
}
