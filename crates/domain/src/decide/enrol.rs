//! Enrolment by request: an account becomes a member's.

use crate::account::Account;
use crate::event::{Applied, Event};
use crate::{Caller, Rejection, Role};

pub(super) fn decide(account: &Account, caller: &Caller) -> Result<Applied, Rejection> {
    match caller.role {
        Role::Operator | Role::Partner(_) => {}
        Role::Member(_) => return Err(Rejection::PermissionDenied),
    }
    if account.enrolment().is_some() {
        return Err(Rejection::AlreadyEnrolled);
    }
    Ok(Applied { version: None, events: vec![Event::MemberEnrolled] })
}
