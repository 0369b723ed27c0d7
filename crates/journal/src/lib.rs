//! The log port, its adapters, and the journal that fences itself.

pub mod chain;
pub mod effect;
pub mod entry;
pub mod log;
pub mod office;
pub mod plant;
