//! The log port, its adapters, and the journal that fences itself.

pub mod log;
