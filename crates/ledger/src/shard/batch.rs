//! Deciding: waiting commands become one batch.

use coalition_domain::{AccountId, Command, Outcome, Timestamp};
use coalition_journal::log::{Offset, Stored};

use super::io::{Answer, Answered, Decided, Direct};
use super::traced::Traced;
use super::{Output, Queued, Shard, Stop, Token, Unanswered, UnderWay};
use crate::body::{Item, Terms};
use crate::clock::Now;
use crate::draft::{Draft, Drafted, RunDrafted};
use crate::due::DueKey;
use crate::inbox::{Request, Unreadable};
use crate::plant::Plant;
use crate::trace::{self, TraceParent};

impl Shard {
    /// Decodes commands of the inbox and asks for their accounts.
    pub(super) fn queue_inbox(&mut self, records: Vec<Stored>, out: &mut Vec<Output>) {
        let (mut accounts, followed) = (Vec::new(), trace::enabled());
        for record in records {
            // A read may come back after the end of a term, or of a batch, has set the position back: what does not
            // continue it is left alone, as it will be read again.
            let continues = record.offset == self.inbox_read
                || record.offset > self.inbox_read && self.planted.has(Plant::InboxGap);
            if !self.in_office() || !continues {
                continue;
            }
            match Request::decode(&record.record.value) {
                Ok(request) => {
                    accounts.extend(self::accounts(&request));
                    self.inbox.push_back(Queued {
                        offset: record.offset,
                        append_time: record.append_time,
                        request,
                        trace: if followed { TraceParent::of(&record.record) } else { None },
                    });
                }
                // Neither intake nor a relay wrote it: whoever did had no right to, and nobody waits for an answer.
                Err(Unreadable::NoRequest) => {
                    tracing::warn!(offset = %record.offset, "an inbox record is no request; passed over")
                }
                Err(newer @ Unreadable::NewerFormat(_)) => self.stopped = Some(Stop::Inbox(newer)),
            }
            self.inbox_read = record.offset.plus(1);
        }
        self.load(accounts, out);
    }

    /// Decides what waits, if it may.
    pub(super) fn decide_ready(&mut self, now: Now, out: &mut Vec<Output>) {
        let (Some(clock), None, None, None) = (&self.clock, &self.under_way, &self.refused, &self.stopped)
        else {
            return;
        };
        // What was read and passed over is dealt with, too, and the journal has to say so.
        let passed_over = self.inbox_read > self.state.meta.inbox_next;
        let decided_at = clock.read(now).max(self.state.meta.decided_at.unwrap_or(Timestamp::MIN));
        let most = self.batch_commands(now);
        let due = self.due(decided_at, most);
        let timers = self.due_accounts(decided_at, out);
        if self.inbox.is_empty()
            && self.direct.is_empty()
            && !self.relay_facts()
            && !passed_over
            && due.is_empty()
            && timers.is_empty()
            && self.state.inquiries.to_decide().next().is_none()
        {
            return;
        }
        let Some(header) = self.office.may_decide(&self.state.meta.chain) else { return };
        let terms = Terms {
            decided_at,
            inbox_next: self.state.meta.inbox_next,
            horizon: self.horizon(decided_at),
            relayed: Vec::new(),
        };
        let mut draft =
            Draft::new(header.seq.0, terms.clone(), self.limits.batch_bytes_max).planted(self.planted);
        self.draft_due(&due, &mut draft, out);
        self.draft_timers(&timers, &mut draft, out);
        self.draft_inquiries(&mut draft, out);
        let waiting = self.draft_direct(&mut draft, out);
        let (mut traced, oldest) = (Traced::default(), self.inbox.front().map(|first| first.append_time));
        let inbox_next = self.draft_inbox(&mut draft, most, &mut traced, out);
        let terms = Terms { inbox_next, relayed: self.take_relay_facts(), ..terms };
        if draft.count() == 0 && terms.inbox_next == self.state.meta.inbox_next && terms.relayed.is_empty() {
            return;
        }
        let record = draft.finish(&terms, header.prefix());
        let attempt = self.office.sent(record.clone());
        let mut answers: Vec<_> = waiting
            .into_iter()
            .map(|(token, item)| (token, answered(&draft, header.seq.0, &terms, item)))
            .collect();
        if self.planted.has(Plant::RefusalAtOnce) {
            let early = answers.extract_if(.., |(_, answered)| refused(answered));
            out.extend(
                early.map(|(token, answered)| Output::Answer(token, Answer::Decided(Box::new(answered)))),
            );
        }
        let oldest = oldest.filter(|_| inbox_next > self.state.meta.inbox_next);
        traced.sent(self.genesis.shard, header.seq.0);
        let (items, sent) = (draft.into_items(), now.mono);
        self.under_way =
            Some(UnderWay { attempt, record: record.clone(), items, sent, answers, oldest, traced });
        out.push(Output::Append { attempt: Some(attempt), record });
    }

    /// Rule 12: the age of events is measured by the inbox, unless its time is ahead of ours by more than the bound.
    fn horizon(&self, decided_at: Timestamp) -> Timestamp {
        let known = self.state.meta.horizon.unwrap_or(Timestamp::MIN);
        match self.inbox.front() {
            Some(next) if next.append_time <= decided_at.plus(self.limits.clock_skew_max) => {
                known.max(next.append_time)
            }
            Some(_) | None => known,
        }
    }

    /// The events whose time to wait is over, as many as one batch may take. What becomes of them waits for its way back: so
    /// they keep to the bounds that hold the inbox.
    fn due(&self, decided_at: Timestamp, most: usize) -> Vec<(DueKey, AccountId)> {
        if self.planted.has(Plant::WaitsForEver) {
            return Vec::new();
        }
        let most = most.min(self.refusals_room());
        self.state.due.at(decided_at).take(most).collect()
    }

    /// Drafts the events whose time to wait is over, as far as their accounts are in memory.
    fn draft_due(&mut self, due: &[(DueKey, AccountId)], draft: &mut Draft, out: &mut Vec<Output>) {
        let missing = due.iter().map(|(_, id)| *id).filter(|id| !self.state.accounts.contains(id));
        let missing: Vec<_> = missing.collect();
        self.load(missing, out);
        for (key, id) in due {
            if self.state.accounts.contains(id) && !draft.due(&self.state, *id, key) {
                return;
            }
        }
    }

    /// Drafts the commands whose callers wait; gives those that the batch will answer.
    fn draft_direct(&mut self, draft: &mut Draft, out: &mut Vec<Output>) -> Vec<(Token, u32)> {
        let mut waiting = Vec::new();
        let mut later = std::collections::VecDeque::new();
        while let Some((token, direct)) = self.direct.pop_front() {
            if (draft.count() as usize) >= self.limits.batch_commands_max {
                later.push_back((token, direct));
                break;
            }
            let drafted = match direct.clone() {
                Direct::Account(command) => {
                    let id = command.account();
                    if matches!(command, Command::Link { .. } | Command::Unlink { .. })
                        && self.outbox_room() == 0
                    {
                        later.push_back((token, direct));
                        continue;
                    }
                    if !self.state.accounts.contains(&id) {
                        self.load([id], out);
                        later.push_back((token, direct));
                        continue;
                    }
                    match draft.account(&self.state, command, None) {
                        Drafted::Known(activity) => {
                            self.tally.repeated += 1;
                            out.push(Output::Answer(token, Answer::Known(id, activity)));
                            continue;
                        }
                        Drafted::Nothing => {
                            out.push(Output::Answer(token, Answer::Not(Unanswered::NotApplied)));
                            continue;
                        }
                        drafted @ (Drafted::Item(_)
                        | Drafted::InBatch(_)
                        | Drafted::KnownRegistry(_)
                        | Drafted::Full) => drafted,
                    }
                }
                Direct::Registry(command) => draft.registry(&self.state, command),
            };
            match drafted {
                Drafted::Item(item) | Drafted::InBatch(item) => waiting.push((token, item)),
                Drafted::KnownRegistry(known) => {
                    let (place, decided_at, activity) = (known.place, known.decided_at, 0);
                    let decided = Decided::Registry(known.decision);
                    out.push(Output::Answer(
                        token,
                        Answer::Decided(Box::new(Answered { place, decided_at, activity, decided })),
                    ));
                }
                Drafted::Known(_) | Drafted::Nothing => unreachable!("answered above"),
                Drafted::Full => {
                    later.push_back((token, direct));
                    break;
                }
            }
        }
        later.append(&mut self.direct);
        self.direct = later;
        waiting
    }

    /// Drafts commands of the inbox, in order, as far as their accounts are in memory and the batch has no more than `most`; gives
    /// the next offset.
    fn draft_inbox(
        &mut self,
        draft: &mut Draft,
        most: usize,
        traced: &mut Traced,
        out: &mut Vec<Output>,
    ) -> Offset {
        let mut inbox_next = self.state.meta.inbox_next;
        // What was read ahead may ask much of other shards, too.
        if self.outbox_room() == 0 {
            return inbox_next;
        }
        // Repeats count, too: they make no item, but take their time.
        let mut looked_at = draft.count() as usize;
        while let Some(queued) = self.inbox.pop_front() {
            let room = looked_at < most;
            looked_at += 1;
            let fits = room
                && match &queued.request {
                    Request::Event(event, source) => {
                        let id = event.identifier.account();
                        if self.state.accounts.contains(&id) {
                            let command = Command::PartnerEvent(event.clone());
                            let drafted = draft.account(&self.state, command, Some(*source));
                            traced.decided(&queued, &drafted, draft, self.genesis.shard);
                            self.tally.repeated +=
                                u64::from(matches!(drafted, Drafted::Known(_) | Drafted::InBatch(_)));
                            !matches!(drafted, Drafted::Full)
                        } else {
                            let ahead = self.inbox.iter().take(most);
                            let missing = ahead.flat_map(|queued| accounts(&queued.request));
                            let missing: Vec<_> = std::iter::once(id).chain(missing).collect();
                            self.load(missing, out);
                            false
                        }
                    }
                    Request::Relayed(run) => draft.relayed(&self.state, run.clone()),
                    Request::Commands(run) => {
                        let drafted = draft.commands(&self.state, run);
                        if drafted == RunDrafted::Missing {
                            let ahead = self.inbox.iter().take(most);
                            let missing = std::iter::once(&queued).chain(ahead);
                            let missing: Vec<_> =
                                missing.flat_map(|queued| accounts(&queued.request)).collect();
                            self.load(missing, out);
                        }
                        drafted == RunDrafted::All
                    }
                };
            if !fits {
                self.inbox.push_front(queued);
                return if self.planted.has(Plant::PositionNotAtomic) { self.inbox_read } else { inbox_next };
            }
            inbox_next = queued.offset.plus(1);
        }
        // Records that were passed over are dealt with, too.
        inbox_next.max(self.inbox_read)
    }
}

/// The accounts that it is about.
fn accounts(request: &Request) -> impl Iterator<Item = AccountId> {
    let (event, run) = match request {
        Request::Event(event, _) => (Some(event.identifier.account()), None),
        Request::Relayed(_) => (None, None),
        Request::Commands(run) => (None, Some(run)),
    };
    let commands = run.into_iter().flat_map(|run| &run.commands).map(|sent| &sent.command);
    // A question is asked of the shard.
    let commands = commands.filter(|command| !matches!(command, Command::FindOrder { .. }));
    event.into_iter().chain(commands.map(Command::account))
}

fn refused(answered: &Answered) -> bool {
    match &answered.decided {
        Decided::Account(decision) => matches!(decision.outcome, Outcome::Refused(_)),
        Decided::Registry(decision) => decision.outcome.is_err(),
    }
}

fn answered(draft: &Draft, seq: u64, terms: &Terms, item: u32) -> Answered {
    let (item_decided, activity) = draft.item(item);
    let decided = match item_decided {
        Item::Account(decision, _) => Decided::Account(decision.clone()),
        Item::Registry(decision) => Decided::Registry(decision.clone()),
        Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => {
            unreachable!("nobody waits for what another shard sent")
        }
    };
    let place = coalition_domain::Place { seq, index: item };
    Answered { place, decided_at: terms.decided_at, activity, decided }
}
