//! Docker and HAProxy for immutable rollouts.
//!
//! - [`DockerFleet`] implements [`Fleet`](immutable_core::fleet::Fleet): one service's containers on one engine
//!   (Docker 20.10 or newer, over its Unix socket). [`DockerFleetConfig`] says how they run, [`Readiness`] how it is
//!   found out that they can serve, [`Hardening`] what they may do; [`labels`] are what they carry.
//! - [`haproxy`] sends traffic to them.
//! - [`bake`] makes their images: a folder becomes an archive whose digest is known before it is loaded.

pub mod bake;
mod config;
mod convert;
mod error;
mod fleet;
pub mod haproxy;
pub mod labels;
mod monitor;

pub use config::{DockerFleetConfig, Hardening, HttpProbe, Readiness, ResourceLimits, Restart};
pub use fleet::DockerFleet;
