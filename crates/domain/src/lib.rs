//! The programme's rules as pure functions.

mod identifier;
mod ids;
mod money;
mod points;
pub mod programme;
mod slug;
pub mod time;

pub use identifier::{IDENTIFIER_MAX, Identifier, NoIdentifier, Scheme};
pub use ids::{AccountId, Feed, Fingerprint, NoReference, NoRequestId, REFERENCE_MAX, Reference, RequestId};
pub use money::{Currency, MICROS, Money, NoCurrency, PriceOutOfRange, UnitPrice};
pub use points::{OutOfRange, Points};
pub use slug::{
    Channel, EngagementKind, NoSlug, PartnerId, ProgrammeId, Purpose, RewardId, RuleId, SLUG_MAX,
};
pub use time::{NoTimestamp, Span, Timestamp};
