//! The flaws about what people ask for by hand: adjustments, exchanges, words on consents, partners that are suspended.

use coalition_domain::event::Event;
use coalition_domain::registry::RegistryEvent;
use coalition_domain::{
    Account, AdjustmentChange, Applied, Command, Moment, Outcome, Points, Registry, Rejection, Role,
    Timestamp, Verdict, decide,
};

use super::{Plant, Planted};

impl Planted {
    /// What a flawed decision takes the registry for.
    pub(super) fn registry_for(self, registry: &Registry) -> Option<Registry> {
        let mut other = registry.clone();
        if self.has(Plant::LimitUnasked) {
            other.evolve(&RegistryEvent::AdjustmentLimitChanged(Points::MAX));
            return Some(other);
        }
        if self.has(Plant::SuspensionUnheard) {
            let suspended = registry.partners().filter(|partner| registry.suspended(&partner.id).is_some());
            for partner in suspended {
                let (id, at) = (partner.id, Timestamp::MIN);
                other.evolve(&RegistryEvent::PartnerResumed { id, at });
            }
            return Some(other);
        }
        None
    }

    pub(super) fn about_hands(
        self,
        account: &Account,
        registry: &Registry,
        command: &Command,
        at: &Moment,
        mut verdict: Verdict,
    ) -> Verdict {
        if self.has(Plant::OwnApproval)
            && verdict == Verdict::Decided(Outcome::Refused(Rejection::OwnAdjustment))
        {
            return approved_alone(account, registry, command, at).unwrap_or(verdict);
        }
        let Verdict::Decided(Outcome::Applied(Applied { events, .. })) = &mut verdict else { return verdict };
        if self.has(Plant::ExchangeUnsaid) {
            events.retain(|event| !matches!(event, Event::PointsExchanged(_)));
        }
        if self.has(Plant::WithdrawalUnheard) && matches!(command, Command::Consent { given: false, .. }) {
            events.clear();
        }
        for event in events {
            if let (true, Event::PointsTaken(taking)) = (self.has(Plant::TakingUnowed), event)
                && let Some(debt) = taking.owed.take()
            {
                taking.points = taking.points.minus(debt.points).unwrap_or_default();
            }
        }
        verdict
    }
}

/// What another operator's word would have brought.
fn approved_alone(account: &Account, registry: &Registry, command: &Command, at: &Moment) -> Option<Verdict> {
    let Command::Adjust { caller, change: AdjustmentChange::Approve { .. }, .. } = command else {
        return None;
    };
    let mut keys = registry.keys().filter(|key| key.role == Role::Operator && key.revoked_at.is_none());
    let other = keys.find(|key| key.id != caller.key)?.id;
    let mut asked = command.clone();
    if let Command::Adjust { caller, .. } = &mut asked {
        caller.key = other;
    }
    let mut verdict = decide(account, registry, &asked, at);
    if let Verdict::Decided(Outcome::Applied(applied)) = &mut verdict {
        for event in &mut applied.events {
            if let Event::AdjustmentApproved { by, .. } = event {
                *by = caller.key;
            }
        }
    }
    Some(verdict)
}
