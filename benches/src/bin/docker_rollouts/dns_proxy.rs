use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::container::{Container, PORT};
use crate::error::BenchError;
use crate::interrupt::Interrupt;
use crate::stage::Entrance;

const ENTRANCE: u16 = 8000;
const READY_WITHIN: Duration = Duration::from_secs(60);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// An HAProxy that finds its servers by a name in the engine's DNS: what Swarm and docker-compose users put in front.
///
/// Only containers can ask that DNS, so it runs in the network namespace of one; its port exists only in there. Without
/// Swarm's routing mesh, whose kernel module (IPVS) is not to be had on every machine, a service needs such a proxy.
#[derive(Debug)]
pub(crate) struct DnsProxy {
    child: Child,
    folder: TempDir,
    netns: PathBuf,
}

impl DnsProxy {
    /// Starts it beside `host` with up to `slots` servers, and waits until it sends requests to `serving` of them.
    pub(crate) fn start(
        interrupt: &Interrupt,
        host: &Container,
        name: &str,
        slots: u32,
        serving: u32,
    ) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir().map_err(BenchError::io("making a folder for HAProxy"))?;
        let admin = folder.path().join("admin.sock");
        let config = folder.path().join("haproxy.cfg");
        fs::write(&config, configuration(&admin, name, slots))
            .map_err(BenchError::io(format!("writing {}", config.display())))?;
        let netns = PathBuf::from(format!("/proc/{}/ns/net", host.pid));
        let log = folder.path().join("log");
        let log = File::create(&log).map_err(BenchError::io(format!("making {}", log.display())))?;
        let mut inside = std::ffi::OsString::from("--net=");
        inside.push(&netns);
        // It is in no namespace of the engine's, where everything is ended at the end, so it must end with this process.
        let child = Command::new("nsenter")
            .arg(inside)
            .args(["setpriv", "--pdeathsig", "KILL", "haproxy", "-db", "-f"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(BenchError::io("starting HAProxy"))?;
        let mut proxy = Self { child, folder, netns };
        interrupt.wait_for("HAProxy with all its servers", READY_WITHIN, || {
            if let Ok(Some(status)) = proxy.child.try_wait() {
                return Err(proxy.ended(&status.to_string()));
            }
            Ok((serving_servers(&admin) == Some(serving as usize)).then_some(()))
        })?;
        Ok(proxy)
    }

    pub(crate) fn entrance(&self) -> Entrance {
        Entrance {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, ENTRANCE)),
            netns: Some(self.netns.clone()),
        }
    }

    fn ended(&self, status: &str) -> BenchError {
        let output = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        BenchError::Failed { command: "haproxy".to_owned(), status: status.to_owned(), output }
    }
}

impl Drop for DnsProxy {
    fn drop(&mut self) {
        // Both fail for a process that has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As the lab's own HAProxy, which our router works on, but for where the servers come from.
fn configuration(admin: &Path, name: &str, slots: u32) -> String {
    format!(
        "global
    maxconn 2000
    noreuseport
    stats socket {admin} mode 600 level admin

resolvers engine
    nameserver dns 127.0.0.11:53
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 500ms
    timeout retry 500ms
    hold valid 500ms

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    retries 3
    option redispatch
    retry-on conn-failure

frontend bench
    bind 127.0.0.1:{ENTRANCE}
    default_backend web

backend web
    balance roundrobin
    server-template web {slots} {name}:{PORT} check inter 500ms resolvers engine init-addr none
",
        admin = admin.display()
    )
}

/// How many servers it sends requests to; `None` when it does not answer.
fn serving_servers(admin: &Path) -> Option<usize> {
    let mut stream = UnixStream::connect(admin).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    stream.write_all(b"show servers state web\n").ok()?;
    let mut state = String::new();
    stream.read_to_string(&mut state).ok()?;
    Some(count_serving(&state))
}

/// Lines of `be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state ...`, after a version and a comment;
/// an operational state of 2 is up, an administrative one of 0 is nobody's maintenance.
fn count_serving(state: &str) -> usize {
    let servers = state.lines().skip(1).filter(|line| !line.starts_with('#'));
    let words = servers.map(|line| line.split(' ').collect::<Vec<_>>());
    words.filter(|words| words.get(5) == Some(&"2") && words.get(6) == Some(&"0")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_up_and_not_in_maintenance_serves() {
        let state = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n\
                     3 web 1 web1 10.0.0.2 2 0 1 1 9 6 3 4 6 0 0 0 - 8080 - 0 0 - - 0\n\
                     3 web 2 web2 - 0 32 1 1 9 1 0 0 14 0 0 0 web 8080 - 0 0 - - 0\n";
        assert_eq!(count_serving(state), 1);
    }
}
