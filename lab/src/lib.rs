//! The test lab: everything a test of a real rollout needs around the code under test.
//!
//! | type | what it is |
//! |---|---|
//! | [`Lab`] | what a test asks for: the engine that `cargo xtask test` started, a proxy, the web server's binary |
//! | [`Engine`] | a private `dockerd` in its own network namespace and folder |
//! | [`DockerApi`] | the few blocking calls of the Docker API that the lab itself needs |
//! | [`Haproxy`] | an HAProxy process with one frontend, one empty backend and an admin socket |
//! | [`Load`] | a paced, open-loop HTTP load generator that counts every lost request |
//! | [`Sampler`] | observes something from outside, at an interval, for as long as a test runs |
//! | [`WebBinary`] | the static `lab-web` server that the test images run |
//! | [`Netns`] | a network namespace; nothing of the lab listens outside one or beyond loopback |
//!
//! The API blocks. From async tests, call it on a plain thread or through `spawn_blocking`.
//!
//! Everything started here is stopped by its `Drop`, by process id, also when a test panics.

mod docker_api;
mod engine;
mod error;
mod haproxy;
mod lab;
mod load;
mod naming;
mod netns;
mod process;
mod sampler;
mod web_binary;

pub use docker_api::{ApiResponse, DockerApi};
pub use engine::{Engine, EngineOptions, Shutdown};
pub use error::LabError;
pub use haproxy::{Haproxy, HaproxyOptions};
pub use lab::{ENGINE_SOCKET_VAR, Lab};
pub use load::{Failure, FailureKind, Latency, Load, LoadOptions, LoadReport, VersionSeen};
pub use naming::unique_name;
pub use netns::Netns;
pub use sampler::{Sample, Sampler};
pub use web_binary::{WEB_BINARY_VAR, WebBinary};
