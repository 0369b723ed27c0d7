//! Consents: what an account keeps of them, and those that are given or withdrawn by request.

use std::collections::BTreeSet;

use crate::account::{Account, CONSENTS_MAX, SIGN_IN};
use crate::event::{Applied, Event};
use crate::{Caller, Purpose, Rejection, Role};

pub(super) fn decide(
    account: &Account,
    caller: &Caller,
    purpose: Purpose,
    given: bool,
) -> Result<Applied, Rejection> {
    match caller.role {
        Role::Operator => {}
        Role::Member(member) if member == account.id() => {}
        // A partner's word on a consent is an event, which says where and when it heard the member say so.
        Role::Partner(_) | Role::Member(_) => return Err(Rejection::PermissionDenied),
    }
    // This one names who may sign the member in, and no partner asks here.
    if given && purpose.as_str() == SIGN_IN {
        return Err(Rejection::PermissionDenied);
    }
    if account.enrolment().is_none() {
        return Err(Rejection::NotEnrolled);
    }
    check_room(account, [&purpose])?;
    let event = if given { Event::ConsentGiven { purpose } } else { Event::ConsentWithdrawn { purpose } };
    Ok(Applied { version: None, events: vec![event] })
}

/// Whether the account can keep a word on each of these, so that its row stays small.
pub(super) fn check_room<'a>(
    account: &Account,
    purposes: impl IntoIterator<Item = &'a Purpose>,
) -> Result<(), Rejection> {
    let known = account.consents();
    let new: BTreeSet<_> = purposes.into_iter().filter(|it| !known.contains_key(it)).collect();
    if !new.is_empty() && known.len() + new.len() > CONSENTS_MAX as usize {
        return Err(Rejection::TooManyConsents(CONSENTS_MAX));
    }
    Ok(())
}
