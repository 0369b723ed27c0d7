//! From what partners write to what the ledger is asked.
//!
//! [`decode`] and [`translate`] judge a record by itself and its topic, and by nothing else: consent, rules and
//! currencies are the ledger's. The gateway judges by the second of them before it writes protobuf to a partner's topic, so
//! what it accepts is accepted here.
//!
//! [`Intake`] is the thread that reads the topics of all partners, puts what is accepted into the inbox by the shard of
//! its account, and hands the rest back with the reason. It keeps nothing but the offsets that it has dealt with: at
//! least once, in the order of the partner's topic for each shard; that nothing takes effect twice is the ledger's part.
//! [`Returner`] hands back what the ledger has refused.

pub mod convert;
mod decode;
#[doc(hidden)]
pub mod fuzzing;
mod intake;
mod judge;
mod metrics;
mod open;
mod outbox;
mod personal;
mod quota;
mod refusal;
mod rejected;
mod returns;
mod share;
mod stream;
mod survey;
mod topics;
mod trace;
mod translate;
mod undecided;
mod worker;

pub use decode::{Decoded, RECORD_BYTES_MAX, decode};
pub use intake::{Error, Intake, Settings};
pub use metrics::Counts;
pub use open::GROUP;
pub use quota::{Meter, Quota, units};
pub use refusal::Refusal;
pub use rejected::Rejected;
pub use returns::Returner;
pub use share::Share;
pub use topics::{events_topic, rejected_topic};
pub use trace::{TraceParent, trace_refused};
pub use translate::{AMOUNT_UNITS_MAX, CONSENTS_MAX, EVENT_AHEAD_MAX, translate};
