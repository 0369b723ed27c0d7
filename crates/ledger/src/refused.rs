//! Refused events on their way back to their partners, numbered densely from 1 in each shard.

use std::collections::VecDeque;
use std::sync::Arc;

use coalition_domain::{Decision, Outcome, Place, Timestamp};
use coalition_store::{Checkpoint, Range, Reader};
use serde::{Deserialize, Serialize};

use crate::inbox::Source;
use crate::rows;

/// A partner's event that was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// Its number in this shard.
    pub number: u64,
    /// Where the journal has the decision.
    pub place: Place,
    /// When it was taken.
    pub decided_at: Timestamp,
    /// The decision.
    pub decision: Decision,
    /// Where the partner's topic has the event.
    pub source: Source,
}

/// Those that the journal does not know to be back with their partners.
#[derive(Debug)]
pub struct Returns {
    /// Their numbers end here: how many there ever were.
    last: u64,
    refused: VecDeque<Arc<Refused>>,
    /// The first and last of them that the store has; none if they are the wrong way round.
    stored: (u64, u64),
}

/// What changed for the store.
#[derive(Default)]
pub(crate) struct Changes {
    new: Vec<Arc<Refused>>,
    gone: std::ops::Range<u64>,
}

impl Default for Returns {
    fn default() -> Self {
        Self { last: 0, refused: VecDeque::new(), stored: (1, 0) }
    }
}

impl Returns {
    /// Of a shard that has refused `last` events.
    ///
    /// # Errors
    /// Rows that can't be read.
    pub(crate) fn load(reader: &dyn Reader, last: u64) -> Result<Self, rows::Error> {
        let mut refused = VecDeque::new();
        rows::scan(reader, Range::prefix(*b"x"), |row| {
            let row: Refused = rows::decode('x', &row.value)?;
            refused.push_back(Arc::new(row));
            Ok(())
        })?;
        let first = refused.front().map_or(last + 1, |first| first.number);
        Ok(Self { last, refused, stored: (first, last) })
    }

    /// Takes a decision in, if it is the refusal of an event.
    pub(crate) fn note(&mut self, decision: &Decision, source: Option<Source>, at: (Place, Timestamp)) {
        let (Outcome::Refused(_), Some(_), Some(source)) =
            (&decision.outcome, decision.command.event(), source)
        else {
            return;
        };
        self.last += 1;
        let ((place, decided_at), decision) = (at, decision.clone());
        self.refused.push_back(Arc::new(Refused { number: self.last, place, decided_at, decision, source }));
    }

    /// Those up to `number` are back with their partners.
    pub(crate) fn returned(&mut self, number: u64) {
        while self.refused.front().is_some_and(|first| first.number <= number) {
            self.refused.pop_front();
        }
    }

    /// How many there ever were.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.refused.len()
    }

    /// Those after `number`, in order.
    pub fn after(&self, number: u64) -> impl Iterator<Item = &Arc<Refused>> {
        self.refused.iter().skip_while(move |refused| refused.number <= number)
    }

    /// Takes out what changed since the last call, for the store.
    pub(crate) fn take_changed(&mut self) -> Changes {
        let (first_stored, last_stored) = self.stored;
        let first = self.refused.front().map_or(self.last + 1, |first| first.number);
        self.stored = (first, self.last);
        Changes {
            new: self.after(last_stored).cloned().collect(),
            gone: first_stored..first.min(last_stored + 1),
        }
    }
}

impl Changes {
    pub(crate) fn put(&self, checkpoint: &mut Checkpoint) {
        for refused in &self.new {
            checkpoint.put(key(refused.number), rows::encode(&**refused));
        }
        for number in self.gone.clone() {
            checkpoint.delete(key(number));
        }
    }
}

fn key(number: u64) -> Vec<u8> {
    [&b"x"[..], &number.to_be_bytes()].concat()
}
