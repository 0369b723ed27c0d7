//! The command line as its users meet it: arguments in; text, JSON and exit codes out.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "kafka")]
mod acls;
mod arguments;
#[cfg(feature = "kafka")]
mod brokers;
mod ending;
mod everyday;
mod folder;
mod gateway;
mod journal;
mod network;
mod observe;
mod partners;
mod publish;
mod retry;
mod start;
mod statements;
mod topics;
mod waiting;
