//! `kill -9` of the deploying process, and two of them at once.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use immutable_core::Seed;
use immutable_docker::labels;
use serde_json::Value;

use crate::process::{self, SUPERSEDED};
use crate::stage::{Stage, verdict};
use crate::watch::Watch;

const DESIRED: u32 = 10;

/// How many kills; `IMMUTABLE_TEST_KILLS` asks for another number.
fn kills_wanted() -> usize {
    match std::env::var("IMMUTABLE_TEST_KILLS") {
        Ok(asked) => asked.parse().expect("IMMUTABLE_TEST_KILLS is a number of kills"),
        Err(_) => 10,
    }
}

/// The engine's own record of every container it creates for a fleet. Listened to all along, because the engine
/// remembers only its last 256 events.
pub(crate) struct Creations {
    stream: UnixStream,
    listener: JoinHandle<Vec<u8>>,
}

impl Creations {
    pub(crate) fn listen(stage: &Stage) -> Self {
        let filters = format!(
            "%7B%22label%22%3A%5B%22{}%3D{}%22%5D%2C%22event%22%3A%5B%22create%22%5D%7D",
            labels::FLEET,
            stage.fleet_id
        );
        let mut stream = UnixStream::connect(stage.lab.socket()).unwrap();
        // HTTP/1.0, so that the events come as they are and not in chunks.
        write!(stream, "GET /events?filters={filters} HTTP/1.0\r\nHost: engine\r\n\r\n").unwrap();
        let mut reader = stream.try_clone().unwrap();
        let listener = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            bytes
        });
        Self { stream, listener }
    }

    /// No launch token was given to two containers.
    pub(crate) fn assert_launched_once(self, at_least: usize) {
        self.stream.shutdown(Shutdown::Both).unwrap();
        let answer = String::from_utf8(self.listener.join().unwrap()).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut launches = BTreeMap::<String, usize>::new();
        for event in serde_json::Deserializer::from_str(body).into_iter::<Value>() {
            let event = event.unwrap();
            let token = event["Actor"]["Attributes"][labels::TOKEN].as_str().unwrap().to_owned();
            *launches.entry(token).or_default() += 1;
        }
        println!("{} launches, each once", launches.len());
        assert!(launches.values().all(|count| *count == 1), "{launches:?}");
        assert!(launches.len() >= at_least, "{} launches", launches.len());
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn killed_at_random_moments_it_loses_nothing() {
    let stage = Stage::running(DESIRED);
    let seed = Seed::new(now());
    println!("seed {seed:?}");
    let creations = Creations::listen(&stage);
    let watch = Watch::start(&stage.lab, &stage.fleet_id, &stage.haproxy);
    let load = stage.load();
    let wanted = kills_wanted();
    let (mut kills, mut rollouts, mut lives) = (0, 0_u64, 0);
    while kills < wanted {
        rollouts += 1;
        let target = if rollouts % 2 == 1 { stage.images.v2 } else { stage.images.v1 };
        let rollout = format!("roll-{rollouts}");
        loop {
            let mut child = process::deploy(&stage, &rollout, target, DESIRED);
            lives += 1;
            let moment = Duration::from_millis(100 + seed.rank(&u64::to_be_bytes(lives)) % 1500);
            if kills < wanted {
                std::thread::sleep(moment);
                child.kill().unwrap();
            }
            let status = child.wait().unwrap();
            if status.success() {
                break;
            }
            assert!(status.code().is_none(), "it did not die by the signal but by itself: {status}");
            kills += 1;
        }
        stage.assert_ends_with(target, DESIRED as usize);
    }
    let report = load.stop();
    println!("{kills} kills in {rollouts} rollouts; {report}");
    verdict(&report).unwrap();
    watch.assert_within(DESIRED as usize, DESIRED as usize + 3);
    creations.assert_launched_once(DESIRED as usize);
}

#[test]
fn two_processes_at_once_do_not_get_in_each_others_way() {
    let stage = Stage::running(DESIRED);
    let creations = Creations::listen(&stage);
    let watch = Watch::start(&stage.lab, &stage.fleet_id, &stage.haproxy);
    for (rollout, target, delay) in [("both", stage.images.v2, 0), ("later", stage.images.v1, 700)] {
        let mut first = process::deploy(&stage, rollout, target, DESIRED);
        std::thread::sleep(Duration::from_millis(delay));
        let mut second = process::deploy(&stage, rollout, target, DESIRED);
        let codes = [first.wait().unwrap().code(), second.wait().unwrap().code()];
        let mut sorted = codes;
        sorted.sort_unstable();
        assert_eq!(sorted, [Some(0), Some(SUPERSEDED)], "one finishes, the other stands back");
        stage.assert_ends_with(target, DESIRED as usize);
    }
    watch.assert_within(DESIRED as usize, DESIRED as usize + 3);
    creations.assert_launched_once(2 * DESIRED as usize);
}
