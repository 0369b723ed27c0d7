//! Terms: what the office says is carried out here.

use coalition_journal::effect::{Attempt, Effect};
use coalition_journal::entry::Entry;

use super::{Answer, Output, Shard, Unanswered};
use crate::clock::{Now, TermClock};

impl Shard {
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, now: Now, out: &mut Vec<Output>) {
        for effect in effects {
            match effect {
                Effect::NeedEnd { tries } => out.push(Output::NeedEnd { tries }),
                Effect::NeedGenesis => {
                    let entry = Entry::Genesis(self.genesis);
                    out.push(Output::Append { attempt: None, record: entry.encode() });
                    out.push(Output::NeedEnd { tries: 0 });
                }
                Effect::NeedConfirmation(of) => out.push(Output::NeedConfirmation(of)),
                Effect::Append { attempt, entry } => {
                    self.campaign = Some((attempt, now.mono));
                    out.push(Output::Append { attempt: Some(attempt), record: entry.encode() });
                }
                Effect::TookOffice => self.take_office(now),
                Effect::Settled(attempt) => self.settle(attempt, out),
                Effect::NotAppended(attempt) => self.decide_again(attempt, now, out),
                Effect::TermOver { deposed, .. } => self.end_term(deposed, out),
                Effect::NotApplied(attempt) => self.not_applied(attempt, out),
            }
        }
    }

    pub(super) fn take_office(&mut self, now: Now) {
        self.campaign = None;
        self.clock = Some(TermClock::start(now));
        self.tally.terms += 1;
        self.timeless.clear();
        self.inbox.clear();
        self.inbox_read = self.state.meta.inbox_next;
        self.relay.clear();
    }

    pub(super) fn settle(&mut self, attempt: Attempt, out: &mut Vec<Output>) {
        for batch in [
            self.under_way.take_if(|batch| batch.attempt == attempt),
            self.doubtful.take_if(|batch| batch.attempt == attempt),
        ] {
            let Some(batch) = batch else { continue };
            batch.traced.folded(self.genesis.shard, self.state.meta.chain.seq().0);
            for (token, answered) in batch.answers {
                out.push(Output::Answer(token, Answer::Decided(Box::new(answered))));
            }
        }
    }

    /// Nothing of the batch is in the log: its commands are decided anew. Those of the inbox are read again.
    pub(super) fn decide_again(&mut self, attempt: Attempt, now: Now, out: &mut Vec<Output>) {
        self.refused = Some(now.mono);
        if let Some(batch) = self.under_way.take_if(|batch| batch.attempt == attempt) {
            self.inbox.clear();
            self.inbox_read = self.state.meta.inbox_next;
            for (token, _) in batch.answers {
                out.push(Output::Answer(token, Answer::Not(Unanswered::NotApplied)));
            }
        }
    }

    /// Drops everything that was decided or waits on the base of a term that is over.
    pub(super) fn end_term(&mut self, deposed: bool, out: &mut Vec<Output>) {
        self.clock = None;
        self.inbox.clear();
        self.relay.clear();
        if let Some(batch) = self.under_way.take() {
            self.doubtful = Some(batch);
        }
        if deposed {
            self.answer_queued(Unanswered::NotOwner, out);
        }
    }

    pub(super) fn answer_queued(&mut self, why: Unanswered, out: &mut Vec<Output>) {
        let queued = std::mem::take(&mut self.direct).into_iter();
        out.extend(queued.map(|(token, _)| Output::Answer(token, Answer::Not(why))));
    }

    pub(super) fn not_applied(&mut self, attempt: Attempt, out: &mut Vec<Output>) {
        if let Some(batch) = self.doubtful.take_if(|batch| batch.attempt == attempt) {
            for (token, _) in batch.answers {
                out.push(Output::Answer(token, Answer::Not(Unanswered::NotApplied)));
            }
        }
    }
}
