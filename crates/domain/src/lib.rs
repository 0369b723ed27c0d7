//! The programme's rules as pure functions.

pub mod time;

pub use time::{Span, Timestamp};
