//! Every mock stands in for its trait.
#![cfg(feature = "mocks")]
#![expect(clippy::unwrap_used, reason = "a test")]

use immutable_core::controller::Clock;
use immutable_core::event::EventSink;
use immutable_core::fleet::{
    Capabilities, DrainRequest, Fleet, FleetError, LaunchRequest, Launched, Router, RouterError, Snapshot,
    TerminateRequest, Terminated,
};
use immutable_core::gate::{Gate, GateContext, Judgement, MetricQuery, MetricSource, Sample, Verdict};
use immutable_core::image::{Catalog, CatalogError, Image, ImageBuilder, Recipe, Reference};
use immutable_core::journal::{Created, JournalStore, Key};
use immutable_core::limits::Limits;
use immutable_core::strategy::{RolloutStrategy, Stage, StrategyContext};
use immutable_core::{
    Attempt, Channel, Digest, FleetId, GateName, ImageName, InstanceId, RolloutId, Slot, Timestamp, Zone,
};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::mocks::{
    MockCatalog, MockClock, MockEventSink, MockFleet, MockGate, MockImageBuilder, MockJournalStore,
    MockMetricSource, MockRolloutStrategy, MockRouter,
};
use mockall::predicate::eq;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn run<F: Future>(future: F) -> F::Output {
    VirtualClock::new(NOW).run(future)
}

fn rollout() -> RolloutId {
    RolloutId::new("deploy").unwrap()
}

fn instance() -> InstanceId {
    InstanceId::new("i-1").unwrap()
}

fn image() -> Image {
    Image::new(ImageName::new("web").unwrap(), "1.0.0".parse().unwrap(), Digest::of(b"web"))
}

#[test]
fn fleet() {
    let id = FleetId::new("web").unwrap();
    let zone = Zone::new("a").unwrap();
    let mut mock = MockFleet::new();
    mock.expect_id().return_const(id.clone());
    mock.expect_capabilities().return_const(Capabilities::new(vec![zone.clone()]));
    let snapshot = Snapshot::new(id.clone(), NOW, 1, Vec::new());
    mock.expect_observe().returning(move || Ok(snapshot.clone()));
    mock.expect_changed().with(eq(1)).return_const(());
    mock.expect_check().returning(|_| {
        Err(FleetError::Invalid { fleet: FleetId::new("web").unwrap(), reason: "no such image".to_owned() })
    });
    mock.expect_launch()
        .withf(|requests| requests.len() == 1)
        .times(1)
        .returning(|requests| requests.iter().map(|_| Ok(Launched { instance: instance() })).collect());
    mock.expect_drain().returning(|requests| requests.iter().map(|_| Ok(())).collect());
    mock.expect_terminate().returning(|requests| {
        requests.iter().map(|request| Ok(Terminated { instance: request.instance.clone() })).collect()
    });

    let fleet: &dyn Fleet = &mock;
    assert_eq!(fleet.id(), &id);
    assert!(fleet.capabilities().zones.contains(&zone));
    run(async {
        assert_eq!(fleet.observe().await.unwrap().revision, 1);
        fleet.changed(1).await;
        assert!(fleet.check(&Digest::of(b"web")).await.is_err());
        let request = LaunchRequest::new(rollout(), Slot(0), Attempt(1), zone, Digest::of(b"web"));
        let launched = fleet.launch(&[request]).await.remove(0).unwrap().instance;
        fleet.drain(&[DrainRequest::new(launched.clone())]).await.remove(0).unwrap();
        fleet.terminate(&[TerminateRequest::new(launched)]).await.remove(0).unwrap();
    });
}

#[test]
fn router() {
    let mut mock = MockRouter::new();
    mock.expect_observe().returning(|| Ok(Vec::new()));
    mock.expect_apply().returning(|_| Err(RouterError::Invalid { reason: "no backend".to_owned() }));
    assert!(run(mock.observe()).unwrap().is_empty());
    assert!(run(mock.apply(&[])).is_err());
}

#[test]
fn catalog() {
    let mut mock = MockCatalog::new();
    mock.expect_publish().returning(|_| Ok(()));
    mock.expect_resolve().returning(|name, _| Err(CatalogError::NotFound { wanted: name.to_string() }));
    mock.expect_promote().returning(|_, _| Ok(()));
    mock.expect_deprecate().returning(|_, _| Ok(()));
    mock.expect_revoke().withf(|_, reason, descend| reason == "bad" && *descend).returning(|_, _, _| Ok(()));
    mock.expect_list().returning(|_| Ok(vec![image()]));
    mock.expect_collect().returning(|_, keep| Ok(keep.to_vec()));
    let Image { name, digest, .. } = image();
    run(async {
        mock.publish(&image()).await.unwrap();
        assert!(mock.resolve(&name, &Reference::Digest(digest)).await.is_err());
        mock.promote(&digest, &Channel::new("stable").unwrap()).await.unwrap();
        mock.deprecate(&digest, "old").await.unwrap();
        mock.revoke(&digest, "bad", true).await.unwrap();
        assert_eq!(mock.list(&name).await.unwrap(), [image()]);
        assert_eq!(mock.collect(&name, &[digest]).await.unwrap(), [digest]);
    });
}

#[test]
fn image_builder() {
    let mut mock = MockImageBuilder::new();
    mock.expect_bake()
        .returning(|recipe| Ok(Image::new(recipe.name.clone(), recipe.version.clone(), recipe.digest())));
    let recipe = Recipe::new(image().name, image().version, Vec::new());
    assert_eq!(run(mock.bake(&recipe)).unwrap().digest, recipe.digest());
}

#[test]
fn journal_store() {
    let key = Key::new(rollout(), 1);
    let mut mock = MockJournalStore::new();
    mock.expect_create_if_absent().with(eq(key.clone()), eq(*b"x")).returning(|_, _| Ok(Created::Yes));
    mock.expect_list().returning(|_| Ok(Vec::new()));
    mock.expect_get().returning(|_| Ok(None));
    assert_eq!(run(mock.create_if_absent(&key, b"x")).unwrap(), Created::Yes);
    assert_eq!(run(mock.list(&Key::new(rollout(), 1))).unwrap(), []);
    assert_eq!(run(mock.get(&key)).unwrap(), None);
}

#[test]
fn gate_and_metric_source() {
    let mut gate = MockGate::new();
    gate.expect_evaluate().returning(|_| Ok(Judgement::new(Verdict::Wait, "samples", "none")));
    let name = GateName::new("errors").unwrap();
    let context = GateContext::new(rollout(), name, NOW, NOW, Digest::of(b"web"));
    assert_eq!(run(gate.evaluate(&context)).unwrap().verdict, Verdict::Wait);

    let mut source = MockMetricSource::new();
    source.expect_read().returning(|query| {
        Ok(query.instances.iter().map(|i| Sample { instance: i.clone(), at: NOW, value: 0.5 }).collect())
    });
    let query = MetricQuery::new("errors", vec![instance()], NOW, NOW);
    assert_eq!(run(source.read(&query)).unwrap().len(), 1);
}

#[test]
fn clock() {
    let mut mock = MockClock::new();
    mock.expect_now().return_const(NOW);
    mock.expect_sleep_until().with(eq(NOW)).times(1).return_const(());
    run(mock.sleep_until(mock.now()));
}

#[test]
fn strategy_and_sink() {
    let mut strategy = MockRolloutStrategy::new();
    strategy.expect_name().return_const("all at once".to_owned());
    strategy.expect_stages().returning(|_| Ok(vec![Stage::new(1, 0)]));
    assert_eq!(strategy.name(), "all at once");
    let context = StrategyContext::new(Limits::default().budget(1).unwrap());
    assert_eq!(strategy.stages(&context), Ok(vec![Stage::new(1, 0)]));

    let mut sink = MockEventSink::new();
    sink.expect_emit().never();
    let _: &dyn EventSink = &sink;
}
