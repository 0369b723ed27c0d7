//! The proto crate.
