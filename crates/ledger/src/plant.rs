//! Flaws on purpose: each takes one rule out, so that the simulator can show that it would see the fault.
//!
//! They can be planted with the feature `plants` only. Without it [`Planted`] is empty and [`Planted::has`] is always
//! false, so that the rules cost nothing.

use coalition_domain::account::Moment;
use coalition_domain::{Account, Command, Registry, Verdict, decide};

#[cfg(any(test, feature = "plants"))]
mod hands;
#[cfg(any(test, feature = "plants"))]
mod links;
#[cfg(any(test, feature = "plants"))]
mod returns;

macro_rules! plants {
    ($($plant:ident $name:literal $about:literal)*) => {
        /// A rule taken out. The number in the text is the rule's in docs/ARCHITECTURE.md.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Plant {
            $(#[doc = $about] $plant,)*
        }

        impl Plant {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$plant,)*];

            /// What it is called on a command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$plant => $name,)* }
            }

            /// What it does, in a line.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$plant => $about,)* }
            }
        }
    };
}

plants! {
    DedupSkipped "dedup-skipped"
        "dedup: a command is decided as if its id had never been seen"
    PositionNotAtomic "position-not-atomic"
        "9: the inbox position of a batch is what was read ahead, not what was decided"
    InboxGap "inbox-gap"
        "9: records of the inbox are taken that don't continue what was read"
    RefusalAtOnce "refusal-at-once"
        "10: a refusal is answered when it is decided, before it is in effect"
    RunsUnnumbered "runs-unnumbered"
        "relay: commands of another shard are taken in whatever their numbers"
    ReturnAssumed "return-assumed"
        "relay: refused events count as back with their partners whatever the log says"
    EvictsUnstored "evicts-unstored"
        "memory: an account that is newer than the store is given up"
    SkewUnchecked "skew-unchecked"
        "12: an owner whose clock is off goes on deciding"
    WaitsForEver "waits-for-ever"
        "waiting: an event whose time is over is not decided"
    ConsentUnheard "consent-unheard"
        "waiting: a consent does not bring about the decision of what waits for it"
    WaitingForgotten "waiting-forgotten"
        "waiting: due times are not read back from the store"
    TimersForgotten "timers-forgotten"
        "timers: the accounts that are due are not read back from the store"
    ExpiredTwice "expired-twice"
        "timers: what time brings about is decided without what the batch says already"
    HoldReleasedTwice "hold-released-twice"
        "holds: a release does not look at what became of the hold"
    RestForgotten "rest-forgotten"
        "holds: a capture of a part says nothing of the rest"
    ClawbackWithoutDebt "clawback-without-debt"
        "returns: points that are not there any more are not owed"
    ReturnNotCumulative "return-not-cumulative"
        "returns: each part is rounded by itself, so that parts don't add up to the whole"
    DebtNotRepaid "debt-not-repaid"
        "returns: what can be spent next does not repay what is owed"
    HandoverLost "handover-lost"
        "links: a handover from another shard is passed over, though its number counts as decided"
    HandoverTwice "handover-twice"
        "links: what another shard asks is decided whatever its number"
    OnceLimitStaysBehind "once-limit-stays-behind"
        "links: what rules don't grant again is not handed over"
    OrderUnheard "order-unheard"
        "search: an account does not hear which other one knows the order that it waits for"
    TargetLeaves "target-leaves"
        "links: an account that others may follow follows another one itself"
    UnlinkUnheard "unlink-unheard"
        "links: an account that is unlinked goes on forwarding"
    LimitUnasked "limit-unasked"
        "adjustments: one operator moves points above the limit alone"
    OwnApproval "own-approval"
        "adjustments: who has proposed an adjustment approves it"
    TakingUnowed "taking-unowed"
        "adjustments: points that are taken and not there are not owed"
    ExchangeUnsaid "exchange-unsaid"
        "rewards: nothing is said of what points buy"
    WithdrawalUnheard "withdrawal-unheard"
        "consents: one that is withdrawn by request stays"
    SuspensionUnheard "suspension-unheard"
        "partners: one that is suspended goes on as before"
}

/// The flaw that is planted, if any: none can be without the feature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Planted(#[cfg(any(test, feature = "plants"))] Option<Plant>);

impl Planted {
    #[cfg(any(test, feature = "plants"))]
    pub(crate) const fn one(plant: Plant) -> Self {
        Self(Some(plant))
    }

    #[cfg(any(test, feature = "plants"))]
    pub(crate) const fn has(self, plant: Plant) -> bool {
        matches!(self.0, Some(planted) if planted as u8 == plant as u8)
    }

    #[cfg(not(any(test, feature = "plants")))]
    pub(crate) const fn has(self, _: Plant) -> bool {
        false
    }

    /// [`decide`], unless the flaw is that it forgets.
    pub(crate) fn decide(
        self,
        account: &Account,
        registry: &Registry,
        command: &Command,
        at: &Moment,
    ) -> Verdict {
        #[cfg(any(test, feature = "plants"))]
        if let Some(other) = self.taken_for(account, command) {
            return decide(&other, registry, command, at);
        }
        #[cfg(any(test, feature = "plants"))]
        if let Some(other) = self.registry_for(registry) {
            return decide(account, &other, command, at);
        }
        let verdict = decide(account, registry, command, at);
        #[cfg(any(test, feature = "plants"))]
        let verdict = self.about_hands(account, registry, command, at, verdict);
        #[cfg(any(test, feature = "plants"))]
        let verdict = self.about_returns(account, self.about_holds(account, command, verdict));
        #[cfg(any(test, feature = "plants"))]
        let verdict = self.about_links(verdict);
        verdict
    }

    /// What a flawed decision takes an account for.
    #[cfg(any(test, feature = "plants"))]
    fn taken_for(self, account: &Account, command: &Command) -> Option<Account> {
        use coalition_domain::account::AccountParts;
        use coalition_domain::keys::KeyIndex;

        let unseen = self.has(Plant::DedupSkipped);
        let leaves = self.has(Plant::TargetLeaves) && matches!(command, Command::Link { .. });
        if !unseen && !leaves {
            return None;
        }
        let parts = AccountParts {
            activities: account.activities(),
            enrolment: account.enrolment().cloned(),
            consents: account.consents().clone(),
            sign_in: account.sign_in().clone(),
            purses: account.purses().clone(),
            // Of an account that knows no ids nothing was seen before.
            keys: if unseen { KeyIndex::default() } else { account.keys().clone() },
            waiting: account.waiting().to_vec(),
            burns: account.burns().clone(),
            orders: account.orders().clone(),
            adjustments: account.adjustments().clone(),
            forward: account.forward().copied(),
            linked: account.linked().to_vec(),
            stays: account.stays() && !leaves,
            own_since: account.own_since(),
        };
        Some(Account::from_parts(account.id(), parts))
    }

    #[cfg(any(test, feature = "plants"))]
    fn about_holds(self, account: &Account, command: &Command, mut verdict: Verdict) -> Verdict {
        use coalition_domain::event::{Event, Release};
        use coalition_domain::{Applied, Outcome, Points, Rejection, RewardChange};

        match (&mut verdict, command) {
            (
                Verdict::Decided(
                    outcome @ Outcome::Refused(Rejection::HoldExpired(_) | Rejection::HoldNotOpen),
                ),
                Command::Reward { change: RewardChange::Release { hold }, .. },
            ) if self.has(Plant::HoldReleasedTwice) => {
                let burn = account.burns().get(*hold).expect("it is known");
                let (programme, points, why) = (burn.programme, burn.points, Release::Asked);
                let events = vec![Event::HoldReleased { hold: *hold, programme, points, why }];
                *outcome = Outcome::Applied(Applied { version: None, events });
            }
            (Verdict::Decided(Outcome::Applied(applied)), _) if self.has(Plant::RestForgotten) => {
                for event in &mut applied.events {
                    if let Event::HoldCaptured { released, .. } = event {
                        *released = Points::ZERO;
                    }
                }
            }
            (Verdict::Repeat(_) | Verdict::Decided(_) | Verdict::Nothing, _) => {}
        }
        verdict
    }
}
