//! Reading the journal: judge, fold, settle, one record after the other.

use bytes::Bytes;
use coalition_domain::AccountId;
use coalition_journal::chain::Verdict;
use coalition_journal::entry::Entry;
use coalition_journal::log::{Offset, Stored};

use super::{Output, Shard, Stop};
use crate::body::{self, Item};
use crate::clock::Now;

/// Records read ahead of the fold.
pub(super) const UNFOLDED_MAX: usize = 64;

/// A record that was read and not yet folded.
pub(super) struct Unfolded {
    pub(super) offset: Offset,
    append_time: coalition_domain::Timestamp,
    raw: Bytes,
    entry: Option<Entry>,
    /// Of a batch. One that can't be read stops the shard if it is in effect; a void one may hold anything.
    body: Option<Result<body::Body, body::Unreadable>>,
    /// The account of each of its items, worked out once: it takes a hash.
    accounts: Vec<Option<AccountId>>,
}

impl Shard {
    /// Decodes records, and asks for the accounts that their batches change.
    pub(super) fn queue_journal(&mut self, records: Vec<Stored>, out: &mut Vec<Output>) {
        for record in records {
            if record.offset < self.next_offset() {
                continue;
            }
            // What comes back with the bytes that were sent needs no decoding.
            let sent = self.under_way.as_mut().filter(|batch| batch.record == record.record.value);
            let items = sent.map(|batch| std::mem::take(&mut batch.items)).filter(|items| !items.is_empty());
            match unfolded(record, items) {
                Ok(unfolded) => {
                    self.load(unfolded.accounts.iter().flatten().copied(), out);
                    self.unfolded.push_back(unfolded);
                }
                Err(stop) => {
                    self.stopped = Some(stop);
                    return;
                }
            }
        }
    }

    /// The offset after the last record that was read.
    pub(super) fn next_offset(&self) -> Offset {
        self.unfolded.back().map_or(self.state.meta.journal_next, |last| last.offset.plus(1))
    }

    /// Folds what can be folded: up to the first batch whose accounts are still to come.
    pub(super) fn fold_ready(&mut self, now: Now, out: &mut Vec<Output>) {
        while self.stopped.is_none()
            && let Some(next) = self.unfolded.front()
        {
            let missing = next.accounts.iter().flatten().filter(|id| !self.state.accounts.contains(id));
            let missing: Vec<_> = missing.copied().collect();
            if !missing.is_empty() {
                self.load(missing, out);
                return;
            }
            let next = self.unfolded.pop_front().expect("looked at above");
            self.fold(&next, now, out);
        }
    }

    fn fold(&mut self, next: &Unfolded, now: Now, out: &mut Vec<Output>) {
        let verdict = self.state.meta.chain.judge(&next.raw, next.entry.as_ref());
        let in_effect = matches!(verdict, Verdict::InEffect(_));
        self.state.note_record(next.offset, &next.raw, in_effect);
        if let Verdict::InEffect(seq) = verdict {
            self.untaken_bytes += next.raw.len();
            match &next.entry {
                Some(Entry::Genesis(genesis)) if *genesis != self.genesis => {
                    self.stopped = Some(Stop::Foreign(genesis.to_string()));
                    return;
                }
                Some(Entry::Batch(_)) => {
                    match next.body.as_ref().expect("a batch was decoded when it was read") {
                        Ok((terms, items)) => {
                            self.state.fold(seq.0, terms, items, &next.accounts);
                            if self.in_office() {
                                self.tally.batch(items);
                            }
                        }
                        Err(unreadable) => {
                            self.stopped = Some(unreadable.clone().into());
                            return;
                        }
                    }
                }
                Some(Entry::Rebase(rebase)) => self.state.rebase(rebase),
                Some(Entry::Genesis(_) | Entry::TermStarted(_)) | None => {}
            }
        }
        let effects = self.office.read(&next.raw, next.entry.as_ref(), verdict);
        self.carry_out(effects, now, out);
        let own = self.state.meta.chain.owner().is_some() && self.in_office();
        if let (Verdict::InEffect(_), true, Some(clock)) = (verdict, own, &mut self.clock) {
            clock.hold_against(next.append_time, now);
        }
    }
}

/// A record as it was read, with its items if they are known.
fn unfolded(record: Stored, items: Option<Vec<Item>>) -> Result<Unfolded, Stop> {
    let raw = record.record.value;
    let entry = Entry::decode(&raw)?;
    let body = match &entry {
        Some(Entry::Batch(batch)) => Some(match items {
            Some(items) => body::decode_known(&batch.body, items),
            None => body::decode(&batch.body),
        }),
        Some(Entry::Genesis(_) | Entry::TermStarted(_) | Entry::Rebase(_)) | None => None,
    };
    let accounts =
        body.iter().flatten().flat_map(|(_, items)| items).map(|(item, _)| account(item)).collect();
    Ok(Unfolded { offset: record.offset, append_time: record.append_time, raw, entry, body, accounts })
}

fn account(item: &Item) -> Option<AccountId> {
    match item {
        Item::Account(decision, _) => Some(decision.command.account()),
        Item::Registry(_) | Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => None,
    }
}
