use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Ok,
    Unhealthy,
    Crash { after: Duration },
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            None if text == "ok" => Ok(Self::Ok),
            None if text == "unhealthy" => Ok(Self::Unhealthy),
            Some(("crash", millis)) => {
                let after = Duration::from_millis(millis.parse().map_err(drop)?);
                Ok(Self::Crash { after })
            }
            _ => Err(()),
        }
    }
}

/// What the environment asks for.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) version: String,
    pub(crate) addr: SocketAddr,
    pub(crate) mode: Mode,
    pub(crate) ready: Duration,
    pub(crate) drain: Duration,
}

impl Settings {
    /// Reads variables by `lookup`. A value that cannot be read is an error, not a default: a test that misspells a
    /// setting must not pass by accident.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let millis =
            |name| Ok::<_, String>(Duration::from_millis(parsed(&lookup, name)?.unwrap_or_default()));
        let bind: IpAddr = parsed(&lookup, "BIND")?.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(Self {
            version: lookup("VERSION").unwrap_or_else(|| "dev".to_owned()),
            addr: SocketAddr::new(bind, port(&lookup)?),
            mode: parsed(&lookup, "MODE")?.unwrap_or(Mode::Ok),
            ready: millis("READY_MS")?,
            drain: millis("DRAIN_MS")?,
        })
    }
}

/// The port, which the health command needs too.
pub(crate) fn port(lookup: impl Fn(&str) -> Option<String>) -> Result<u16, String> {
    Ok(parsed(lookup, "PORT")?.unwrap_or(8080))
}

fn parsed<T: FromStr>(lookup: impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<T>, String> {
    lookup(name).map(|text| text.parse().map_err(|_| format!("{name}={text:?} is not valid"))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn everything_has_a_default() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.addr, SocketAddr::from(([0, 0, 0, 0], 8080)));
        assert_eq!((settings.mode, settings.drain), (Mode::Ok, Duration::ZERO));
    }

    #[test]
    fn a_crash_names_its_time() {
        let settings = read(&[("MODE", "crash:250")]).unwrap();
        assert_eq!(settings.mode, Mode::Crash { after: Duration::from_millis(250) });
    }

    #[test]
    fn a_wrong_value_is_an_error() {
        assert!(read(&[("MODE", "crash")]).unwrap_err().contains("MODE"));
        assert!(read(&[("DRAIN_MS", "1s")]).unwrap_err().contains("DRAIN_MS"));
    }
}
