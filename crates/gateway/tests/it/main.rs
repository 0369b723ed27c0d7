//! The gateway as its callers meet it: a server on a loopback port, over a ledger on logs and stores in memory, called with
//! the generated clients.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

mod client;
mod faulty;
mod network;
mod observed;
mod passing;
mod raw;
mod requests;
mod wire;

mod accounts;
mod adjustments;
mod consents;
mod elsewhere;
mod event_lists;
mod events;
mod exchanges;
mod holds;
mod keys;
mod limits;
mod line_events;
mod links;
mod policy;
mod programmes;
mod redemptions;
mod registry;
mod returns;
mod serving;
mod settlements;
mod suspension;
mod tls;
mod tokens;
mod unlinking;
mod waiting;
mod web;
