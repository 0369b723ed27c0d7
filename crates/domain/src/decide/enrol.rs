//! Enrolment by request: an account becomes a member's.

use crate::account::Account;
use crate::event::{Applied, Event};
use crate::{Caller, Identifier, Rejection, Role, Scheme};

pub(super) fn decide(
    account: &Account,
    caller: &Caller,
    identifier: &Identifier,
) -> Result<Applied, Rejection> {
    check_scope(caller, identifier)?;
    if account.forward().is_some() {
        return Err(Rejection::IdentifierLinked);
    }
    if account.enrolment().is_some() {
        return Err(Rejection::AlreadyEnrolled);
    }
    Ok(Applied { version: None, events: vec![Event::MemberEnrolled] })
}

/// Who may say whose an identifier is.
pub(super) fn check_scope(caller: &Caller, identifier: &Identifier) -> Result<(), Rejection> {
    match (caller.role, identifier.scheme()) {
        // A partner's customer numbers are its own.
        (Role::Partner(partner), Scheme::CustomerNumber(scope)) if partner != scope => {
            Err(Rejection::PermissionDenied)
        }
        // An order is nobody's identifier.
        (_, Scheme::Order(_)) => Err(Rejection::PermissionDenied),
        (Role::Operator | Role::Partner(_), _) => Ok(()),
        (Role::Member(_), _) => Err(Rejection::PermissionDenied),
    }
}
