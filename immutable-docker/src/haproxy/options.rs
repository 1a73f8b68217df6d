use std::fmt;
use std::time::Duration;

/// How servers are added. HAProxy ignores `default-server` lines for dynamic servers, so what they need is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerOptions {
    /// HAProxy opens a TCP connection (or does what `option httpchk` of the backend says) at this interval and sends
    /// nothing to a server that fails; needs HAProxy 2.5. A new server gets nothing before its first success.
    ///
    /// `None` by default: an instance is checked by its fleet before it is served at all.
    pub check: Option<Duration>,
    /// The most requests (HTTP) or connections (TCP) at a time; more wait in HAProxy's queue. `None`: no limit.
    pub maxconn: Option<u32>,
    /// How many idle connections to the server HAProxy keeps for later requests. `None`: its own default, which for
    /// dynamic servers is none (2.6.12), that is one new connection for every request.
    pub idle_connections: Option<u32>,
}

impl fmt::Display for ServerOptions {
    /// The options as words of the command `add server`, each after a space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, maxconn, idle_connections } = self;
        if let Some(interval) = check {
            // HAProxy's timers are positive 32-bit milliseconds.
            let millis = interval.as_millis().clamp(1, i32::MAX as u128);
            write!(f, " check inter {millis}ms")?;
        }
        if let Some(most) = maxconn {
            write!(f, " maxconn {most}")?;
        }
        if let Some(most) = idle_connections {
            // Dynamic servers also start with a purge delay of 0, which means to keep none; 5 s is what static
            // servers have.
            write!(f, " pool-max-conn {most} pool-purge-delay 5s")?;
        }
        Ok(())
    }
}
