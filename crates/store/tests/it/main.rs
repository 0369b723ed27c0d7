//! The store in its folder: what killed processes, damaged files and other people's files lead to.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

mod common;
mod damage;
mod kill;
mod places;
mod power;
