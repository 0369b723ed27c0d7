//! What took effect: the committed state of a shard, folded from its journal and from nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use coalition_domain::decide::RegistryDecision;
use coalition_domain::event::Outcome;
use coalition_domain::event_key;
use coalition_domain::handover::Piece;
use coalition_domain::{
    AccountId, Command, Decision, Fingerprint, Moment, Place, Registry, RegistryEvent, Timestamp,
};
use coalition_journal::chain::Chain;
use coalition_journal::entry::{Hash, Rebase, ShardCount, ShardId};
use coalition_journal::log::Offset;
use coalition_store::{Checkpoint, Mark, Range, Reader};
use serde::{Deserialize, Serialize};

use crate::accounts::{Accounts, Taken, Written};
use crate::body::{self, Destination, Item, Terms};
use crate::due::{self, Due, DueTimes};
use crate::finder::{self, Finder, Kind};
use crate::inbox::{RelayCommand, Run, Source};
use crate::inquiries::{self, Inquiries};
use crate::milestone::Milestone;
use crate::outbox::{self, Outbox};
use crate::refused::{self, Returns};
use crate::rows;
use crate::timers::{self, Timers};
use crate::totals::{LineOfHour, Totals};

/// What a shard knows of its journal and inbox. Frozen in stored data, until the format of the rows is raised.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Meta {
    /// The fence.
    pub chain: Chain,
    /// The newest decision's time.
    pub decided_at: Option<Timestamp>,
    /// The largest append time seen in the inbox.
    pub horizon: Option<Timestamp>,
    /// The next offset of the inbox to decide.
    pub inbox_next: Offset,
    /// The next offset of the journal to read.
    pub journal_next: Offset,
    /// The last record read when this was stored, in effect or not, by which a journal is known again.
    pub last_record: Option<(Offset, Hash)>,
    /// Of what this shard sends: up to which number the log has it.
    pub relayed: BTreeMap<Destination, u64>,
    /// Of other shards' commands to this one: up to which number they were taken in.
    pub taken: BTreeMap<ShardId, u64>,
    /// How many events were refused.
    pub refused: u64,
    /// Of what this shard asks of accounts: the newest number, by the shard that they are in.
    pub sent: BTreeMap<ShardId, u64>,
    /// Of what shards ask of accounts here: up to which number it is decided.
    pub decided: BTreeMap<ShardId, u64>,
    /// How many entries the index of orders has.
    pub orders: u64,
    /// How many the one of events has.
    pub events: u64,
}

/// The committed state.
pub struct State {
    /// See [`Meta`].
    pub meta: Meta,
    /// What the network agrees on, as far as this shard has heard.
    pub registry: Arc<Registry>,
    /// Every change of it, in order: the first has the number 1.
    pub registry_log: Vec<Arc<RegistryEvent>>,
    /// Answered commands to the registry, by id and content; only in its home shard.
    pub answered: BTreeMap<(Fingerprint, Fingerprint), Answered>,
    /// Refused events that have to go back to their partners.
    pub refused: Returns,
    /// What follows from decisions here for accounts elsewhere.
    pub outbox: Outbox,
    /// When the time of events is over that wait.
    pub due: DueTimes,
    /// Which accounts know which orders.
    pub(crate) finder: Finder,
    /// Which accounts events came to.
    pub(crate) events: Finder,
    /// The orders for which accounts of any shard wait.
    pub(crate) inquiries: Inquiries,
    /// When time will change something of an account.
    pub timers: Timers,
    /// Sums.
    pub totals: Totals,
    /// Accounts in memory.
    pub accounts: Accounts,
    registry_stored: usize,
    answered_new: Vec<(Fingerprint, Fingerprint)>,
    /// Those that the store has not got yet.
    milestones: Vec<Milestone>,
    /// The last record that was read since the store was given one: it is hashed for the store alone.
    last_record: Option<(Offset, Bytes)>,
}

/// A command to the registry that was answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// Where the journal has it.
    pub place: Place,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The decision.
    pub decision: RegistryDecision,
}

/// What goes to the store: everything that changed between two positions.
pub struct Taking {
    /// The position that the store holds already.
    pub since: u64,
    /// The position that it will hold.
    pub mark: Mark,
    meta: Vec<u8>,
    accounts: Vec<Taken>,
    written: Written,
    registry: Vec<(u64, Arc<RegistryEvent>)>,
    answered: Vec<((Fingerprint, Fingerprint), Answered)>,
    refused: refused::Changes,
    outbox: outbox::Changes,
    due: due::Changes,
    finder: finder::Changes,
    events: finder::Changes,
    inquiries: inquiries::Changes,
    timers: timers::Changes,
    milestones: Vec<Milestone>,
    books: Vec<(Vec<u8>, i128)>,
    lines: Vec<(LineOfHour, coalition_domain::settlement::LineSum)>,
}

impl Taking {
    /// The rows. Costs time in proportion to what changed: not for the shard's own thread. An account is let go of as soon
    /// as its rows are there: as long as it is held, whatever the shard changes of it is copied.
    pub fn rows(&mut self) -> Checkpoint {
        let mut rows = Checkpoint::new(self.mark);
        rows.put(*b"m", self.meta.clone());
        for taken in std::mem::take(&mut self.accounts) {
            let own_rows = rows::put_account(&mut rows, &taken, Some(self.since));
            if own_rows != taken.resident.own_rows {
                self.written.own_rows.push((taken.resident.account.id(), own_rows));
            }
        }
        for (number, event) in &self.registry {
            rows::put_parts(&mut rows, &rows::registry_key(*number), &rows::encode(event));
        }
        for ((id, content), answered) in &self.answered {
            rows::put_parts(&mut rows, &rows::answered_key(id, content), &rows::encode(answered));
        }
        self.refused.put(&mut rows);
        self.outbox.put(&mut rows);
        self.due.put(&mut rows);
        self.finder.put(&mut rows);
        self.events.put(&mut rows);
        self.inquiries.put(&mut rows);
        self.timers.put(&mut rows);
        for milestone in &self.milestones {
            rows.put(rows::milestone_key(milestone.chain.seq().0), rows::encode(milestone));
        }
        for (key, sum) in &self.books {
            rows.put(key.clone(), rows::encode(sum));
        }
        for (line, sum) in &self.lines {
            rows.put(rows::line_key(line), rows::encode(sum));
        }
        rows
    }

    /// What changes in memory once its [`Self::rows`] are stored.
    pub fn written(&self) -> Written {
        self.written.clone()
    }
}

impl Meta {
    /// What the store holds of it; the default if that is empty.
    ///
    /// # Errors
    /// A row that can't be read: the store has to be rebuilt.
    pub fn load(reader: &dyn Reader) -> Result<Self, rows::Error> {
        reader.get(b"m")?.map_or(Ok(Self::default()), |meta| rows::decode('m', &meta))
    }
}

impl State {
    /// Before the first record, over an empty store, in a network of so many shards.
    pub fn new(accounts_max: usize, shards: ShardCount) -> Self {
        Self {
            meta: Meta::default(),
            registry: Arc::default(),
            registry_log: Vec::new(),
            answered: BTreeMap::new(),
            refused: Returns::default(),
            outbox: Outbox::new(shards.0),
            due: DueTimes::default(),
            finder: Finder::new(Kind::Orders),
            events: Finder::new(Kind::Events),
            inquiries: Inquiries::default(),
            timers: Timers::default(),
            totals: Totals::default(),
            accounts: Accounts::new(accounts_max, 0),
            registry_stored: 0,
            answered_new: Vec::new(),
            milestones: Vec::new(),
            last_record: None,
        }
    }

    /// The state that the store holds; accounts are loaded when they are needed.
    ///
    /// # Errors
    /// Rows that can't be read: the store has to be rebuilt.
    pub fn load(reader: &dyn Reader, accounts_max: usize, shards: ShardCount) -> Result<Self, rows::Error> {
        let Some(meta) = reader.get(b"m")? else { return Ok(Self::new(accounts_max, shards)) };
        let meta: Meta = rows::decode('m', &meta)?;
        let mut registry = Registry::default();
        let mut registry_log = Vec::new();
        rows::scan_parts(reader, Range::prefix(*b"r"), |_, value| {
            let event: RegistryEvent = rows::decode('r', value)?;
            registry.evolve(&event);
            registry_log.push(Arc::new(event));
            Ok(())
        })?;
        let mut answered = BTreeMap::new();
        rows::scan_parts(reader, Range::prefix(*b"q"), |_, value| {
            let row: Answered = rows::decode('q', value)?;
            answered.insert((row.decision.command.key(), row.decision.command.content()), row);
            Ok(())
        })?;
        let mut books = BTreeMap::new();
        rows::scan(reader, Range::prefix(*b"b"), |row| {
            let at = row.key.iter().position(|byte| *byte == 0).ok_or(rows::Error::Row('b'))? + 1;
            books.insert(rows::decode('b', &row.key[at..])?, rows::decode('b', &row.value)?);
            Ok(())
        })?;
        let mut lines = BTreeMap::new();
        if let Some(decided_at) = meta.decided_at {
            let hour = coalition_domain::settlement::Hour::of(decided_at);
            for (programme, _) in registry.programmes() {
                let next = coalition_domain::settlement::Hour(hour.0 + 1);
                rows::scan_lines(reader, programme, hour, next, |line, sum| {
                    lines.insert(line, sum);
                })?;
            }
        }
        let seq = meta.chain.seq().0;
        Ok(Self {
            registry: Arc::new(registry),
            registry_stored: registry_log.len(),
            registry_log,
            answered,
            refused: Returns::load(reader, meta.refused)?,
            outbox: Outbox::load(reader, shards.0, &meta.sent)?,
            due: DueTimes::load(reader)?,
            finder: Finder::load(reader, Kind::Orders, meta.orders)?,
            events: Finder::load(reader, Kind::Events, meta.events)?,
            inquiries: Inquiries::load(reader)?,
            timers: Timers::default(),
            totals: Totals::from_parts(books, lines),
            accounts: Accounts::new(accounts_max, seq),
            answered_new: Vec::new(),
            milestones: Vec::new(),
            last_record: None,
            meta,
        })
    }

    /// The moment of the decision `index` in the record `seq`, decided under `terms`.
    pub fn moment(registry: &Registry, seq: u64, index: u32, terms: &Terms) -> Moment {
        let settings = registry.settings();
        Moment {
            place: Place { seq, index },
            decided_at: terms.decided_at,
            horizon: terms.horizon,
            max_event_age: settings.max_event_age,
            max_request_age: settings.max_request_age,
        }
    }

    /// Takes a batch in effect in, with the account of each of its items; all of them are in memory.
    pub fn fold(&mut self, seq: u64, terms: &Terms, items: &[(Item, Bytes)], accounts: &[Option<AccountId>]) {
        for ((index, (item, bytes)), account) in (0_u32..).zip(items).zip(accounts) {
            let at = Self::moment(&self.registry, seq, index, terms);
            match (item, account) {
                (Item::Account(decision, source), Some(account)) => {
                    self.fold_event(*account, decision, &at);
                    self.fold_waiting(*account, decision, *source, &at);
                    self.fold_account(account, decision, bytes, &at);
                    self.refused.note(decision, *source, (at.place, at.decided_at));
                    self.outbox.note(decision, *source);
                    self.fold_order(*account, decision, &at);
                }
                (Item::Account(..), None) => unreachable!("an account's item has its account"),
                (Item::Registry(decision), _) => self.fold_registry(decision, &at),
                (Item::Relayed(run), _) => self.fold_run(run),
                (Item::Taken(source, upto), _) => {
                    self.meta.decided.insert(*source, *upto);
                }
                (Item::Asked { order, asker, until }, _) => self.inquiries.ask((*order, *asker), *until),
            }
        }
        self.meta.decided_at = Some(terms.decided_at);
        self.meta.horizon = Some(terms.horizon);
        self.meta.inbox_next = terms.inbox_next;
        self.meta.refused = self.refused.last();
        self.meta.sent = self.outbox.last();
        self.meta.orders = self.finder.count();
        self.meta.events = self.events.count();
        self.inquiries.forget_before(terms.decided_at);
        for (to, number) in &terms.relayed {
            self.meta.relayed.insert(*to, *number);
            match to {
                Destination::Partners => self.refused.returned(*number),
                Destination::Shard(_) => {}
                Destination::Accounts(to) => self.outbox.acknowledged(*to, *number),
            }
        }
    }

    /// Takes a move to other topics in.
    pub fn rebase(&mut self, rebase: &Rebase) {
        self.meta.inbox_next = rebase.inbox_position;
    }

    /// Before the account changes, as it knows what waited.
    fn fold_waiting(&mut self, id: AccountId, decision: &Decision, source: Option<Source>, at: &Moment) {
        let Some(event) = decision.command.event() else { return };
        let resident = self.accounts.get(&id).expect("an account is loaded before it changes");
        if let Some(waited) = resident.account.waits(event) {
            self.due.remove(due::key(waited));
        }
        if let Outcome::Waiting(wait) = &decision.outcome {
            self.due.insert((wait.until, at.place), Due { account: id, source });
        }
    }

    fn fold_account(&mut self, account: &AccountId, decision: &Decision, bytes: &Bytes, at: &Moment) {
        let (mut before, mut after) = (None, None);
        self.accounts.change(account, |resident| {
            before = resident.account.next_due();
            resident.account.evolve(decision, at);
            resident.note(at.place, at.decided_at, bytes);
            after = resident.account.next_due();
        });
        self.timers.moved(*account, before, after, at.place.seq);
        if let Outcome::Applied(applied) = &decision.outcome {
            for event in &applied.events {
                self.totals.add(event, at.place.seq, at.decided_at);
            }
        }
    }

    /// Where an event came can be found: before the account changes, as it knows what waited and is decided once more.
    fn fold_event(&mut self, id: AccountId, decision: &Decision, at: &Moment) {
        let Command::PartnerEvent(event) = &decision.command else { return };
        let resident = self.accounts.get(&id).expect("an account is loaded before it changes");
        if resident.account.waits(event).is_none() {
            self.events.note(event_key(event.partner, &event.event_id), id, at.decided_at, at.place.seq);
        }
    }

    /// What was bought can be found; and what was found is asked for no more.
    fn fold_order(&mut self, account: AccountId, decision: &Decision, at: &Moment) {
        if let Some(order) = coalition_domain::order::kept(decision) {
            self.note_order(order, account, at);
        }
        if let (Command::Adopt(handover), Outcome::Applied(_)) = (&decision.command, &decision.outcome) {
            for piece in &handover.pieces {
                if let Piece::Orders { orders, .. } = piece {
                    orders.iter().for_each(|(order, _)| self.note_order(*order, account, at));
                }
            }
        }
        if let (Command::LocateOrder { order, asker, .. }, Outcome::Applied(_)) =
            (&decision.command, &decision.outcome)
        {
            self.inquiries.answered((*order, *asker));
        }
    }

    fn note_order(&mut self, order: Fingerprint, account: AccountId, at: &Moment) {
        self.finder.note(order, account, at.decided_at, at.place.seq);
        self.inquiries.found(order, account);
    }

    /// The index is not searched for what was decided before: it can't be returned, or sent again.
    pub(crate) fn searched_since(&self) -> Timestamp {
        let now = self.meta.horizon.min(self.meta.decided_at).unwrap_or(Timestamp::MIN);
        now.minus(self.registry.settings().max_event_age)
    }

    fn fold_registry(&mut self, decision: &RegistryDecision, at: &Moment) {
        let key = (decision.command.key(), decision.command.content());
        let answered = Answered { place: at.place, decided_at: at.decided_at, decision: decision.clone() };
        self.answered.insert(key, answered);
        self.answered_new.push(key);
        for event in decision.outcome.iter().flatten() {
            self.change_registry(event);
        }
    }

    fn fold_run(&mut self, run: &Run) {
        for command in &run.commands {
            match command {
                RelayCommand::Registry(event) => self.change_registry(event),
            }
        }
        self.meta.taken.insert(run.source, run.first + run.commands.len() as u64 - 1);
    }

    fn change_registry(&mut self, event: &RegistryEvent) {
        Arc::make_mut(&mut self.registry).evolve(event);
        self.registry_log.push(Arc::new(event.clone()));
    }

    /// Takes out what changed since the last call, for the store.
    pub fn take_changes(&mut self, since: u64) -> Taking {
        if let Some((offset, raw)) = self.last_record.take() {
            self.meta.last_record = Some((offset, Hash::default().then(&raw)));
        }
        let chain = &self.meta.chain;
        let seq = chain.seq().0;
        let registry = (1_u64..).zip(&self.registry_log).skip(self.registry_stored);
        let registry: Vec<_> = registry.map(|(number, event)| (number, Arc::clone(event))).collect();
        self.registry_stored = self.registry_log.len();
        let answered = std::mem::take(&mut self.answered_new);
        let accounts = self.accounts.take_dirty(seq);
        let paged = accounts.iter().filter(|taken| !taken.resident.full.is_empty());
        Taking {
            since,
            mark: Mark { seq, head: chain.head().0 },
            meta: rows::encode(&self.meta),
            written: Written {
                paged: paged.map(|taken| taken.resident.account.id()).collect(),
                own_rows: Vec::new(),
            },
            accounts,
            registry,
            answered: answered.into_iter().map(|key| (key, self.answered[&key].clone())).collect(),
            refused: self.refused.take_changed(),
            outbox: self.outbox.take_changed(),
            due: self.due.take_changed(),
            finder: self.finder.take_changed(seq),
            events: self.events.take_changed(seq),
            inquiries: self.inquiries.take_changed(),
            timers: self.timers.take_changed(seq),
            milestones: std::mem::take(&mut self.milestones),
            books: self
                .totals
                .books()
                .iter()
                .map(|((id, book), sum)| (rows::book_key(id, book), *sum))
                .collect(),
            lines: self.totals.take_changed(),
        }
    }

    /// The bytes of the record at `offset` were read, which is `in_effect` or not.
    pub fn note_record(&mut self, offset: Offset, raw: &Bytes, in_effect: bool) {
        self.meta.journal_next = offset.plus(1);
        self.last_record = Some((offset, raw.clone()));
        if in_effect {
            self.milestones.extend(Milestone::at(&self.meta.chain, self.meta.journal_next));
        }
    }
}

/// Why a batch in effect stops the shard.
pub use body::Unreadable;
