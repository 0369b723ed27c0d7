//! What processes of one network say to each other about a shard: questions to its owner, and the answers.
//!
//! Postcard, as the journal is. Two releases that run side by side agree on a version that both speak, so a version that was
//! released never changes its form: samples in `testdata/` are read for ever. What is new is a variant at an end, or a new
//! version beside the old one.

mod account;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use coalition_domain::decide::RegistryCommand;
use coalition_domain::settlement::LineSum;
use coalition_domain::{AccountId, Command, Fingerprint, RegistryEvent, Timestamp};
use coalition_journal::entry::{Hash, Seq, Term};
use coalition_journal::log::Offset;
use serde::{Deserialize, Serialize};

pub use self::account::AccountWire;
use crate::runtime::{RegistryReply, Reply, Status, Unavailable};
use crate::totals::{Books, LineOfHour};

/// The versions that this release speaks.
pub const VERSIONS: RangeInclusive<u32> = 1..=1;

/// Bytes that can't be read as what they should be: they are of another version, or cut.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a message between processes can't be read")]
pub struct Unreadable;

/// A question to the process that runs a shard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Question {
    /// Decide this.
    Command(Box<Command>),
    /// Decide this, in the home shard of the registry.
    Change(Box<RegistryCommand>),
    /// Show an account, at this position or later.
    Account(AccountId, Seq),
    /// Show the sums, at this position or later.
    Sums(Seq),
    /// Where is the event that counts under this?
    Search(Fingerprint, Seq),
    /// The changes of the registry behind so many.
    Changes(u64),
    /// A row of the store, of the term in which the view behind which it lies was taken.
    Row(Term, Vec<u8>),
    /// Rows of the store, of that term.
    Rows {
        /// Another one has another store.
        term: Term,
        /// The smallest key.
        from: Vec<u8>,
        /// The key before which it ends; none for the last one.
        to: Option<Vec<u8>>,
        /// Greatest key first.
        descending: bool,
        /// So many at most.
        limit: u32,
    },
}

/// What the owner says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// Of a command.
    Decided(Box<Reply>),
    /// Of a change of the registry.
    Changed(Box<RegistryReply>),
    /// An account.
    Account(Box<AccountWire>),
    /// The sums.
    Sums(Box<SumsWire>),
    /// Where an event came.
    Search(SearchWire),
    /// Some changes of the registry, in order.
    Changes(Vec<Arc<RegistryEvent>>),
    /// A row's value, if there is one.
    Row(Option<Vec<u8>>),
    /// Keys and values.
    Rows(Vec<(Vec<u8>, Vec<u8>)>),
}

/// The sums of a shard as far as memory has them; older lines are rows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SumsWire {
    /// In whose store older lines are.
    pub term: Term,
    /// Everything up to here is in them.
    pub seq: Seq,
    /// The double entry.
    pub books: Books,
    /// The lines that memory has.
    pub lines: BTreeMap<LineOfHour, LineSum>,
}

/// What memory knows of where an event came, and where to look on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SearchWire {
    /// In whose store it is looked on.
    pub term: Term,
    /// The account, if memory knows it.
    pub recent: Option<AccountId>,
    /// The newest segment of the index.
    pub segment: u64,
    /// How far back it is looked.
    pub since: Timestamp,
}

/// What a shard shows of itself, but for the registry, of which it says how many changes it has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatusWire {
    /// See [`Status`], as the others.
    pub seq: Seq,
    /// The running hash.
    pub head: Hash,
    /// The newest term.
    pub term: Term,
    /// Whether it decides.
    pub in_office: bool,
    /// Changes of the registry.
    pub changes: u64,
    /// Up to where the store holds it.
    pub stored: Seq,
    /// The next offset of the inbox.
    pub inbox_next: Offset,
    /// When the log took the newest record that is decided.
    pub horizon: Option<Timestamp>,
    /// When the log took the oldest command that waits.
    pub waits_since: Option<Timestamp>,
    /// Why it stopped for good.
    pub stopped: Option<String>,
}

impl StatusWire {
    pub(crate) fn of(status: &Status, waits_since: Option<Timestamp>) -> Self {
        Self {
            seq: status.position.seq,
            head: status.head,
            term: status.term,
            in_office: status.in_office,
            changes: status.registry.changes(),
            stored: status.stored,
            inbox_next: status.inbox_next,
            horizon: status.horizon,
            waits_since,
            stopped: status.stopped.clone(),
        }
    }
}

/// The bytes of a message.
#[must_use]
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_stdvec(message).expect("a message has nothing that postcard can't write")
}

/// Reads a question.
///
/// # Errors
/// See [`Unreadable`].
pub fn question(bytes: &[u8]) -> Result<Question, Unreadable> {
    postcard::from_bytes(bytes).map_err(|_| Unreadable)
}

/// Reads an answer.
///
/// # Errors
/// See [`Unreadable`].
pub fn answer(bytes: &[u8]) -> Result<Result<Answer, Unavailable>, Unreadable> {
    postcard::from_bytes(bytes).map_err(|_| Unreadable)
}

/// Reads a status.
///
/// # Errors
/// See [`Unreadable`].
pub fn status(bytes: &[u8]) -> Result<StatusWire, Unreadable> {
    postcard::from_bytes(bytes).map_err(|_| Unreadable)
}
