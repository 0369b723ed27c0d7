//! Intake, as the ledger sees it: each record is judged by the code of intake, and comes into its inbox at least once, now and
//! then twice, in any order.

use bytes::Bytes;
use coalition_domain::order::taken_back;
use coalition_domain::{PartnerEvent, Scheme};
use coalition_intake::{decode, translate};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{Offset, Record};
use coalition_ledger::inbox;

use super::World;
use super::flights::Wire;
use crate::workload;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Flying,
    Acknowledged,
}

struct Sent {
    shard: ShardId,
    record: Bytes,
    stage: Stage,
}

/// What partners have published, and how far it has come.
#[derive(Default)]
pub(super) struct Intake {
    sent: Vec<Sent>,
    waiting: Vec<usize>,
    pub(super) events: Vec<PartnerEvent>,
}

impl Intake {
    /// How many records are not known to be in an inbox.
    pub(super) fn waiting(&self) -> usize {
        self.sent.iter().filter(|sent| sent.stage != Stage::Acknowledged).count()
    }

    pub(super) fn heard(&mut self, record: usize, appended: bool) {
        if appended {
            self.sent[record].stage = Stage::Acknowledged;
        } else {
            self.sent[record].stage = Stage::Waiting;
            self.waiting.push(record);
        }
    }

    fn take(&mut self, shard: ShardId, record: Bytes) {
        self.waiting.push(self.sent.len());
        self.sent.push(Sent { shard, record, stage: Stage::Waiting });
    }
}

impl World<'_> {
    /// A partner publishes an event that it has not published before.
    pub(super) fn publish_new(&mut self, event: PartnerEvent) {
        self.intake.events.push(event.clone());
        self.publish(event);
    }

    /// A partner publishes an event.
    pub(super) fn publish(&mut self, event: PartnerEvent) {
        let shard = ShardId(event.identifier.account().shard(self.settings.shards));
        self.trace.note(format_args!(
            "partner {}: {} {} at {}",
            event.partner,
            event.event_id,
            event.body.kind(),
            event.event_time
        ));
        // Each event lies at a place of its own in its partner's topic.
        let source = inbox::Source { partition: 0, offset: Offset(self.intake.sent.len() as u64) };
        let record = Record::of(workload::message(&event));
        let read = decode(&record).expect("what a partner writes here can be read");
        match translate(event.partner, &read.event, self.now) {
            Ok(translated) => {
                assert_eq!(translated, event, "intake says something else than the partner");
                self.intake.take(shard, inbox::Request::Event(translated, source).encode());
            }
            Err(refusal) => {
                let foreign = match event.identifier.scheme() {
                    Scheme::CustomerNumber(of) => of != event.partner,
                    // Only what takes back may name nobody but its order.
                    Scheme::Order(_) => taken_back(event.partner, &event.body).is_none(),
                    Scheme::EmailHash | Scheme::CardToken => false,
                };
                assert!(foreign, "intake gives back {event:?}: {refusal:?}");
                self.counts.given_back += 1;
            }
        }
    }

    /// Something that is no request comes into an inbox.
    pub(super) fn publish_junk(&mut self) {
        let shard = ShardId(u32::try_from(self.random.below(self.geneses.len())).expect("few shards"));
        self.trace.note(format_args!("junk for shard {shard}"));
        let junk = Bytes::from_static(b"junk");
        assert!(decode(&Record::of(junk.clone())).is_err(), "intake takes junk");
        self.intake.take(shard, junk);
    }

    /// Intake appends one of the records that wait.
    pub(super) fn send_intake(&mut self) {
        if self.intake.waiting.is_empty() {
            return;
        }
        let next = self.random.below(self.intake.waiting.len());
        let number = self.intake.waiting.swap_remove(next);
        let sent = &mut self.intake.sent[number];
        sent.stage = Stage::Flying;
        let (to, record) = (super::inbox(sent.shard), Record::of(sent.record.clone()));
        self.append(&to, record, Wire::Intake(number));
    }

    /// Intake dies and starts again a few records back.
    pub(super) fn restart_intake(&mut self) {
        let back = self.random.below(5) + 1;
        self.trace.note(format_args!("intake starts again {back} records back"));
        for number in self.intake.sent.len().saturating_sub(back)..self.intake.sent.len() {
            if self.intake.sent[number].stage == Stage::Acknowledged {
                self.intake.sent[number].stage = Stage::Waiting;
                self.intake.waiting.push(number);
            }
        }
    }
}
