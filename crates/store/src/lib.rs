//! The store of one shard's projection: rows of bytes, and the journal position that they stand for.
//!
//! The ledger encodes the rows (accounts, dedup entries, activity, totals) and hands them over in checkpoints; this
//! crate keeps them. It knows no domain. Nothing here is the truth: whatever is odd is set aside and rebuilt from the
//! journal, so the one duty is never to answer with a wrong value.
//!
//! - [`Store`], [`Reader`] and [`Writer`] are the port. [`Folder`] keeps rows in sled, [`Memory`] in memory with
//!   faults that a simulator or a test steers.
//! - A checkpoint is atomic with its [`Mark`] for whoever opens the store. There is one writer; readers are shared between
//!   threads, never wait for it, and see the newest checkpoint or, row by row, one that is being written. What spans several rows
//!   is no snapshot.
//! - Every row carries a checksum, and the mark carries the number and the sum of all rows: a store in which a row is
//!   missing, old or foreign is not opened.

mod admit;
#[cfg(test)]
mod conformance;
mod error;
mod fault;
mod folder;
mod memory;
mod pending;
mod port;
mod row;
mod ship;
mod sidecar;
mod tree;
mod verify;
mod writer;

pub use admit::{MAX_KEY, MAX_VALUE};
pub use error::{Damage, Error, Refusal, Result};
pub use folder::{Folder, Settings};
pub use memory::{Fault, Memory, row_digest};
pub use port::{Checkpoint, Found, Identity, Mark, Opened, Order, Range, Reader, Row, Store, Writer};
pub use ship::{ShipError, Shipped, export, import};
pub use verify::{Difference, Digest, digest, first_difference};
