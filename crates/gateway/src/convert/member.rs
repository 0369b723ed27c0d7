//! Members.

use coalition_domain::{Command, Role};
use coalition_intake::convert::timestamp_to_proto;
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

/// There is no such member.
pub(crate) fn not_found() -> Failure {
    Failure::new(ErrorReason::MemberNotFound, "nobody is enrolled here")
}

fn enrolling_partner(enrolment: &Activity) -> String {
    let partner = match &enrolment.decision.command {
        Command::PartnerEvent(event) => Some(event.partner),
        Command::Enrol { caller, .. }
        | Command::Redeem { caller, .. }
        | Command::Reward { caller, .. }
        | Command::Adjust { caller, .. } => match caller.role {
            Role::Partner(partner) => Some(partner),
            Role::Operator | Role::Member(_) => None,
        },
        Command::TimePassed { .. } => None,
    };
    partner.map(name::of_partner).unwrap_or_default()
}
