//! Names, quantities and times that are none, and names of what does not exist.

use std::error::Error;
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

use immutable_core::calendar::{LocalTime, Moment};
use immutable_core::controller::{Clock, send_control};
use immutable_core::journal::{Control, MemoryStore};
use immutable_core::strategy::Share;
use immutable_core::{
    BarrierName, Channel, ClockId, Digest, FleetId, GateName, ImageName, InstanceId, Quantity, RolloutId,
    ServiceName, Timestamp, Token, WriterId, Zone,
};
use immutable_testkit::clock::VirtualClock;

use crate::source::occurrences;
use crate::table::{Row, assert_golden, text};
use crate::world::rollout;

fn refused<T: FromStr<Err: Error> + Debug>(text: &str) -> Row {
    Row::new(&text.parse::<T>().unwrap_err())
}

#[test]
fn texts_that_are_no_names_quantities_or_times() {
    let rows = [
        refused::<FleetId>("Web"),
        refused::<RolloutId>(""),
        refused::<Zone>("eu west"),
        refused::<ImageName>("-web"),
        refused::<Channel>("../stable"),
        refused::<GateName>("go!"),
        refused::<BarrierName>(&"b".repeat(64)),
        refused::<ServiceName>("wéb"),
        refused::<InstanceId>("i 1"),
        refused::<WriterId>(""),
        refused::<ClockId>("a/b"),
        refused::<Token>("0123"),
        refused::<Digest>("md5:00"),
        refused::<Quantity>("3"),
        refused::<Quantity>("-5%"),
        refused::<Quantity>("5000000000%"),
        Row::new(&Share::new(101).unwrap_err()),
        refused::<Timestamp>("tomorrow"),
        refused::<Moment>("2026-13-01"),
        refused::<LocalTime>("9 am"),
    ];
    let ids = rows.iter().filter(|row| row.kind == "InvalidId").count();
    assert_eq!(ids, occurrences("id.rs", "\ntext_id! {") + 1, "one of every kind of name, and a token");
    assert_golden!("names", text(&rows));
}

#[test]
fn a_journal_that_nobody_began() {
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let writer = WriterId::new("me").unwrap();
    let (name, reading) = (rollout("deploy-4"), clock.read());
    let sent = send_control(Arc::new(MemoryStore::new()), &name, writer, Control::Pause, &reading);
    let row = Row::new(&clock.run(sent).unwrap_err());
    assert_golden!("journal", text(&[row]));
}
