//! The log as an onlooker sees it, with a ledger that applies requests, and what must never be seen in it.

use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use uuid::Uuid;

use crate::chain::{Chain, Verdict};
use crate::entry::{
    Batch, BatchHeader, Entry, Genesis, Hash, NetworkId, OwnerId, Rebase, ShardCount, ShardId, Term, TopicId,
    Topics,
};
use crate::log::Offset;

/// A request: its number.
pub(crate) type Request = u8;
/// A set of requests, one bit each.
pub(crate) type Requests = u8;

/// What went wrong in a history.
pub(crate) type Fault = String;

/// A record with what it says.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rec {
    /// A hash of its bytes, to tell records apart fast.
    pub(crate) print: Hash,
    pub(crate) raw: Bytes,
}

impl Rec {
    pub(crate) fn of(entry: &Entry) -> Rc<Self> {
        let raw = entry.encode();
        Rc::new(Self { print: Hash::default().then(&raw), raw })
    }

    pub(crate) fn entry(&self) -> Entry {
        Entry::decode(&self.raw).expect("a known format").expect("an entry")
    }

    /// Whether it can't take effect after `chain`, wherever it lands.
    pub(crate) fn is_void_for_ever(&self, chain: &Chain) -> bool {
        let entry = self.entry();
        let overtaken = match &entry {
            Entry::Genesis(_) => chain.genesis().is_some(),
            Entry::TermStarted(started) => started.term <= chain.term(),
            Entry::Batch(batch) => batch.header.seq <= chain.seq(),
            Entry::Rebase(rebase) => rebase.prev_hash != chain.head(),
        };
        overtaken && matches!(chain.clone().judge(&self.raw, Some(&entry)), Verdict::Void(_))
    }
}

/// A record in the log, and what is so after it.
pub(crate) struct Cell {
    pub(crate) rec: Rc<Rec>,
    pub(crate) entry: Entry,
    pub(crate) verdict: Verdict,
    pub(crate) chain: Chain,
    pub(crate) applied: Requests,
}

impl Cell {
    pub(crate) fn in_effect(&self) -> bool {
        matches!(self.verdict, Verdict::InEffect(_))
    }

    /// The cell that `rec` becomes behind `log`, or what is wrong with it.
    pub(crate) fn land(log: &[Rc<Self>], first: &Chain, rec: &Rc<Rec>) -> Result<Self, Fault> {
        let (mut chain, applied) =
            log.last().map_or_else(|| (first.clone(), 0), |cell| (cell.chain.clone(), cell.applied));
        let entry = rec.entry();
        let before = chain.clone();
        let verdict = chain.judge(&rec.raw, Some(&entry));
        let mut cell = Self { rec: rec.clone(), entry, verdict, chain, applied };
        if cell.in_effect() {
            cell.applied |= cell.check(log, &before)?;
        }
        Ok(cell)
    }

    /// What must hold of a record in effect. Returns what it applies.
    fn check(&self, log: &[Rc<Self>], before: &Chain) -> Result<Requests, Fault> {
        let in_effect = || log.iter().rev().filter(|cell| cell.in_effect());
        if in_effect().any(|cell| cell.rec.print == self.rec.print) {
            return Err(format!("{self} takes effect twice"));
        }
        match &self.entry {
            Entry::Genesis(_) if in_effect().count() > 0 => Err(format!("{self} isn't the first")),
            Entry::Genesis(_) => Ok(0),
            _ if in_effect().count() == 0 => Err(format!("{self} comes before the Genesis")),
            Entry::TermStarted(started) if started.term <= before.term() => Err(format!("{self} goes back")),
            Entry::TermStarted(_) | Entry::Rebase(_) => Ok(0),
            Entry::Batch(batch) => {
                let office = in_effect().find_map(|cell| match &cell.entry {
                    Entry::TermStarted(started) => Some(Some((started.term, started.owner))),
                    Entry::Rebase(_) => Some(None),
                    Entry::Genesis(_) | Entry::Batch(_) => None,
                });
                let (request, base) = body(batch);
                if office.flatten() != Some((batch.header.term, batch.header.owner)) {
                    Err(format!("{self} takes effect while another is in office"))
                } else if self.applied & 1 << request != 0 {
                    Err(format!("{self} applies a request again"))
                } else if base != self.applied {
                    Err(format!("{self} was decided on a state that never was"))
                } else {
                    Ok(1 << request)
                }
            }
        }
    }
}

/// The batch that applies `request`, decided when `base` was applied.
pub(crate) fn batch(header: BatchHeader, request: Request, base: Requests) -> Entry {
    Entry::Batch(Batch { header, body: Bytes::copy_from_slice(&[request, base]) })
}

/// The request that `batch` applies, and what it took for applied before.
pub(crate) fn body(batch: &Batch) -> (Request, Requests) {
    (batch.body[0], batch.body[1])
}

/// The topics after `moves` moves.
fn topics(moves: u128) -> Topics {
    Topics { journal: TopicId(Uuid::from_u128(2 * moves)), inbox: TopicId(Uuid::from_u128(2 * moves + 1)) }
}

pub(crate) fn genesis() -> Entry {
    let (network, shard) = (NetworkId(Uuid::from_u128(1)), ShardId(0));
    Entry::Genesis(Genesis { network, shard, shard_count: ShardCount(1), topics: topics(0) })
}

pub(crate) fn rebase(chain: &Chain) -> Entry {
    Entry::Rebase(Rebase { prev_hash: chain.head(), topics: topics(1), inbox_position: Offset(0) })
}

/// The id that owner `name` draws for its `draw`th attempt since it was started for the `life`th time.
pub(crate) fn owner_id(name: usize, life: u8, draw: u8) -> OwnerId {
    OwnerId(Uuid::from_bytes([0, name as u8 + 1, life, draw, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
}

/// Whether `id` was drawn by owner `name` in its `life`th life.
pub(crate) fn is_of(id: OwnerId, name: usize, life: u8) -> bool {
    id.0.as_bytes()[1..3] == [name as u8 + 1, life]
}

/// `X`, `Y`, `Z`.
pub(crate) fn name(owner: usize) -> char {
    char::from(b'X' + owner as u8)
}

/// `?` for an id that no owner drew.
fn name_of(id: OwnerId) -> char {
    match id.0.as_bytes()[..2] {
        [0, number @ 1..=3] => name(usize::from(number) - 1),
        _ => '?',
    }
}

/// `TS(1,X)` with its term, `B(1,X,3,q0)` with its term, seq and request.
impl fmt::Display for Rec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry() {
            Entry::Genesis(_) => f.write_str("Genesis"),
            Entry::TermStarted(started) => write!(f, "TS({},{})", started.term.0, name_of(started.owner)),
            Entry::Batch(batch) => {
                let BatchHeader { term: Term(term), owner, seq, .. } = batch.header;
                write!(f, "B({term},{},{seq},q{})", name_of(owner), body(&batch).0)
            }
            Entry::Rebase(_) => f.write_str("Rebase"),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.rec, if self.in_effect() { "" } else { " void" })
    }
}
