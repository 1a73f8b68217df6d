use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use immutable_core::fleet::{Route, RouteChange, RouterError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::answer::Answer;
use super::command::{Command, Dump};
use super::config::HaproxyConfig;
use super::error::HaproxyError;
use super::plan::Change;
use super::servers::Servers;
use super::session::{Session, refused};
use super::statistics::Sessions;
use super::version::HaproxyVersion;

/// The first pause between two tries to delete a server that still has connections; it doubles up to
/// [`LONGEST_PAUSE`]. HAProxy closes them within its next turns of the event loop, usually in under a millisecond.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// One HAProxy and what this process does to it.
#[derive(Debug)]
pub(super) struct Admin {
    config: HaproxyConfig,
    version: OnceLock<HaproxyVersion>,
    /// Held by who makes changes.
    turn: Mutex<()>,
}

impl Admin {
    pub(super) fn new(config: HaproxyConfig) -> Self {
        Self { config, version: OnceLock::new(), turn: Mutex::new(()) }
    }

    pub(super) const fn config(&self) -> &HaproxyConfig {
        &self.config
    }

    pub(super) async fn version(&self) -> Result<HaproxyVersion, RouterError> {
        if let Some(&version) = self.version.get() {
            return Ok(version);
        }
        let mut session = self.connect("ask for the version").await?;
        self.version_from(&mut session).await
    }

    async fn version_from(&self, session: &mut Session<'_>) -> Result<HaproxyVersion, RouterError> {
        const ACTION: &str = "read the version";
        if let Some(&version) = self.version.get() {
            return Ok(version);
        }
        let info = session.show(Command::ShowInfo).await.map_err(platform(ACTION))?;
        let version = HaproxyVersion::read(&info)
            .ok_or_else(|| unreadable(&Command::ShowInfo, "it has no version".to_owned()))
            .map_err(platform(ACTION))?;
        let HaproxyConfig { admin, server, .. } = &self.config;
        let (least, what) = match server.check {
            Some(_) => {
                (HaproxyVersion::DYNAMIC_CHECKS, "health checks of servers that are added at run time")
            }
            None => (HaproxyVersion::DYNAMIC_SERVERS, "servers that are added at run time"),
        };
        if version < least {
            let reason = format!("HAProxy {version} at {admin} is too old: {what} need {least} or later");
            return Err(RouterError::Invalid { reason });
        }
        Ok(*self.version.get_or_init(|| version))
    }

    async fn connect(&self, action: &'static str) -> Result<Session<'_>, RouterError> {
        Session::open(&self.config).await.map_err(platform(action))
    }

    /// A connection to a HAProxy that has what this router needs.
    async fn open(&self, action: &'static str) -> Result<Session<'_>, RouterError> {
        let mut session = self.connect(action).await?;
        if self.version_from(&mut session).await? < HaproxyVersion::STABLE {
            session.show(Command::ExperimentalMode).await.map_err(platform(action))?;
        }
        Ok(session)
    }

    async fn servers(&self, session: &mut Session<'_>, action: &'static str) -> Result<Servers, RouterError> {
        let command = Command::ShowServersState(self.config.backend.clone());
        match session.show(command.clone()).await {
            Ok(answer) => {
                Servers::read(&answer).map_err(|reason| platform(action)(unreadable(&command, reason)))
            }
            Err(error) => Err(self.explain(session, action, error).await),
        }
    }

    /// Makes one change; `servers` is what HAProxy shows, and what it will show afterwards.
    async fn make(
        &self,
        session: &mut Session<'_>,
        servers: &mut Servers,
        change: &Change<'_>,
        gone: &AtomicBool,
    ) -> Result<(), RouterError> {
        const ACTION: &str = "change a route";
        let deadline = Instant::now() + self.config.detach_timeout;
        let mut pause = FIRST_PAUSE;
        let mut refusals = 0_u32;
        loop {
            let commands = change.commands(servers, &self.config);
            if commands.is_empty() {
                return Ok(());
            }
            let answers = session.run(&commands).await.map_err(platform(ACTION))?;
            let Some((command, answer)) = first_refusal(answers.iter()) else {
                for (command, _) in &answers {
                    servers.accept(change.instance, command);
                }
                continue;
            };
            let error = refused(command, answer);
            // The servers may have changed since they were read: another process works on them, or HAProxy took some
            // of the commands. Look again and plan again.
            *servers = self.servers(session, ACTION).await?;
            if change.commands(servers, &self.config).is_empty() {
                return Ok(());
            }
            refusals += 1;
            let again = match command {
                Command::Delete(_) => Instant::now() < deadline,
                _ => refusals == 1,
            };
            if !again || gone.load(Ordering::Relaxed) {
                return Err(self.explain(session, ACTION, error).await);
            }
            if let Command::Delete(server) = command
                && answer.text().contains("connections")
            {
                // Up to 2.8, idle connections keep a server from being deleted until they are purged, half of them
                // every 5 s. Nothing is sent to a server in maintenance, so its address is free to be changed. The
                // answer says what was changed from what; the next try to delete tells whether it helped.
                let dump = if refusals % 2 == 1 { Dump::One } else { Dump::Other };
                session.run(&[Command::Divert(server.clone(), dump)]).await.map_err(platform(ACTION))?;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Turns refusals that only a change of the configuration can help into errors that say so. By HAProxy's words
    /// (2.6.12); where other versions put it differently the refusal is passed on as it is.
    async fn explain(
        &self,
        session: &mut Session<'_>,
        action: &'static str,
        error: HaproxyError,
    ) -> RouterError {
        let HaproxyConfig { admin, backend, .. } = &self.config;
        let HaproxyError::Refused { command, answer } = &error else { return platform(action)(error) };
        let said = format!("HAProxy answered `{command}` with `{answer}`");
        let reason = if answer.contains("Permission denied") {
            format!("{said}: write `level admin` into the `stats socket` line of {admin}")
        } else if answer.contains("dynamic load balancing") {
            format!("{said}: set `balance` of backend {backend} to roundrobin, leastconn, random or first")
        } else if ["find backend", "such backend", "such proxy"].iter().any(|text| answer.contains(text)) {
            let known = session.show(Command::ShowBackends).await.unwrap_or_default();
            let known: Vec<_> = known.lines().filter(|line| !line.starts_with('#')).collect();
            format!(
                "HAProxy at {admin} has no backend {backend}; it has {}: add it to its configuration or choose another",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            )
        } else {
            return platform(action)(error);
        };
        RouterError::Invalid { reason }
    }

    pub(super) async fn observe(&self) -> Result<Vec<Route>, RouterError> {
        const ACTION: &str = "list routes";
        let mut session = self.open(ACTION).await?;
        let backend = || self.config.backend.clone();
        // One exchange. The states are read first: a server that is in them and not in the statistics was deleted
        // between the two.
        let commands = [Command::ShowServersState(backend()), Command::ShowStatistics(backend())];
        let answers = session.run(&commands).await.map_err(platform(ACTION))?;
        if let Some((command, answer)) = first_refusal(answers.iter()) {
            let error = refused(command, answer);
            return Err(self.explain(&mut session, ACTION, error).await);
        }
        let odd = |command: &Command, reason| platform(ACTION)(unreadable(command, reason));
        let [(show_state, state), (show_statistics, statistics)] = answers.as_slice() else {
            return Err(odd(&commands[0], format!("{} answers to 2 commands", answers.len())));
        };
        let servers = Servers::read(state.text()).map_err(|reason| odd(show_state, reason))?;
        let sessions = Sessions::read(statistics.text()).map_err(|reason| odd(show_statistics, reason))?;

        let mut routes = Vec::new();
        for (instance, server) in servers.iter() {
            let Some(sessions) = sessions.of(instance) else { continue };
            let Some(endpoint) = server.endpoint else {
                return Err(odd(show_state, format!("the server of {instance} has no address")));
            };
            let mut route = Route::new(instance.clone(), endpoint, server.state());
            route.sessions = sessions;
            routes.push(route);
        }
        Ok(routes)
    }

    /// Makes the changes in order, until one fails or the caller is gone.
    pub(super) async fn apply(&self, changes: &[RouteChange], gone: &AtomicBool) -> Result<(), RouterError> {
        let _turn = self.turn.lock().await;
        let mut session = self.open("change routes").await?;
        let mut servers = self.servers(&mut session, "read the routes to change").await?;
        for change in changes {
            if gone.load(Ordering::Relaxed) {
                break;
            }
            let Some(change) = Change::of(change) else {
                let reason = format!("this version of the HAProxy router cannot make the change {change:?}");
                return Err(RouterError::Invalid { reason });
            };
            self.make(&mut session, &mut servers, &change, gone).await?;
        }
        Ok(())
    }
}

fn first_refusal<'a>(
    mut answers: impl Iterator<Item = &'a (Command, Answer)>,
) -> Option<(&'a Command, &'a Answer)> {
    answers.find(|(_, answer)| answer.is_refusal()).map(|(command, answer)| (command, answer))
}

fn platform(action: &'static str) -> impl FnOnce(HaproxyError) -> RouterError {
    move |error| RouterError::Platform { action, retry: error.retry(), source: Box::new(error) }
}

fn unreadable(command: &Command, reason: String) -> HaproxyError {
    HaproxyError::Unreadable { command: command.to_string(), reason }
}
