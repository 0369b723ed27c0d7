//! What the registry says at a place of a journal, read from its facts.

use std::collections::BTreeMap;

use coalition_domain::{
    Caller, KeyId, PartnerId, ProgrammeId, RegistryEvent, Role, Span, Timestamp, UnitPrice,
};

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
    /// How old an event may be; any age, before the settings are made.
    pub(super) max_event_age: Option<Span>,
    /// How long an event waits for a consent; a day, before the network says so.
    pub(super) consent_wait: Option<Span>,
}

impl Registry {
    pub(super) fn note(&mut self, event: &RegistryEvent) -> Result<(), String> {
        match event {
            RegistryEvent::SettingsChanged(settings) => self.max_event_age = Some(settings.max_event_age),
            RegistryEvent::TokenKeyRegistered { .. } | RegistryEvent::AdjustmentLimitChanged(_) => {}
            RegistryEvent::PartnerUpdated { .. }
            | RegistryEvent::PartnerSuspended { .. }
            | RegistryEvent::PartnerResumed { .. } => {
                return Err(format!("{event:?}, which nobody asks for here"));
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
                super::same("the number of a version", &(version.number as usize), &self.versions.len())?;
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
