//! Who may ask for a member's things.

use crate::account::Account;
use crate::registry::{ApiKey, Registry};
use crate::{Caller, Rejection, Role};

/// Whether the caller may speak as its role to this account: the key's own holder may, and for a member whoever signed the
/// member's token with it, as long as they are entitled to. When a token ends is the gateway's to know.
///
/// # Errors
/// The key is revoked, speaks for somebody else, or the member lets its holder sign no more.
pub fn check_caller(account: &Account, registry: &Registry, caller: &Caller) -> Result<(), Rejection> {
    let key = registry.key(&caller.key).ok_or(Rejection::PermissionDenied)?;
    if key.role == caller.role {
        return registry.check(caller);
    }
    let entitled = match (key.role, caller.role) {
        (Role::Operator, Role::Member(member)) => member == account.id(),
        (Role::Partner(partner), Role::Member(member)) => {
            member == account.id() && account.sign_in().contains(&partner)
        }
        (Role::Operator | Role::Partner(_) | Role::Member(_), _) => false,
    };
    live(entitled, key)
}

/// As [`check_caller`], for a member whose account is elsewhere: whether the key's holder may sign them in was asked there.
pub(super) fn check_signed(registry: &Registry, caller: &Caller) -> Result<(), Rejection> {
    let key = registry.key(&caller.key).ok_or(Rejection::PermissionDenied)?;
    let may_sign = match key.role {
        Role::Operator | Role::Partner(_) => true,
        Role::Member(_) => key.role == caller.role,
    };
    live(may_sign, key)
}

fn live(entitled: bool, key: &ApiKey) -> Result<(), Rejection> {
    match (entitled, key.revoked_at) {
        (false, _) => Err(Rejection::PermissionDenied),
        (true, Some(_)) => Err(Rejection::KeyRevoked),
        (true, None) => Ok(()),
    }
}
