//! A batch in the making: decisions on the committed state and on each other, which nobody else sees.

mod waiting;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use coalition_domain::decide::{RegistryCommand, RegistryDecision, brings, decide_registry, undecidable};
use coalition_domain::{
    Account, AccountId, Command, Decision, Fingerprint, Moment, Outcome, Registry, Rejection, Verdict,
};
use coalition_journal::entry::ShardId;

use crate::accounts::ByAccount;
use crate::body::{self, Item, Terms};
use crate::inbox::{CommandRun, RelayCommand, Run, Sent, Source};
use crate::plant::{Plant, Planted};
use crate::state::{Answered, State};

/// The largest item of a batch, encoded: one decision must leave room for the record around it.
pub const ITEM_BYTES_MAX: usize = 512 * 1024;

/// What became of a command in the draft.
#[derive(Debug)]
pub enum Drafted {
    /// It will be in effect with the batch, as this item of it.
    Item(u32),
    /// The account's activity of this number, in effect already, is its outcome.
    Known(u32),
    /// An earlier item of this very batch is its outcome.
    InBatch(u32),
    /// An answered command of the registry, in effect already, is its outcome.
    KnownRegistry(Box<Answered>),
    /// Time has changed nothing: there is nothing to journal.
    Nothing,
    /// The batch has no room left for it.
    Full,
}

/// How far a run of another shard was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunDrafted {
    /// To its end.
    All,
    /// Up to an account that is not in memory.
    Missing,
    /// As far as the batch has room.
    Full,
}

/// A batch in the making.
pub struct Draft {
    seq: u64,
    terms: Terms,
    bytes_max: usize,
    planted: Planted,
    body: body::Writer,
    /// Each with its number among its account's activities.
    items: Vec<(Item, u32)>,
    /// The items of each account, which are its next activities in this order.
    items_of: ByAccount<Vec<u32>>,
    /// Copies of the accounts that have been asked twice, as they are after their items.
    accounts: BTreeMap<AccountId, Account>,
    registry: Option<Registry>,
    answered: BTreeMap<(Fingerprint, Fingerprint), u32>,
    taken: BTreeMap<ShardId, u64>,
    /// Of what shards ask of accounts here: up to which number it is decided with this batch.
    decided: BTreeMap<ShardId, u64>,
    /// Events that wait since this batch.
    waiting: usize,
}

/// An item on its way into the batch, with its bytes and its number among its account's activities.
struct Ready {
    item: Item,
    bytes: Vec<u8>,
    activity: u32,
}

impl Draft {
    /// The batch that will be the record `seq`.
    pub fn new(seq: u64, terms: Terms, bytes_max: usize) -> Self {
        Self {
            seq,
            terms,
            bytes_max,
            planted: Planted::default(),
            body: body::Writer::default(),
            items: Vec::new(),
            items_of: ByAccount::default(),
            accounts: BTreeMap::new(),
            registry: None,
            answered: BTreeMap::new(),
            taken: BTreeMap::new(),
            decided: BTreeMap::new(),
            waiting: 0,
        }
    }

    /// The same, with a flaw.
    pub(crate) fn planted(self, planted: Planted) -> Self {
        Self { planted, ..self }
    }

    /// Decides a command of an account, which is in memory.
    pub fn account(&mut self, state: &State, command: Command, source: Option<Source>) -> Drafted {
        let id = command.account();
        self.copy(state, id);
        let committed = committed(state, &id);
        let account = self.accounts.get(&id).unwrap_or(committed);
        let unseen = self.planted.has(Plant::ExpiredTwice) && command.key().is_none();
        let seen = if unseen { committed } else { account };
        let registry = self.registry.as_ref().unwrap_or(&state.registry);
        let at = self.moment(registry, self.body.count());
        // A panic on one command must not stop the others: it is journaled as a refusal (rule 11).
        let verdict = catch_unwind(AssertUnwindSafe(|| self.planted.decide(seen, registry, &command, &at)))
            .unwrap_or_else(|_| Verdict::Decided(undecidable(&command, self.panicked(command.key()))));
        match verdict {
            Verdict::Repeat(activity) => match activity.checked_sub(committed.activities()) {
                None => Drafted::Known(activity),
                Some(nth) => Drafted::InBatch(self.items_of[&id][nth as usize]),
            },
            Verdict::Nothing => Drafted::Nothing,
            Verdict::Decided(outcome) => {
                let outcome = self.bounded(state, outcome);
                let ready = ready(Decision { command, outcome }, source, account.activities());
                let decided = decision(&ready.item);
                if matches!(decided.outcome, Outcome::Refused(_)) && decided.command.key().is_none() {
                    // Time can't be refused: it would be due again at once, and for ever. What it changed waits for a release
                    // that can tell.
                    let why = &decided.outcome;
                    tracing::error!(
                        seq = self.seq,
                        ?why,
                        "what time brings about can't be journaled; it waits"
                    );
                    return Drafted::Nothing;
                }
                if !account.waiting().is_empty()
                    && brings(decision(&ready.item))
                    && !self.planted.has(Plant::ConsentUnheard)
                {
                    let (account, group) = self.with_waiting(state, account.clone(), ready);
                    return self.push_group(id, account, group);
                }
                self.push_account(state, id, ready)
            }
        }
    }

    /// Decides a command of the registry.
    pub fn registry(&mut self, state: &State, command: RegistryCommand) -> Drafted {
        let key = (command.key(), command.content());
        if let Some(answered) = state.answered.get(&key) {
            return Drafted::KnownRegistry(Box::new(answered.clone()));
        }
        if let Some(item) = self.answered.get(&key) {
            return Drafted::InBatch(*item);
        }
        let reused =
            state.answered.range((key.0, Fingerprint::MIN)..).next().is_some_and(|((id, _), _)| *id == key.0)
                || self.answered.keys().any(|(id, _)| *id == key.0);
        let registry = self.registry.as_ref().unwrap_or(&state.registry);
        let decided_at = self.terms.decided_at;
        let outcome = if reused {
            Err(Rejection::IdReused)
        } else {
            catch_unwind(AssertUnwindSafe(|| decide_registry(registry, &command, decided_at)))
                .unwrap_or_else(|_| Err(self.panicked(Some(command.key()))))
        };
        let mut decision = RegistryDecision { command, outcome };
        let mut bytes = body::encode_item(&Item::Registry(decision.clone()));
        if bytes.len() > ITEM_BYTES_MAX {
            decision.outcome = Err(Rejection::DecisionTooLarge);
            bytes = body::encode_item(&Item::Registry(decision.clone()));
        }
        let Some(item) = self.push(Item::Registry(decision.clone()), 0, &bytes) else { return Drafted::Full };
        self.answered.insert(key, item);
        let registry = self.registry.get_or_insert_with(|| Registry::clone(&state.registry));
        decision.outcome.iter().flatten().for_each(|event| registry.evolve(event));
        Drafted::Item(item)
    }

    /// Takes in what another shard sent: the commands that continue what was taken. False if there is no room.
    pub fn relayed(&mut self, state: &State, run: Run) -> bool {
        let taken = *self.taken.get(&run.source).or_else(|| state.meta.taken.get(&run.source)).unwrap_or(&0);
        let taken = if self.planted.has(Plant::RunsUnnumbered) { run.first - 1 } else { taken };
        let known = usize::try_from((taken + 1).saturating_sub(run.first)).unwrap_or(usize::MAX);
        if run.first > taken + 1 {
            // The source sends the next run only after this one is in the log, so a gap is a broken invariant there.
            tracing::error!(source = %run.source, first = run.first, taken, "relayed commands leave a gap; passed over");
            return true;
        }
        let commands: Vec<_> = run.commands.into_iter().skip(known).collect();
        if commands.is_empty() {
            return true;
        }
        let run = Run { source: run.source, first: taken + 1, commands };
        let last = taken + run.commands.len() as u64;
        let bytes = body::encode_item(&Item::Relayed(run.clone()));
        if self.push(Item::Relayed(run.clone()), 0, &bytes).is_none() {
            return false;
        }
        self.taken.insert(run.source, last);
        let registry = self.registry.get_or_insert_with(|| Registry::clone(&state.registry));
        for RelayCommand::Registry(event) in &run.commands {
            registry.evolve(event);
        }
        true
    }

    /// Decides what another shard asks of accounts here, as far as those are in memory and there is room. What is decided is
    /// noted along with it, so that a run may be decided by several batches.
    pub fn commands(&mut self, state: &State, run: &CommandRun) -> RunDrafted {
        let decided = self.decided.get(&run.source).or_else(|| state.meta.decided.get(&run.source));
        let before = decided.copied().unwrap_or(0);
        let before = if self.planted.has(Plant::HandoverTwice) { run.first - 1 } else { before };
        if run.first > before + 1 {
            tracing::error!(source = %run.source, first = run.first, before, "commands leave a gap; passed over");
            return RunDrafted::All;
        }
        let (mut upto, mut drafted) = (before, RunDrafted::All);
        for (number, Sent { command, source }) in (run.first..).zip(&run.commands) {
            if number <= before {
                continue;
            }
            if let Command::FindOrder { order, asker, until } = *command {
                if !self.asked(Item::Asked { order, asker, until }) {
                    drafted = RunDrafted::Full;
                    break;
                }
                upto = number;
                continue;
            }
            if !state.accounts.contains(&command.account()) {
                drafted = RunDrafted::Missing;
                break;
            }
            let lost = matches!(command, Command::Adopt(_)) && self.planted.has(Plant::HandoverLost)
                || matches!(command, Command::OrderLocated { .. }) && self.planted.has(Plant::OrderUnheard);
            if !lost && matches!(self.account(state, command.clone(), *source), Drafted::Full) {
                drafted = RunDrafted::Full;
                break;
            }
            upto = number;
        }
        if upto > before {
            let item = Item::Taken(run.source, upto);
            // It has room always: a few bytes.
            self.body.push(&body::encode_item(&item));
            self.items.push((item, 0));
            self.decided.insert(run.source, upto);
        }
        drafted
    }

    /// Takes a question in; false if there is no room. One whose time is over is forgotten at once.
    fn asked(&mut self, item: Item) -> bool {
        let bytes = body::encode_item(&item);
        self.push(item, 0, &bytes).is_some()
    }

    /// What the command at `item` was decided to, and its number among its account's activities.
    pub fn item(&self, item: u32) -> (&Item, u32) {
        let (item, activity) = &self.items[item as usize];
        (item, *activity)
    }

    /// Its items.
    pub(crate) fn into_items(self) -> Vec<Item> {
        self.items.into_iter().map(|(item, _)| item).collect()
    }

    /// How many items it has.
    pub fn count(&self) -> u32 {
        self.body.count()
    }

    /// The encoded bytes of its items.
    pub fn bytes(&self) -> usize {
        self.body.bytes()
    }

    /// Whether it has items of the account.
    pub fn has(&self, id: &AccountId) -> bool {
        self.items_of.contains_key(id)
    }

    /// The record's bytes, behind its head.
    pub fn finish(&self, terms: &Terms, head: Vec<u8>) -> bytes::Bytes {
        self.body.finish(terms, head)
    }

    fn panicked(&self, key: Option<Fingerprint>) -> Rejection {
        tracing::error!(seq = self.seq, ?key, "a decision panicked; the command is refused");
        Rejection::InternalFault
    }

    /// Makes the copy of an account that is asked a second time.
    fn copy(&mut self, state: &State, id: AccountId) {
        if let (Some(&[first]), false) =
            (self.items_of.get(&id).map(Vec::as_slice), self.accounts.contains_key(&id))
        {
            let mut copy = committed(state, &id).clone();
            self.evolve(&mut copy, first, state);
            self.accounts.insert(id, copy);
        }
    }

    fn push_account(&mut self, state: &State, id: AccountId, ready: Ready) -> Drafted {
        let Ready { item, bytes, activity } = ready;
        let waits = matches!(decision(&item).outcome, Outcome::Waiting(_));
        let Some(number) = self.push(item, activity, &bytes) else { return Drafted::Full };
        self.waiting += usize::from(waits);
        self.items_of.entry(id).or_default().push(number);
        if let Some(mut account) = self.accounts.remove(&id) {
            self.evolve(&mut account, number, state);
            self.accounts.insert(id, account);
        }
        Drafted::Item(number)
    }

    fn push(&mut self, item: Item, activity: u32, bytes: &[u8]) -> Option<u32> {
        let number = self.body.count();
        if !self.has_room(bytes.len()) {
            return None;
        }
        self.body.push(bytes);
        self.items.push((item, activity));
        Some(number)
    }

    /// What comes first has room always.
    fn has_room(&self, bytes: usize) -> bool {
        self.body.count() == 0 || self.body.bytes() + bytes <= self.bytes_max
    }

    fn evolve(&self, account: &mut Account, item: u32, state: &State) {
        let decision = decision(&self.items[item as usize].0);
        // The settings can change within the batch only by items before it, and ages are lowered, never raised.
        let registry = self.registry.as_ref().unwrap_or(&state.registry);
        account.evolve(decision, &self.moment(registry, item));
    }

    fn moment(&self, registry: &Registry, item: u32) -> Moment {
        State::moment(registry, self.seq, item, &self.terms)
    }
}

fn committed<'a>(state: &'a State, id: &AccountId) -> &'a Account {
    &state.accounts.get(id).expect("an account is loaded before the draft").account
}

/// A decision as it goes into the batch; one that is too large for it becomes a refusal (rule 11).
fn ready(decision: Decision, source: Option<Source>, activity: u32) -> Ready {
    let mut item = Item::Account(decision, source);
    let mut bytes = body::encode_item(&item);
    if bytes.len() > ITEM_BYTES_MAX
        && let Item::Account(decision, _) = &mut item
    {
        decision.outcome = undecidable(&decision.command, Rejection::DecisionTooLarge);
        bytes = body::encode_item(&item);
    }
    Ready { item, bytes, activity }
}

fn decision(item: &Item) -> &Decision {
    match item {
        Item::Account(decision, _) => decision,
        Item::Registry(_) | Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => {
            unreachable!("an account's item")
        }
    }
}
