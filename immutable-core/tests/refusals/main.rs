//! What is refused, and with which words. Every kind of error that bad input leads to is provoked the way a user would come
//! to it, and all that is said then is compared with a text (`golden/`), which must name the field, the value, and the
//! nearest valid choice or the way out. A kind or a sentence in the sources that no row here leads to fails the test.
//! `INSTA_UPDATE=always` writes the texts anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::disallowed_methods, reason = "what can go wrong is read from the sources")]

mod calendar;
mod combinations;
mod limits;
mod names;
mod plan;
mod release;
mod source;
mod strategy;
mod table;
mod world;
