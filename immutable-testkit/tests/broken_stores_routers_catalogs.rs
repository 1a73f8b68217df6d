//! The suites for stores, routers and catalogs are able to fail: one defect each, and the case that notices it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::controller::Clock;
use immutable_core::error::Retry;
use immutable_core::fleet::{Route, RouteChange, RouteState, Router, RouterError, Weight};
use immutable_core::image::{Catalog, CatalogError, Image, Reference, Status};
use immutable_core::journal::{Created, JournalStore, Key, MemoryStore, StoreError};
use immutable_core::{Channel, Digest, ImageName, RolloutId, Timestamp};
use immutable_testkit::catalog::MemoryCatalog;
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::conformance::catalog::{self as catalog_cases, CatalogHarness};
use immutable_testkit::conformance::journal_store::{self as store_cases, JournalStoreHarness};
use immutable_testkit::conformance::router::{self as router_cases, RouterHarness};
use immutable_testkit::conformance::{CaseResult, Harness, Outcome};
use immutable_testkit::router::MemoryRouter;

/// A backend in memory with one defect, named as in the table of the tests; the empty one is none.
#[derive(Debug)]
struct Broken<T> {
    clock: VirtualClock,
    inner: Arc<T>,
    defect: &'static str,
    half: Arc<Mutex<Vec<Key>>>,
    disk: Arc<Mutex<Disk>>,
}

/// What its harness has done to a store.
#[derive(Debug, Default)]
struct Disk {
    damaged: BTreeMap<Key, Vec<u8>>,
    is_full: bool,
    is_locked: bool,
}

impl<T> Clone for Broken<T> {
    fn clone(&self) -> Self {
        let (inner, half, disk) = (Arc::clone(&self.inner), Arc::clone(&self.half), Arc::clone(&self.disk));
        Self { clock: self.clock.clone(), inner, defect: self.defect, half, disk }
    }
}

impl<T> Broken<T> {
    fn new(defect: &'static str, inner: impl FnOnce(&VirtualClock) -> T) -> Self {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let inner = Arc::new(inner(&clock));
        Self { clock, inner, defect, half: Arc::default(), disk: Arc::default() }
    }
}

impl<T: std::fmt::Debug + Send + Sync> Harness for Broken<T> {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.shared()
    }
}

/// Each case holds without a defect and is violated by one.
macro_rules! rejects {
    ($make:expr, $cases:ident: $($defect:literal => $case:ident;)*) => {
        $(
            let run = |defect| -> CaseResult {
                let broken = Broken::new(defect, $make);
                broken.clock.run($cases::$case(&broken))
            };
            assert_eq!(run(""), Ok(Outcome::Held), "{}", stringify!($case));
            match run($defect) {
                Err(violation) => println!("{}: {violation}", $defect),
                Ok(_) => panic!("{} does not notice: {}", stringify!($case), $defect),
            }
        )*
    };
}

// Stores

#[async_trait]
impl JournalStore for Broken<MemoryStore> {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        let mut bytes = bytes.to_vec();
        let (is_full, is_locked) = {
            let disk = self.disk.lock().unwrap();
            (disk.is_full, disk.is_locked)
        };
        if is_full && bytes.len() > 1000 {
            if self.defect == "leaves half of it" {
                let _ = self.inner.create_if_absent(key, &bytes[..500]).await?;
            }
            let retry = if self.defect == "gives up" { Retry::Never } else { Retry::Backoff };
            return Err(StoreError::new("create", key.to_string(), retry, "no room".into()));
        }
        if is_locked && self.defect != "writes all the same" {
            let place = if self.defect == "does not say where" { String::new() } else { key.to_string() };
            return Err(StoreError::new("create", place, Retry::Never, "forbidden".into()));
        }
        match self.defect {
            "says no and stores nothing" => return Ok(Created::AlreadyExists),
            "writes over what is damaged" if self.disk.lock().unwrap().damaged.remove(key).is_some() => {
                return Ok(Created::AlreadyExists);
            }
            "looks, then writes" => {
                let there = self.inner.get(key).await?.is_some();
                self.clock.sleep_until(self.clock.now() + Duration::from_millis(1)).await;
                let _ = self.inner.create_if_absent(key, &bytes).await?;
                return Ok(if there { Created::AlreadyExists } else { Created::Yes });
            }
            "always says yes" => {
                let _ = self.inner.create_if_absent(key, &bytes).await?;
                return Ok(Created::Yes);
            }
            "same content is yes" if self.inner.get(key).await?.as_deref() == Some(&bytes) => {
                return Ok(Created::Yes);
            }
            "refuses what is being written" => {
                if self.half.lock().unwrap().iter().any(|other| other.rollout() == key.rollout()) {
                    return Err(StoreError::new("create", "a lock", Retry::Backoff, "locked".into()));
                }
                self.half.lock().unwrap().push(key.clone());
                self.clock.sleep_until(self.clock.now() + Duration::from_millis(1)).await;
                self.half.lock().unwrap().clear();
            }
            "cuts at 64 KiB" => bytes.truncate(1 << 16),
            "text only" => bytes = String::from_utf8_lossy(&bytes).into_owned().into_bytes(),
            "half a write" => {
                let created = self.inner.create_if_absent(key, &bytes).await?;
                if created == Created::Yes {
                    self.half.lock().unwrap().push(key.clone());
                    self.clock.sleep_until(self.clock.now() + Duration::from_millis(1)).await;
                    self.half.lock().unwrap().retain(|half| half != key);
                }
                return Ok(created);
            }
            _ => {}
        }
        self.inner.create_if_absent(key, &bytes).await
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        let from = if self.defect == "lists from the beginning" { from.at(1) } else { from.clone() };
        let mut keys = self.inner.list(&from).await?;
        match self.defect {
            "sorts as text" => keys.sort_by_key(|key| key.seq().to_string()),
            "stops at the first gap" => {
                let end = keys.windows(2).position(|pair| pair[0].seq() + 1 != pair[1].seq());
                keys.truncate(end.map_or(keys.len(), |end| end + 1));
            }
            "lists by prefix" => {
                for other in ["a", "a-b", "a.b", "a_b", "ab", "a1"].map(|name| RolloutId::new(name).unwrap())
                {
                    if other.as_str().starts_with(from.rollout().as_str()) && other != *from.rollout() {
                        keys.extend(self.inner.list(&Key::new(other, 1)).await?);
                    }
                }
            }
            "unknown rollout is an error" if keys.is_empty() => {
                return Err(StoreError::new("list", "nowhere", Retry::Never, "not found".into()));
            }
            _ => {}
        }
        Ok(keys)
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let mut bytes = self.inner.get(key).await?;
        if let Some(damaged) = self.disk.lock().unwrap().damaged.get(key) {
            bytes = (self.defect != "hides what is damaged").then(|| damaged.clone());
        }
        if self.defect == "missing is empty" {
            return Ok(Some(bytes.unwrap_or_default()));
        }
        if self.half.lock().unwrap().contains(key) {
            return Ok(bytes.map(|bytes| bytes[..bytes.len() / 2].to_vec()));
        }
        Ok(bytes)
    }
}

#[async_trait]
impl JournalStoreHarness for Broken<MemoryStore> {
    fn store(&self) -> Arc<dyn JournalStore> {
        Arc::new(self.clone())
    }

    fn second_view(&self) -> Option<Arc<dyn JournalStore>> {
        let inner =
            if self.defect == "views are separate" { Arc::default() } else { Arc::clone(&self.inner) };
        Some(Arc::new(Self { inner, ..self.clone() }))
    }

    async fn reopen(&self) -> Option<Arc<dyn JournalStore>> {
        let inner = if self.defect == "forgets" { Arc::default() } else { Arc::clone(&self.inner) };
        Some(Arc::new(Self { inner, ..self.clone() }))
    }

    async fn damage(&self, key: &Key, bytes: &[u8]) -> bool {
        self.disk.lock().unwrap().damaged.insert(key.clone(), bytes.to_vec());
        true
    }

    async fn fill(&self) -> bool {
        self.disk.lock().unwrap().is_full = true;
        true
    }

    async fn make_room(&self) {
        self.disk.lock().unwrap().is_full = false;
    }

    async fn forbid(&self) -> bool {
        self.disk.lock().unwrap().is_locked = true;
        true
    }

    async fn permit(&self) {
        self.disk.lock().unwrap().is_locked = false;
    }
}

#[test]
fn stores() {
    rejects! { |_| MemoryStore::new(), store_cases:
        "always says yes" => the_first_creation_wins;
        "same content is yes" => the_first_creation_wins;
        "looks, then writes" => of_eight_concurrent_writers_one_wins;
        "refuses what is being written" => concurrent_writers_of_different_objects_all_win;
        "text only" => content_is_stored_whole;
        "cuts at 64 KiB" => an_object_of_one_mebibyte_is_stored_whole;
        "sorts as text" => the_list_is_sorted_and_complete_with_gaps;
        "stops at the first gap" => the_list_is_sorted_and_complete_with_gaps;
        "missing is empty" => a_missing_object_is_none;
        "unknown rollout is an error" => an_unknown_rollout_is_empty;
        "lists by prefix" => rollouts_are_kept_apart;
        "views are separate" => another_view_sees_what_was_created;
        "forgets" => what_was_created_survives_reopening;
        "half a write" => a_dropped_creation_stored_all_or_nothing;
        "looks, then writes" => every_writer_of_one_journal_gets_a_number_of_its_own;
        "lists from the beginning" => a_list_begins_where_it_was_asked_to;
        "says no and stores nothing" => a_commit_whose_answer_was_lost_is_recognised;
        "hides what is damaged" => a_damaged_object_is_neither_hidden_nor_replaced;
        "writes over what is damaged" => a_damaged_object_is_neither_hidden_nor_replaced;
        "gives up" => a_full_store_keeps_what_it_has;
        "leaves half of it" => a_full_store_keeps_what_it_has;
        "writes all the same" => a_store_without_the_right_to_write_says_so;
        "does not say where" => a_store_without_the_right_to_write_says_so;
    }
}

// Routers

#[async_trait]
impl Router for Broken<MemoryRouter> {
    async fn observe(&self) -> Result<Vec<Route>, RouterError> {
        let mut routes = self.inner.observe().await?;
        match self.defect {
            "observes backwards" => routes.reverse(),
            "hides drained routes" => routes.retain(|route| route.state != RouteState::Draining),
            "zero is draining" => {
                for route in &mut routes {
                    if route.state == RouteState::Serving(Weight::ZERO) {
                        route.state = RouteState::Draining;
                    }
                }
            }
            "never forgets" => {
                for change in self.inner.applied() {
                    if let RouteChange::Serve { instance, endpoint, weight } = change.change
                        && routes.iter().all(|route| route.instance != instance)
                    {
                        routes.push(Route::new(instance, endpoint, RouteState::Serving(weight)));
                    }
                }
            }
            _ => {}
        }
        Ok(routes)
    }

    async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError> {
        let known = self.inner.observe().await?;
        let mut changes = changes.to_vec();
        for change in &changes {
            let route = |id| known.iter().find(|route| route.instance == id);
            let refuses = match (self.defect, change) {
                ("a route twice is an error", RouteChange::Serve { instance, .. }) => {
                    route(instance.clone()).is_some()
                }
                ("a drain twice is an error", RouteChange::Drain { instance }) => {
                    route(instance.clone()).is_some_and(|route| route.state == RouteState::Draining)
                }
                (
                    "unknown is an error",
                    RouteChange::Drain { instance } | RouteChange::Detach { instance },
                ) => route(instance.clone()).is_none(),
                _ => false,
            };
            if refuses {
                return Err(RouterError::Invalid { reason: self.defect.to_owned() });
            }
        }
        match self.defect {
            "keeps weights" => changes.retain(|change| match change {
                RouteChange::Serve { instance, .. } => known.iter().all(|route| route.instance != *instance),
                _ => true,
            }),
            "keeps addresses" => {
                for change in &mut changes {
                    if let RouteChange::Serve { instance, endpoint, .. } = change
                        && let Some(route) = known.iter().find(|route| route.instance == *instance)
                    {
                        *endpoint = route.endpoint;
                    }
                }
            }
            "removals last" => changes.sort_by_key(|change| !matches!(change, RouteChange::Serve { .. })),
            "dies in a restart" if self.half.lock().unwrap().len() == 1 => changes.clear(),
            _ => {}
        }
        self.inner.apply(&changes).await
    }
}

#[async_trait]
impl RouterHarness for Broken<MemoryRouter> {
    fn router(&self) -> Arc<dyn Router> {
        Arc::new(self.clone())
    }

    async fn restart(&self) -> bool {
        self.inner.restart();
        self.half.lock().unwrap().push(Key::new(RolloutId::new("restarted").unwrap(), 1));
        true
    }
}

#[test]
fn routers() {
    rejects! { |clock| MemoryRouter::new(clock.shared()), router_cases:
        "a route twice is an error" => serve_may_be_repeated;
        "keeps weights" => a_weight_changes;
        "zero is draining" => weight_zero_is_a_route_without_traffic;
        "hides drained routes" => drain_keeps_the_route;
        "a drain twice is an error" => drain_may_be_repeated;
        "unknown is an error" => drain_of_an_unknown_instance_does_nothing;
        "never forgets" => detach_forgets_the_route;
        "unknown is an error" => detach_may_be_repeated;
        "unknown is an error" => detach_of_an_unknown_instance_does_nothing;
        "observes backwards" => observe_is_in_order_of_the_instances;
        "removals last" => changes_are_made_in_order;
        "keeps addresses" => a_changed_address_is_taken_over;
        "dies in a restart" => a_restart_can_be_repaired;
    }
}

// Catalogs

#[async_trait]
impl Catalog for Broken<MemoryCatalog> {
    async fn publish(&self, image: &Image) -> Result<(), CatalogError> {
        let mut image = image.clone();
        let there = self.inner.list(&image.name).await?.iter().any(|other| other.version == image.version);
        match self.defect {
            "a second publish is an error" if there => Err(CatalogError::Conflict {
                name: image.name,
                version: image.version,
                existing: image.digest,
            }),
            "a version can be reused" if there => Ok(()),
            defect => {
                match defect {
                    "loses labels" => image.labels.clear(),
                    "loses parents" => image.parent = None,
                    _ => {}
                }
                self.inner.publish(&image).await
            }
        }
    }

    async fn resolve(&self, name: &ImageName, reference: &Reference) -> Result<Image, CatalogError> {
        let images = self.inner.list(name).await?;
        match (self.defect, reference) {
            ("compares versions as texts", Reference::Version(wanted)) => {
                let matching = images.into_iter().filter(|image| wanted.matches(&image.version));
                matching
                    .max_by_key(|image| image.version.to_string())
                    .ok_or_else(|| CatalogError::NotFound { wanted: name.to_string() })
            }
            ("resolves deprecated ones", Reference::Version(wanted)) => images
                .into_iter()
                .rfind(|image| wanted.matches(&image.version))
                .ok_or_else(|| CatalogError::NotFound { wanted: name.to_string() }),
            ("finds by digest whatever it is", Reference::Digest(digest)) => images
                .into_iter()
                .find(|image| image.digest == *digest)
                .ok_or_else(|| CatalogError::NotFound { wanted: name.to_string() }),
            ("unknown is revoked", _) if images.is_empty() => {
                Err(CatalogError::Revoked { digest: Digest::of(b""), reason: String::new() })
            }
            _ => self.inner.resolve(name, reference).await,
        }
    }

    async fn promote(&self, digest: &Digest, channel: &Channel) -> Result<(), CatalogError> {
        if self.defect == "a channel does not go back" {
            let mut half = self.half.lock().unwrap();
            let key = Key::new(RolloutId::new(&digest.hex()[..60]).unwrap(), 1);
            if half.contains(&key) {
                return Ok(());
            }
            half.push(key);
        }
        self.inner.promote(digest, channel).await
    }

    async fn deprecate(&self, digest: &Digest, reason: &str) -> Result<(), CatalogError> {
        match self.inner.deprecate(digest, reason).await {
            Err(CatalogError::NotFound { .. }) if self.defect == "unknown is success" => Ok(()),
            result => result,
        }
    }

    async fn revoke(&self, digest: &Digest, reason: &str, descend: bool) -> Result<(), CatalogError> {
        let descend = match self.defect {
            "always descends" => true,
            "never descends" => false,
            _ => descend,
        };
        if self.defect == "publishing undoes a revocation" {
            return Ok(());
        }
        self.inner.revoke(digest, reason, descend).await
    }

    async fn list(&self, name: &ImageName) -> Result<Vec<Image>, CatalogError> {
        let mut images = self.inner.list(name).await?;
        match self.defect {
            "lists as texts" => images.sort_by_key(|image| image.version.to_string()),
            "lists everything as active" => images.iter_mut().for_each(|image| image.status = Status::Active),
            _ => {}
        }
        Ok(images)
    }

    async fn collect(&self, name: &ImageName, keep: &[Digest]) -> Result<Vec<Digest>, CatalogError> {
        match self.defect {
            "collects nothing" => Ok(Vec::new()),
            "collects everything" => self.inner.collect(name, &[]).await,
            _ => self.inner.collect(name, keep).await,
        }
    }
}

impl CatalogHarness for Broken<MemoryCatalog> {
    fn catalog(&self) -> Arc<dyn Catalog> {
        Arc::new(self.clone())
    }
}

#[test]
fn catalogs() {
    rejects! { |_| MemoryCatalog::new(), catalog_cases:
        "loses labels" => a_published_image_is_found_whole;
        "a second publish is an error" => publish_may_be_repeated;
        "a version can be reused" => a_version_is_never_reused;
        "compares versions as texts" => the_highest_active_version_is_resolved;
        "resolves deprecated ones" => the_highest_active_version_is_resolved;
        "unknown is revoked" => an_unknown_image_is_not_found;
        "a channel does not go back" => a_channel_moves;
        "unknown is success" => an_unknown_image_cannot_be_promoted_deprecated_or_revoked;
        "resolves deprecated ones" => a_deprecated_image_is_found_by_digest_only;
        "finds by digest whatever it is" => a_revoked_image_is_never_resolved;
        "publishing undoes a revocation" => publishing_again_does_not_undo_a_revocation;
        "never descends" => a_revocation_descends;
        "loses parents" => a_revocation_descends;
        "always descends" => a_revocation_without_descent_does_not;
        "lists as texts" => the_list_is_in_order_of_versions;
        "lists everything as active" => the_list_is_in_order_of_versions;
        "collects nothing" => collect_spares_what_is_needed;
        "collects everything" => collect_spares_what_is_needed;
        "loses parents" => collect_spares_what_is_needed;
    }
}
