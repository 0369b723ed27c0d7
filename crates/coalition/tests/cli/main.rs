//! The command line as its users meet it: arguments in; text, JSON and exit codes out.

#![allow(clippy::unwrap_used)]

mod arguments;
mod ending;
mod everyday;
mod folder;
mod gateway;
mod journal;
mod network;
mod observe;
mod publish;
mod retry;
mod start;
