//! `cargo xtask test`: the only list of the project's checks. CI runs exactly it.

mod catalogue;
mod house;
mod layers;
mod lexer;
mod licences;
mod purity;
mod references;
mod runner;

pub(crate) use runner::{list, run};
