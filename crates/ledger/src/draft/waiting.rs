//! Events that came too early, decided again: behind the consent or order that they waited for, or when their time is over.

use std::panic::{AssertUnwindSafe, catch_unwind};

use coalition_domain::decide::decide_waiting;
use coalition_domain::waiting::WaitingEvent;
use coalition_domain::{Account, AccountId, Command, Decision, Outcome};

use super::{Draft, Drafted, ITEM_BYTES_MAX, Ready, committed, decision, ready};
use crate::body::Item;
use crate::due::{self, DueKey};
use crate::inbox::Source;
use crate::state::State;

impl Draft {
    /// Decides an event that waits, whose time is over, of an account that is in memory. False if there is no room.
    pub fn due(&mut self, state: &State, id: AccountId, key: &DueKey) -> bool {
        self.copy(state, id);
        let account = self.accounts.get(&id).unwrap_or_else(|| committed(state, &id));
        // It may be decided by this very batch, as what it waited for came.
        let Some(waiting) = account.waiting().iter().find(|waiting| due::key(waiting) == *key) else {
            return true;
        };
        let Some(ready) = self.again(state, account, waiting, self.body.count()) else { return true };
        !matches!(self.push_account(state, id, ready), Drafted::Full)
    }

    /// What waits has to fit into memory.
    pub(super) fn bounded(&self, state: &State, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Waiting(wait) if state.due.count() + self.waiting >= due::WAITING_MAX => {
                Outcome::Refused(wait.waits_for.missed())
            }
            Outcome::Waiting(_) | Outcome::Applied(_) | Outcome::Refused(_) | Outcome::Forwarded(_) => {
                outcome
            }
        }
    }

    /// What an event that waits comes to as item `index` of the batch; `None`: it waits on.
    fn again(&self, state: &State, account: &Account, waiting: &WaitingEvent, index: u32) -> Option<Ready> {
        let registry = self.registry.as_ref().unwrap_or(&state.registry);
        let at = self.moment(registry, index);
        let command = Command::of_event(waiting.event.clone(), account.id());
        let outcome = catch_unwind(AssertUnwindSafe(|| decide_waiting(account, registry, waiting, &at)))
            .unwrap_or_else(|_| Some(Outcome::Refused(self.panicked(command.key()))))?;
        let source = if waiting.place.seq == self.seq {
            source(&self.items[waiting.place.index as usize].0)
        } else {
            state.due.get(&due::key(waiting)).and_then(|due| due.source)
        };
        Some(ready(Decision { command, outcome }, source, account.activities()))
    }

    /// What brings a consent or an order, and what the account's events that waited come to with it: each time the first in
    /// the order in which they came, as one may bring what another waits for. What the record has no room for waits on, and
    /// is decided when its time is over (rule 11).
    pub(super) fn with_waiting(
        &self,
        state: &State,
        mut account: Account,
        brought: Ready,
    ) -> (Account, Vec<Ready>) {
        let mut index = self.body.count();
        let registry = self.registry.as_ref().unwrap_or(&state.registry);
        account.evolve(decision(&brought.item), &self.moment(registry, index));
        let mut bytes = brought.bytes.len();
        let mut group = vec![brought];
        loop {
            index += 1;
            let again = |waiting| self.again(state, &account, waiting, index);
            let Some(ready) = account.waiting().iter().find_map(again) else { break };
            bytes += ready.bytes.len();
            if bytes > ITEM_BYTES_MAX {
                break;
            }
            account.evolve(decision(&ready.item), &self.moment(registry, index));
            group.push(ready);
        }
        (account, group)
    }

    /// All of a group or nothing, and the account as it is after it.
    pub(super) fn push_group(&mut self, id: AccountId, account: Account, group: Vec<Ready>) -> Drafted {
        let bytes: usize = group.iter().map(|ready| ready.bytes.len()).sum();
        let first = self.body.count();
        if !self.has_room(bytes) {
            return Drafted::Full;
        }
        self.accounts.insert(id, account);
        for Ready { item, bytes, activity } in group {
            self.items_of.entry(id).or_default().push(self.body.count());
            self.body.push(&bytes);
            self.items.push((item, activity));
        }
        Drafted::Item(first)
    }
}

fn source(item: &Item) -> Option<Source> {
    match item {
        Item::Account(_, source) => *source,
        Item::Registry(_) | Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => None,
    }
}
