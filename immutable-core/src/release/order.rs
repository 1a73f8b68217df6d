use super::{Barrier, Group, ReleaseSpec};
use crate::id::{BarrierName, FleetId, InvalidId};

impl ReleaseSpec {
    /// The release with all of these tiers too: all groups of one, then all groups of the next.
    ///
    /// Each tier is one barrier of its name, passed when the tier is done; an empty tier is passed with the one before it.
    ///
    /// ```
    /// use immutable_core::release::{Release, ReleaseSpec};
    /// use immutable_core::{BarrierName, FleetId};
    ///
    /// let tier = |name: &str, fleets: &[&str]| {
    ///     (BarrierName::new(name).unwrap(), fleets.iter().map(|fleet| FleetId::new(*fleet).unwrap()).collect())
    /// };
    /// let spec = ReleaseSpec::new().tiers([tier("data", &["db-eu", "db-us"]), tier("front", &["web-eu", "web-us"])]);
    /// let release = Release::open(&spec).unwrap();
    /// assert_eq!(release.ready().map(FleetId::as_str).collect::<Vec<_>>(), ["db-eu", "db-us"]);
    /// ```
    #[must_use]
    pub fn tiers(mut self, tiers: impl IntoIterator<Item = (BarrierName, Vec<FleetId>)>) -> Self {
        let mut previous: Option<BarrierName> = None;
        for (name, fleets) in tiers {
            let mut barrier = Barrier::new(name.clone());
            // The groups of a tier carry the order on; where there are none, the barrier does.
            if fleets.is_empty() {
                barrier.after.extend(previous.take());
            }
            self.barriers.push(barrier);
            self.groups.extend(fleets.into_iter().map(|fleet| Group {
                after: previous.iter().cloned().collect(),
                before: vec![name.clone()],
                ..Group::new(fleet)
            }));
            previous = Some(name);
        }
        self
    }

    /// The release with one tier of a graph of tiers too: its groups begin when all tiers in `depends_on` are done. For
    /// services that depend on services.
    ///
    /// The tier is done when the barrier of its name is passed. Several groups that depend on several tiers meet at a
    /// second barrier, `before-<name>`, so that `g` groups and `d` tiers cost `g + d` edges and not `g · d`. In which order
    /// tiers are added does not matter.
    ///
    /// ```
    /// use immutable_core::release::ReleaseSpec;
    /// use immutable_core::{BarrierName, FleetId};
    ///
    /// let name = |text: &str| BarrierName::new(text).unwrap();
    /// let fleets = |texts: &[&str]| texts.iter().map(|text| FleetId::new(*text).unwrap()).collect::<Vec<_>>();
    /// let spec = ReleaseSpec::new()
    ///     .depending(name("web"), fleets(&["web-eu", "web-us"]), [name("api"), name("cache")]).unwrap()
    ///     .depending(name("api"), fleets(&["api-eu", "api-us"]), []).unwrap()
    ///     .depending(name("cache"), fleets(&["cache"]), []).unwrap();
    /// let graph = spec.graph().unwrap();
    /// assert_eq!((graph.nodes(), graph.edges()), (5 + 4, 5 + 2 + 2));
    /// ```
    ///
    /// # Errors
    /// [`InvalidId`] when `before-<name>` is needed and longer than a name may be.
    pub fn depending(
        mut self,
        name: BarrierName,
        fleets: Vec<FleetId>,
        depends_on: impl IntoIterator<Item = BarrierName>,
    ) -> Result<Self, InvalidId> {
        let depends_on: Vec<BarrierName> = depends_on.into_iter().collect();
        let mut done = Barrier::new(name.clone());
        let after = if fleets.is_empty() {
            done.after = depends_on;
            Vec::new()
        } else if fleets.len() > 1 && depends_on.len() > 1 {
            let entry = BarrierName::new(format!("before-{name}"))?;
            self.barriers.push(Barrier { name: entry.clone(), after: depends_on });
            vec![entry]
        } else {
            depends_on
        };
        self.barriers.push(done);
        self.groups.extend(fleets.into_iter().map(|fleet| Group {
            after: after.clone(),
            before: vec![name.clone()],
            ..Group::new(fleet)
        }));
        Ok(self)
    }
}
