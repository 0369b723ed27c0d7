//! The programme's rules as pure functions: no I/O, clock, randomness, async.
//!
//! [`decide`] says what becomes of a command, [`Account::evolve`] and [`Registry::evolve`] take the decision in. Live,
//! after a restart, in a standby and in the simulator the same functions run, so what must hold for ever is
//! marked as frozen: serialised types, fingerprints, the placement of accounts.

pub mod account;
pub mod adjustment;
mod bought;
pub mod burn;
pub mod calendar;
mod command;
pub mod debt;
pub mod decide;
pub mod event;
mod few;
pub mod handover;
mod identifier;
mod ids;
pub mod keys;
mod label;
pub mod lot;
mod money;
pub mod order;
pub mod pages;
mod points;
pub mod programme;
pub mod registry;
mod rejection;
pub mod settlement;
mod slug;
pub mod time;
pub mod waiting;

pub use account::{Account, Moment, Place};
pub use adjustment::AdjustmentId;
pub use bought::Bought;
pub use burn::BurnId;
pub use command::{
    AdjustmentChange, Caller, Command, EventBody, OrderLine, PartnerEvent, Returned, ReturnedLine,
    RewardChange, Role, event_key, request_key,
};
pub use decide::{Verdict, decide};
pub use event::{Applied, Decision, Event, Outcome, Wait, WaitsFor};
pub use few::Few;
pub use identifier::{IDENTIFIER_MAX, Identifier, NoIdentifier, Scheme, is_card_number};
pub use ids::{AccountId, Feed, Fingerprint, NoReference, NoRequestId, REFERENCE_MAX, Reference, RequestId};
pub use label::{LABEL_MAX, Label, NoLabel};
pub use money::{Currency, MICROS, Money, NoCurrency, NoMicros, PriceOutOfRange, UnitPrice, micros};
pub use points::{OutOfRange, Points};
pub use registry::{Registry, RegistryEvent};
pub use rejection::Rejection;
pub use slug::{
    Channel, EngagementKind, KeyId, NoSlug, PartnerId, ProgrammeId, Purpose, RewardId, RuleId, SLUG_MAX,
    UnitId,
};
pub use time::{NoTimestamp, Span, Timestamp};
