//! What partners, members and operators use from Rust: the network's API with its manners, and a producer of events.
//!
//! [`Client`] makes calls: it shows a key, bounds each call in time, repeats it under its one request id while the network
//! is not ready, walks through lists page by page, and says by [`Error`] what kind of no an answer is. The messages are
//! those of [`proto`].
//!
//! [`Producer`] publishes a partner's events, and keeps them on disk while the network is away.
//!
//! `examples/` has a partner's purchases published by gRPC and by Kafka, and a till that burns points.
//!
//! Nobody needs this crate to take part: any gRPC client will do, and any Kafka client for events
//! (docs/guides/emit-events.md).

mod address;
mod call;
mod connect;
mod distrust;
mod error;
mod key;
mod list;
mod method;
pub mod producer;
mod retry;
mod spool;

pub use coalition_domain::RequestId;
pub use coalition_proto as proto;

pub use self::address::{NoAddress, email_hash};
pub use self::call::{Client, request_id};
pub use self::connect::{NoServer, Server, Settings};
pub use self::distrust::Distrust;
pub use self::error::{Detail, Error, FieldFault};
pub use self::key::{Key, NoKey};
pub use self::list::{Items, List};
pub use self::method::{Call, Service};
pub use self::producer::{Producer, content_id};
