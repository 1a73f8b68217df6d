use std::collections::{BTreeMap, BTreeSet};

/// What a container may do to itself and its host. Starts strict; each setting is loosened by its own method.
///
/// Strict means: a read-only root file system, no Linux capabilities, no way to gain privileges, and no restart by the
/// engine. A server that was replaced must not change under its image's digest, and one that died must be seen dead.
///
/// ```
/// use immutable_docker::Hardening;
///
/// let hardening = Hardening::strict().with_tmpfs("/tmp", "size=16m").with_capability("NET_BIND_SERVICE");
/// assert!(hardening.is_rootfs_read_only());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardening {
    read_only_rootfs: bool,
    drop_capabilities: bool,
    capabilities: BTreeSet<String>,
    no_new_privileges: bool,
    restart: Restart,
    user: Option<String>,
    tmpfs: BTreeMap<String, String>,
}

/// Whether the engine starts a container again that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restart {
    /// Never: the rollout sees the end and replaces the container.
    #[default]
    Never,
    /// After an exit code other than 0, at most this many times; 0 is without limit.
    OnFailure {
        /// The number of restarts.
        max_retries: u32,
    },
    /// Always, also when the engine starts, unless it was stopped on purpose.
    UnlessStopped,
}

impl Default for Hardening {
    fn default() -> Self {
        Self::strict()
    }
}

impl Hardening {
    /// Everything on, as the image's own user, without writable mounts.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            read_only_rootfs: true,
            drop_capabilities: true,
            capabilities: BTreeSet::new(),
            no_new_privileges: true,
            restart: Restart::Never,
            user: None,
            tmpfs: BTreeMap::new(),
        }
    }

    /// Mounts an empty file system in memory, for a folder the server must write to. The options are those of a
    /// tmpfs mount, for example `size=16m`; empty for none.
    #[must_use]
    pub fn with_tmpfs(mut self, folder: impl Into<String>, options: impl Into<String>) -> Self {
        self.tmpfs.insert(folder.into(), options.into());
        self
    }

    /// Runs the server as this user, `name` or `uid:gid`, instead of the image's own.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Grants one Linux capability, for example `NET_BIND_SERVICE`.
    #[must_use]
    pub fn with_capability(mut self, capability: impl Into<String>) -> Self {
        self.capabilities.insert(capability.into());
        self
    }

    /// Leaves the engine's default capabilities instead of dropping all.
    #[must_use]
    pub const fn with_default_capabilities(mut self) -> Self {
        self.drop_capabilities = false;
        self
    }

    /// Lets the server write to its root file system. What it writes is drift, and lost with the container.
    #[must_use]
    pub const fn with_writable_rootfs(mut self) -> Self {
        self.read_only_rootfs = false;
        self
    }

    /// Lets processes gain privileges, for example by setuid programs.
    #[must_use]
    pub const fn with_new_privileges(mut self) -> Self {
        self.no_new_privileges = false;
        self
    }

    /// Lets the engine start ended containers again. The rollout may miss a crash then.
    #[must_use]
    pub const fn with_restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Whether the root file system is read-only.
    #[must_use]
    pub const fn is_rootfs_read_only(&self) -> bool {
        self.read_only_rootfs
    }

    pub(crate) fn capabilities_dropped(&self) -> Vec<String> {
        if self.drop_capabilities { vec!["ALL".to_owned()] } else { Vec::new() }
    }

    pub(crate) fn capabilities_added(&self) -> Vec<String> {
        self.capabilities.iter().cloned().collect()
    }

    pub(crate) fn security_options(&self) -> Vec<String> {
        if self.no_new_privileges { vec!["no-new-privileges".to_owned()] } else { Vec::new() }
    }

    pub(crate) const fn restart(&self) -> Restart {
        self.restart
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(crate) const fn tmpfs(&self) -> &BTreeMap<String, String> {
        &self.tmpfs
    }
}
