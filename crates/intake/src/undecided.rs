//! Whose records a shard has yet to decide. Who has many there is not read on until they are decided, so that what others send
//! does not stand behind all that one of them has.

use std::collections::{BTreeMap, VecDeque};

use coalition_domain::PartnerId;
use coalition_journal::log::Offset;

/// Records of one partner, one after the other.
struct Run {
    partner: PartnerId,
    records: u64,
}

/// What was read for one shard and is not decided, by partner.
#[derive(Default)]
pub(crate) struct Undecided {
    /// On the way to the inbox, in order.
    underway: VecDeque<Run>,
    /// In the inbox, in order, each with the offset behind its last record.
    placed: VecDeque<(Offset, Run)>,
    /// The sums of both; none of 0.
    of: BTreeMap<PartnerId, u64>,
}

impl Undecided {
    /// One more record of `partner` is on its way.
    pub(crate) fn push(&mut self, partner: PartnerId) {
        match self.underway.back_mut().filter(|run| run.partner == partner) {
            Some(run) => run.records += 1,
            None => self.underway.push_back(Run { partner, records: 1 }),
        }
        *self.of.entry(partner).or_default() += 1;
    }

    /// The oldest `records` on their way are in the inbox, from `first` on.
    pub(crate) fn placed(&mut self, first: Offset, records: u64) {
        let (mut next, mut left) = (first, records);
        while left > 0 {
            let Some(run) = self.underway.front_mut() else { return };
            let records = run.records.min(left);
            let partner = run.partner;
            run.records -= records;
            if run.records == 0 {
                self.underway.pop_front();
            }
            left -= records;
            next = next.plus(records);
            self.placed.push_back((next, Run { partner, records }));
        }
    }

    /// Everything before `next` is decided.
    pub(crate) fn decided(&mut self, next: Offset) {
        while let Some((end, run)) = self.placed.front_mut() {
            let left = end.0.saturating_sub(next.0).min(run.records);
            let (partner, decided) = (run.partner, run.records - left);
            run.records = left;
            if left == 0 {
                self.placed.pop_front();
            }
            self.forget(partner, decided);
            if left > 0 {
                return;
            }
        }
    }

    /// The shard does not run: nobody waits for what it has.
    pub(crate) fn stands(&mut self) {
        for (_, run) in std::mem::take(&mut self.placed) {
            self.forget(run.partner, run.records);
        }
    }

    /// Among how many partners the shard's time is shared, `partner` included.
    pub(crate) fn sharing(&self, partner: PartnerId) -> usize {
        self.of.len() + usize::from(!self.of.contains_key(&partner))
    }

    /// Whether `partner` has its share of the `most` records that may be undecided, or more.
    pub(crate) fn has_enough_of(&self, partner: PartnerId, most: u64) -> bool {
        let sharing = u64::try_from(self.sharing(partner)).expect("a length fits");
        self.of.get(&partner).is_some_and(|&records| records >= most.div_ceil(sharing))
    }

    fn forget(&mut self, partner: PartnerId, records: u64) {
        if let Some(of) = self.of.get_mut(&partner) {
            *of -= records;
            if *of == 0 {
                self.of.remove(&partner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partner(id: &str) -> PartnerId {
        PartnerId::new(id).unwrap()
    }

    fn many(undecided: &mut Undecided, of: &str, records: u64) {
        for _ in 0..records {
            undecided.push(partner(of));
        }
    }

    #[test]
    fn who_is_alone_has_all_and_two_have_half_each() {
        let (mut undecided, [mad, shop]) = (Undecided::default(), ["mad", "shop"].map(partner));
        many(&mut undecided, "mad", 99);
        assert!(!undecided.has_enough_of(mad, 100));
        many(&mut undecided, "mad", 1);
        assert!(undecided.has_enough_of(mad, 100));
        assert!(!undecided.has_enough_of(shop, 100), "who has nothing there is read");
        many(&mut undecided, "shop", 49);
        assert!(!undecided.has_enough_of(shop, 100));
        many(&mut undecided, "shop", 1);
        assert!(undecided.has_enough_of(shop, 100));
        assert_eq!((undecided.sharing(shop), undecided.sharing(partner("third"))), (2, 3));
    }

    #[test]
    fn what_is_decided_makes_room_for_whose_it_was() {
        let (mut undecided, [mad, shop]) = (Undecided::default(), ["mad", "shop"].map(partner));
        many(&mut undecided, "mad", 6);
        many(&mut undecided, "shop", 2);
        many(&mut undecided, "mad", 2);
        // In two appends: the first ends within the first run. Between them another process wrote one.
        undecided.placed(Offset(10), 4);
        undecided.placed(Offset(15), 6);
        undecided.decided(Offset(13));
        assert_eq!((undecided.of[&mad], undecided.of[&shop]), (5, 2));
        undecided.decided(Offset(18));
        assert_eq!((undecided.of[&mad], undecided.of[&shop]), (2, 1));
        undecided.decided(Offset(21));
        assert!(undecided.of.is_empty() && undecided.placed.is_empty() && undecided.underway.is_empty());
    }

    #[test]
    fn nobody_waits_for_a_shard_that_does_not_run() {
        let (mut undecided, mad) = (Undecided::default(), partner("mad"));
        many(&mut undecided, "mad", 5);
        undecided.placed(Offset(0), 3);
        undecided.stands();
        assert_eq!(undecided.of[&mad], 2, "what is on its way takes memory here");
        undecided.placed(Offset(3), 2);
        undecided.decided(Offset(5));
        assert!(undecided.of.is_empty());
    }
}
