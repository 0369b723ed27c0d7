//! The ledger: decides, journals its decisions, folds them into what the network knows.
//!
//! [`shard::Shard`] is the core of one shard, a steppable machine without clock, thread or I/O; [`runtime`] is its thin
//! shell on threads, and the handle by which gateways ask it. What is decided lies in the journal ([`body`]), what was
//! asked in the inbox ([`inbox`]); the store holds a projection ([`rows`]) that can be thrown away at any time.

pub mod accounts;
pub mod body;
pub mod clock;
pub mod draft;
pub mod due;
pub mod finder;
pub mod group;
pub mod inbox;
mod inquiries;
pub mod lookback;
mod metrics;
pub mod milestone;
pub mod outbox;
pub mod plant;
pub mod refused;
pub mod replay;
pub mod resident;
pub mod rows;
pub mod runtime;
pub mod shard;
pub mod state;
pub mod timers;
pub mod totals;
pub mod trace;
pub mod view;
pub mod wire;
