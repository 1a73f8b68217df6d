use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use immutable_core::InstanceId;
use immutable_core::fleet::{RouteState, Weight};

use super::command::{AdminState, Command};
use super::name::ServerName;

/// Our servers of the backend, as `show servers state` lists them and as accepted commands changed them since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Servers(BTreeMap<InstanceId, Server>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// `None` if HAProxy shows something that is not a socket address; such a server is replaced.
    pub(super) endpoint: Option<SocketAddr>,
    pub(super) weight: Weight,
    pub(super) admin: AdminBits,
}

/// The column `srv_admin_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AdminBits(u32);

impl AdminBits {
    const FORCED_MAINTENANCE: u32 = 0x01;
    const FORCED_DRAIN: u32 = 0x08;
    /// Forced 0x01, inherited 0x02 or by failed name resolution 0x20. Not 0x04, which only remembers that the
    /// configuration file said `disabled`.
    const MAINTENANCE: u32 = 0x23;
    /// Forced 0x08 or inherited 0x10.
    const DRAIN: u32 = 0x18;

    pub(super) const fn is_maintenance(self) -> bool {
        self.0 & Self::MAINTENANCE != 0
    }

    pub(super) const fn is_ready(self) -> bool {
        self.0 & (Self::MAINTENANCE | Self::DRAIN) == 0
    }

    const fn of(state: AdminState) -> Self {
        Self(match state {
            AdminState::Ready => 0,
            AdminState::Drain => Self::FORCED_DRAIN,
            AdminState::Maintenance => Self::FORCED_MAINTENANCE,
        })
    }
}

impl Server {
    pub(super) const fn state(&self) -> RouteState {
        if self.admin.is_ready() { RouteState::Serving(self.weight) } else { RouteState::Draining }
    }
}

impl Servers {
    /// Reads the answer to `show servers state <backend>`: a version, a header that names the columns, and one line a
    /// server. Lines of servers that are not ours are not looked at.
    pub(super) fn read(answer: &str) -> Result<Self, String> {
        let mut lines = answer.lines().skip_while(|line| !line.starts_with('#'));
        let header = lines.next().ok_or("it has no header")?.trim_start_matches('#');
        let column = |name: &str| {
            header
                .split_whitespace()
                .position(|column| column == name)
                .ok_or_else(|| format!("it has no column {name}"))
        };
        let (name, address, port) = (column("srv_name")?, column("srv_addr")?, column("srv_port")?);
        let (admin, weight) = (column("srv_admin_state")?, column("srv_uweight")?);

        let mut servers = BTreeMap::new();
        for line in lines {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let Some(instance) = fields.get(name).and_then(|name| ServerName::read(name)) else { continue };
            let field = |at: usize| fields.get(at).copied().unwrap_or_default();
            let odd = |what: &str| format!("server {} has an odd {what}: {line:?}", field(name));
            let endpoint = field(address)
                .parse::<IpAddr>()
                .ok()
                .zip(field(port).parse().ok())
                .map(|(ip, port)| SocketAddr::new(ip, port));
            let weight = field(weight).parse().ok().and_then(|weight| Weight::new(weight).ok());
            servers.insert(
                instance,
                Server {
                    endpoint,
                    weight: weight.ok_or_else(|| odd("weight"))?,
                    admin: AdminBits(field(admin).parse().map_err(|_| odd("admin state"))?),
                },
            );
        }
        Ok(Self(servers))
    }

    pub(super) fn get(&self, instance: &InstanceId) -> Option<&Server> {
        self.0.get(instance)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&InstanceId, &Server)> {
        self.0.iter()
    }

    /// Notes what a command did to the server of this instance.
    pub(super) fn accept(&mut self, instance: &InstanceId, command: &Command) {
        match command {
            Command::Add { endpoint, weight, .. } => {
                let admin = AdminBits::of(AdminState::Maintenance);
                let server = Server { endpoint: Some(*endpoint), weight: *weight, admin };
                self.0.insert(instance.clone(), server);
            }
            Command::Delete(_) => {
                self.0.remove(instance);
            }
            Command::SetState(_, state) => {
                if let Some(server) = self.0.get_mut(instance) {
                    server.admin = AdminBits::of(*state);
                }
            }
            Command::SetWeight(_, weight) => {
                if let Some(server) = self.0.get_mut(instance) {
                    server.weight = *weight;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As HAProxy 2.6.12 answers, with the columns that are not read left out of the rows' tails.
    const ANSWER: &str = "1\n\
        # be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n\
        3 web 1 static1 127.0.0.1 2 0 10 10 3 1 0 2 0 0 0 0 - 18090 - 0 0 - - 0\n\
        3 web 3 imm-a 127.0.0.1 2 0 50 50 1 1 0 0 0 0 0 0 - 18091 - 0 0 - - 0\n\
        3 web 4 imm-b ::1 0 5 0 0 0 8 2 0 6 0 0 0 - 18091 - 0 0 - - 0\n\
        3 web 5 imm-c - 0 8 7 7 0 8 2 0 6 0 0 0 host 80 - 0 0 - - 0\n";

    #[test]
    fn our_servers_are_read_and_others_left_out() {
        let servers = Servers::read(ANSWER).unwrap();
        let shown: Vec<_> =
            servers.iter().map(|(id, server)| (id.as_str(), server.endpoint, server.state())).collect();
        let at = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
        assert_eq!(
            shown,
            [
                ("a", at("127.0.0.1:18091"), RouteState::Serving(Weight::new(50).unwrap())),
                ("b", at("[::1]:18091"), RouteState::Draining),
                ("c", None, RouteState::Draining),
            ]
        );
    }

    #[test]
    fn odd_answers_are_errors_and_never_panics() {
        for odd in ["", "1\n", "Permission denied", "# be_id srv_name\n", "#"] {
            assert!(Servers::read(odd).is_err(), "{odd:?}");
        }
        let header = ANSWER.lines().nth(1).unwrap();
        for row in ["3 web 3 imm-a", "3 web 3 imm-a 127.0.0.1 2 0 999 1", "3 web 3 imm-a 127.0.0.1 2 x 9 1"] {
            let error = Servers::read(&format!("{header}\n{row}\n")).unwrap_err();
            assert!(error.contains("imm-a"), "{error}");
        }
        assert!(Servers::read(&format!("{header}\n\n3\n3 web 1 s\n")).unwrap().0.is_empty());
    }

    #[test]
    fn a_server_that_the_file_disabled_once_is_ready_when_only_that_bit_is_left() {
        assert!(AdminBits(0x04).is_ready());
        for bits in [0x01, 0x02, 0x08, 0x10, 0x20, 0x05] {
            assert!(!AdminBits(bits).is_ready(), "{bits:#x}");
        }
    }
}
