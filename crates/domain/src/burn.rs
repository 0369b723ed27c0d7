//! Holds and redemptions: what an account remembers of points that were taken for rewards, and can be given back.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Hold, Redemption, Release};
use crate::few::RareSet;
use crate::lot::{Lot, LotAllocation};
use crate::pages::{Page, Pages, Weigh};
use crate::{Bought, Few, PartnerId, Points, ProgrammeId, RewardId, Role, Span, Timestamp, UnitPrice};

/// Open holds of an account at a time, so that what is due at one instant stays small.
pub const HOLDS_MAX: u32 = 1_000;

/// How long a hold lasts unless its request says another time.
pub const HOLD_TTL: Span = Span::from_secs(30 * 60);
/// The shortest that a hold lasts.
pub const HOLD_TTL_MIN: Span = Span::from_secs(60);
/// The longest that a hold lasts.
pub const HOLD_TTL_MAX: Span = Span::from_days(30);

/// Names a hold or redemption in its account: the number of the activity that created it. Frozen in stored data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BurnId(pub u32);

impl fmt::Display for BurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A hold or a redemption. Frozen in stored data, until the format of the rows is raised, as are all types here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Burn {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// For what.
    pub reward: RewardId,
    /// How many of it.
    pub quantity: u32,
    /// Who delivers it.
    pub redeemer: PartnerId,
    /// How many points it took.
    pub points: Points,
    /// What they buy; `None`: a thing.
    pub bought: Option<Bought>,
    /// When they were taken out of reach.
    pub at: Timestamp,
    /// What became of them.
    pub state: BurnState,
    /// What it took, in burn order: lots with what was taken of them. It stays when it was given back: a page that never
    /// gets smaller leaves no row of the store behind.
    pub slices: Vec<Lot>,
}

/// What became of the points of a hold or redemption.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum BurnState {
    /// A hold.
    Hold {
        /// Who holds them.
        by: Role,
        /// When they are given back by themselves.
        until: Timestamp,
        /// What became of it.
        state: HoldState,
    },
    /// A redemption.
    Redeemed {
        /// What the redeemer was paid for a point.
        unit_price: UnitPrice,
    },
    /// A redemption that gave them back.
    Refunded {
        /// What the redeemer had been paid for a point.
        unit_price: UnitPrice,
    },
}

/// What became of a hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HoldState {
    /// Nobody can spend its points.
    Open,
    /// This redemption took some of them, or all.
    Captured(BurnId),
    /// It gave them back.
    Released(Release),
}

impl Weigh for Burn {
    fn weight(&self) -> usize {
        96 + 128 * self.slices.len()
    }
}

/// The holds and redemptions of an account.
///
/// Sums and due times are not stored: the pages say them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Burns {
    pages: Pages<Burn, BurnId>,
    /// The open holds, by when they time out.
    open: RareSet<(Timestamp, BurnId)>,
    /// What they hold.
    held: Few<ProgrammeId, u64>,
}

impl Burns {
    /// Puts stored pages together again, in their order.
    pub fn from_pages(pages: Vec<Page<Burn, BurnId>>) -> Self {
        let mut burns = Self { pages: Pages::from_pages(pages), ..Self::default() };
        let (mut open, mut held) = (RareSet::default(), Few::default());
        for (id, burn) in burns.pages.iter() {
            if let Some(until) = burn.held_until() {
                open.insert((until, *id));
                *held.or_default(burn.programme) += burn.points.get();
            }
        }
        (burns.open, burns.held) = (open, held);
        burns
    }

    /// The pages, in the order in which their contents came about.
    pub fn pages(&self) -> &[Arc<Page<Burn, BurnId>>] {
        self.pages.pages()
    }

    /// The hold or redemption of this name.
    pub fn get(&self, id: BurnId) -> Option<&Burn> {
        self.pages.get(&id)
    }

    /// All of them, in the order in which they came about; from either end.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&BurnId, &Burn)> {
        self.pages.iter()
    }

    /// The holds that are open at `now`.
    pub fn open(&self, now: Timestamp) -> impl Iterator<Item = (BurnId, &Burn)> {
        let open = self.open.iter().rev().take_while(move |(until, _)| *until > now);
        open.map(|(_, id)| (*id, self.get(*id).expect("an open hold is in its page")))
    }

    /// When the first open hold times out.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.open.first().map(|(until, _)| *until)
    }

    /// The holds that have timed out at `now` and have not given their points back, the first first.
    pub fn timed_out(&self, now: Timestamp) -> impl Iterator<Item = (BurnId, &Burn)> {
        let due = self.open.iter().take_while(move |(until, _)| *until <= now);
        due.map(|(_, id)| (*id, self.get(*id).expect("an open hold is in its page")))
    }

    /// The points of open holds, also of those whose time-out is still to be journaled.
    pub(crate) fn held(&self, programme: &ProgrammeId) -> u64 {
        self.held.get(programme).copied().unwrap_or(0)
    }

    /// Points that are spent on a reward, or held for it, and were taken at `since` or later.
    pub(crate) fn spent_on(&self, programme: &ProgrammeId, reward: &RewardId, since: Timestamp) -> u64 {
        let counts = |burn: &&Burn| match burn.state {
            BurnState::Hold { state: HoldState::Open, .. } | BurnState::Redeemed { .. } => burn.at >= since,
            BurnState::Hold { state: HoldState::Captured(_) | HoldState::Released(_), .. }
            | BurnState::Refunded { .. } => false,
        };
        let on_it = |burn: &&Burn| burn.programme == *programme && burn.reward == *reward;
        // What is newer is at most a hold's time after what it captured: so the older ones need no look.
        let oldest = since.minus(HOLD_TTL_MAX);
        let burns = self.iter().rev().map(|(_, burn)| burn).take_while(|burn| burn.at >= oldest);
        let burns = burns.filter(on_it).filter(counts);
        burns.map(|burn| burn.points.get()).sum()
    }

    /// Says what a hold or redemption buys.
    pub(crate) fn set_bought(&mut self, id: BurnId, bought: Bought, seq: u64) {
        self.pages.change(&id, seq, |burn| burn.bought = Some(bought));
    }

    pub(crate) fn add(&mut self, id: BurnId, burn: Burn, seq: u64) {
        if let Some(until) = burn.held_until() {
            self.open.insert((until, id));
            *self.held.or_default(burn.programme) += burn.points.get();
        }
        self.pages.insert(id, burn, seq);
    }

    /// An open hold is captured or released; what it held.
    ///
    /// # Panics
    /// If it is none: a broken invariant.
    pub(crate) fn end_hold(&mut self, id: BurnId, end: HoldState, seq: u64) -> Vec<Lot> {
        let burn = self.get(id).expect("a hold that ends is known");
        let (until, programme, points) =
            (burn.held_until().expect("a hold ends once"), burn.programme, burn.points);
        self.open.remove(&(until, id));
        *self.held.get_mut(&programme).expect("it was added") -= points.get();
        self.give_away(id, seq, |state| match state {
            BurnState::Hold { state, .. } => *state = end,
            BurnState::Redeemed { .. } | BurnState::Refunded { .. } => unreachable!("it is open"),
        })
    }

    /// A redemption is undone; what it had burnt.
    ///
    /// # Panics
    /// If it is none: a broken invariant.
    pub(crate) fn refund(&mut self, id: BurnId, seq: u64) -> Vec<Lot> {
        self.give_away(id, seq, |state| match *state {
            BurnState::Redeemed { unit_price } => *state = BurnState::Refunded { unit_price },
            BurnState::Refunded { .. } | BurnState::Hold { .. } => panic!("what is refunded was redeemed"),
        })
    }

    fn give_away(&mut self, id: BurnId, seq: u64, change: impl FnOnce(&mut BurnState)) -> Vec<Lot> {
        let mut slices = Vec::new();
        self.pages.change(&id, seq, |burn| {
            change(&mut burn.state);
            slices.clone_from(&burn.slices);
        });
        slices
    }
}

impl Burn {
    pub(crate) fn of_hold(hold: &Hold, at: Timestamp, slices: Vec<Lot>) -> Self {
        let Hold { programme, reward, quantity, redeemer, points, by, until, .. } = *hold;
        Self {
            programme,
            reward,
            quantity,
            redeemer,
            points,
            bought: None,
            at,
            state: BurnState::Hold { by, until, state: HoldState::Open },
            slices,
        }
    }

    pub(crate) fn of_redemption(redemption: &Redemption, at: Timestamp, slices: Vec<Lot>) -> Self {
        let Redemption { programme, reward, quantity, redeemer, unit_price, points, .. } = *redemption;
        Self {
            programme,
            reward,
            quantity,
            redeemer,
            points,
            bought: None,
            at,
            state: BurnState::Redeemed { unit_price },
            slices,
        }
    }

    /// When it times out, if it is an open hold.
    pub fn held_until(&self) -> Option<Timestamp> {
        match self.state {
            BurnState::Hold { until, state: HoldState::Open, .. } => Some(until),
            BurnState::Hold { state: HoldState::Captured(_) | HoldState::Released(_), .. }
            | BurnState::Redeemed { .. }
            | BurnState::Refunded { .. } => None,
        }
    }

    /// The first `points` of it, as they are burnt.
    pub(crate) fn allocations(&self, points: Points) -> Vec<LotAllocation> {
        let (taken, _) = split(self.slices.clone(), points);
        let allocation = |lot: Lot| {
            let Lot { key, left, issuer, funder, unit_price, .. } = lot;
            LotAllocation { lot: key, points: left, issuer, funder, unit_price }
        };
        taken.into_iter().map(allocation).collect()
    }
}

/// The first `points` of `slices`, and the rest.
pub(crate) fn split(slices: Vec<Lot>, points: Points) -> (Vec<Lot>, Vec<Lot>) {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    let mut missing = points;
    for slice in slices {
        let taken = slice.left.min(missing);
        missing = missing.minus(taken).expect("the smaller of both was taken");
        let left = slice.left.minus(taken).expect("the smaller of both was taken");
        for (points, part) in [(taken, &mut first), (left, &mut rest)] {
            if !points.is_zero() {
                part.push(Lot { left: points, ..slice.clone() });
            }
        }
    }
    (first, rest)
}
