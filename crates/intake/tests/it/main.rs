//! Intake on a log in memory, between partners and the shards of a ledger.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

mod faulty;
mod flow;
mod garbage;
mod network;
mod restart;
