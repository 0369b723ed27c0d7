//! How the processes of one network ask each other's shards: a small gRPC service beside the public one, for nobody else.
//!
//! [`serve`] answers for the shards of this process, [`Ways`] asks those of others and follows them from owner to owner. Who
//! owns what is told to it ([`Owners`]); it believes nobody's word about it, the owner itself says whether it decides. What is
//! asked and answered is `coalition_ledger::wire`'s; nothing here knows what it means.
//!
//! Whoever knows the network's secret may ask, and may then have anything decided in anybody's name: keep the port closed to
//! others, and encrypted where others listen.

mod ask;
mod message;
mod reach;
mod secret;
mod serve;

pub use ask::{Owner, Owners, Trust, Ways};
pub use reach::reach;
pub use secret::{Secret, SecretError};
pub use serve::{Error, Listening, Tls, serve};

/// The largest message, in bytes: an account with all that it has, or rows of a store.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
