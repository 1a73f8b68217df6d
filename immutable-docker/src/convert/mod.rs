//! Between the engine's words and the library's.

mod create;
mod event;
mod instance;

pub(crate) use create::{container_name, create_body};
pub(crate) use event::change_of;
pub(crate) use instance::{instance_of, row_of};
