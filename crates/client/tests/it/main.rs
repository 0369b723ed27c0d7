//! The client over a real network: ledger, intake and gateway in this process, called through its port.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

mod network;

mod away;
mod calls;
mod killed;
mod retry;
mod tls;
