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
    /// The shard is starting, moving, or without its store: it decides nothing for a while.
    pub(crate) pauses: bool,
}

/// By how much more of each partner may lie before a shard that pauses: what waits there has to be decided before what comes later, but
/// a shard that is taken over should hold nobody up who also writes to others.
const PAUSED: u64 = 64;

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

    /// How many partners have records there.
    pub(crate) fn sharing(&self) -> usize {
        self.of.len()
    }

    /// The partners that have their share of the `most` records that may be undecided, or more.
    pub(crate) fn enough(&self, most: u64) -> impl Iterator<Item = PartnerId> {
        let most = if self.pauses { most.saturating_mul(PAUSED) } else { most };
        let share = most.div_ceil(u64::try_from(self.of.len().max(1)).expect("a length fits"));
        self.of.iter().filter(move |(_, records)| **records >= share).map(|(partner, _)| *partner)
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

    fn enough(undecided: &Undecided) -> Vec<PartnerId> {
        undecided.enough(100).collect()
    }

    #[test]
    fn who_is_alone_has_all_and_two_have_half_each() {
        let (mut undecided, [mad, shop]) = (Undecided::default(), ["mad", "shop"].map(partner));
        many(&mut undecided, "mad", 99);
        assert_eq!(enough(&undecided), []);
        many(&mut undecided, "mad", 1);
        assert_eq!(enough(&undecided), [mad]);
        many(&mut undecided, "shop", 49);
        assert_eq!((enough(&undecided), undecided.sharing()), (vec![mad], 2));
        many(&mut undecided, "shop", 1);
        assert_eq!(enough(&undecided), [mad, shop]);
    }

    #[test]
    fn a_shard_that_pauses_takes_more_and_not_all() {
        let (mut undecided, mad) = (Undecided { pauses: true, ..Undecided::default() }, partner("mad"));
        many(&mut undecided, "mad", 6_399);
        assert_eq!(enough(&undecided), []);
        many(&mut undecided, "mad", 1);
        assert_eq!(enough(&undecided), [mad]);
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
