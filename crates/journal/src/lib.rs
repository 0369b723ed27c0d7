//! The log port, its adapters, and the journal that fences itself.

mod append;
pub mod chain;
pub mod conformance;
pub mod effect;
pub mod embedded;
pub mod entry;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod log;
pub mod memory;
pub mod metered;
pub mod metrics;
pub mod office;
pub mod plant;
mod watchers;

#[cfg(test)]
mod model;
