//! The reader's rules: what is in effect, and who is in office.
//!
//! A log alone doesn't fence: anybody's record may land at any time, late, twice or not at all. So every record says
//! what it continues, and every reader passes over what doesn't. All readers judge alike, since a verdict depends on
//! nothing but the records before. A void record stays void for ever.

use serde::{Deserialize, Serialize};

use crate::entry::{BatchHeader, Entry, Genesis, Hash, OwnerId, Rebase, Seq, Term, TermStarted, Topics};
use crate::plant::{Plant, Planted};

/// What a record is to every reader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// It took effect under this number.
    InEffect(Seq),
    /// As if it weren't there.
    Void(Why),
}

/// Why a record is void.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Why {
    /// Its bytes are no record of a journal.
    NoEntry,
    /// Nothing takes effect before the Genesis.
    BeforeGenesis,
    /// There is a Genesis already.
    GenesisAgain,
    /// A TermStarted, but not of the term after the current one: late, or the second of its term.
    NotNextTerm,
    /// A batch of a term that isn't the current one, or of another owner.
    NotInOffice,
    /// A batch out of turn; a second copy of one, as a rule.
    NotNextSeq,
    /// It continues something else than what is in effect here.
    OtherHead,
}

/// What a reader knows of the records before: enough to judge the next one. Part of the projection; its fields are
/// frozen in their order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Chain {
    genesis: Option<Genesis>,
    topics: Option<Topics>,
    term: Term,
    owner: Option<OwnerId>,
    seq: Seq,
    head: Hash,
    #[serde(skip)]
    planted: Planted,
}

impl Chain {
    /// Before the first record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with a rule taken out.
    #[cfg(any(test, feature = "plants"))]
    #[must_use]
    pub fn planted(self, plant: Plant) -> Self {
        Self { planted: Planted::one(plant), ..self }
    }

    /// What this journal is of, as it began. Whether it is the one that was meant is for the caller to check.
    #[must_use]
    pub const fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// The topics that the shard lives in now.
    #[must_use]
    pub const fn topics(&self) -> Option<Topics> {
        self.topics
    }

    /// The current term; 0 before the first.
    #[must_use]
    pub const fn term(&self) -> Term {
        self.term
    }

    /// Who is in office; nobody before the first term and after a Rebase.
    #[must_use]
    pub const fn owner(&self) -> Option<OwnerId> {
        self.owner
    }

    /// The number of the last record in effect; 0 before the first.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// The running hash over every record in effect.
    #[must_use]
    pub const fn head(&self) -> Hash {
        self.head
    }

    /// Judges the next record, with `raw` its bytes and `entry` what they were decoded to, and takes it in if it is in
    /// effect.
    pub fn judge(&mut self, raw: &[u8], entry: Option<&Entry>) -> Verdict {
        if let Err(why) = self.admits(entry) {
            return Verdict::Void(why);
        }
        self.head = self.head.then(raw);
        self.seq = self.seq.next();
        match entry {
            Some(Entry::Genesis(genesis)) => {
                self.genesis = Some(*genesis);
                self.topics = Some(genesis.topics);
            }
            Some(Entry::TermStarted(started)) => {
                self.term = started.term;
                self.owner = Some(started.owner);
            }
            Some(Entry::Rebase(rebase)) => {
                self.topics = Some(rebase.topics);
                if !self.planted.has(Plant::RebaseKeepsTerm) {
                    self.owner = None;
                }
            }
            Some(Entry::Batch(_)) | None => {}
        }
        Verdict::InEffect(self.seq)
    }

    fn admits(&self, entry: Option<&Entry>) -> Result<(), Why> {
        let entry = entry.ok_or(Why::NoEntry)?;
        let begun = self.genesis.is_some() || self.planted.has(Plant::GenesisNotNeeded);
        match entry {
            Entry::Genesis(_) if self.genesis.is_none() => Ok(()),
            Entry::Genesis(_) => self.unless(Plant::GenesisTwice, Why::GenesisAgain),
            Entry::TermStarted(_) | Entry::Batch(_) | Entry::Rebase(_) if !begun => Err(Why::BeforeGenesis),
            Entry::TermStarted(started) => self.admits_term(started),
            Entry::Batch(batch) => self.admits_batch(&batch.header),
            Entry::Rebase(rebase) => self.admits_rebase(rebase),
        }
    }

    /// Rule 2.
    fn admits_term(&self, started: &TermStarted) -> Result<(), Why> {
        if self.planted.has(Plant::TermStartedNeedsCurrentTerm) && Some(started.owner) != self.owner {
            return Err(Why::NotInOffice);
        }
        if self.planted.has(Plant::TermStartedContinuesChain) && started.owner != owner_of_head(self.head) {
            return Err(Why::OtherHead);
        }
        if started.term == self.term.next() {
            Ok(())
        } else {
            self.unless(Plant::AnyTermStarts, Why::NotNextTerm)
        }
    }

    /// Rule 3. Each of the three checks alone keeps late and double batches out, as the model shows, since a TermStarted
    /// moves seq and head too; they guard against different faults of a writer.
    fn admits_batch(&self, batch: &BatchHeader) -> Result<(), Why> {
        if self.planted.has(Plant::TermIgnored) {
            return Ok(());
        }
        if (batch.term, Some(batch.owner)) != (self.term, self.owner) {
            self.unless(Plant::OwnerUnchecked, Why::NotInOffice)?;
        }
        if self.planted.has(Plant::ContinuationIgnored) {
            return Ok(());
        }
        if batch.seq != self.seq.next() {
            self.unless(Plant::SeqUnchecked, Why::NotNextSeq)?;
        }
        if batch.prev_hash != self.head {
            self.unless(Plant::PrevHashUnchecked, Why::OtherHead)?;
        }
        Ok(())
    }

    fn admits_rebase(&self, rebase: &Rebase) -> Result<(), Why> {
        if rebase.prev_hash == self.head {
            Ok(())
        } else {
            self.unless(Plant::RebaseUnchained, Why::OtherHead)
        }
    }

    fn unless(&self, plant: Plant, why: Why) -> Result<(), Why> {
        if self.planted.has(plant) { Ok(()) } else { Err(why) }
    }
}

/// How [`Plant::TermStartedContinuesChain`] puts a head into a TermStarted, which has no place for one.
pub(crate) fn owner_of_head(head: Hash) -> OwnerId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&head.0[..16]);
    OwnerId(uuid::Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;
    use crate::entry::{Batch, NetworkId, ShardCount, ShardId, TopicId};
    use crate::log::Offset;

    const X: OwnerId = OwnerId(Uuid::from_u128(0xA));
    const Y: OwnerId = OwnerId(Uuid::from_u128(0xB));

    fn topics(n: u128) -> Topics {
        Topics { journal: TopicId(Uuid::from_u128(n)), inbox: TopicId(Uuid::from_u128(n + 1)) }
    }

    fn genesis() -> Entry {
        let (network, shard) = (NetworkId(Uuid::from_u128(1)), ShardId(0));
        Entry::Genesis(Genesis { network, shard, shard_count: ShardCount(4), topics: topics(2) })
    }

    fn started(term: u64, owner: OwnerId) -> Entry {
        Entry::TermStarted(TermStarted { term: Term(term), owner })
    }

    /// The batch that would be next in `chain`.
    fn next(chain: &Chain, body: &'static str) -> Batch {
        let header = BatchHeader {
            term: chain.term(),
            owner: chain.owner().unwrap_or(X),
            seq: chain.seq().next(),
            prev_hash: chain.head(),
        };
        Batch { header, body: Bytes::from_static(body.as_bytes()) }
    }

    fn rebase(chain: &Chain) -> Entry {
        Entry::Rebase(Rebase { prev_hash: chain.head(), topics: topics(8), inbox_position: Offset(0) })
    }

    fn read(chain: &mut Chain, entry: &Entry) -> Verdict {
        chain.judge(&entry.encode(), Some(entry))
    }

    /// A chain in X's term 1.
    fn in_office() -> Chain {
        let mut chain = Chain::new();
        assert_eq!(read(&mut chain, &genesis()), Verdict::InEffect(Seq(1)));
        assert_eq!(read(&mut chain, &started(1, X)), Verdict::InEffect(Seq(2)));
        chain
    }

    /// `entry` is void in `chain` for `why`, and leaves it as it was; with the rule taken out it is in effect.
    fn check_void(chain: &Chain, entry: &Entry, why: Why, plant: Plant) {
        let mut plain = chain.clone();
        assert_eq!(read(&mut plain, entry), Verdict::Void(why), "{plant}");
        assert_eq!(&plain, chain, "{plant}");
        let mut planted = chain.clone().planted(plant);
        assert_eq!(read(&mut planted, entry), Verdict::InEffect(chain.seq().next()), "{plant}");
    }

    #[test]
    fn a_chain_counts_and_hashes_what_is_in_effect() {
        let mut chain = in_office();
        let batch = Entry::Batch(next(&chain, "one"));
        assert_eq!(read(&mut chain, &batch), Verdict::InEffect(Seq(3)));
        let raws = [genesis().encode(), started(1, X).encode(), batch.encode()];
        let head = raws.iter().fold(Hash::default(), |head, raw| head.then(raw));
        assert_eq!((chain.head(), chain.term(), chain.owner()), (head, Term(1), Some(X)));
        assert_eq!(chain.judge(b"noise", None), Verdict::Void(Why::NoEntry));
        assert_eq!(chain.head(), head);
        let stored = postcard::to_stdvec(&chain).unwrap();
        assert_eq!(postcard::from_bytes::<Chain>(&stored), Ok(chain));
    }

    #[test]
    fn nothing_takes_effect_before_the_genesis_nor_a_second_one_after_it() {
        let empty = Chain::new();
        for entry in [started(1, X), rebase(&empty)] {
            check_void(&empty, &entry, Why::BeforeGenesis, Plant::GenesisNotNeeded);
        }
        let batch = Entry::Batch(next(&empty, "one"));
        assert_eq!(read(&mut empty.clone(), &batch), Verdict::Void(Why::BeforeGenesis));
        check_void(&in_office(), &genesis(), Why::GenesisAgain, Plant::GenesisTwice);
    }

    #[test]
    fn a_term_is_started_by_the_first_record_of_the_next_number() {
        let mut chain = in_office();
        for late in [0, 1, 3] {
            check_void(&chain, &started(late, Y), Why::NotNextTerm, Plant::AnyTermStarts);
        }
        assert_eq!(read(&mut chain, &started(2, Y)), Verdict::InEffect(Seq(3)));
        assert_eq!((chain.term(), chain.owner()), (Term(2), Some(Y)));
        check_void(&chain, &started(2, X), Why::NotNextTerm, Plant::AnyTermStarts);
    }

    #[test]
    fn each_thing_that_a_batch_says_of_what_it_continues_has_to_hold() {
        let chain = in_office();
        let altered = |alter: fn(&mut BatchHeader)| {
            let mut batch = next(&chain, "one");
            alter(&mut batch.header);
            Entry::Batch(batch)
        };
        assert_eq!(read(&mut chain.clone(), &altered(|_| ())), Verdict::InEffect(Seq(3)));
        check_void(&chain, &altered(|batch| batch.term = Term(0)), Why::NotInOffice, Plant::OwnerUnchecked);
        check_void(&chain, &altered(|batch| batch.term = Term(2)), Why::NotInOffice, Plant::OwnerUnchecked);
        check_void(&chain, &altered(|batch| batch.owner = Y), Why::NotInOffice, Plant::OwnerUnchecked);
        check_void(&chain, &altered(|batch| batch.seq = Seq(2)), Why::NotNextSeq, Plant::SeqUnchecked);
        check_void(&chain, &altered(|batch| batch.seq = Seq(4)), Why::NotNextSeq, Plant::SeqUnchecked);
        let other = altered(|batch| batch.prev_hash = Hash([1; 32]));
        check_void(&chain, &other, Why::OtherHead, Plant::PrevHashUnchecked);
    }

    #[test]
    fn a_rebase_moves_the_shard_once_and_ends_the_term() {
        let mut chain = in_office();
        let moved = rebase(&chain);
        let decided_before = Entry::Batch(next(&chain, "late"));
        assert_eq!(read(&mut chain, &moved), Verdict::InEffect(Seq(3)));
        assert_eq!((chain.term(), chain.owner(), chain.topics()), (Term(1), None, Some(topics(8))));
        let Entry::Genesis(begun) = genesis() else { panic!("a Genesis") };
        assert_eq!(chain.genesis(), Some(&begun));
        check_void(&chain, &moved, Why::OtherHead, Plant::RebaseUnchained);
        check_void(&chain, &decided_before, Why::NotInOffice, Plant::TermIgnored);
        assert_eq!(
            read(&mut chain.clone(), &Entry::Batch(next(&chain, "one"))),
            Verdict::Void(Why::NotInOffice)
        );
        assert_eq!(read(&mut chain, &started(2, Y)), Verdict::InEffect(Seq(4)));
        assert_eq!(chain.owner(), Some(Y));

        let mut kept = in_office().planted(Plant::RebaseKeepsTerm);
        assert_eq!(read(&mut kept, &moved), Verdict::InEffect(Seq(3)));
        assert_eq!(read(&mut kept.clone(), &Entry::Batch(next(&kept, "one"))), Verdict::InEffect(Seq(4)));
    }
}
