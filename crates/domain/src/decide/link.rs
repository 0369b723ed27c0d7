//! Links: the account of an identifier follows a member's, until it is unlinked.

use super::{caller, enrol};
use crate::account::{Account, Moment};
use crate::event::{Applied, Event};
use crate::handover::{Forward, HANDOVER_BYTES_MAX, PIECE_BYTES_MAX, Piece};
use crate::lot::Lot;
use crate::pages::Weigh;
use crate::registry::Registry;
use crate::{AccountId, Caller, Command, Fingerprint, Identifier, Rejection, Role, SLUG_MAX, Scheme};

/// What a lot or a debt takes at most when it is stored.
const LOT_BYTES: usize = 90 + 5 * (SLUG_MAX + 1);

/// The account of a member says that it stays where it is, for good. Only then another one is linked to it: so of links that
/// cross none is decided, whatever their order, and what is forwarded is so once.
pub(super) fn accept(account: &Account, caller: &Caller) -> Result<Applied, Rejection> {
    if let Role::Member(_) = caller.role {
        return Err(Rejection::PermissionDenied);
    }
    check_here(account)?;
    if account.enrolment().is_none() {
        return Err(Rejection::NotEnrolled);
    }
    let accepted = (!account.stays()).then_some(Event::LinksAccepted);
    Ok(Applied { version: None, events: accepted.into_iter().collect() })
}

/// What a member asks for is asked of the account that has their points.
pub(super) fn check_here(account: &Account) -> Result<(), Rejection> {
    account.forward().map_or(Ok(()), |forward| Err(Rejection::AccountLinked { to: forward.to }))
}

/// The first link wins. What the account has goes along; what one decision can't hold is due at once.
pub(super) fn decide(
    account: &Account,
    caller: &Caller,
    (identifier, member): (&Identifier, &AccountId),
    command: &Command,
    at: &Moment,
) -> Result<Applied, Rejection> {
    enrol::check_scope(caller, identifier)?;
    if account.forward().is_some() {
        return Err(Rejection::IdentifierLinked);
    }
    // A partner's sign-up alone says that somebody joined, not that it is another person than the member.
    if account.stays() || account.id() == *member {
        return Err(Rejection::AlreadyEnrolled);
    }
    let consents = account.consents().iter().map(|(purpose, consent)| (*purpose, *consent)).collect();
    let first = Piece::Identifier { identifier: identifier.clone(), consents };
    let mut events =
        vec![Event::AccountLinked { to: *member }, Event::HandedOver { to: *member, piece: first }];
    let mut after = account.clone();
    after.take_in(&events, command, at);
    events.extend(pieces(after, command, at));
    Ok(Applied { version: None, events })
}

/// The account is on its own again. What was handed over stays with the member, and what was forwarded.
pub(super) fn undo(
    account: &Account,
    registry: &Registry,
    caller: &Caller,
    (identifier, member): (&Identifier, &AccountId),
) -> Result<Applied, Rejection> {
    match caller.role {
        Role::Member(own) if own == *member => caller::check_signed(registry, caller)?,
        Role::Member(_) | Role::Operator | Role::Partner(_) => registry.check(caller)?,
    }
    let may = match (caller.role, identifier.scheme()) {
        (Role::Operator, _) => true,
        // Cards and e-mail addresses are the member's, whichever partner has linked them.
        (Role::Partner(partner), scheme) => scheme == Scheme::CustomerNumber(partner),
        (Role::Member(own), _) => own == *member,
    };
    if !may {
        return Err(Rejection::PermissionDenied);
    }
    if account.id() == *member {
        return Err(Rejection::IdentifierEnrolled);
    }
    let from = account.forward().filter(|forward| forward.to == *member);
    let Forward { to, .. } = *from.ok_or(Rejection::IdentifierNotLinked)?;
    // What waits here was the member's from the link on.
    if !account.is_handed_over() || !account.waiting().is_empty() {
        return Err(Rejection::HandoverUnfinished);
    }
    let told = Event::HandedOver { to, piece: Piece::Unlinked };
    Ok(Applied { version: None, events: vec![Event::AccountUnlinked { from: to }, told] })
}

/// What a linked account still has to hand over; `None`: nothing.
pub(super) fn rest(account: &Account, command: &Command, at: &Moment) -> Option<Applied> {
    (!account.is_handed_over())
        .then(|| Applied { version: None, events: pieces(account.clone(), command, at) })
}

fn pieces(mut account: Account, command: &Command, at: &Moment) -> Vec<Event> {
    let (mut events, mut bytes, mut only) = (Vec::new(), 0, None);
    while bytes < HANDOVER_BYTES_MAX
        && let Some((to, piece, weight)) = next(&account)
    {
        // The member's history has one entry for a decision, with one sum of one programme.
        if let Piece::Points { programme, .. } = &piece
            && *only.get_or_insert(*programme) != *programme
        {
            break;
        }
        let event = Event::HandedOver { to, piece };
        account.take_in(std::slice::from_ref(&event), command, at);
        events.push(event);
        bytes += weight;
    }
    events
}

/// The next piece and what it weighs. Orders come before their points, so that a return finds both or waits; once-limits come
/// behind all points, which bring their own: one that is known there already is another grant's.
fn next(account: &Account) -> Option<(AccountId, Piece, usize)> {
    let Forward { to, orders, claims, .. } = *account.forward()?;
    if let Some(from) = orders {
        let (piece, bytes) = next_orders(account, from);
        return Some((to, piece, bytes));
    }
    let purse =
        |purse: &&crate::account::Purse| !purse.debts.is_empty() || purse.lots.iter().next().is_some();
    if let Some((programme, purse)) = account.purses().iter().find(|(_, it)| purse(it)) {
        let lots: Vec<Lot> = purse.lots.iter().take(PIECE_BYTES_MAX / LOT_BYTES).cloned().collect();
        let debts = purse.debts.first(purse.debts.total());
        let bytes = (lots.len() + debts.len()) * LOT_BYTES;
        return Some((to, Piece::Points { programme: *programme, lots, debts }, bytes));
    }
    claims.map(|from| {
        let most = PIECE_BYTES_MAX / size_of::<Fingerprint>();
        let mut rest = account.keys().claims(from).copied();
        let claims: Vec<_> = rest.by_ref().take(most).collect();
        let bytes = claims.len() * size_of::<Fingerprint>();
        (to, Piece::Claims { claims, next: rest.next() }, bytes)
    })
}

fn next_orders(account: &Account, from: Fingerprint) -> (Piece, usize) {
    let (mut orders, mut bytes, mut next) = (Vec::new(), 0, None);
    for (key, order) in account.orders().iter().skip_while(|(key, _)| **key < from) {
        if bytes > 0 && bytes + order.weight() > PIECE_BYTES_MAX {
            next = Some(*key);
            break;
        }
        bytes += order.weight();
        orders.push((*key, order.clone()));
    }
    (Piece::Orders { orders, next }, bytes)
}
