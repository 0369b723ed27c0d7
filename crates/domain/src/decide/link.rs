//! Links: the account of an identifier that nobody has enrolled on follows a member's.

use super::enrol;
use crate::account::{Account, Moment};
use crate::event::{Applied, Event};
use crate::handover::{Forward, HANDOVER_BYTES_MAX, PIECE_BYTES_MAX, Piece};
use crate::lot::Lot;
use crate::pages::Weigh;
use crate::{AccountId, Caller, Command, Fingerprint, Identifier, Rejection, SLUG_MAX};

/// What a lot or a debt takes at most when it is stored.
const LOT_BYTES: usize = 90 + 5 * (SLUG_MAX + 1);

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
    if account.enrolment().is_some() || account.id() == *member {
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
