//! Intake on a log in memory, between partners and the shards of a ledger.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

mod boundaries;
mod faulty;
mod flow;
mod framing;
mod garbage;
mod mutation;
mod network;
mod restart;
mod samples;
mod survey;
