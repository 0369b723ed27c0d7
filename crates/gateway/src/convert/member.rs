//! Members.

use coalition_domain::account::Consent;
use coalition_domain::{Account, AccountId, Identifier, Purpose, Rejection, Role, Scheme, Timestamp};
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
    let consent = |(purpose, said): (&Purpose, &Consent)| consent_to_proto(account.id(), purpose, said);
    Ok(proto::Member {
        name: name::of_member(account.id()),
        create_time: Some(timestamp_to_proto(enrolled.at)),
        consents: account.consents().iter().map(consent).collect(),
        enrolling_partner: enrolment.map(enrolling_partner).unwrap_or_default(),
        position: Some(position::to_proto(position)),
    })
}

/// What a member said on a purpose.
pub(crate) fn consent_to_proto(member: AccountId, purpose: &Purpose, said: &Consent) -> proto::Consent {
    proto::Consent {
        name: name::of_consent(member, purpose),
        purpose: purpose.to_string(),
        given: said.given,
        update_time: Some(timestamp_to_proto(said.since)),
        position: None,
    }
}

/// An identifier of a member.
pub(crate) struct Known<'a> {
    /// By which it is named: 0 for the one of the enrolment.
    pub(crate) number: u32,
    pub(crate) identifier: &'a Identifier,
    /// Its own account.
    pub(crate) account: AccountId,
    at: Timestamp,
    /// Whether it was unlinked.
    pub(crate) ended: bool,
}

/// The identifiers that a member ever had: the one of the enrolment first.
pub(crate) fn identifiers(account: &Account) -> impl Iterator<Item = Known<'_>> {
    let first =
        account.enrolment().map(|enrolment| (&enrolment.identifier, account.id(), enrolment.at, false));
    let linked = account.linked().iter();
    let linked = linked.map(|linked| (&linked.identifier, linked.account, linked.at, linked.ended));
    let numbered = (0..).zip(first.into_iter().chain(linked));
    numbered.map(|(number, (identifier, account, at, ended))| Known {
        number,
        identifier,
        account,
        at,
        ended,
    })
}

impl Known<'_> {
    /// Whether a role may see it: a partner its own customer numbers.
    pub(crate) fn is_of(&self, role: Role) -> bool {
        match (role, self.identifier.scheme()) {
            (Role::Operator | Role::Member(_), _) => true,
            (Role::Partner(partner), Scheme::CustomerNumber(scope)) => partner == scope,
            (Role::Partner(_), Scheme::EmailHash | Scheme::CardToken | Scheme::Order(_)) => false,
        }
    }

    pub(crate) fn to_proto(&self, view: &AccountView) -> proto::MemberIdentifier {
        let member = name::of_member(view.account().id());
        proto::MemberIdentifier {
            name: format!("{member}/identifiers/{}", self.number),
            identifier: Some(identifier_to_proto(self.identifier)),
            create_time: Some(timestamp_to_proto(self.at)),
            position: Some(position::to_proto(view.position)),
        }
    }
}

/// An account, if somebody is enrolled there and did not move to another member's.
pub(crate) fn enrolled(view: AccountView) -> Result<AccountView, Failure> {
    if let Some(forward) = view.account().forward() {
        return Err(Failure::from(&Rejection::AccountLinked { to: forward.to }));
    }
    view.account().enrolment().ok_or_else(not_found)?;
    Ok(view)
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
