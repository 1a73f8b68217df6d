//! [`HaproxyRouter`]: routes in a running HAProxy, over its runtime API.
//!
//! The router adds, weighs, drains and deletes *dynamic servers* of one backend; no file is written and nothing is
//! reloaded, so no connection is cut by a change. HAProxy 2.4 or later, with these lines in its configuration:
//!
//! ```text
//! global
//!     stats socket /run/haproxy/admin.sock level admin
//! backend web
//!     balance roundrobin          # or leastconn, random, first: dynamic servers need a dynamic algorithm
//! ```
//!
//! # What it owns
//! Servers of that backend whose names are `imm-` and an instance identifier. All others, such as those in the
//! configuration file, are never reported or changed.
//!
//! # What HAProxy loses
//! Dynamic servers are gone after a restart or a reload. The next [`observe`](immutable_core::fleet::Router::observe)
//! does not show them, and the controller serves them again.
//!
//! # No injection
//! Everything that is sent is a value of one closed enum of commands, made of validated names, socket addresses and
//! numbers only. None of them can hold a space, `;` or a line break.
//!
//! Sources: HAProxy management guide, section 9.3 (commands), 9.3 `show servers state` (columns and state bits) and
//! 9.1 (statistics columns); checked against HAProxy 2.6.12.

mod address;
mod admin;
mod answer;
mod command;
mod config;
mod error;
mod name;
mod options;
mod plan;
mod router;
mod servers;
mod session;
mod statistics;
mod version;

pub use address::{AdminAddress, NotLoopback};
pub use config::{DrainMode, HaproxyConfig};
pub use error::HaproxyError;
pub use name::{BackendName, InvalidBackendName};
pub use options::ServerOptions;
pub use router::HaproxyRouter;
pub use version::HaproxyVersion;
