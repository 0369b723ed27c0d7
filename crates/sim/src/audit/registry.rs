//! What the registry says at a place of a journal, read from its facts.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::decide::{RegistryChange, RegistryDecision};
use coalition_domain::{
    Caller, KeyId, PartnerId, ProgrammeId, RegistryEvent, Role, Span, Timestamp, UnitPrice,
};

use super::expected::check_age;
use super::{Judgement, holds, same};

struct Contract {
    from: Timestamp,
    accrual: Option<UnitPrice>,
    redemption: Option<UnitPrice>,
}

/// One shard's copy.
#[derive(Default)]
pub(super) struct Registry {
    /// With their default programmes.
    partners: BTreeMap<PartnerId, Option<ProgrammeId>>,
    contracts: BTreeMap<PartnerId, Vec<Contract>>,
    /// From when each version is in force; the n-th one gives n points for a dollar.
    versions: Vec<Timestamp>,
    keys: BTreeMap<KeyId, (Role, bool)>,
    suspended: BTreeSet<PartnerId>,
    /// The most points that one operator moves alone; none, before the network says so.
    pub(super) adjustment_limit: Option<u64>,
    /// How old an event may be; any age, before the settings are made.
    pub(super) max_event_age: Option<Span>,
    /// How long an event waits for a consent; a day, before the network says so.
    pub(super) consent_wait: Option<Span>,
}

impl Registry {
    pub(super) fn note(&mut self, event: &RegistryEvent) -> Judgement {
        match event {
            RegistryEvent::SettingsChanged(settings) => self.max_event_age = Some(settings.max_event_age),
            RegistryEvent::AdjustmentLimitChanged(limit) => self.adjustment_limit = Some(limit.get()),
            RegistryEvent::TokenKeyRegistered { .. } | RegistryEvent::PartnerUpdated { .. } => {
                return Err(format!("{event:?}, which nobody asks for here"));
            }
            RegistryEvent::PartnerSuspended { id, .. } => {
                holds(self.suspended.insert(*id), || format!("{id} is suspended twice"))?;
            }
            RegistryEvent::PartnerResumed { id, .. } => {
                holds(self.suspended.remove(id), || format!("{id} is resumed, though it takes part"))?;
            }
            RegistryEvent::ConsentWaitChanged(wait) => self.consent_wait = Some(*wait),
            RegistryEvent::PartnerCreated(partner) => {
                self.partners.insert(partner.id, partner.default_programme);
            }
            RegistryEvent::ContractAgreed(contract) => {
                let (from, accrual, redemption) = (contract.from, contract.accrual, contract.redemption);
                let contracts = self.contracts.entry(contract.partner).or_default();
                contracts.push(Contract { from, accrual, redemption });
            }
            RegistryEvent::KeyCreated(key) => {
                self.keys.insert(key.id, (key.role, false));
            }
            RegistryEvent::KeyRevoked { id, .. } => {
                self.keys.entry(*id).and_modify(|key| key.1 = true);
            }
            RegistryEvent::ProgrammePublished { document, version, .. } => {
                let text = document.split("effective_from = ").nth(1).and_then(|rest| rest.lines().next());
                let from = text.and_then(|text| text.parse().ok()).ok_or("a document without its instant")?;
                self.versions.push(from);
                same("the number of a version", &(version.number as usize), &self.versions.len())?;
            }
        }
        Ok(())
    }

    /// The partner's default programme, if there is such a partner.
    pub(super) fn partner(&self, partner: &PartnerId) -> Option<Option<ProgrammeId>> {
        self.partners.get(partner).copied()
    }

    /// The number of the version in force, or the code of the refusal.
    pub(super) fn version(&self, at: Timestamp) -> Result<u64, &'static str> {
        if self.versions.is_empty() {
            return Err("UNKNOWN_PROGRAMME");
        }
        let later = self.versions.iter().rev().take_while(|from| **from > at).count();
        match self.versions.len() - later {
            0 => Err("PROGRAMME_NOT_IN_FORCE"),
            number => Ok(number as u64),
        }
    }

    /// What the partner pays for a point, at a time.
    pub(super) fn accrual(&self, partner: &PartnerId, at: Timestamp) -> Option<UnitPrice> {
        self.contract(partner, at)?.accrual
    }

    /// What the partner is paid for a point, at a time.
    pub(super) fn redemption(&self, partner: &PartnerId, at: Timestamp) -> Option<UnitPrice> {
        self.contract(partner, at)?.redemption
    }

    fn contract(&self, partner: &PartnerId, at: Timestamp) -> Option<&Contract> {
        self.contracts.get(partner)?.iter().rfind(|contract| contract.from <= at)
    }

    /// Whether anything may begin at a partner, or the code of the refusal.
    pub(super) fn takes_part(&self, partner: &PartnerId) -> Result<(), &'static str> {
        if self.suspended.contains(partner) { Err("PARTNER_SUSPENDED") } else { Ok(()) }
    }

    /// Whether the caller may begin anything: not with a suspended partner's key.
    pub(super) fn begins(&self, caller: &Caller) -> Result<(), &'static str> {
        match self.keys.get(&caller.key) {
            Some((Role::Partner(partner), _)) => self.takes_part(partner),
            Some((Role::Operator | Role::Member(_), _)) | None => Ok(()),
        }
    }

    /// Judges what became of a command by which a partner is suspended or resumed, before it is noted.
    pub(super) fn judge(&self, decision: &RegistryDecision, decided_at: Timestamp) -> Judgement {
        let (partner, suspends) = match &decision.command.change {
            RegistryChange::SuspendPartner { id } => (id, true),
            RegistryChange::ResumePartner { id } => (id, false),
            RegistryChange::SetUp { .. }
            | RegistryChange::SetUpWaiting { .. }
            | RegistryChange::SetUpWhole { .. }
            | RegistryChange::CreatePartner { .. }
            | RegistryChange::CreateContract { .. }
            | RegistryChange::CreateKey { .. }
            | RegistryChange::RevokeKey { .. }
            | RegistryChange::PublishProgramme { .. }
            | RegistryChange::RegisterTokenKey { .. }
            | RegistryChange::UpdatePartner { .. } => return Ok(()),
        };
        let found = match &decision.outcome {
            Ok(events) => Ok(events.len()),
            Err(rejection) => Err(rejection.code()),
        };
        let caller = decision.command.caller.as_ref().ok_or("a change of a partner by nobody")?;
        let may = self.check(caller).and_then(|()| match (caller.role, self.partner(partner)) {
            (Role::Partner(_) | Role::Member(_), _) => Err("PERMISSION_DENIED"),
            (Role::Operator, known) => {
                check_age(decision.command.request, decided_at)?;
                known.ok_or("UNKNOWN_PARTNER")?;
                Ok(usize::from(self.suspended.contains(partner) != suspends))
            }
        });
        same(&format!("what comes of {:?}", decision.command.change), &found, &may)
    }

    /// Whether the caller may speak, or the code of the refusal.
    pub(super) fn check(&self, caller: &Caller) -> Result<(), &'static str> {
        match self.keys.get(&caller.key) {
            Some((role, revoked)) if *role == caller.role => {
                if *revoked {
                    Err("KEY_REVOKED")
                } else {
                    Ok(())
                }
            }
            Some(_) | None => Err("PERMISSION_DENIED"),
        }
    }
}
