//! A checkpoint is the fold of what is before it: whoever begins with one knows, decides and says the same ever after.

use immutable_core::Digest;
use immutable_core::journal::{Commit, Fold, Reading, Record};
use immutable_core::planner::{decide, due, explain, next_due};
use immutable_core::{ClockId, WriterId};
use proptest::prelude::*;

use crate::generate::{any_case, config_of};
use crate::safety::play;

/// A fold is thawed from its checkpoint after every commit of one record, and the thawed one goes on; it must stay what
/// the fold that was never frozen is. So a difference that shows only later shows too.
fn thawed_goes_on(records: &[(immutable_core::Timestamp, Record)], rollout: &immutable_core::RolloutId) {
    let mut straight = Fold::new(rollout.clone());
    let mut thawed = straight.clone();
    for (at, record) in records {
        let commit = Commit {
            seq: straight.len() + 1,
            prev: straight.head(),
            writer: WriterId::new("me").unwrap(),
            epoch: 0,
            clock: ClockId::new("mine").unwrap(),
            at: *at,
            records: vec![record.clone()],
        };
        let digest = Digest::of(&commit.seq.to_be_bytes());
        straight.apply(&commit, digest).unwrap();
        thawed.apply(&commit, digest).unwrap();
        assert_eq!(thawed, straight, "after {record}");
        let (one, other) = (thawed.state().unwrap(), straight.state().unwrap());
        assert_eq!(decide(one, *at), decide(other, *at), "after {record}");
        assert_eq!(due(one, *at), due(other, *at), "after {record}");
        assert_eq!(next_due(one, *at), next_due(other, *at), "after {record}");
        assert_eq!(explain(one, *at), explain(other, *at), "after {record}");
        let checkpoint = thawed.freeze().unwrap();
        assert_eq!(checkpoint, straight.freeze().unwrap(), "after {record}");
        thawed = Fold::thaw(rollout.clone(), &checkpoint).unwrap();
        assert_eq!(thawed, straight, "thawed after {record}");
        let reading = Reading { clock: commit.clock, at: *at };
        assert_eq!(thawed.time(&reading), straight.time(&reading));
    }
}

proptest! {
    #![proptest_config(config_of(2_000))]

    #[test]
    fn whoever_begins_with_a_checkpoint_goes_on_like_everybody_else(case in any_case()) {
        let Ok(Some(world)) = play(&case) else { return Ok(()) };
        thawed_goes_on(&world.records, world.fold.rollout());
    }
}
