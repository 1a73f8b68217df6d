use std::collections::BTreeMap;
use std::fmt;

/// Environment variables. Values may be secrets: `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(crate) fn set(&mut self, name: String, value: String) {
        self.0.insert(name, value);
    }

    /// `NAME=value`, as the engine takes them.
    pub(crate) fn to_lines(&self) -> Vec<String> {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// The first name that cannot be one.
    pub(crate) fn bad_name(&self) -> Option<&str> {
        let bad = |name: &str| name.is_empty() || name.contains(['=', '\0']);
        self.0.keys().map(String::as_str).find(|name| bad(name))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.keys().map(|name| (name, format_args!("***")))).finish()
    }
}
