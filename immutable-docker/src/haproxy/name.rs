use std::fmt;
use std::str::FromStr;

use immutable_core::InstanceId;

/// The name of a backend of HAProxy: 1 to 128 characters out of A-Z, a-z, 0-9, `.`, `_`, `:` and `-`, as HAProxy's
/// configuration allows (its length is not limited there).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendName(String);

impl BackendName {
    /// Checks the text.
    ///
    /// # Errors
    /// [`InvalidBackendName`].
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidBackendName> {
        let text = text.into();
        let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        if (1..=128).contains(&text.len()) && text.bytes().all(safe) {
            Ok(Self(text))
        } else {
            Err(InvalidBackendName { text: text.chars().take(140).collect() })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for BackendName {
    type Err = InvalidBackendName;

    fn from_str(text: &str) -> Result<Self, InvalidBackendName> {
        Self::new(text)
    }
}

/// A text that no backend can have as its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the name of an HAProxy backend: expected 1 to 128 characters out of A-Z, a-z, 0-9, `.`, `_`, `:` and `-`"
)]
pub struct InvalidBackendName {
    text: String,
}

/// What names of servers that belong to this library begin with.
const PREFIX: &str = "imm-";

/// The server of one instance. Safe in commands because an [`InstanceId`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerName(InstanceId);

impl ServerName {
    pub(super) fn of(instance: &InstanceId) -> Self {
        Self(instance.clone())
    }

    /// Reads a name that HAProxy reports; `None` if the server is not ours.
    pub(super) fn read(name: &str) -> Option<InstanceId> {
        InstanceId::new(name.strip_prefix(PREFIX)?).ok()
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_the_prefix_are_ours() {
        let id = InstanceId::new("i-1.a:B_c").unwrap();
        assert_eq!(ServerName::read(&ServerName::of(&id).to_string()), Some(id));
        for foreign in ["", "imm-", "imm", "web1", "IMM-x", "imm-a b"] {
            assert_eq!(ServerName::read(foreign), None, "{foreign}");
        }
    }
}
