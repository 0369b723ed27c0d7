//! Enrolment by request: an account becomes a member's.

use crate::account::Account;
use crate::event::{Applied, Event};
use crate::{Caller, Identifier, Rejection, Role, Scheme};

pub(super) fn decide(
    account: &Account,
    caller: &Caller,
    identifier: &Identifier,
) -> Result<Applied, Rejection> {
    match (caller.role, identifier.scheme()) {
        // A partner's customer numbers are its own.
        (Role::Partner(partner), Scheme::CustomerNumber(scope)) if partner != scope => {
            return Err(Rejection::PermissionDenied);
        }
        (Role::Operator | Role::Partner(_), _) => {}
        (Role::Member(_), _) => return Err(Rejection::PermissionDenied),
    }
    if account.enrolment().is_some() {
        return Err(Rejection::AlreadyEnrolled);
    }
    Ok(Applied { version: None, events: vec![Event::MemberEnrolled] })
}
