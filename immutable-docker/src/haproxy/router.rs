use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use immutable_core::error::Retry;
use immutable_core::fleet::{Route, RouteChange, Router, RouterError};

use super::admin::Admin;
use super::config::HaproxyConfig;
use super::version::HaproxyVersion;

/// Routes in one backend of a running HAProxy. See the [module](super) for what HAProxy must be configured with.
///
/// Each call opens one admin connection. `observe` is one exchange on it, `apply` one for reading and one for each
/// change that is not made already. Nothing is remembered between calls but HAProxy's version. Clones of one router
/// apply one after the other.
///
/// HAProxy runs the commands it was sent even if nobody waits for the answers any more. So `apply` works on a task of
/// its own: when its future is dropped, the change it is at is finished and no further one begun, and the next `apply`
/// waits for that. It never meets commands of the dropped call that arrive late.
///
/// [`Route::sessions`] is 0 when HAProxy has no request for the instance running or waiting. A request that another
/// thread of HAProxy was assigning at the moment of a drain shows up within microseconds, so 0 counts from an
/// `observe` that began after `apply` returned.
///
/// [`RouteState`](immutable_core::fleet::RouteState) is what the router was told. A server that fails HAProxy's own
/// health check ([`ServerOptions::check`](super::ServerOptions::check)) gets nothing, yet is reported as serving.
///
/// ```no_run
/// use immutable_core::fleet::Router;
/// use immutable_docker::haproxy::{AdminAddress, BackendName, HaproxyConfig, HaproxyRouter};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let admin = AdminAddress::unix("/run/haproxy/admin.sock");
/// let router = HaproxyRouter::new(HaproxyConfig::new(admin, BackendName::new("web")?));
/// for route in router.observe().await? {
///     println!("{}: {} sessions", route.instance, route.sessions);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HaproxyRouter {
    admin: Arc<Admin>,
}

impl HaproxyRouter {
    /// A router for this configuration; HAProxy is first asked by the first call.
    #[must_use]
    pub fn new(config: HaproxyConfig) -> Self {
        Self { admin: Arc::new(Admin::new(config)) }
    }

    /// What it was made with.
    #[must_use]
    pub fn config(&self) -> &HaproxyConfig {
        self.admin.config()
    }

    /// The version of the HAProxy that was reached first.
    ///
    /// # Errors
    /// [`RouterError`] as in [`observe`](Router::observe).
    pub async fn version(&self) -> Result<HaproxyVersion, RouterError> {
        self.admin.version().await
    }
}

#[async_trait]
impl Router for HaproxyRouter {
    async fn observe(&self) -> Result<Vec<Route>, RouterError> {
        self.admin.observe().await
    }

    async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError> {
        if changes.is_empty() {
            return Ok(());
        }
        let gone = Gone::default();
        let (admin, changes, flag) = (Arc::clone(&self.admin), changes.to_vec(), Arc::clone(&gone.0));
        match tokio::spawn(async move { admin.apply(&changes, &flag).await }).await {
            Ok(result) => result,
            Err(source) => Err(RouterError::Platform {
                action: "change routes",
                retry: Retry::Backoff,
                source: Box::new(source),
            }),
        }
    }
}

/// Tells the task of a call that its caller is gone.
#[derive(Debug, Default)]
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
