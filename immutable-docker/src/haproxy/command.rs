use std::fmt;
use std::net::SocketAddr;

use immutable_core::fleet::Weight;

use super::name::{BackendName, ServerName};
use super::options::ServerOptions;

/// Everything the router ever sends. No variant holds free text, so no input can become another command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Keeps the connection open and ends every answer with a prompt.
    Prompt,
    /// Marks messages with their level, so that errors need not be known by their words.
    SeverityOutput,
    /// Dynamic servers were experimental before 2.6.
    ExperimentalMode,
    ShowInfo,
    ShowBackends,
    ShowServersState(BackendName),
    /// Statistics of the servers (type 4) of a backend.
    ShowStatistics(BackendName),
    /// The new server is in maintenance until it is enabled.
    Add {
        server: ServerRef,
        endpoint: SocketAddr,
        weight: Weight,
        options: ServerOptions,
    },
    EnableHealth(ServerRef),
    SetState(ServerRef, AdminState),
    SetWeight(ServerRef, Weight),
    ShutdownSessions(ServerRef),
    /// Gives a server that is being deleted another address, which makes HAProxy close its idle connections.
    Divert(ServerRef, Dump),
    /// Only a server in maintenance without connections is deleted.
    Delete(ServerRef),
}

/// One server of one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerRef {
    pub(super) backend: BackendName,
    pub(super) server: ServerName,
}

/// Addresses of nobody. There are two because setting the one that is set already has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dump {
    One,
    Other,
}

/// The states that an administrator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdminState {
    Ready,
    Drain,
    Maintenance,
}

impl fmt::Display for ServerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.backend, self.server)
    }
}

impl fmt::Display for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::Maintenance => "maint",
        })
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt => f.write_str("prompt"),
            Self::SeverityOutput => f.write_str("set severity-output number"),
            Self::ExperimentalMode => f.write_str("experimental-mode on"),
            Self::ShowInfo => f.write_str("show info"),
            Self::ShowBackends => f.write_str("show backend"),
            Self::ShowServersState(backend) => write!(f, "show servers state {backend}"),
            Self::ShowStatistics(backend) => write!(f, "show stat {backend} 4 -1"),
            Self::Add { server, endpoint, weight, options } => {
                write!(f, "add server {server} {endpoint} weight {weight}{options}")
            }
            Self::EnableHealth(server) => write!(f, "enable health {server}"),
            Self::SetState(server, state) => write!(f, "set server {server} state {state}"),
            Self::SetWeight(server, weight) => write!(f, "set server {server} weight {weight}"),
            Self::ShutdownSessions(server) => write!(f, "shutdown sessions server {server}"),
            Self::Divert(server, dump) => {
                let port = match dump {
                    Dump::One => 1,
                    Dump::Other => 2,
                };
                write!(f, "set server {server} addr 127.0.0.1 port {port}")
            }
            Self::Delete(server) => write!(f, "del server {server}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use immutable_core::InstanceId;

    use super::*;

    fn server() -> ServerRef {
        ServerRef {
            backend: BackendName::new("web").unwrap(),
            server: ServerName::of(&InstanceId::new("i-1").unwrap()),
        }
    }

    #[test]
    fn commands_read_as_the_management_guide_writes_them() {
        let backend = BackendName::new("web").unwrap();
        let options = ServerOptions {
            check: Some(Duration::from_millis(500)),
            maxconn: Some(64),
            idle_connections: Some(10),
        };
        for (command, text) in [
            (Command::ShowServersState(backend.clone()), "show servers state web"),
            (Command::ShowStatistics(backend), "show stat web 4 -1"),
            (
                Command::Add {
                    server: server(),
                    endpoint: "10.0.0.2:8080".parse().unwrap(),
                    weight: Weight::FULL,
                    options: ServerOptions::default(),
                },
                "add server web/imm-i-1 10.0.0.2:8080 weight 100",
            ),
            (
                Command::Add {
                    server: server(),
                    endpoint: "[::1]:80".parse().unwrap(),
                    weight: Weight::ZERO,
                    options,
                },
                "add server web/imm-i-1 [::1]:80 weight 0 check inter 500ms maxconn 64 pool-max-conn 10 pool-purge-delay 5s",
            ),
            (Command::EnableHealth(server()), "enable health web/imm-i-1"),
            (Command::SetState(server(), AdminState::Ready), "set server web/imm-i-1 state ready"),
            (Command::SetState(server(), AdminState::Drain), "set server web/imm-i-1 state drain"),
            (Command::SetState(server(), AdminState::Maintenance), "set server web/imm-i-1 state maint"),
            (Command::SetWeight(server(), Weight::MAX), "set server web/imm-i-1 weight 256"),
            (Command::ShutdownSessions(server()), "shutdown sessions server web/imm-i-1"),
            (Command::Divert(server(), Dump::One), "set server web/imm-i-1 addr 127.0.0.1 port 1"),
            (Command::Divert(server(), Dump::Other), "set server web/imm-i-1 addr 127.0.0.1 port 2"),
            (Command::Delete(server()), "del server web/imm-i-1"),
        ] {
            assert_eq!(command.to_string(), text);
        }
    }

    #[test]
    fn no_validated_input_can_end_a_command() {
        for text in ["a b", "a;b", "a\nb", "a\\b", "a/b", "a<b", "", "a\0"] {
            assert!(BackendName::new(text).is_err(), "{text:?}");
            assert!(InstanceId::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_ipv6_scope_reaches_haproxy_as_a_number_only() {
        let endpoint = SocketAddr::from(std::net::SocketAddrV6::new(std::net::Ipv6Addr::LOCALHOST, 80, 7, 9));
        let text = Command::Add {
            server: server(),
            endpoint,
            weight: Weight::FULL,
            options: ServerOptions::default(),
        }
        .to_string();
        assert!(text.bytes().all(|byte| byte != b';' && byte != b'\n'), "{text}");
    }
}
