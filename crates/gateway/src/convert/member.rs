//! Members.

use coalition_domain::{AccountId, Identifier, Role, Timestamp};
use coalition_intake::convert::{identifier_to_proto, timestamp_to_proto};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::{AccountView, Position};
use coalition_proto::member::v1 as proto;
use coalition_proto::r#type::v1::ErrorReason;

use super::{name, position};
use crate::status::Failure;

/// The member of an account, whom `enrolment` enrolled. `position` is what the answer stands on.
pub(crate) fn to_proto(
    view: &AccountView,
    enrolment: Option<&Activity>,
    position: Position,
) -> Result<proto::Member, Failure> {
    let account = view.account();
    let enrolled = account.enrolment().ok_or_else(not_found)?;
    let consent = |(purpose, consent): (&coalition_domain::Purpose, &coalition_domain::account::Consent)| {
        proto::Consent {
            purpose: purpose.to_string(),
            given: consent.given,
            update_time: Some(timestamp_to_proto(consent.since)),
        }
    };
    Ok(proto::Member {
        name: name::of_member(account.id()),
        create_time: Some(timestamp_to_proto(enrolled.at)),
        consents: account.consents().iter().map(consent).collect(),
        enrolling_partner: enrolment.map(enrolling_partner).unwrap_or_default(),
        position: Some(position::to_proto(position)),
    })
}

/// The identifiers of a member, each with its own account: the one of the enrolment first.
pub(crate) fn identifiers(view: &AccountView) -> Vec<(AccountId, proto::MemberIdentifier)> {
    let account = view.account();
    let first = account.enrolment().map(|enrolment| (&enrolment.identifier, account.id(), enrolment.at));
    let linked = account.linked().iter().map(|linked| (&linked.identifier, linked.account, linked.at));
    let write = |(number, (identifier, id, at)): (u32, (&Identifier, AccountId, Timestamp))| {
        let written = proto::MemberIdentifier {
            name: format!("{}/identifiers/{number}", name::of_member(account.id())),
            identifier: Some(identifier_to_proto(identifier)),
            create_time: Some(timestamp_to_proto(at)),
            position: Some(position::to_proto(view.position)),
        };
        (id, written)
    };
    (0..).zip(first.into_iter().chain(linked)).map(write).collect()
}

/// There is no such member.
pub(crate) fn not_found() -> Failure {
    Failure::new(ErrorReason::MemberNotFound, "nobody is enrolled here")
}

fn enrolling_partner(enrolment: &Activity) -> String {
    let command = &enrolment.decision.command;
    let asked = command.request().and_then(|(caller, _)| match caller.role {
        Role::Partner(partner) => Some(partner),
        Role::Operator | Role::Member(_) => None,
    });
    let partner = command.event().map(|event| event.partner).or(asked);
    partner.map(name::of_partner).unwrap_or_default()
}
