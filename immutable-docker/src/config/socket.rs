use std::path::PathBuf;

/// Where an engine listens unless told otherwise.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// The socket to talk to: the configured one, else the one `DOCKER_HOST` names, else the usual one.
///
/// # Errors
/// What is wrong with `DOCKER_HOST`, with the way out.
pub(crate) fn engine_socket(
    configured: Option<PathBuf>,
    docker_host: Option<&str>,
) -> Result<PathBuf, String> {
    if let Some(socket) = configured {
        return Ok(socket);
    }
    let Some(host) = docker_host.map(str::trim).filter(|host| !host.is_empty()) else {
        return Ok(PathBuf::from(DEFAULT_SOCKET));
    };
    let path = host.strip_prefix("unix://").unwrap_or(host);
    if path.starts_with('/') {
        return Ok(PathBuf::from(path));
    }
    let scheme = host.split_once("://").map_or("no scheme", |(scheme, _)| scheme);
    Err(format!(
        "DOCKER_HOST has {scheme} where only `unix:///path/to/docker.sock` is supported: forward the engine's socket \
         to this machine (`ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`) and name it with \
         DOCKER_HOST=unix:///tmp/docker.sock or DockerFleetConfig::with_socket"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_then_environment_then_default() {
        let socket = |configured: Option<&str>, host| engine_socket(configured.map(PathBuf::from), host);
        assert_eq!(socket(Some("/a"), Some("tcp://x")), Ok(PathBuf::from("/a")));
        assert_eq!(socket(None, Some("unix:///run/d.sock")), Ok(PathBuf::from("/run/d.sock")));
        for unset in [None, Some(""), Some(" ")] {
            assert_eq!(socket(None, unset), Ok(PathBuf::from(DEFAULT_SOCKET)));
        }
    }

    #[test]
    fn other_transports_name_the_way_out() {
        for host in ["tcp://10.0.0.1:2375", "ssh://box", "npipe:////./pipe/docker_engine", "unix://relative"]
        {
            let error = engine_socket(None, Some(host)).unwrap_err();
            assert!(error.contains("DOCKER_HOST=unix:///tmp/docker.sock"), "{error}");
        }
    }
}
