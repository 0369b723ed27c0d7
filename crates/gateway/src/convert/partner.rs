//! Partners, their contracts and keys.

use coalition_domain::registry::{ApiKey, Contract, Partner};
use coalition_domain::{Role, Timestamp};
use coalition_intake::convert::timestamp_to_proto;
use coalition_ledger::view::Position;
use coalition_proto::partner::v1 as proto;

use super::request::unit_price_to_proto;
use super::{name, position};

/// A partner, and since when it is suspended.
pub(crate) fn to_proto(partner: &Partner, suspended: Option<Timestamp>, at: Position) -> proto::Partner {
    proto::Partner {
        name: name::of_partner(partner.id),
        display_name: partner.display_name.clone(),
        default_programme: partner.default_programme.map(name::of_programme).unwrap_or_default(),
        create_time: Some(timestamp_to_proto(partner.created_at)),
        position: Some(position::to_proto(at)),
        suspend_time: suspended.map(timestamp_to_proto),
    }
}

/// The contract of this number, from 1 on, among those of its partner and programme.
pub(crate) fn contract_to_proto(contract: &Contract, number: usize, at: Position) -> proto::PartnerContract {
    let Contract { partner, programme, from, accrual, redemption, created_at } = contract;
    proto::PartnerContract {
        name: format!("partners/{partner}/contracts/{programme}.{number}"),
        programme: name::of_programme(programme),
        accrual_unit_price: accrual.as_ref().map(unit_price_to_proto),
        redemption_unit_price: redemption.as_ref().map(unit_price_to_proto),
        start_time: Some(timestamp_to_proto(*from)),
        create_time: Some(timestamp_to_proto(*created_at)),
        position: Some(position::to_proto(at)),
    }
}

/// A key, without its secret.
pub(crate) fn key_to_proto(key: &ApiKey, at: Position) -> proto::ApiKey {
    proto::ApiKey {
        name: name::of_key(key.id),
        holder: Some(match &key.role {
            Role::Operator => proto::api_key::Holder::Operator(proto::OperatorHolder {}),
            Role::Partner(partner) => proto::api_key::Holder::Partner(name::of_partner(partner)),
            Role::Member(member) => proto::api_key::Holder::Member(name::of_member(member)),
        }),
        secret: String::new(),
        create_time: Some(timestamp_to_proto(key.created_at)),
        revoke_time: key.revoked_at.map(timestamp_to_proto),
        position: Some(position::to_proto(at)),
    }
}
