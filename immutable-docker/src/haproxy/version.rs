use std::fmt;

/// The version of a running HAProxy, as far as it decides what the runtime API can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HaproxyVersion {
    /// For example 2 in `2.6.12`.
    pub major: u32,
    /// For example 6 in `2.6.12`.
    pub minor: u32,
}

impl HaproxyVersion {
    /// The first with dynamic servers.
    pub const DYNAMIC_SERVERS: Self = Self { major: 2, minor: 4 };
    /// The first that checks the health of dynamic servers.
    pub const DYNAMIC_CHECKS: Self = Self { major: 2, minor: 5 };
    /// The first that takes `add server` without `experimental-mode on`.
    pub(super) const STABLE: Self = Self { major: 2, minor: 6 };

    /// Reads the answer to `show info`.
    pub(super) fn read(info: &str) -> Option<Self> {
        let version = info.lines().find_map(|line| line.strip_prefix("Version:"))?.trim();
        let mut numbers = version.split(|c: char| !c.is_ascii_digit());
        Some(Self { major: numbers.next()?.parse().ok()?, minor: numbers.next()?.parse().ok()? })
    }
}

impl fmt::Display for HaproxyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_show_info() {
        let read =
            |version: &str| HaproxyVersion::read(&format!("Name: HAProxy\nVersion: {version}\nPid: 1"));
        assert_eq!(read("2.6.12-1+deb12u4"), Some(HaproxyVersion { major: 2, minor: 6 }));
        assert_eq!(read("3.4-dev7"), Some(HaproxyVersion { major: 3, minor: 4 }));
        assert_eq!(read("2"), None);
        assert_eq!(read(""), None);
        assert_eq!(HaproxyVersion::read("Name: HAProxy"), None);
        assert!(HaproxyVersion { major: 3, minor: 0 } > HaproxyVersion::STABLE);
    }
}
