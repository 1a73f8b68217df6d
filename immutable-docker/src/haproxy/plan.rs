use std::net::SocketAddr;

use immutable_core::InstanceId;
use immutable_core::fleet::{RouteChange, Weight};

use super::command::{AdminState, Command, ServerRef};
use super::config::{DrainMode, HaproxyConfig};
use super::name::ServerName;
use super::servers::{Server, Servers};

/// One change that this version knows how to make.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) instance: &'a InstanceId,
    want: Want,
}

#[derive(Clone, Copy, Debug)]
enum Want {
    Served { endpoint: SocketAddr, weight: Weight },
    Drained,
    Gone,
}

impl<'a> Change<'a> {
    /// `None` for a change that was added to the vocabulary after this version.
    pub(super) const fn of(change: &'a RouteChange) -> Option<Self> {
        Some(match change {
            RouteChange::Serve { instance, endpoint, weight } => {
                Self { instance, want: Want::Served { endpoint: *endpoint, weight: *weight } }
            }
            RouteChange::Drain { instance } => Self { instance, want: Want::Drained },
            RouteChange::Detach { instance } => Self { instance, want: Want::Gone },
            _ => return None,
        })
    }

    /// The commands that lead from what HAProxy shows to what the change wants; none if it is so already. Pure, so
    /// what a refused command left behind is simply planned for again.
    pub(super) fn commands(&self, servers: &Servers, config: &HaproxyConfig) -> Vec<Command> {
        let server = ServerRef { backend: config.backend.clone(), server: ServerName::of(self.instance) };
        let current = servers.get(self.instance);
        match (self.want, current) {
            (Want::Served { endpoint, weight }, None) => {
                let options = config.server.clone();
                let check = options.check.is_some().then(|| Command::EnableHealth(server.clone()));
                std::iter::once(Command::Add { server: server.clone(), endpoint, weight, options })
                    .chain(check)
                    .chain([Command::SetState(server, AdminState::Ready)])
                    .collect()
            }
            // Whatever listens at the old address is not the instance any more: nothing there is worth finishing.
            (Want::Served { endpoint, .. }, Some(current)) if current.endpoint != Some(endpoint) => {
                delete(server, current)
            }
            (Want::Served { weight, .. }, Some(current)) => {
                let mut commands = Vec::new();
                if current.weight != weight {
                    commands.push(Command::SetWeight(server.clone(), weight));
                }
                if !current.admin.is_ready() {
                    // A process that died right after `add server` left the check disabled.
                    if config.server.check.is_some() {
                        commands.push(Command::EnableHealth(server.clone()));
                    }
                    commands.push(Command::SetState(server, AdminState::Ready));
                }
                commands
            }
            (Want::Drained, Some(current)) => {
                let (done, state) = match config.drain {
                    DrainMode::Everybody => (current.admin.is_maintenance(), AdminState::Maintenance),
                    DrainMode::KeepPersistent => (!current.admin.is_ready(), AdminState::Drain),
                };
                if done { Vec::new() } else { vec![Command::SetState(server, state)] }
            }
            (Want::Gone, Some(current)) => delete(server, current),
            (Want::Drained | Want::Gone, None) => Vec::new(),
        }
    }
}

fn delete(server: ServerRef, current: &Server) -> Vec<Command> {
    let maintenance =
        (!current.admin.is_maintenance()).then(|| Command::SetState(server.clone(), AdminState::Maintenance));
    maintenance
        .into_iter()
        .chain([Command::ShutdownSessions(server.clone()), Command::Delete(server)])
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::address::AdminAddress;
    use super::super::name::BackendName;
    use super::*;

    fn config() -> HaproxyConfig {
        HaproxyConfig::new(AdminAddress::unix("admin.sock"), BackendName::new("web").unwrap())
    }

    fn id() -> InstanceId {
        InstanceId::new("a").unwrap()
    }

    fn serve(port: u16, weight: u16) -> RouteChange {
        RouteChange::Serve {
            instance: id(),
            endpoint: ([127, 0, 0, 1], port).into(),
            weight: Weight::new(weight).unwrap(),
        }
    }

    /// Makes the changes one after the other in a HAProxy that accepts everything; returns all commands.
    fn run(config: &HaproxyConfig, changes: &[RouteChange]) -> Vec<String> {
        let mut servers = Servers::default();
        let mut sent = Vec::new();
        for change in changes {
            let change = Change::of(change).unwrap();
            for round in 0.. {
                let commands = change.commands(&servers, config);
                if commands.is_empty() {
                    break;
                }
                assert!(round < 3, "the plan does not come to an end: {commands:?}");
                for command in commands {
                    servers.accept(change.instance, &command);
                    sent.push(command.to_string());
                }
            }
        }
        sent
    }

    const ADD: [&str; 2] =
        ["add server web/imm-a 127.0.0.1:80 weight 100", "set server web/imm-a state ready"];
    const DELETE: [&str; 2] = ["shutdown sessions server web/imm-a", "del server web/imm-a"];

    #[test]
    fn repeated_changes_send_nothing() {
        let (drain, detach) = (RouteChange::Drain { instance: id() }, RouteChange::Detach { instance: id() });
        assert_eq!(run(&config(), &[serve(80, 100), serve(80, 100)]), ADD);
        assert_eq!(run(&config(), &[drain.clone(), detach.clone()]), [""; 0]);
        let sent = run(&config(), &[serve(80, 100), drain.clone(), drain, detach.clone(), detach]);
        assert_eq!(sent[..2], ADD);
        assert_eq!(sent[2], "set server web/imm-a state maint");
        assert_eq!(sent[3..], DELETE);
    }

    #[test]
    fn a_drained_instance_is_served_again_with_its_new_weight() {
        let sent = run(&config(), &[serve(80, 100), RouteChange::Drain { instance: id() }, serve(80, 7)]);
        assert_eq!(sent[3..], ["set server web/imm-a weight 7", "set server web/imm-a state ready"]);
    }

    #[test]
    fn another_address_replaces_the_server() {
        let sent = run(&config(), &[serve(81, 100), serve(80, 100)]);
        assert_eq!(sent[2], "set server web/imm-a state maint");
        assert_eq!(sent[3..5], DELETE);
        assert_eq!(sent[5..], ADD);
    }

    #[test]
    fn a_checked_server_gets_its_check_enabled_before_it_serves() {
        let mut config = config();
        config.server.check = Some(Duration::from_secs(1));
        let sent = run(&config, &[serve(80, 100)]);
        assert_eq!(
            sent,
            [
                "add server web/imm-a 127.0.0.1:80 weight 100 check inter 1000ms",
                "enable health web/imm-a",
                "set server web/imm-a state ready",
            ]
        );
    }

    #[test]
    fn persistent_clients_are_kept_only_when_asked_for() {
        let mut config = config();
        config.drain = DrainMode::KeepPersistent;
        let sent = run(&config, &[serve(80, 100), RouteChange::Drain { instance: id() }]);
        assert_eq!(sent[2..], ["set server web/imm-a state drain"]);
    }
}
