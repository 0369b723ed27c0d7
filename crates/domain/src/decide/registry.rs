//! Decisions about the network itself: partners, contracts, programmes, keys, settings.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::VersionId;
use crate::registry::{AGE_MAX, ApiKey, Contract, Partner, Registry, RegistryEvent, Settings, TokenKey};
use crate::waiting::CONSENT_WAIT_MAX;
use crate::{
    Caller, Fingerprint, KeyId, PartnerId, Points, ProgrammeId, Rejection, RequestId, Role, Span, Timestamp,
    UnitPrice,
};

/// How long before it takes effect a further version of a programme, or a further price, has to be decided, so that
/// every shard has it by then.
pub const PUBLICATION_LEAD: Span = Span::from_secs(60);

/// How far ahead the start of a version or a price may lie: what is agreed can't be taken back, and the next one starts
/// after it, so a mistyped year would be the last word.
const AHEAD_MAX: Span = Span::from_days(3_653);

/// Faults of a document named in a refusal, which is journaled.
const FAULTS_SHOWN: usize = 20;

/// The bounds of the settings.
const AGES: std::ops::RangeInclusive<Span> = Span::from_days(1)..=AGE_MAX;

/// The bounds of the time that an event waits for a consent.
const WAITS: std::ops::RangeInclusive<Span> = Span::ZERO..=CONSENT_WAIT_MAX;

/// A command to the registry. Frozen in stored data, as are all serialised types of this file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RegistryCommand {
    /// Who asks; nobody, for the first one of a network.
    pub caller: Option<Caller>,
    /// Repeats with the same id have no second effect.
    pub request: RequestId,
    /// What is asked.
    pub change: RegistryChange,
}

/// What is asked of the registry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RegistryChange {
    /// The first words of a network, as [`Self::SetUpWaiting`], with the usual waiting time.
    SetUp {
        /// The settings.
        settings: Settings,
        /// The key's public half.
        key: KeyId,
        /// SHA-256 of the key's secret.
        secret_hash: [u8; 32],
    },
    /// Register a partner.
    CreatePartner {
        /// Its name.
        id: PartnerId,
        /// For people.
        display_name: String,
        /// The programme of its events that name none.
        default_programme: Option<ProgrammeId>,
    },
    /// Agree on prices.
    CreateContract {
        /// With whom.
        partner: PartnerId,
        /// In which programme.
        programme: ProgrammeId,
        /// From which recorded time on.
        from: Timestamp,
        /// What the partner pays for a point that it funds.
        accrual: Option<UnitPrice>,
        /// What the partner is paid for a point that is burnt at it.
        redemption: Option<UnitPrice>,
    },
    /// Make a key.
    CreateKey {
        /// The key's public half.
        id: KeyId,
        /// SHA-256 of its secret.
        secret_hash: [u8; 32],
        /// As whom it will speak.
        role: Role,
    },
    /// Take a key's force.
    RevokeKey {
        /// Which.
        id: KeyId,
    },
    /// Publish a version of a programme.
    PublishProgramme {
        /// The document.
        document: Arc<str>,
    },
    /// The first words of a network: its settings and its operator's key. Only while there are none.
    SetUpWaiting {
        /// The settings.
        settings: Settings,
        /// How long an event waits for the consent that it needs; zero: it is refused at once.
        consent_wait: Span,
        /// The key's public half.
        key: KeyId,
        /// SHA-256 of the key's secret.
        secret_hash: [u8; 32],
    },
    /// Let the caller sign tokens of members.
    RegisterTokenKey {
        /// By what its signatures are verified.
        token_key: TokenKey,
    },
    /// The first words of a network, as [`Self::SetUpWaiting`], with all of its settings.
    SetUpWhole {
        /// The settings.
        settings: Settings,
        /// How long an event waits for the consent that it needs; zero: it is refused at once.
        consent_wait: Span,
        /// The most points that an operator gives or takes by hand without a second one.
        adjustment_limit: Points,
        /// The key's public half.
        key: KeyId,
        /// SHA-256 of the key's secret.
        secret_hash: [u8; 32],
    },
    /// Change what is said of a partner.
    UpdatePartner {
        /// Which.
        id: PartnerId,
        /// What it is called from now on; `None`: as before.
        display_name: Option<String>,
        /// The programme of its events that name none, or that there is none; `None`: as before.
        default_programme: Option<Option<ProgrammeId>>,
    },
    /// Let nothing begin at a partner until it is resumed.
    SuspendPartner {
        /// Which.
        id: PartnerId,
    },
    /// Let a suspended partner take part again.
    ResumePartner {
        /// Which.
        id: PartnerId,
    },
}

/// A decision about the registry, as it is journaled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RegistryDecision {
    /// What was asked.
    pub command: RegistryCommand,
    /// What was decided.
    pub outcome: Result<Vec<RegistryEvent>, Rejection>,
}

impl RegistryCommand {
    /// What it counts under.
    pub fn key(&self) -> Fingerprint {
        crate::request_key(self.caller.map_or(Role::Operator, |caller| caller.role), self.request)
    }

    /// What it says. Frozen.
    pub fn content(&self) -> Fingerprint {
        let price =
            |price: &UnitPrice| [price.currency().code().as_bytes(), &price.micros().to_be_bytes()].concat();
        match &self.change {
            // A key's secret is drawn anew for each call, so a repeat is known by what it is for.
            RegistryChange::SetUp { .. }
            | RegistryChange::SetUpWaiting { .. }
            | RegistryChange::SetUpWhole { .. } => Fingerprint::of("set-up"),
            RegistryChange::CreateKey { role, .. } => match role {
                Role::Operator => Fingerprint::of("key"),
                Role::Partner(partner) => Fingerprint::of("key").field(1, partner.as_str().as_bytes()),
                Role::Member(member) => Fingerprint::of("key").field(2, member.0.as_bytes()),
            },
            RegistryChange::RevokeKey { id } => Fingerprint::of("revoke").field(1, id.as_str().as_bytes()),
            RegistryChange::CreatePartner { id, display_name, default_programme } => {
                Fingerprint::of("partner")
                    .field(1, id.as_str().as_bytes())
                    .field(2, display_name.as_bytes())
                    .optional(3, default_programme.as_ref().map(|id| id.as_str().as_bytes()))
            }
            RegistryChange::UpdatePartner { id, display_name, default_programme } => {
                let programme =
                    default_programme.as_ref().map(|to| to.as_ref().map_or("", ProgrammeId::as_str));
                Fingerprint::of("update-partner")
                    .field(1, id.as_str().as_bytes())
                    .optional(2, display_name.as_ref().map(String::as_bytes))
                    .optional(3, programme.map(str::as_bytes))
            }
            RegistryChange::SuspendPartner { id } => {
                Fingerprint::of("suspend-partner").field(1, id.as_str().as_bytes())
            }
            RegistryChange::ResumePartner { id } => {
                Fingerprint::of("resume-partner").field(1, id.as_str().as_bytes())
            }
            RegistryChange::CreateContract { partner, programme, from, accrual, redemption } => {
                Fingerprint::of("contract")
                    .field(1, partner.as_str().as_bytes())
                    .field(2, programme.as_str().as_bytes())
                    .field(3, &from.as_millis().to_be_bytes())
                    .optional(4, accrual.as_ref().map(price).as_deref())
                    .optional(5, redemption.as_ref().map(price).as_deref())
            }
            RegistryChange::PublishProgramme { document } => {
                Fingerprint::of("programme").field(1, document.as_bytes())
            }
            RegistryChange::RegisterTokenKey { token_key } => {
                Fingerprint::of("token-key").field(1, &token_key.0)
            }
        }
        .done()
    }
}

/// Decides a command to the registry. Pure and total; repeats are the caller's to find.
pub fn decide_registry(
    registry: &Registry,
    command: &RegistryCommand,
    now: Timestamp,
) -> Result<Vec<RegistryEvent>, Rejection> {
    match &command.change {
        RegistryChange::SetUp { settings, key, secret_hash } => {
            return set_up(registry, settings, (None, None), (*key, *secret_hash), now);
        }
        RegistryChange::SetUpWaiting { settings, consent_wait, key, secret_hash } => {
            return set_up(registry, settings, (Some(*consent_wait), None), (*key, *secret_hash), now);
        }
        RegistryChange::SetUpWhole { settings, consent_wait, adjustment_limit, key, secret_hash } => {
            let further = (Some(*consent_wait), Some(*adjustment_limit));
            return set_up(registry, settings, further, (*key, *secret_hash), now);
        }
        RegistryChange::CreatePartner { .. }
        | RegistryChange::CreateContract { .. }
        | RegistryChange::CreateKey { .. }
        | RegistryChange::RevokeKey { .. }
        | RegistryChange::PublishProgramme { .. }
        | RegistryChange::RegisterTokenKey { .. }
        | RegistryChange::UpdatePartner { .. }
        | RegistryChange::SuspendPartner { .. }
        | RegistryChange::ResumePartner { .. } => {}
    }
    let caller = command.caller.as_ref().ok_or(Rejection::PermissionDenied)?;
    registry.check(caller)?;
    match (caller.role, &command.change) {
        // Of its own key: whom it may sign for is judged with each token.
        (Role::Operator, _) | (Role::Partner(_), RegistryChange::RegisterTokenKey { .. }) => {}
        (Role::Partner(_) | Role::Member(_), _) => return Err(Rejection::PermissionDenied),
    }
    registry.check_begins(caller)?;
    super::check_request_age(command.request, registry.settings().max_request_age, now)?;
    match &command.change {
        RegistryChange::SetUp { .. }
        | RegistryChange::SetUpWaiting { .. }
        | RegistryChange::SetUpWhole { .. } => unreachable!("handled above"),
        RegistryChange::CreatePartner { id, display_name, default_programme } => {
            if registry.partner(id).is_some() {
                return Err(Rejection::AlreadyExists(format!("partner {id}")));
            }
            check_display_name(display_name)?;
            let (display_name, default_programme) = (display_name.clone(), *default_programme);
            Ok(vec![RegistryEvent::PartnerCreated(Partner {
                id: *id,
                display_name,
                default_programme,
                created_at: now,
            })])
        }
        RegistryChange::UpdatePartner { id, display_name, default_programme } => {
            let known = known_partner(registry, id)?;
            let display_name = display_name.as_ref().unwrap_or(&known.display_name);
            check_display_name(display_name)?;
            let default_programme = default_programme.unwrap_or(known.default_programme);
            let same = (display_name, default_programme) == (&known.display_name, known.default_programme);
            let (id, display_name) = (*id, display_name.clone());
            let updated = RegistryEvent::PartnerUpdated { id, display_name, default_programme };
            Ok((!same).then_some(updated).into_iter().collect())
        }
        RegistryChange::SuspendPartner { id } => {
            known_partner(registry, id)?;
            let suspended = RegistryEvent::PartnerSuspended { id: *id, at: now };
            Ok(registry.suspended(id).is_none().then_some(suspended).into_iter().collect())
        }
        RegistryChange::ResumePartner { id } => {
            known_partner(registry, id)?;
            let resumed = RegistryEvent::PartnerResumed { id: *id, at: now };
            Ok(registry.suspended(id).is_some().then_some(resumed).into_iter().collect())
        }
        RegistryChange::CreateContract { partner, programme, from, accrual, redemption } => {
            let contract = Contract {
                partner: *partner,
                programme: *programme,
                from: *from,
                accrual: *accrual,
                redemption: *redemption,
                created_at: now,
            };
            create_contract(registry, contract)
        }
        RegistryChange::CreateKey { id, secret_hash, role } => {
            if let Role::Partner(partner) = role {
                known_partner(registry, partner)?;
            }
            create_key(registry, *id, *secret_hash, *role, now)
        }
        RegistryChange::RevokeKey { id } => match registry.key(id) {
            None => Err(Rejection::UnknownKey),
            Some(key) if key.revoked_at.is_some() => Ok(Vec::new()),
            Some(key) if key.role == Role::Operator && registry.operator_keys() == 1 => {
                Err(Rejection::LastOperatorKey)
            }
            Some(_) => Ok(vec![RegistryEvent::KeyRevoked { id: *id, at: now }]),
        },
        RegistryChange::PublishProgramme { document } => publish(registry, document, now),
        RegistryChange::RegisterTokenKey { token_key } => match registry.token_key(&caller.key) {
            Some(known) if known == token_key => Ok(Vec::new()),
            // It follows from the key's secret, so there is one and no other.
            Some(_) => Err(Rejection::AlreadyExists(format!("another token key of key {}", caller.key))),
            None => Ok(vec![RegistryEvent::TokenKeyRegistered { id: caller.key, token_key: *token_key }]),
        },
    }
}

fn known_partner<'a>(registry: &'a Registry, id: &PartnerId) -> Result<&'a Partner, Rejection> {
    registry.partner(id).ok_or(Rejection::UnknownPartner(*id))
}

fn check_display_name(name: &str) -> Result<(), Rejection> {
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Rejection::SettingOutOfRange("a display name has 1 to 100 characters".to_owned()));
    }
    Ok(())
}

fn set_up(
    registry: &Registry,
    settings: &Settings,
    (consent_wait, adjustment_limit): (Option<Span>, Option<Points>),
    (key, secret_hash): (KeyId, [u8; 32]),
    now: Timestamp,
) -> Result<Vec<RegistryEvent>, Rejection> {
    if registry.is_set_up() {
        return Err(Rejection::AlreadyExists("the network's set-up".to_owned()));
    }
    for (name, age) in
        [("max_event_age", settings.max_event_age), ("max_request_age", settings.max_request_age)]
    {
        if !AGES.contains(&age) {
            return Err(Rejection::SettingOutOfRange(format!("{name} lies between 1 and 36500 days")));
        }
    }
    if consent_wait.is_some_and(|wait| !WAITS.contains(&wait)) {
        return Err(Rejection::SettingOutOfRange("consent_wait lies between 0 and 30 days".to_owned()));
    }
    let mut events = vec![RegistryEvent::SettingsChanged(*settings)];
    events.extend(consent_wait.map(RegistryEvent::ConsentWaitChanged));
    events.extend(adjustment_limit.map(RegistryEvent::AdjustmentLimitChanged));
    events.extend(create_key(registry, key, secret_hash, Role::Operator, now)?);
    Ok(events)
}

fn create_key(
    registry: &Registry,
    id: KeyId,
    secret_hash: [u8; 32],
    role: Role,
    now: Timestamp,
) -> Result<Vec<RegistryEvent>, Rejection> {
    if registry.key(&id).is_some() {
        return Err(Rejection::AlreadyExists(format!("key {id}")));
    }
    Ok(vec![RegistryEvent::KeyCreated(ApiKey { id, secret_hash, role, created_at: now, revoked_at: None })])
}

fn create_contract(registry: &Registry, contract: Contract) -> Result<Vec<RegistryEvent>, Rejection> {
    known_partner(registry, &contract.partner)?;
    if registry.versions(&contract.programme).is_empty() {
        return Err(Rejection::UnknownProgramme(contract.programme));
    }
    if contract.accrual.is_none() && contract.redemption.is_none() {
        return Err(Rejection::SettingOutOfRange(
            "a contract states a unit price for accrual, redemption or both".to_owned(),
        ));
    }
    check_ahead(contract.from, contract.created_at)?;
    if let Some(last) = registry.contracts(&contract.programme, &contract.partner).last() {
        // A price that was in force may have been used: only what lies ahead of every shard can change.
        let earliest = last.from.plus(Span::from_millis(1)).max(contract.created_at.plus(PUBLICATION_LEAD));
        if contract.from < earliest {
            return Err(Rejection::EffectiveTooEarly { earliest });
        }
    }
    Ok(vec![RegistryEvent::ContractAgreed(contract)])
}

fn publish(
    registry: &Registry,
    document: &Arc<str>,
    now: Timestamp,
) -> Result<Vec<RegistryEvent>, Rejection> {
    let programme = crate::programme::parse(document).map_err(|faults| {
        let shown = faults.iter().take(FAULTS_SHOWN).map(ToString::to_string);
        Rejection::ProgrammeInvalid(shown.collect::<Vec<_>>().join("; "))
    })?;
    let partners = programme.rules.iter().flat_map(|rule| rule.partners.iter().flatten().chain(&rule.funder));
    let redeemers = programme.rewards.iter().map(|reward| &reward.redeemer);
    if let Some(unknown) = partners.chain(redeemers).find(|partner| registry.partner(partner).is_none()) {
        return Err(Rejection::UnknownPartner(*unknown));
    }
    check_ahead(programme.effective_from, now)?;
    let versions = registry.versions(&programme.id);
    if let Some(last) = versions.last() {
        let earliest =
            now.plus(PUBLICATION_LEAD).max(last.programme.effective_from.plus(Span::from_millis(1)));
        if programme.effective_from < earliest {
            return Err(Rejection::EffectiveTooEarly { earliest });
        }
    }
    let number = u32::try_from(versions.len()).expect("fewer than 2^32 versions") + 1;
    let version = VersionId { programme: programme.id, number };
    Ok(vec![RegistryEvent::ProgrammePublished { version, document: Arc::clone(document), at: now }])
}

fn check_ahead(from: Timestamp, now: Timestamp) -> Result<(), Rejection> {
    let latest = now.plus(AHEAD_MAX);
    if from <= latest {
        return Ok(());
    }
    Err(Rejection::SettingOutOfRange(format!("it takes effect too late: the latest instant is {latest}")))
}
