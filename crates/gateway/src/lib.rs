//! The gateway: the network's gRPC services.
//!
//! It is stateless and trusts nothing but the ledger: [`serve`] lets a call in when its key is one of the registry's and
//! opens the method ([`auth`]), hands it to the owner of the account's shard, which checks the key again, and answers with
//! what took effect, or with a reason out of a closed list (docs/errors.md).
//!
//! What must hold:
//!
//! - every method has a row in the table of [`auth`]; a method without one is refused;
//! - a command goes to the ledger under the caller's own request id, however often it is tried, so that it takes effect
//!   once; when its fate is not known, the answer says so and never "failed";
//! - nothing blocks the runtime: the log and the store are read on threads for that;
//! - whatever callers can have many of has a bound (docs/operating/gateway.md): connections, calls, bytes of a message, the
//!   time that each may take; what is beyond is refused at once, and nothing waits in a queue;
//! - no secret, identifier or member id is logged or stands in a message of an error.
//!
//! To add a method, see docs/guides/add-an-rpc.md.

pub mod auth;
mod call;
mod coalesced;
mod convert;
mod door;
mod forward;
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod health;
mod history;
mod metrics;
mod pace;
mod page;
mod serve;
mod service;
mod settings;
mod status;
pub mod tls;
mod web;

pub use self::metrics::Metrics;
pub use self::serve::{Error, serve};
pub use self::settings::Settings;
pub use self::web::{NoOrigin, Origin};
