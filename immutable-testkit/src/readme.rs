#![doc = include_str!("../../README.md")]
//! (The example of the project's README, compiled and run.)
