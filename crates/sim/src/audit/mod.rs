//! The auditor: judges a run by what was asked and answered, by the journal's bytes, and by what the survivors say.
//!
//! It has its own reading of everything: which records are in effect ([`fence`]), what the registry says
//! ([`registry`]), what a command should come to ([`expected`]), what an account holds and burns ([`account`]),
//! what operators give and take by hand ([`adjust`]), what returns take back ([`order`], [`returns`]) and leave owed
//! ([`debt`]), what links hand over ([`link`]). It never calls `decide` or `evolve`.

mod account;
mod adjust;
mod answers;
mod asked;
mod belonging;
mod burn;
mod debt;
mod expected;
mod fence;
mod lapsing;
mod linear;
mod link;
mod lot;
mod order;
mod reads;
mod registry;
mod replay;
mod returns;
mod shard;
mod sums;
mod survivors;
mod time;
mod waiting;

use coalition_journal::entry::{Entry, ShardId};
use coalition_journal::log::{Log, Partition, Stored};

pub(crate) use self::replay::{Content, content};
use self::shard::Ledger;
use crate::world::{self, Counts, World};

/// What was found, with where.
type Judgement = Result<(), String>;

/// Judges a run that has come to its end.
pub(crate) fn judge(world: &World<'_>) -> Result<Counts, String> {
    let mut counts = world.counts.clone();
    let mut ledgers = Vec::new();
    let asked = asked::Asked::of(&world.clients.requests);
    for genesis in &world.geneses {
        let (journal, inbox) = (world::journal(genesis.shard), world::inbox(genesis.shard));
        let (journal, inbox) = (records(world, &journal), records(world, &inbox));
        let trimmed = world.trimmed.get(&genesis.shard).into_iter().flatten();
        let inbox = asked::Inbox::read(trimmed.chain(&inbox))?;
        let at = |fault| format!("shard {}: {fault}", genesis.shard);
        let effective = fence::in_effect(&journal).map_err(at)?;
        let of = |kind: fn(&Entry) -> bool| effective.iter().filter(|record| kind(&record.entry)).count();
        counts.terms += of(|entry| matches!(entry, Entry::TermStarted(_)));
        counts.batches += of(|entry| matches!(entry, Entry::Batch(_)));
        counts.voids += journal.len() - effective.len();
        let reads = reads::Reads::of(&world.reads.seen, genesis.shard, &effective).map_err(at)?;
        let ledger = Ledger::read(*genesis, &effective, &inbox, &asked, &reads).map_err(at)?;
        let rejected = records(world, &world::rejected(genesis.shard));
        ledger.judge_returned(&rejected).map_err(at)?;
        replay::judge(world, genesis.shard, &journal, &effective).map_err(at)?;
        survivors::judge(world, genesis.shard, &ledger, &effective).map_err(at)?;
        let (applied, refused) = ledger.waited();
        counts.waited_applied += applied;
        counts.waited_refused += refused;
        let seen = &ledger.sums.counts;
        counts.returns += seen.returns;
        counts.debts += seen.debts;
        counts.repaid += seen.repaid;
        counts.links += seen.links;
        counts.unlinks += seen.unlinks;
        counts.reversed += seen.reversed;
        counts.found += seen.found;
        counts.adjusted += seen.adjusted;
        counts.exchanged += seen.exchanged;
        counts.of_time += ledger.judge_time(world.passed)?;
        ledgers.push(ledger);
    }
    for (shard, ledger) in (0..).map(ShardId).zip(&ledgers) {
        if ledger.registry_log != ledgers[0].registry_log {
            return Err(format!(
                "shard {shard} heard of {} changes that differ from the {} of the home shard",
                ledger.registry_log.len(),
                ledgers[0].registry_log.len()
            ));
        }
    }
    shard::judge_sent(&ledgers)?;
    answers::judge(&world.clients.requests, &asked, &ledgers)?;
    linear::judge(&world.clients.requests, &ledgers)?;
    Ok(counts)
}

fn records(world: &World<'_>, of: &Partition) -> Vec<Stored> {
    let (start, _) = world.log.bounds(of).expect("it exists");
    world.log.read(of, start, usize::MAX).expect("from its start on")
}

/// Fails unless both are the same.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Judgement {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

/// Fails with `what` unless it holds.
fn holds(holds: bool, what: impl FnOnce() -> String) -> Judgement {
    if holds { Ok(()) } else { Err(what()) }
}
