//! What operators give or take by hand: above the network's limit only with the word of two keys.

use coalition_domain::adjustment::{Adjustment, AdjustmentRecord, AdjustmentState, Entry};
use coalition_domain::event::{Accrual, Taking};
use coalition_domain::lot::LotKey;
use coalition_domain::{
    AdjustmentChange, AdjustmentId, Caller, Command, Event, KeyId, PartnerId, Role, Span, UnitPrice,
};

use super::account::{Account, At};
use super::debt::Debt;
use super::lot::Lot;
use super::registry::Registry;
use super::sums::Sums;
use super::{Judgement, holds, same};

/// How long a proposal stands.
const STANDS: Span = Span::from_days(7);

/// An adjustment that was made or proposed.
pub(super) struct Adjusted {
    adjustment: Adjustment,
    by: KeyId,
    state: AdjustmentState,
}

impl Account {
    /// Whether an adjustment may be made, approved or turned down, or the code of the refusal.
    pub(super) fn may_adjust(
        &self,
        caller: &Caller,
        change: &AdjustmentChange,
        at: At,
        registry: &Registry,
    ) -> Result<(), &'static str> {
        if caller.role != Role::Operator {
            return Err("PERMISSION_DENIED");
        }
        match change {
            AdjustmentChange::Create(adjustment) => self.can_be_done(adjustment, at, registry),
            AdjustmentChange::Approve { adjustment } => {
                let proposed = self.proposed(*adjustment, at)?;
                if proposed.by == caller.key {
                    return Err("OWN_ADJUSTMENT");
                }
                self.can_be_done(&proposed.adjustment, at, registry)
            }
            AdjustmentChange::Reject { adjustment } => self.proposed(*adjustment, at).map(|_| ()),
        }
    }

    fn proposed(&self, id: AdjustmentId, at: At) -> Result<&Adjusted, &'static str> {
        let known = self.adjusted.get(&id.0).ok_or("UNKNOWN_ADJUSTMENT")?;
        match known.state {
            AdjustmentState::Proposed { until } if until <= at.decided_at => Err("ADJUSTMENT_LAPSED"),
            AdjustmentState::Proposed { .. } => Ok(known),
            AdjustmentState::Applied { .. } | AdjustmentState::Rejected { .. } => Err("ADJUSTMENT_NOT_OPEN"),
        }
    }

    fn can_be_done(&self, adjustment: &Adjustment, at: At, registry: &Registry) -> Result<(), &'static str> {
        if !self.enrolled {
            return Err("NOT_ENROLLED");
        }
        if adjustment.points.is_zero() {
            return Err("INVALID_ARGUMENT");
        }
        registry.version(at.decided_at)?;
        match &adjustment.entry {
            Entry::Grant { funder, expires_at, .. } => {
                price(funder, at, registry)?;
                let lapsed = expires_at.is_some_and(|expires_at| expires_at <= at.decided_at);
                if lapsed { Err("INVALID_ARGUMENT") } else { Ok(()) }
            }
            Entry::Take { owed_to: Some(to) } => price(to, at, registry).map(|_| ()),
            Entry::Take { owed_to: None } => {
                let short = self.balance(at.decided_at).0 < adjustment.points.get();
                if short { Err("POINTS_SHORT") } else { Ok(()) }
            }
        }
    }

    /// Judges what is said of an adjustment, and takes it in; gives what has to come of it by the same decision.
    pub(super) fn adjust(
        &mut self,
        command: &Command,
        event: &Event,
        at: At,
        registry: &Registry,
    ) -> Result<Option<Adjustment>, String> {
        let asked = || format!("{command:?} does not ask for {event:?}");
        let Command::Adjust { caller, change, .. } = command else { return Err(asked()) };
        match (event, change) {
            (Event::AdjustmentCreated { adjustment, by, until }, AdjustmentChange::Create(wanted)) => {
                same("what is adjusted", adjustment, wanted)?;
                same("by whom", by, &caller.key)?;
                let proposed = registry.adjustment_limit.is_none_or(|limit| wanted.points.get() > limit);
                same("whether it waits for another", until, &proposed.then(|| at.decided_at.plus(STANDS)))?;
                let state = match until {
                    Some(until) => AdjustmentState::Proposed { until: *until },
                    None => AdjustmentState::Applied { approved: None },
                };
                let number = u32::try_from(self.decisions.len()).expect("few decisions");
                let adjusted = Adjusted { adjustment: adjustment.clone(), by: *by, state };
                self.adjusted.insert(number, adjusted);
                Ok((!proposed).then(|| adjustment.clone()))
            }
            (
                Event::AdjustmentApproved { adjustment, by, reason },
                AdjustmentChange::Approve { adjustment: wanted },
            ) => {
                same("which one, by whom", &(adjustment, by), &(wanted, &caller.key))?;
                let known = self.adjusted.get_mut(&adjustment.0).ok_or_else(asked)?;
                same("its reason", reason, &known.adjustment.reason)?;
                known.state = AdjustmentState::Applied { approved: Some((*by, at.decided_at)) };
                Ok(Some(known.adjustment.clone()))
            }
            (
                Event::AdjustmentRejected { adjustment, by },
                AdjustmentChange::Reject { adjustment: wanted },
            ) => {
                same("which one, by whom", &(adjustment, by), &(wanted, &caller.key))?;
                let known = self.adjusted.get_mut(&adjustment.0).ok_or_else(asked)?;
                known.state = AdjustmentState::Rejected { by: *by, at: at.decided_at };
                Ok(None)
            }
            _ => Err(asked()),
        }
    }

    /// Judges points that are given by hand, and takes them in.
    pub(super) fn give(
        &mut self,
        adjustment: &Adjustment,
        accrual: &Accrual,
        (at, nth): (At, u32),
        registry: &Registry,
        sums: &mut Sums,
    ) -> Judgement {
        let Entry::Grant { funder, category, expires_at } = adjustment.entry else {
            return Err(format!("{accrual:?}, though points are taken"));
        };
        let unit_price = price(&funder, at, registry)?;
        let expected = (adjustment.points, funder, funder, unit_price, category, expires_at, at.decided_at);
        let found = (
            accrual.points,
            accrual.issuer,
            accrual.funder,
            accrual.unit_price,
            accrual.category,
            accrual.expires_at.0,
            accrual.available_from,
        );
        same("what is given by hand", &found, &expected)?;
        same("its rule", &accrual.rule.as_str(), &"adjustment")?;
        holds(!accrual.pending && accrual.claim.is_none(), || format!("{accrual:?} waits, or is once"))?;
        let sum = sums.issued.entry((funder, funder, unit_price)).or_default();
        *sum = (sum.0 + accrual.points.signed(), sum.1 + 1);
        sums.counts.adjusted += 1;
        let key = LotKey {
            expires_at: accrual.expires_at,
            category,
            available_from: at.decided_at,
            granted: at.place,
            nth,
        };
        let (left, paid) = (adjustment.points.get(), (funder, unit_price));
        self.lots.push(Lot { key, left, pending: false, issuer: funder, paid });
        Ok(())
    }

    /// Judges points that are taken by hand, and takes it in.
    pub(super) fn take_by_hand(
        &mut self,
        adjustment: &Adjustment,
        found: &Taking,
        at: At,
        registry: &Registry,
        sums: &mut Sums,
    ) -> Judgement {
        let Entry::Take { owed_to } = adjustment.entry else {
            return Err(format!("{found:?}, though points are given"));
        };
        same("how much is taken", &found.points, &adjustment.points)?;
        let (taken, missing) = self.take_first(found.points.get(), at, |lot| !lot.pending);
        let slices: Vec<_> = found.allocations.iter().map(|slice| (slice.lot, slice.points.get())).collect();
        same("the lots that are taken", &slices, &taken.iter().map(|lot| (lot.key, lot.left)).collect())?;
        for lot in &taken {
            sums.returned(lot.issuer, lot.left);
        }
        sums.recovered_of(&taken);
        sums.counts.adjusted += 1;
        let debt = match owed_to {
            Some(to) if missing > 0 => {
                let unit_price = price(&to, at, registry)?;
                Some(Debt { issuer: to, funder: to, unit_price, points: missing })
            }
            Some(_) => None,
            None => {
                same("points that are missing", &missing, &0)?;
                None
            }
        };
        same("what is owed", &found.owed.as_ref().map(Debt::of), &debt)?;
        if let Some(debt) = debt {
            sums.returned(debt.issuer, debt.points);
            self.owe(debt);
        }
        Ok(())
    }

    /// Judges what the network has kept of all adjustments.
    pub(super) fn keeps_adjustments<'a>(
        &self,
        kept: impl Iterator<Item = (&'a AdjustmentId, &'a AdjustmentRecord)>,
    ) -> Judgement {
        let kept: Vec<_> = kept.map(|(id, it)| (id.0, (&it.adjustment, it.by, it.state))).collect();
        let known = self.adjusted.iter().map(|(id, it)| (*id, (&it.adjustment, it.by, it.state)));
        same("the adjustments", &kept, &known.collect())
    }
}

/// What a partner pays for a point that is given by hand, or gets back for one that is taken.
fn price(partner: &PartnerId, at: At, registry: &Registry) -> Result<UnitPrice, &'static str> {
    registry.partner(partner).ok_or("UNKNOWN_PARTNER")?;
    registry.accrual(partner, at.decided_at).ok_or("NO_CONTRACT")
}
