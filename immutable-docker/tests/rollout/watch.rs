//! The fleet as somebody else sees it, all the time: never through the controller.

use std::time::Duration;

use immutable_core::FleetId;
use immutable_lab::{Haproxy, Lab, Sampler};

/// What was seen at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Servers HAProxy sends new requests to.
    pub(crate) serving: Option<usize>,
    /// Containers that exist, in whatever state.
    pub(crate) total: usize,
}

/// Looks ten times a second; the engine has other work too.
const INTERVAL: Duration = Duration::from_millis(100);

pub(crate) struct Watch(Sampler<Seen>);

impl Watch {
    pub(crate) fn start(lab: &Lab, fleet: &FleetId, haproxy: &Haproxy) -> Self {
        let (api, fleet) = (lab.api(), fleet.clone());
        let admin = haproxy.admin_socket().to_owned();
        let filters =
            format!("%7B%22label%22%3A%5B%22{}%3D{fleet}%22%5D%7D", immutable_docker::labels::FLEET);
        let path = format!("/containers/json?all=1&filters={filters}");
        Self(Sampler::start(INTERVAL, move || {
            let listed = api.get(&path).unwrap();
            let serving = ask(&admin).map(|state| count_serving(&state));
            Seen { serving, total: listed.as_array().unwrap().len() }
        }))
    }

    /// Everything that was seen; panics unless the limits held at every moment.
    pub(crate) fn assert_within(self, min_serving: usize, max_total: usize) {
        let samples = self.0.stop();
        assert!(samples.len() >= 10, "only {} samples", samples.len());
        for sample in &samples {
            let Seen { serving, total } = sample.value;
            assert!(serving.is_none_or(|serving| serving >= min_serving), "{sample:?}");
            assert!(total <= max_total, "{sample:?}");
        }
        let least = samples.iter().filter_map(|sample| sample.value.serving).min();
        let most = samples.iter().map(|sample| sample.value.total).max();
        println!("{} samples: {least:?} serving at least, {most:?} in all at most", samples.len());
    }
}

/// How many servers HAProxy sends new requests to.
pub(crate) fn serving(haproxy: &Haproxy) -> Option<usize> {
    haproxy.command("show servers state web").ok().map(|state| count_serving(&state))
}

/// A killed HAProxy has no answer.
fn ask(admin: &std::path::Path) -> Option<String> {
    use std::io::{Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(admin).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(b"show servers state web\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

/// Lines: `be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight ...`; serving is operational
/// state 2 (running) with no administrative state and a weight.
fn count_serving(state: &str) -> usize {
    let columns = state.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    columns
        .filter(|columns| columns.len() > 8 && columns[1] == "web")
        .filter(|columns| columns[5] == "2" && columns[6] == "0" && columns[7] != "0")
        .count()
}
