//! The suite for fleets is able to fail: fleets with one defect each, and the case that notices it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::controller::Clock;
use immutable_core::fleet::{
    Capabilities, DrainRequest, Fleet, FleetError, Health, LaunchRequest, Launched, Phase, Snapshot,
    TerminateRequest, Terminated,
};
use immutable_core::{Attempt, Digest, FleetId, Timestamp, Zone};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::conformance::fleet::{self as cases, FleetHarness};
use immutable_testkit::conformance::{CaseResult, Harness, Outcome};
use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet, Operation};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    IgnoresTokens,
    IgnoresTokensOfConcurrentCalls,
    AcceptsTokensOfOtherRequests,
    LaunchesTwiceWhenDropped,
    ReturnsResultsBackwards,
    ReturnsResultsOfSortedRequests,
    StopsAtTheFirstBadRequest,
    AcceptsAnyImage,
    AcceptsAnyZone,
    LaunchesAnotherImageInstead,
    LosesOrigins,
    MovesZones,
    ClaimsReadiness,
    HidesEndpoints,
    ListsUnsorted,
    ForgetsRevisions,
    NamesAnotherFleet,
    LosesWakeups,
    MissesReadiness,
    NeverTellsOfChanges,
    TellsWithoutTheCapability,
    TerminatesNothing,
    ForgetsThatItTerminated,
    RefusesUnknownInstances,
    TerminatesOnDrain,
    DrainsWithoutTheCapability,
    NoZones,
}

#[derive(Debug)]
struct Broken {
    fleet: Arc<MemoryFleet>,
    clock: VirtualClock,
    defect: Defect,
    renamed: AtomicU32,
    in_flight: Mutex<Vec<LaunchRequest>>,
    other_name: FleetId,
}

impl Broken {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// A request with a token that was not used yet.
    fn with_new_token(&self, request: &LaunchRequest) -> LaunchRequest {
        let attempt = Attempt(1000 + self.renamed.fetch_add(1, Ordering::Relaxed));
        let (rollout, zone) = (request.rollout.clone(), request.zone.clone());
        let mut other = LaunchRequest::new(rollout, request.slot, attempt, zone, request.image);
        other.attempt = request.attempt;
        other
    }

    fn instance_with(&self, request: &LaunchRequest) -> Option<Launched> {
        let carries = |i: &immutable_core::fleet::Instance| {
            i.origin.as_ref().is_some_and(|origin| origin.token == request.token)
        };
        self.fleet.instances().into_iter().find(carries).map(|i| Launched { instance: i.id })
    }

    fn disguised(&self, request: &LaunchRequest) -> LaunchRequest {
        let mut request = request.clone();
        if self.has(Defect::IgnoresTokens)
            || (self.has(Defect::IgnoresTokensOfConcurrentCalls)
                && self.in_flight.lock().unwrap().contains(&request))
        {
            request = self.with_new_token(&request);
        }
        if self.has(Defect::LaunchesAnotherImageInstead)
            || (self.has(Defect::AcceptsAnyImage) && request.image == Digest::of(b"missing"))
        {
            request.image = Digest::of(b"bad");
        }
        if self.has(Defect::MovesZones)
            || (self.has(Defect::AcceptsAnyZone) && request.zone.as_str() == "no-such-zone")
        {
            request.zone = self.fleet.capabilities().zones.remove(1);
        }
        request
    }
}

#[async_trait]
impl Fleet for Broken {
    fn id(&self) -> &FleetId {
        self.fleet.id()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.fleet.capabilities();
        if self.has(Defect::NoZones) {
            capabilities.zones.clear();
        }
        if self.has(Defect::TellsWithoutTheCapability) {
            capabilities.events = false;
        }
        if self.has(Defect::DrainsWithoutTheCapability) {
            capabilities.drain = false;
        }
        capabilities
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        let mut snapshot = self.fleet.observe().await?;
        for instance in snapshot.instances.iter_mut().map(Arc::make_mut) {
            match self.defect {
                Defect::LosesOrigins => instance.origin = None,
                Defect::ClaimsReadiness => instance.phase = Phase::Running(Health::Ready),
                Defect::HidesEndpoints => instance.endpoint = None,
                _ => {}
            }
        }
        match self.defect {
            Defect::ListsUnsorted => snapshot.instances.rotate_left(1),
            Defect::ForgetsRevisions => snapshot.revision = u64::MAX - snapshot.revision,
            Defect::NamesAnotherFleet => snapshot.fleet = self.other_name.clone(),
            _ => {}
        }
        Ok(snapshot)
    }

    async fn changed(&self, since: u64) {
        match self.defect {
            Defect::NeverTellsOfChanges => std::future::pending().await,
            // Waits for the next change, whatever has been missed.
            Defect::LosesWakeups => self.fleet.changed(since.max(self.fleet.revision())).await,
            // Tells of operations only.
            Defect::MissesReadiness => {
                let effects = self.fleet.effects().len();
                while self.fleet.effects().len() == effects {
                    self.clock.sleep_until(self.clock.now() + Duration::from_millis(10)).await;
                }
            }
            _ => self.fleet.changed(since).await,
        }
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        if self.has(Defect::AcceptsAnyImage) { Ok(()) } else { self.fleet.check(image).await }
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        if self.has(Defect::AcceptsTokensOfOtherRequests)
            && let Some(launched) = requests.first().and_then(|request| self.instance_with(request))
        {
            return vec![Ok(launched)];
        }
        let mut asked: Vec<LaunchRequest> = requests.iter().map(|request| self.disguised(request)).collect();
        self.in_flight.lock().unwrap().extend(requests.iter().cloned());
        if self.has(Defect::LaunchesTwiceWhenDropped) {
            // Remembers the token only when it returns.
            if let Some(launched) = requests.first().and_then(|request| self.instance_with(request))
                && self.fleet.instances().iter().any(|i| i.id == launched.instance && i.is_ready())
            {
                return vec![Ok(launched)];
            }
            asked = requests.iter().map(|request| self.with_new_token(request)).collect();
            let results = self.fleet.launch(&asked).await;
            return results;
        }
        if self.has(Defect::ReturnsResultsOfSortedRequests) {
            asked.sort_by_key(|request| request.slot);
        }
        if self.has(Defect::StopsAtTheFirstBadRequest) {
            let mut results = Vec::new();
            for request in asked {
                let failed = results.iter().any(Result::is_err);
                results.push(if failed {
                    Err(FleetError::NoCapacity { fleet: self.id().clone(), reason: "stopped".to_owned() })
                } else {
                    self.fleet.launch(&[request]).await.remove(0)
                });
            }
            return results;
        }
        let mut results = self.fleet.launch(&asked).await;
        if self.has(Defect::ReturnsResultsBackwards) {
            results.reverse();
        }
        self.in_flight.lock().unwrap().retain(|request| !requests.contains(request));
        results
    }

    async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>> {
        if self.has(Defect::TerminatesOnDrain) || self.has(Defect::DrainsWithoutTheCapability) {
            let stop: Vec<_> = requests.iter().map(|r| TerminateRequest::new(r.instance.clone())).collect();
            return self.fleet.terminate(&stop).await.into_iter().map(|result| result.map(|_| ())).collect();
        }
        self.fleet.drain(requests).await
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        let unknown = |r: &TerminateRequest| self.fleet.instance(&r.instance).is_none();
        let refuses = match self.defect {
            Defect::RefusesUnknownInstances => {
                requests.iter().any(|r| r.instance.as_str() == "no-such-instance")
            }
            Defect::ForgetsThatItTerminated => {
                requests.iter().any(|r| unknown(r) && r.instance.as_str() != "no-such-instance")
            }
            _ => false,
        };
        if refuses {
            let reason = || "no such instance".to_owned();
            let refusal = || Err(FleetError::Invalid { fleet: self.id().clone(), reason: reason() });
            return requests.iter().map(|_| refusal()).collect();
        }
        if self.has(Defect::TerminatesNothing) {
            return requests.iter().map(|r| Ok(Terminated { instance: r.instance.clone() })).collect();
        }
        self.fleet.terminate(requests).await
    }
}

#[derive(Debug)]
struct Setup {
    clock: VirtualClock,
    fleet: Arc<Broken>,
    shows_foreign: bool,
}

impl Setup {
    fn new(defect: Defect) -> Self {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
            .zones(["a", "b"].map(|zone| Zone::new(zone).unwrap()))
            .image(Digest::of(b"good"), ImageBehaviour::Healthy)
            .image(Digest::of(b"bad"), ImageBehaviour::NeverReady)
            .call_time(Operation::Launch, Duration::from_millis(30))
            .build();
        let other_name = FleetId::new("mail").unwrap();
        let (renamed, in_flight) = (AtomicU32::new(0), Mutex::default());
        let fleet = Broken { fleet, clock: clock.clone(), defect, renamed, in_flight, other_name };
        Self { clock, fleet: Arc::new(fleet), shows_foreign: false }
    }
}

impl Harness for Setup {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.shared()
    }
}

/// A fleet of another name with the same instances.
#[derive(Debug)]
struct Alias(Arc<MemoryFleet>, FleetId);

#[async_trait]
impl Fleet for Alias {
    fn id(&self) -> &FleetId {
        &self.1
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        self.0.observe().await
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        self.0.check(image).await
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        self.0.launch(requests).await
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        self.0.terminate(requests).await
    }
}

impl FleetHarness for Setup {
    fn fleet(&self) -> Arc<dyn Fleet> {
        Arc::<Broken>::clone(&self.fleet)
    }

    fn good_image(&self) -> Digest {
        Digest::of(b"good")
    }

    fn never_ready_image(&self) -> Digest {
        Digest::of(b"bad")
    }

    fn missing_image(&self) -> Digest {
        Digest::of(b"missing")
    }

    fn other_fleet(&self) -> Option<Arc<dyn Fleet>> {
        let alias = Alias(Arc::clone(&self.fleet.fleet), self.fleet.other_name.clone());
        self.shows_foreign.then(|| Arc::new(alias) as Arc<dyn Fleet>)
    }
}

/// The case holds for a fleet without defect and is violated by this one.
macro_rules! rejects {
    ($($test:ident: $defect:ident => $case:ident;)*) => {
        $(
            #[test]
            fn $test() {
                let run = |defect| -> CaseResult {
                    let setup = Setup::new(defect);
                    setup.clock.run(cases::$case(&setup))
                };
                assert_eq!(run(Defect::None), Ok(Outcome::Held));
                println!("{}", run(Defect::$defect).unwrap_err());
            }
        )*
    };
}

rejects! {
    tokens: IgnoresTokens => launch_is_idempotent_by_token;
    tokens_at_once: IgnoresTokensOfConcurrentCalls => concurrent_launches_with_one_token_launch_once;
    tokens_in_a_batch: IgnoresTokens => one_batch_with_a_token_twice_launches_once;
    tokens_of_other_requests: AcceptsTokensOfOtherRequests => a_token_of_another_request_is_refused;
    dropped_calls: LaunchesTwiceWhenDropped => a_dropped_launch_can_be_repeated;
    order: ReturnsResultsBackwards => launch_results_are_in_order;
    order_of_slots: ReturnsResultsOfSortedRequests => launch_results_are_in_order;
    bad_requests: StopsAtTheFirstBadRequest => a_batch_with_a_bad_request_does_the_others;
    images: AcceptsAnyImage => a_missing_image_is_refused_and_launches_nothing;
    zones: AcceptsAnyZone => an_unknown_zone_is_refused;
    another_image: LaunchesAnotherImageInstead => launched_instances_show_origin_image_and_zone;
    another_image_is_not_ready: LaunchesAnotherImageInstead => a_launched_instance_becomes_ready;
    origins: LosesOrigins => launched_instances_show_origin_image_and_zone;
    other_zones: MovesZones => launched_instances_show_origin_image_and_zone;
    readiness: ClaimsReadiness => a_never_ready_image_never_becomes_ready;
    endpoints: HidesEndpoints => a_launched_instance_becomes_ready;
    sorting: ListsUnsorted => snapshots_are_sorted_and_their_revisions_grow;
    revisions: ForgetsRevisions => snapshots_are_sorted_and_their_revisions_grow;
    names: NamesAnotherFleet => snapshots_are_sorted_and_their_revisions_grow;
    lost_wakeups: LosesWakeups => changed_returns_at_once_for_a_stale_revision;
    readiness_unannounced: MissesReadiness => changed_wakes_when_an_instance_becomes_ready;
    launches_unannounced: NeverTellsOfChanges => changed_wakes_on_a_launch;
    terminations_unannounced: NeverTellsOfChanges => changed_wakes_on_a_termination;
    events_without_capability: TellsWithoutTheCapability => changed_wakes_on_a_launch;
    terminations: TerminatesNothing => terminate_proves_that_instances_are_gone;
    dropped_terminations: TerminatesNothing => a_dropped_terminate_can_be_repeated;
    repeated_terminations: ForgetsThatItTerminated => terminate_may_be_repeated;
    unknown_instances: RefusesUnknownInstances => terminate_of_an_unknown_instance_succeeds;
    drains: TerminatesOnDrain => drain_may_be_repeated_and_stops_nothing;
    drains_without_capability: DrainsWithoutTheCapability => drain_may_be_repeated_and_stops_nothing;
    capabilities: NoZones => capabilities_are_usable;
}

#[test]
fn foreign_instances() {
    let mut setup = Setup::new(Defect::None);
    setup.shows_foreign = true;
    println!("{}", setup.clock.run(cases::instances_of_another_fleet_are_not_shown(&setup)).unwrap_err());
}
