//! What came of a line, a line for each fact.

use crate::account::Account;
use crate::decide::Verdict;
use crate::event::{
    Accrual, Clawback, Event, Hold, OrderReturn, Outcome, Redemption, Reversal, Taking, Wait, WaitsFor,
};
use crate::handover::Piece;
use crate::lot::LotAllocation;
use crate::registry::RegistryEvent;
use crate::{Rejection, Timestamp, UnitPrice};

/// What became of a command, and the balances where it took effect.
pub(super) fn verdict(verdict: &Verdict, account: &Account, now: Timestamp) -> String {
    match verdict {
        Verdict::Repeat(activity) => format!("repeat of {activity}"),
        Verdict::Decided(outcome) => self::outcome(outcome, account, now),
        Verdict::Nothing => "nothing to journal".to_owned(),
    }
}

/// What became of a command that was decided.
pub(super) fn outcome(outcome: &Outcome, account: &Account, now: Timestamp) -> String {
    match outcome {
        Outcome::Refused(rejection) => refused(rejection),
        Outcome::Waiting(Wait { until, waits_for: WaitsFor::Consent(purpose) }) => {
            format!("waits until {until} for consent to {purpose}")
        }
        Outcome::Waiting(Wait { until, waits_for: WaitsFor::OrderAnywhere }) => {
            format!("waits until {until} for the order")
        }
        Outcome::Waiting(Wait { until, waits_for: WaitsFor::Order }) => {
            format!("waits until {until} for the order that was found here")
        }
        Outcome::Forwarded(_) => "forwarded".to_owned(),
        Outcome::Applied(applied) => {
            let version = applied.version.map(|of| format!("by {} {}", of.programme, of.number));
            let facts = applied.events.iter().flat_map(fact);
            let mut lines: Vec<String> = version.into_iter().chain(facts).collect();
            for programme in account.purses().keys() {
                let balance = account.balance(programme, now);
                let pending = if balance.pending.is_zero() {
                    String::new()
                } else {
                    format!(", {} later", balance.pending)
                };
                let held =
                    if balance.held.is_zero() { String::new() } else { format!(", {} held", balance.held) };
                let debt =
                    if balance.debt.is_zero() { String::new() } else { format!(", {} owed", balance.debt) };
                lines.push(format!("{programme}: {}{pending}{held}{debt}", balance.available));
            }
            lines.join("\n")
        }
    }
}

fn refused(rejection: &Rejection) -> String {
    format!("refused {}: {rejection}", rejection.code())
}

fn price(price: &UnitPrice) -> String {
    format!("{} micros {}", price.micros(), price.currency())
}

fn fact(event: &Event) -> Vec<String> {
    let lapsed = |pending: bool| if pending { "lapsed unspendable" } else { "lapsed" };
    match event {
        Event::MemberEnrolled => vec!["enrolled".to_owned()],
        Event::ConsentGiven { purpose } => vec![format!("permits {purpose}")],
        Event::ConsentWithdrawn { purpose } => vec![format!("permits {purpose} no longer")],
        Event::PointsAccrued(accrual) => vec![accrued(accrual)],
        Event::NothingEarned { rule: Some(rule), why } => vec![format!("nothing by {rule}: {why:?}")],
        Event::NothingEarned { rule: None, why } => vec![format!("nothing: {why:?}")],
        Event::LotActivated { lot, points, .. } => {
            vec![format!("lot {}.{} of {points} can be spent", lot.granted.seq, lot.nth)]
        }
        Event::LotExpired { lot, points, pending, .. } => {
            vec![format!("lot {}.{} of {points} {}", lot.granted.seq, lot.nth, lapsed(*pending))]
        }
        Event::RewardRedeemed(redemption) => redeemed(redemption),
        Event::HoldCreated(hold) => {
            let Hold { reward, quantity, redeemer, points, until, allocations, .. } = hold;
            let head = format!("{points} held for {quantity} {reward} of {redeemer} until {until}");
            std::iter::once(head).chain(slices(allocations)).collect()
        }
        Event::HoldCaptured { hold, redemption, released } => {
            let mut lines = redeemed(redemption);
            lines[0] += &format!(", of hold {hold}; {released} given back");
            lines
        }
        Event::HoldReleased { hold, points, why, .. } => {
            vec![format!("hold {hold} gives {points} back: {why:?}")]
        }
        Event::RedemptionRefunded { of, redemption } => {
            let Redemption { redeemer, points, unit_price, allocations, .. } = redemption;
            let head =
                format!("redemption {of} gives {points} back: {redeemer} pays {} back", price(unit_price));
            std::iter::once(head).chain(slices(allocations)).collect()
        }
        Event::OrderReturned(OrderReturn { amount, lines, whole, .. }) => {
            let amount = amount.map_or_else(|| "account".to_owned(), |amount| amount.to_string());
            let lines = if lines.is_empty() { String::new() } else { format!(" in {} lines", lines.len()) };
            vec![format!("returned {amount}{lines}{}", if *whole { ", nothing is left" } else { "" })]
        }
        Event::PointsClawedBack(clawback) => clawed_back(clawback),
        Event::DebtRepaid { allocations, debts, .. } => {
            let debts = debts
                .iter()
                .map(|debt| format!("{} owed for {}, {} is credited", debt.points, debt.issuer, debt.funder));
            debts.chain(allocations.iter().map(|lot| slice(lot, ""))).collect()
        }
        Event::PointsExchanged(exchange) => vec![format!("  {:?}: {}", exchange.state, exchange.bought)],
        Event::AdjustmentCreated { by, until: None, .. } => vec![format!("adjusted by {by}")],
        Event::AdjustmentCreated { by, until: Some(until), .. } => {
            vec![format!("proposed by {by} until {until}")]
        }
        Event::AdjustmentApproved { adjustment, by, .. } => vec![format!("{adjustment} approved by {by}")],
        Event::AdjustmentRejected { adjustment, by } => vec![format!("{adjustment} rejected by {by}")],
        Event::PointsTaken(Taking { points, allocations, owed, .. }) => {
            let owed = owed.as_ref().map(|debt| {
                format!("  {} owed to {}, {} for each", debt.points, debt.funder, price(&debt.unit_price))
            });
            std::iter::once(format!("-{points} by hand")).chain(slices(allocations)).chain(owed).collect()
        }
        Event::AccountLinked { .. } => vec!["linked".to_owned()],
        Event::HandedOver { piece, .. } => vec![format!("hands over {}", handed(piece))],
        Event::RecordsAdopted { piece } => vec![format!("adopts piece {piece}")],
        Event::PointsAdopted { piece, programme, available, pending, debt } => {
            vec![format!("adopts piece {piece} of {programme}: {available}, {pending} later, {debt} owed")]
        }
        Event::PointsSuspended { programme, points, .. } => {
            vec![format!("{points} of {programme} to suspense")]
        }
        Event::GrantReversed(Reversal { rule, allocation, pending, .. }) => {
            let head = format!("{rule} granted before: {} is credited", allocation.funder);
            vec![head, slice(allocation, if *pending { ", pending" } else { "" })]
        }
        Event::LinksAccepted => vec!["stays for good".to_owned()],
        Event::AccountUnlinked { .. } => vec!["unlinked".to_owned()],
        Event::OrderKnown { .. } => vec!["knows the order".to_owned()],
        Event::OrderLocated { .. } => vec!["the order is known elsewhere".to_owned()],
    }
}

fn handed(piece: &Piece) -> String {
    match piece {
        Piece::Identifier { consents, .. } => format!("the identifier and {} consents", consents.len()),
        Piece::Orders { orders, .. } => format!("{} orders", orders.len()),
        Piece::Points { programme, lots, debts } => {
            format!("{} lots and {} debts of {programme}", lots.len(), debts.len())
        }
        Piece::Claims { claims, .. } => format!("{} once-limits", claims.len()),
        Piece::Unlinked => "nothing more".to_owned(),
    }
}

fn clawed_back(clawback: &Clawback) -> Vec<String> {
    let Clawback { rule, version, points, funder, unit_price, taken, debt, .. } = clawback;
    let head = format!(
        "-{points} of {rule} of {} {}: {funder} had paid {}",
        version.programme,
        version.number,
        price(unit_price)
    );
    let slices =
        taken.iter().map(|taken| slice(&taken.allocation, if taken.pending { ", pending" } else { "" }));
    let debt = (!debt.is_zero()).then(|| format!("  {debt} owed"));
    std::iter::once(head).chain(slices).chain(debt).collect()
}

fn slice(slice: &LotAllocation, more: &str) -> String {
    format!("  {} of lot {}.{}{more}", slice.points, slice.lot.granted.seq, slice.lot.nth)
}

fn accrued(accrual: &Accrual) -> String {
    let Accrual { rule, points, issuer, funder, unit_price, category, available_from, pending, .. } = accrual;
    let mut line = format!("+{points} {category:?} by {rule}: {issuer}, {funder} pays {}", price(unit_price));
    if *pending {
        line += &format!(", from {available_from}");
    }
    if let Some(expires_at) = accrual.expires_at.0 {
        line += &format!(", until {expires_at}");
    }
    line
}

fn redeemed(redemption: &Redemption) -> Vec<String> {
    let Redemption { reward, quantity, redeemer, unit_price, points, allocations, .. } = redemption;
    let head = format!("-{points} for {quantity} {reward}: {redeemer} is paid {}", price(unit_price));
    std::iter::once(head).chain(slices(allocations)).collect()
}

fn slices(allocations: &[LotAllocation]) -> impl Iterator<Item = String> {
    allocations.iter().map(|LotAllocation { lot, points, issuer, funder, unit_price }| {
        let (unit_price, granted, nth) = (price(unit_price), lot.granted.seq, lot.nth);
        format!("  {points} of {issuer}, {funder} paid {unit_price} for lot {granted}.{nth}")
    })
}

/// What became of a command to the registry.
pub(super) fn registry(outcome: &Result<Vec<RegistryEvent>, Rejection>) -> String {
    let facts = match outcome {
        Err(rejection) => return refused(rejection),
        Ok(events) if events.is_empty() => return "nothing".to_owned(),
        Ok(events) => events.iter().map(|event| match event {
            RegistryEvent::SettingsChanged(settings) => {
                let (events, requests) = (settings.max_event_age, settings.max_request_age);
                format!("events up to {} ms, requests up to {} ms", events.as_millis(), requests.as_millis())
            }
            RegistryEvent::PartnerCreated(partner) => {
                format!(
                    "partner {} ({}), default {:?}",
                    partner.id, partner.display_name, partner.default_programme
                )
            }
            RegistryEvent::ContractAgreed(contract) => {
                let [accrual, redemption] = [contract.accrual, contract.redemption]
                    .map(|of| of.as_ref().map_or("-".to_owned(), price));
                let (partner, programme, from) = (contract.partner, contract.programme, contract.from);
                format!("{partner} in {programme} from {from}: accrual {accrual}, redemption {redemption}")
            }
            RegistryEvent::KeyCreated(key) => format!("key {} for {:?}", key.id, key.role),
            RegistryEvent::KeyRevoked { id, at } => format!("key {id} revoked at {at}"),
            RegistryEvent::TokenKeyRegistered { id, token_key } => {
                format!("key {id} signs as {}", token_key.0[0])
            }
            RegistryEvent::ConsentWaitChanged(wait) => format!("waits {} ms for a consent", wait.as_millis()),
            RegistryEvent::PartnerUpdated { id, display_name, default_programme } => {
                format!("partner {id} ({display_name}), default {default_programme:?} from now on")
            }
            RegistryEvent::PartnerSuspended { id, at } => format!("partner {id} suspended at {at}"),
            RegistryEvent::PartnerResumed { id, at } => format!("partner {id} resumed at {at}"),
            RegistryEvent::AdjustmentLimitChanged(limit) => format!("adjustments up to {limit} by one"),
            RegistryEvent::ProgrammePublished { version, at, .. } => {
                format!("{} {} of {at} published", version.programme, version.number)
            }
        }),
    };
    facts.collect::<Vec<_>>().join("\n")
}
