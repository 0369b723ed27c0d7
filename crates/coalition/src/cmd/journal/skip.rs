//! `coalition journal skip`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use coalition_journal::chain::Verdict;
use coalition_journal::entry::{Entry, Rebase, ShardCount, ShardId};
use coalition_journal::log::{Offset, Record};
use coalition_ledger::body::Destination;
use coalition_ledger::inbox::Request;
use coalition_ledger::replay::replay;
use coalition_ledger::state::Meta;
use coalition_store::Store;
use serde_json::json;

use super::offline::{Offline, Where, folder};
use super::progress;
use crate::client::failure::Trouble;
use crate::client::text::grouped;
use crate::client::{json, print};

/// Bytes of a partition read at once.
const READ_BYTES: usize = 2 * 1024 * 1024;
/// How long the log may take to say what became of an append.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Let a shard go on behind records of its inbox that are lost.
///
/// A shard stops where records of its inbox were deleted that it had not decided. This counts them; run again with --lose and
/// their number, it writes into the shard's journal that it goes on behind them, once and for all. Events of partners that were
/// among them have no effect until they are read from the partners' topics again. What other shards sent can't be had again: if
/// any of that is lost, nothing is written. The journals of all shards are replayed for this, into the data folder for a while.
///
/// Example: coalition journal skip --data /var/lib/coalition --shard 2
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    at: Where,
    /// Go on without so many records: all that are lost.
    #[arg(long, value_name = "COUNT")]
    lose: Option<u64>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let offline = Offline::open(&args.at)?;
    let &[shard] = offline.shards.as_slice() else {
        return Err(Trouble::Usage("say which shard, with --shard".to_owned()).into());
    };
    let meta = meta(&offline, shard)?;
    let (from, (to, _)) = (meta.inbox_next, offline.log.bounds(&offline.inbox(shard))?);
    if to <= from {
        bail!("nothing is missing: shard {shard} reads its inbox from {from} on, which begins at {to}");
    }
    check_relayed(&offline, shard, &meta, to)?;
    let count = to.0 - from.0;
    if args.lose != Some(count) {
        let what = format!(
            "{} records of the inbox of shard {shard} are lost, from {from} up to {to}; nothing was written",
            grouped(count)
        );
        let advice = format!(
            "restore them if you can; to go on without them: {} --lose {count}",
            args.at.command("skip", shard)
        );
        return Err(Trouble::advised(what, advice).into());
    }
    go_on(&offline, shard, meta, to)?;
    let document = || json!({ "shard": shard.0, "lost": count, "from": from.0, "to": to.0 });
    print(&if args.at.json {
        json::document(&document())?
    } else {
        format!("shard {shard} goes on at {to} of its inbox, without {} records\n", grouped(count))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// How far a shard has got, by its journal.
fn meta(offline: &Offline, shard: ShardId) -> Result<Meta> {
    let scratch = tempfile::Builder::new().prefix("skip-").tempdir_in(&offline.data);
    let scratch = scratch.context("make a folder for the replay")?;
    let fresh = folder(scratch.path()).open(&offline.identity(shard)).context("make a projection")?;
    let (journal, genesis, end) = (offline.journal(shard), offline.genesis(shard), offline.end(shard)?);
    let bar = progress::bar(shard, end);
    let replayed =
        replay(&offline.log, &journal, genesis, Some(end), fresh, |offset| bar.set_position(offset.0));
    bar.finish_and_clear();
    let (replayed, _) = replayed.with_context(|| format!("replay shard {shard}"))?;
    Meta::load(&*replayed.reader).context("read the replayed projection")
}

/// What a shard sent, and the numbers that it counts by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// What it tells of the registry.
    Registry(ShardId),
    /// What it asks of accounts.
    Accounts(ShardId),
}

/// Whether all that other shards sent for good is in what is left of the inbox, or was taken before.
fn check_relayed(offline: &Offline, shard: ShardId, meta: &Meta, start: Offset) -> Result<()> {
    let rest = runs(offline, shard, start)?;
    let ShardCount(shards) = offline.genesis(shard).shard_count;
    for source in (0..shards).map(ShardId) {
        let sent = if source == shard { meta.clone() } else { self::meta(offline, source)? }.relayed;
        let sent = |to| sent.get(&to).copied().unwrap_or_default();
        let taken = |by: &BTreeMap<ShardId, u64>| by.get(&source).copied().unwrap_or_default();
        let ways = [
            (Way::Registry(source), taken(&meta.taken), sent(Destination::Shard(shard))),
            (Way::Accounts(source), taken(&meta.decided), sent(Destination::Accounts(shard))),
        ];
        if ways.into_iter().any(|(way, taken, sent)| is_lost(way, taken, sent, &rest)) {
            bail!(
                "what shard {source} sent to shard {shard} is among what is lost, and is not sent again: restore the inbox \
                 from a copy; nothing was written"
            );
        }
    }
    Ok(())
}

/// Whether of the commands that were sent by a way, up to number `sent`, the one behind number `taken` is not in the inbox.
/// Those after it are, if it is: they were sent one after the other.
fn is_lost(way: Way, taken: u64, sent: u64, inbox: &[(Way, Range<u64>)]) -> bool {
    let is_next = |(of, numbers): &(Way, Range<u64>)| *of == way && numbers.contains(&(taken + 1));
    sent > taken && !inbox.iter().any(is_next)
}

/// The numbers of what shards sent, from `next` of the inbox on.
fn runs(offline: &Offline, shard: ShardId, mut next: Offset) -> Result<Vec<(Way, Range<u64>)>> {
    let (inbox, mut runs) = (offline.inbox(shard), Vec::new());
    let (_, end) = offline.log.bounds(&inbox)?;
    let numbers = |first: u64, count: usize| first..first + count as u64;
    while next < end {
        let read = offline.log.read(&inbox, next, READ_BYTES)?;
        next = read.last().map_or(end, |last| last.offset.plus(1));
        runs.extend(read.iter().filter_map(|stored| match Request::decode(&stored.record.value) {
            Ok(Request::Relayed(run)) => {
                Some((Way::Registry(run.source), numbers(run.first, run.commands.len())))
            }
            Ok(Request::Commands(run)) => {
                Some((Way::Accounts(run.source), numbers(run.first, run.commands.len())))
            }
            // What can't be read is for the shard to judge.
            Ok(Request::Event(..)) | Err(_) => None,
        }));
    }
    Ok(runs)
}

/// Writes it, and reads back that it is in effect: somebody else may have written to the journal meanwhile.
fn go_on(offline: &Offline, shard: ShardId, mut meta: Meta, to: Offset) -> Result<()> {
    let journal = offline.journal(shard);
    let topics = offline.genesis(shard).topics;
    let entry = Entry::Rebase(Rebase { prev_hash: meta.chain.head(), topics, inbox_position: to }).encode();
    let (tell, told) = mpsc::channel();
    let done = move |outcome| _ = tell.send(outcome);
    offline.log.append(&journal, vec![Record::of(entry)], Box::new(done));
    let at = told.recv_timeout(ANSWER_WAIT).context("the log does not say whether it was written")?;
    let at = at.context("write to the journal; run it again to see whether it is there")?;
    let (mut next, (_, end)) = (meta.journal_next, offline.log.bounds(&journal)?);
    while next < end {
        let read = offline.log.read(&journal, next, READ_BYTES)?;
        for stored in &read {
            let raw = &stored.record.value;
            let verdict = meta.chain.judge(raw, Entry::decode(raw)?.as_ref());
            if let (true, Verdict::InEffect(_)) = (stored.offset == at, verdict) {
                return Ok(());
            }
        }
        next = read.last().map_or(end, |last| last.offset.plus(1));
    }
    bail!(
        "the journal of shard {shard} was written to by somebody else at the same time: stop the network, and try again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_shard_sent_is_lost_unless_it_was_taken_or_goes_on_in_the_inbox() {
        let run = |source, first: u64, count: u64| (Way::Registry(ShardId(source)), first..first + count);
        let accounts = (Way::Accounts(ShardId(1)), 5..10);
        let check = |taken, sent, inbox: &[_], expected| {
            let way = Way::Registry(ShardId(1));
            assert_eq!(is_lost(way, taken, sent, inbox), expected, "{taken} of {sent} in {inbox:?}");
        };
        check(0, 0, &[], false);
        check(5, 5, &[], false);
        check(4, 5, &[], true);
        check(4, 9, &[run(1, 4, 2), run(1, 6, 4)], false);
        check(4, 9, &[run(1, 5, 5)], false);
        check(4, 9, &[run(1, 6, 4)], true);
        check(4, 9, &[run(1, 3, 2)], true);
        check(4, 9, &[run(2, 5, 5)], true);
        check(4, 9, &[accounts], true);
    }
}
