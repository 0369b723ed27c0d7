//! What the network agrees on.

use coalition_domain::decide::{RegistryChange, RegistryCommand, RegistryDecision};
use coalition_domain::registry::{ApiKey, Contract, Partner, Settings, TokenKey};
use coalition_domain::{RegistryEvent, Rejection, Role, Span};

use super::{LATER, NOW, caller, points, price, read, request, version};

fn settings() -> Settings {
    Settings { max_event_age: Span::from_days(36_500), max_request_age: Span::from_days(1) }
}

pub(crate) fn registry_events() -> [RegistryEvent; 12] {
    let (partner, programme) = (read("cdnow"), read("mypoints"));
    [
        RegistryEvent::SettingsChanged(settings()),
        RegistryEvent::PartnerCreated(Partner {
            id: partner,
            display_name: "CDNOW".to_owned(),
            default_programme: Some(programme),
            created_at: NOW,
        }),
        RegistryEvent::ContractAgreed(Contract {
            partner,
            programme,
            from: NOW,
            accrual: Some(price(9_000)),
            redemption: None,
            created_at: LATER,
        }),
        RegistryEvent::KeyCreated(ApiKey {
            id: read("till"),
            secret_hash: [7; 32],
            role: Role::Partner(partner),
            created_at: NOW,
            revoked_at: None,
        }),
        RegistryEvent::KeyRevoked { id: read("till"), at: LATER },
        RegistryEvent::ProgrammePublished { version: version(), document: "[programme]".into(), at: NOW },
        RegistryEvent::ConsentWaitChanged(Span::from_days(2)),
        RegistryEvent::TokenKeyRegistered { id: read("till"), token_key: TokenKey([9; 32]) },
        RegistryEvent::AdjustmentLimitChanged(points(10_000)),
        RegistryEvent::PartnerUpdated { id: partner, display_name: "CD".to_owned(), default_programme: None },
        RegistryEvent::PartnerSuspended { id: partner, at: LATER },
        RegistryEvent::PartnerResumed { id: partner, at: LATER },
    ]
}

pub(crate) fn changes() -> [RegistryChange; 13] {
    let (partner, programme) = (read("cdnow"), read("mypoints"));
    [
        RegistryChange::SetUp { settings: settings(), key: read("operator"), secret_hash: [7; 32] },
        RegistryChange::CreatePartner {
            id: partner,
            display_name: "CDNOW".to_owned(),
            default_programme: Some(programme),
        },
        RegistryChange::CreateContract {
            partner,
            programme,
            from: NOW,
            accrual: None,
            redemption: Some(price(7_000)),
        },
        RegistryChange::CreateKey { id: read("till"), secret_hash: [7; 32], role: Role::Operator },
        RegistryChange::RevokeKey { id: read("till") },
        RegistryChange::PublishProgramme { document: "[programme]".into() },
        RegistryChange::SetUpWaiting {
            settings: settings(),
            consent_wait: Span::from_days(2),
            key: read("operator"),
            secret_hash: [7; 32],
        },
        RegistryChange::RegisterTokenKey { token_key: TokenKey([9; 32]) },
        RegistryChange::SetUpWhole {
            settings: settings(),
            consent_wait: Span::from_days(2),
            adjustment_limit: points(10_000),
            key: read("operator"),
            secret_hash: [7; 32],
        },
        RegistryChange::UpdatePartner {
            id: partner,
            display_name: Some("CD".to_owned()),
            default_programme: Some(None),
        },
        RegistryChange::UpdatePartner {
            id: partner,
            display_name: None,
            default_programme: Some(Some(programme)),
        },
        RegistryChange::SuspendPartner { id: partner },
        RegistryChange::ResumePartner { id: partner },
    ]
}

pub(crate) fn registry_decisions() -> [RegistryDecision; 2] {
    let [set_up, _, _, _, revoke, ..] = changes();
    let [_, _, _, _, revoked, ..] = registry_events();
    let command = |caller, change| RegistryCommand { caller, request: request(), change };
    [
        RegistryDecision { command: command(Some(caller()), revoke), outcome: Ok(vec![revoked]) },
        RegistryDecision { command: command(None, set_up), outcome: Err(Rejection::PermissionDenied) },
    ]
}
