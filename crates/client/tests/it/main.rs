//! The client over a real network: ledger, intake and gateway in this process, called through its port.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

#[allow(dead_code, reason = "the log's own tests use more of it")]
#[path = "../../../journal/tests/kafka/cluster.rs"]
mod cluster;
mod network;

mod away;
mod calls;
mod examples;
mod kafka;
mod killed;
mod retry;
mod short;
mod tls;
