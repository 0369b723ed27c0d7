//! From what partners write to what the ledger is asked.
//!
//! [`decode`] and [`translate`] judge a record by itself and its topic, and by nothing else: consent, rules and
//! currencies are the ledger's. The gateway judges by the same two functions before it writes to a partner's topic, so
//! what it accepts is accepted here.

pub mod convert;
mod decode;
mod refusal;
mod topics;
mod translate;

pub use decode::{RECORD_BYTES_MAX, decode};
pub use refusal::Refusal;
pub use topics::{events_topic, rejected_topic};
pub use translate::{AMOUNT_UNITS_MAX, CONSENTS_MAX, EVENT_AHEAD_MAX, translate};
