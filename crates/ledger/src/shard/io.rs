//! What goes into a step and what comes out of it.

use std::sync::Arc;

use bytes::Bytes;
use coalition_domain::decide::{RegistryCommand, RegistryDecision};
use coalition_domain::{AccountId, Command, Decision, Fingerprint, Place, Timestamp};
use coalition_journal::effect::{Attempt, Deposition};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{AppendError, Offset, Stored};

use crate::accounts::Written;
use crate::body::Destination;
use crate::refused::Refused;
use crate::resident::Resident;
use crate::timers;

/// Names a direct command until it is answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub u64);

/// A command that does not come by the inbox: its caller waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Direct {
    /// To an account of this shard.
    Account(Command),
    /// To the registry; only in its home shard.
    Registry(RegistryCommand),
}

/// What a step takes in.
#[derive(Debug)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// The shard is this process's to run.
    Assigned,
    /// It no longer is.
    Revoked,
    /// The assignment was confirmed; see [`Output::NeedConfirmation`].
    Confirmed(Deposition),
    /// The end of the journal, as asked for.
    End(Offset),
    /// Records of the journal from where [`super::Shard::wants_journal`] said, in order.
    Journal(Vec<Stored>),
    /// Records of the inbox from where [`super::Shard::wants_inbox`] said, in order.
    Inbox(Vec<Stored>),
    /// Accounts, as asked for.
    Loaded(Vec<Resident>),
    /// Entries of the index of due times, as asked for.
    Timers(Vec<timers::Entry>),
    /// The account that may know an order, if there is one.
    Order(Fingerprint, Option<AccountId>),
    /// What the log says of an append.
    Appended(Attempt, Result<Offset, AppendError>),
    /// A command whose caller waits.
    Direct(Token, Box<Direct>),
    /// What became of a run that was sent elsewhere.
    Relayed {
        /// Where to.
        to: Destination,
        /// The number of its last one.
        upto: u64,
        /// Whether the log has it for sure.
        appended: bool,
    },
    /// The store holds everything up to this position.
    Stored(u64, Written),
}

/// What a step asks for.
#[derive(Debug)]
pub enum Output {
    /// Ask the journal for its end and say [`Input::End`]; wait first, with jitter, the longer the more `tries`.
    NeedEnd {
        /// Terms tried in vain.
        tries: u32,
    },
    /// Have the assignment confirmed, then say [`Input::Confirmed`].
    NeedConfirmation(Deposition),
    /// Append to the journal; say [`Input::Appended`] if it has a name.
    Append {
        /// Its name.
        attempt: Option<Attempt>,
        /// What.
        record: Bytes,
    },
    /// Load these accounts and say [`Input::Loaded`] with all of them.
    Load(Vec<AccountId>),
    /// Read the first `most` entries of the index of due times behind one, with [`timers::load`], and say
    /// [`Input::Timers`] with them.
    LoadTimers {
        /// Behind which one; `None`: from the first on.
        after: Option<timers::Entry>,
        /// How many.
        most: usize,
    },
    /// Look for an order in the index with [`crate::finder::find`], and say [`Input::Order`] with the account; others may be
    /// told of something else meanwhile.
    FindOrder {
        /// Under which key an account would know it.
        order: Fingerprint,
        /// Where the search begins: see [`crate::finder::find`].
        segment: u64,
        /// And where it ends.
        since: Timestamp,
    },
    /// Answer the caller.
    Answer(Token, Answer),
    /// Append to the inbox of another shard, then say [`Input::Relayed`].
    Relay {
        /// To which one.
        shard: ShardId,
        /// In whose numbers.
        to: Destination,
        /// The number of its last command.
        upto: u64,
        /// What.
        record: Bytes,
    },
    /// Bring these, of which there is one at least, back to their partners, then say [`Input::Relayed`].
    Return(Vec<Arc<Refused>>),
}

/// The answer to a direct command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It was decided, and the decision is in effect.
    Decided(Box<Answered>),
    /// It was decided before: the account's activity of this number says what became of it.
    Known(AccountId, u32),
    /// There is no answer from here.
    Not(Unanswered),
}

/// A decision in effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// Where the journal has it.
    pub place: Place,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Its number among the account's activities; 0 for the registry.
    pub activity: u32,
    /// The decision.
    pub decided: Decided,
}

/// What was decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decided {
    /// Of an account.
    Account(Decision),
    /// Of the registry.
    Registry(RegistryDecision),
}

/// Why a command has no answer. Both mean: try again, with the same request id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unanswered {
    /// This process does not run the shard now; nothing was decided here.
    NotOwner,
    /// This attempt did not take effect. Another one with the same id may have.
    NotApplied,
}

/// Why a shard stopped for good: a person has to act.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Stop {
    /// The journal holds what only a later release can read.
    #[error(transparent)]
    NewerFormat(#[from] coalition_journal::entry::NewerFormat),
    /// A batch in effect can't be read.
    #[error(transparent)]
    Unreadable(#[from] crate::body::Unreadable),
    /// The inbox holds what only a later release can read.
    #[error(transparent)]
    Inbox(#[from] crate::inbox::Unreadable),
    /// The journal belongs to another network or shard, or its topics were created anew.
    #[error("the journal begins with another genesis than this network's: {0}")]
    Foreign(String),
}
