//! Clients that read while the run is on: at the owner, or at least at a position that they have heard of.

use coalition_domain::{AccountId, Place, Timestamp};
use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log::{Log, Offset};
use coalition_ledger::view::AccountView;

use super::World;
use crate::plants::{Plant, Shell};
use crate::workload;

/// Reads that may wait for their position at a time.
const OPEN_MAX: usize = 4;

/// A read that waits for its position.
struct Open {
    shard: ShardId,
    account: AccountId,
    process: usize,
    life: u64,
    wanted: Option<u64>,
}

/// What a client was shown.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) shard: ShardId,
    pub(crate) account: AccountId,
    /// Where it stood.
    pub(crate) position: Seq,
    /// Where it had to stand at least: what the client wanted, and what whoever answered had answered before.
    pub(crate) at_least: u64,
    /// For which instant.
    pub(crate) at: Timestamp,
    /// Where the journal ended then.
    pub(crate) end: Offset,
    /// What can be spent, what only later, what is owed, and what is held.
    pub(crate) balance: (u64, u64, u64, u64),
    pub(crate) enrolled: bool,
    /// How many activities, and where the newest of them stands.
    pub(crate) activities: (u32, Option<Place>),
}

/// All reads.
#[derive(Default)]
pub(crate) struct Reads {
    open: Vec<Open>,
    pub(crate) seen: Vec<Seen>,
}

impl World<'_> {
    /// A client asks for an account, or one that waits looks again.
    pub(super) fn read_somewhere(&mut self) {
        let next = self.random.below(OPEN_MAX);
        if next < self.reads.open.len() {
            let open = self.reads.open.swap_remove(next);
            return self.look(open);
        }
        if self.calm {
            return;
        }
        let account = workload::account(&mut self.random, self.settings.members);
        let shard = ShardId(account.shard(self.settings.shards));
        let owner = self.assigned[shard.0 as usize];
        let process =
            if self.random.happens(8_000) { owner } else { self.random.below(self.processes.len()) };
        let heard = self.clients.heard.get(&shard).copied();
        let wanted = heard.filter(|_| self.random.happens(5_000));
        if let Some(slot) = self.processes[process].slots.get(shard.0 as usize) {
            let life = slot.life;
            self.look(Open { shard, account, process, life, wanted });
        }
    }

    fn look(&mut self, open: Open) {
        if self.processes[open.process].stands_still(self.now) {
            return self.reads.open.push(open);
        }
        let slot = self.processes[open.process].slots.get_mut(open.shard.0 as usize);
        // With its process its answer is lost.
        let Some(slot) = slot.filter(|slot| slot.life == open.life) else { return };
        let position = slot.core.state().meta.chain.seq();
        let waits = open.wanted.is_some_and(|wanted| position.0 < wanted);
        if waits && self.plant != Some(Plant::Shell(Shell::ReadTooEarly)) {
            return self.reads.open.push(open);
        }
        // Whoever wants no position wants the owner.
        if open.wanted.is_none() && !slot.core.in_office() {
            return;
        }
        let Ok(view) = AccountView::of(open.shard, slot.core.state(), &slot.reader, open.account) else {
            panic!("the store can't be read");
        };
        let newest = view.account().activities().checked_sub(1).map(|number| view.activity(number));
        let newest = newest.and_then(|it| it.expect("the store can be read")).map(|it| it.place);
        // As the gateway reads: an owner's clock may be ahead, and what it decided has come about.
        let at = self.now.max(view.decided_at);
        let balance = view.account().balance(&workload::programme(), at);
        let at_least = slot.told.max(open.wanted.unwrap_or(0));
        slot.told = slot.told.max(view.position.seq.0);
        let end = self.log.bounds(&super::journal(open.shard)).expect("the journal exists").1;
        self.counts.reads += 1;
        let seen = Seen {
            shard: open.shard,
            account: open.account,
            position: view.position.seq,
            at_least,
            at,
            end,
            balance: (balance.available.get(), balance.pending.get(), balance.debt.get(), balance.held.get()),
            enrolled: view.account().enrolment().is_some(),
            activities: (view.account().activities(), newest),
        };
        self.trace.note(format_args!("process {} shows {seen:?}", open.process));
        self.reads.seen.push(seen);
    }
}
