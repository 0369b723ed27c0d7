//! What those say who are still alive: position, registry, balances, history, books and settlement.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::settlement::Hour;
use coalition_domain::{Decision, Outcome, Place, Span};
use coalition_journal::entry::ShardId;
use coalition_ledger::view::{AccountView, SumsView};

use super::account::Account;
use super::fence::Effective;
use super::shard::Ledger;
use super::{Judgement, holds, same};
use crate::workload::programme;
use crate::world::{Slot, World};

pub(super) fn judge(
    world: &World<'_>,
    shard: ShardId,
    ledger: &Ledger,
    effective: &[Effective],
) -> Judgement {
    for (number, process) in world.processes.iter().enumerate() {
        if let Some(slot) = process.slots.get(shard.0 as usize) {
            let judged = slot_says(world, shard, slot, ledger, effective);
            judged.map_err(|fault| format!("process {number}: {fault}"))?;
        }
    }
    Ok(())
}

fn slot_says(
    world: &World<'_>,
    shard: ShardId,
    slot: &Slot,
    ledger: &Ledger,
    effective: &[Effective],
) -> Judgement {
    let state = slot.core.state();
    let chain = &state.meta.chain;
    let last = effective.last().ok_or("nothing is in effect")?;
    same("the seq", &chain.seq().0, &(effective.len() as u64))?;
    same("the head", &chain.head(), &last.head)?;
    same("who is in office", &(chain.term().0, chain.owner()), &last.office)?;
    let registry: Vec<_> = state.registry_log.iter().map(|event| (**event).clone()).collect();
    same("the registry", &registry, &ledger.registry_log)?;
    for (id, account) in &ledger.accounts {
        let view = AccountView::of(shard, state, &slot.reader, *id);
        let view = view.map_err(|error| format!("account {id}: {error}"))?;
        account_says(world, &view, account).map_err(|fault| format!("account {id}: {fault}"))?;
    }
    sums_say(world, &SumsView::of(shard, state, &slot.reader), ledger)
}

fn account_says(world: &World<'_>, view: &AccountView, account: &Account) -> Judgement {
    // As the gateway reads: an owner's clock may be ahead, and what it decided has come about.
    let at = world.now().max(view.decided_at);
    let balance = view.account().balance(&programme(), at);
    let found = (balance.available.get(), balance.pending.get(), balance.debt.get());
    same("the balance", &found, &account.balance(at))?;
    same("what is held", &balance.held.get(), &account.in_holds(at).0)?;
    account.keeps_adjustments(view.account().adjustments().iter())?;
    for (name, order) in &account.orders {
        order.is_kept(view.account().orders().get(name), at)?;
    }
    same("the enrolment", &view.account().enrolment().is_some(), &account.enrolled)?;
    let followers = view.account().linked().iter().filter(|linked| !linked.ended);
    let followers: BTreeSet<_> = followers.map(|linked| linked.account).collect();
    same("who follows it", &followers, &account.followers)?;
    same("whether it stays", &view.account().stays(), &account.stays)?;
    let history = view.activities(u32::MAX, usize::MAX).map_err(|error| error.to_string())?;
    let found: Vec<_> = history.iter().rev().map(|activity| (activity.place, &activity.decision)).collect();
    let expected: Vec<_> = account.decisions.iter().map(|(at, decision)| (at.place, decision)).collect();
    same("the history", &found, &expected)?;
    for (nth, (id, of_it)) in account.by_id().iter().enumerate() {
        let number = view.account().keys().activity(id);
        // All of its history was compared above, so one look by the way that readers take does.
        let found = if nth == 0 {
            view.outcome(id).map_err(|error| error.to_string())?.map(|activity| activity.place)
        } else {
            number.and_then(|number| account.decisions.get(number as usize)).map(|(at, _)| at.place)
        };
        outcome_of(world, account, of_it, found)?;
    }
    Ok(())
}

/// Where the account says that an id was decided, `found`: the one in effect, else the last that was forwarded, else the last refusal; what is too
/// old may have been forgotten. `of_it` are the numbers of its decisions.
fn outcome_of(world: &World<'_>, account: &Account, of_it: &[usize], found: Option<Place>) -> Judgement {
    let of_key = || of_it.iter().map(|number| &account.decisions[*number]);
    let applied = of_key().find(|(_, decision)| matches!(decision.outcome, Outcome::Applied(_)));
    // Of those that were forwarded, what came back was decided anew.
    let newest = |of: &Decision| {
        of_key()
            .rfind(|(_, other)| other.command.event() == of.command.event())
            .is_some_and(|(_, other)| other == of)
    };
    let forwarded = || {
        of_key().rfind(|(_, decision)| matches!(decision.outcome, Outcome::Forwarded(_)) && newest(decision))
    };
    let expected = applied.or_else(forwarded).or_else(|| of_key().next_back()).map(|(at, _)| at.place);
    // Each has been sent by its own age.
    let forgotten = of_key().all(|(_, decision)| match &decision.command {
        coalition_domain::Command::PartnerEvent(event)
        | coalition_domain::Command::Forwarded { event, .. } => {
            event.event_time.plus(Span::from_days(1)) < world.now()
        }
        coalition_domain::Command::Enrol { .. }
        | coalition_domain::Command::Redeem { .. }
        | coalition_domain::Command::TimePassed { .. }
        | coalition_domain::Command::Reward { .. }
        | coalition_domain::Command::Adjust { .. }
        | coalition_domain::Command::Link { .. }
        | coalition_domain::Command::Consent { .. }
        | coalition_domain::Command::Unlink { .. }
        | coalition_domain::Command::AcceptLinks { .. }
        | coalition_domain::Command::Adopt(_)
        | coalition_domain::Command::FindOrder { .. }
        | coalition_domain::Command::LocateOrder { .. }
        | coalition_domain::Command::OrderLocated { .. } => false,
    });
    holds(found == expected || forgotten, || {
        let command = of_key().next().map(|(_, decision)| &decision.command);
        format!("{command:?} is said to be decided at {found:?}, not {expected:?}")
    })
}

/// Invariant 1: the books are the auditor's own sums, and settlement adds up the same points.
fn sums_say(world: &World<'_>, view: &SumsView, ledger: &Ledger) -> Judgement {
    let books = ledger.sums.books(ledger.accounts.values());
    same("the sum of all books", &books.values().sum::<i64>(), &0)?;
    let found = view.books.iter().filter(|(_, sum)| **sum != 0);
    let found: BTreeMap<_, _> = found.map(|((_, book), sum)| (*book, *sum)).collect();
    let books: BTreeMap<_, _> = books.into_iter().map(|(book, sum)| (book, i128::from(sum))).collect();
    same("the books", &found, &books)?;

    let until = Hour::of(world.now().plus(Span::from_days(400)));
    let found = view.lines(&programme(), (Hour(0), until)).map_err(|error| error.to_string())?;
    let found: BTreeMap<_, _> = found.into_iter().map(|(key, sum)| (key, (sum.points, sum.count))).collect();
    let lines = ledger.sums.lines().into_iter();
    let lines = lines.map(|(key, (points, count))| (key, (i128::from(points), count))).collect();
    same("the lines of settlement", &found, &lines)
}
