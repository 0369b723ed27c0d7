//! What the whole network agrees on: partners, their contracts, programmes, keys, settings.
//!
//! Decided in one shard, relayed to all: every shard judges by its own copy, so its journal alone explains its decisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::adjustment::ADJUSTMENT_LIMIT;
use crate::event::VersionId;
use crate::programme::Programme;
use crate::waiting::CONSENT_WAIT;
use crate::{Caller, KeyId, PartnerId, Points, ProgrammeId, Rejection, Role, Span, Timestamp, UnitPrice};

/// The longest that settings may have the network remember ids.
pub const AGE_MAX: Span = Span::from_days(36_500);

/// A partner. Frozen in stored data, as are all serialised types of this file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Partner {
    /// Its name in topics and keys.
    pub id: PartnerId,
    /// For people.
    pub display_name: String,
    /// The programme of its events that name none.
    pub default_programme: Option<ProgrammeId>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// The prices of a partner in a programme from an instant on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contract {
    /// Between which partner and the operator.
    pub partner: PartnerId,
    /// In which programme.
    pub programme: ProgrammeId,
    /// For points issued or burnt from this recorded time on.
    pub from: Timestamp,
    /// What the partner pays for a point that it funds.
    pub accrual: Option<UnitPrice>,
    /// What the partner is paid for a point that is burnt at it.
    pub redemption: Option<UnitPrice>,
    /// When it was agreed.
    pub created_at: Timestamp,
}

/// A key of the gateway; its secret is known to its holder alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its public half.
    pub id: KeyId,
    /// SHA-256 of the secret, which is 256 random bits: a slower hash would protect nothing more.
    pub secret_hash: [u8; 32],
    /// As whom it speaks.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it lost its force.
    pub revoked_at: Option<Timestamp>,
}

/// A published version of a programme.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgrammeVersion {
    /// Counted from 1.
    pub number: u32,
    /// When it was published.
    pub published_at: Timestamp,
    /// The document as it was published.
    pub document: Arc<str>,
    /// What it says.
    pub programme: Arc<Programme>,
}

/// Network-wide settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// How old a partner's event may be, against the newest append time of the inbox. May be lowered, never raised:
    /// ids older than this were forgotten.
    pub max_event_age: Span,
    /// How old a request id may be.
    pub max_request_age: Span,
}

/// A change of the registry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RegistryEvent {
    /// The settings are these from now on.
    SettingsChanged(Settings),
    /// A partner joined.
    PartnerCreated(Partner),
    /// Prices were agreed.
    ContractAgreed(Contract),
    /// A key was made.
    KeyCreated(ApiKey),
    /// A key lost its force.
    KeyRevoked {
        /// Which.
        id: KeyId,
        /// When.
        at: Timestamp,
    },
    /// A version of a programme was published.
    ProgrammePublished {
        /// Which programme and version.
        version: VersionId,
        /// The document.
        document: Arc<str>,
        /// When.
        at: Timestamp,
    },
    /// From now on events wait this long for the consent that they need.
    ConsentWaitChanged(Span),
    /// From now on the holder of a key may sign tokens of members.
    TokenKeyRegistered {
        /// Which.
        id: KeyId,
        /// By what its signatures are verified.
        token_key: TokenKey,
    },
    /// From now on an adjustment of more points needs a second operator.
    AdjustmentLimitChanged(Points),
    /// A partner is called otherwise, or its events that name no programme are for another one.
    PartnerUpdated {
        /// Which.
        id: PartnerId,
        /// For people.
        display_name: String,
        /// The programme of its events that name none.
        default_programme: Option<ProgrammeId>,
    },
    /// A partner begins nothing from now on.
    PartnerSuspended {
        /// Which.
        id: PartnerId,
        /// When.
        at: Timestamp,
    },
    /// A partner that was suspended takes part again.
    PartnerResumed {
        /// Which.
        id: PartnerId,
        /// When.
        at: Timestamp,
    },
}

/// The public half of the pair by which the holder of a key signs tokens of members: Ed25519, RFC 8032.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenKey(pub [u8; 32]);

/// The copy of one shard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registry {
    changes: u64,
    settings: Option<Settings>,
    consent_wait: Option<Span>,
    adjustment_limit: Option<Points>,
    partners: BTreeMap<PartnerId, Partner>,
    suspended: BTreeMap<PartnerId, Timestamp>,
    contracts: BTreeMap<(ProgrammeId, PartnerId), Vec<Contract>>,
    keys: BTreeMap<KeyId, ApiKey>,
    token_keys: BTreeMap<KeyId, TokenKey>,
    programmes: BTreeMap<ProgrammeId, Vec<ProgrammeVersion>>,
}

impl Registry {
    /// How many changes it has seen: equal numbers mean equal copies.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The settings; before any were made, the longest memory, as ages are never raised: an id that was refused before
    /// the set-up must be known for as long as its repeats are accepted after it.
    pub fn settings(&self) -> Settings {
        self.settings.unwrap_or(Settings { max_event_age: AGE_MAX, max_request_age: AGE_MAX })
    }

    /// How long an event waits for the consent that it needs; zero: it is refused at once.
    pub fn consent_wait(&self) -> Span {
        self.consent_wait.unwrap_or(CONSENT_WAIT)
    }

    /// The most points that an operator gives or takes by hand without a second one.
    pub fn adjustment_limit(&self) -> Points {
        self.adjustment_limit.unwrap_or(ADJUSTMENT_LIMIT)
    }

    /// Whether settings were ever made.
    pub fn is_set_up(&self) -> bool {
        self.settings.is_some()
    }

    /// A partner.
    pub fn partner(&self, id: &PartnerId) -> Option<&Partner> {
        self.partners.get(id)
    }

    /// The partners, by name.
    pub fn partners(&self) -> impl Iterator<Item = &Partner> {
        self.partners.values()
    }

    /// Since when a partner is suspended; `None`: it takes part.
    pub fn suspended(&self, id: &PartnerId) -> Option<Timestamp> {
        self.suspended.get(id).copied()
    }

    /// Whether anything may begin at a partner.
    pub fn check_takes_part(&self, id: &PartnerId) -> Result<(), Rejection> {
        match self.suspended(id) {
            None => Ok(()),
            Some(_) => Err(Rejection::PartnerSuspended(*id)),
        }
    }

    /// Whether the caller may begin anything: not with a suspended partner's key, nor with a token that such a key signed.
    pub fn check_begins(&self, caller: &Caller) -> Result<(), Rejection> {
        match self.keys.get(&caller.key).map(|key| key.role) {
            Some(Role::Partner(partner)) => self.check_takes_part(&partner),
            Some(Role::Operator | Role::Member(_)) | None => Ok(()),
        }
    }

    /// A partner's contracts in a programme, oldest first.
    pub fn contracts(&self, programme: &ProgrammeId, partner: &PartnerId) -> &[Contract] {
        self.contracts.get(&(*programme, *partner)).map_or(&[], Vec::as_slice)
    }

    /// The contract in force at `now`.
    pub fn contract(
        &self,
        programme: &ProgrammeId,
        partner: &PartnerId,
        now: Timestamp,
    ) -> Option<&Contract> {
        self.contracts(programme, partner).iter().rev().find(|contract| contract.from <= now)
    }

    /// The programmes, by name.
    pub fn programmes(&self) -> impl Iterator<Item = (&ProgrammeId, &[ProgrammeVersion])> {
        self.programmes.iter().map(|(id, versions)| (id, versions.as_slice()))
    }

    /// The versions of a programme, oldest first; empty: there is no such programme.
    pub fn versions(&self, programme: &ProgrammeId) -> &[ProgrammeVersion] {
        self.programmes.get(programme).map_or(&[], Vec::as_slice)
    }

    /// The version in force at `time`.
    pub fn version(&self, programme: &ProgrammeId, time: Timestamp) -> Result<&ProgrammeVersion, Rejection> {
        let versions = self.versions(programme);
        let first = versions.first().ok_or(Rejection::UnknownProgramme(*programme))?;
        versions.iter().rev().find(|version| version.programme.effective_from <= time).ok_or(
            Rejection::ProgrammeNotInForce { programme: *programme, from: first.programme.effective_from },
        )
    }

    /// A key, also one that was revoked.
    pub fn key(&self, id: &KeyId) -> Option<&ApiKey> {
        self.keys.get(id)
    }

    /// The keys, by name, also those that were revoked.
    pub fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.values()
    }

    /// By what tokens are verified that the holder of a key signed; `None`: it has not signed any yet.
    pub fn token_key(&self, id: &KeyId) -> Option<&TokenKey> {
        self.token_keys.get(id)
    }

    /// How many keys of the operator are in force.
    pub fn operator_keys(&self) -> usize {
        let in_force = |key: &&ApiKey| key.role == Role::Operator && key.revoked_at.is_none();
        self.keys.values().filter(in_force).count()
    }

    /// Whether the caller's key is in force and speaks for the role that it was taken for.
    pub fn check(&self, caller: &Caller) -> Result<(), Rejection> {
        match self.keys.get(&caller.key) {
            Some(key) if key.role == caller.role && key.revoked_at.is_none() => Ok(()),
            Some(key) if key.role == caller.role => Err(Rejection::KeyRevoked),
            Some(_) | None => Err(Rejection::PermissionDenied),
        }
    }

    /// Takes a change in.
    ///
    /// # Panics
    /// If a published document cannot be read any more, a broken promise of this code base.
    pub fn evolve(&mut self, event: &RegistryEvent) {
        self.changes += 1;
        match event {
            RegistryEvent::SettingsChanged(settings) => self.settings = Some(*settings),
            RegistryEvent::ConsentWaitChanged(wait) => self.consent_wait = Some(*wait),
            RegistryEvent::AdjustmentLimitChanged(limit) => self.adjustment_limit = Some(*limit),
            RegistryEvent::PartnerCreated(partner) => {
                self.partners.insert(partner.id, partner.clone());
            }
            RegistryEvent::PartnerUpdated { id, display_name, default_programme } => {
                if let Some(partner) = self.partners.get_mut(id) {
                    partner.display_name.clone_from(display_name);
                    partner.default_programme = *default_programme;
                }
            }
            RegistryEvent::PartnerSuspended { id, at } => {
                self.suspended.insert(*id, *at);
            }
            RegistryEvent::PartnerResumed { id, .. } => {
                self.suspended.remove(id);
            }
            RegistryEvent::ContractAgreed(contract) => {
                self.contracts
                    .entry((contract.programme, contract.partner))
                    .or_default()
                    .push(contract.clone());
            }
            RegistryEvent::KeyCreated(key) => {
                self.keys.insert(key.id, key.clone());
            }
            RegistryEvent::KeyRevoked { id, at } => {
                if let Some(key) = self.keys.get_mut(id) {
                    key.revoked_at = Some(*at);
                }
            }
            RegistryEvent::TokenKeyRegistered { id, token_key } => {
                self.token_keys.insert(*id, *token_key);
            }
            RegistryEvent::ProgrammePublished { version, document, at } => {
                let programme = crate::programme::parse_published(document)
                    .expect("a document that was published can be read");
                self.programmes.entry(version.programme).or_default().push(ProgrammeVersion {
                    number: version.number,
                    published_at: *at,
                    document: Arc::clone(document),
                    programme: Arc::new(programme),
                });
            }
        }
    }
}
