//! `coalition journal tail`.

use std::collections::VecDeque;
use std::process::ExitCode;

use anyhow::{Context, Result};
use coalition_domain::Timestamp;
use coalition_journal::chain::{Chain, Verdict, Why};
use coalition_journal::entry::{Entry, Seq, ShardId};
use coalition_journal::log::Offset;
use coalition_ledger::body::{self, Destination};
use serde_json::{Value, json};

use super::offline::{Offline, Where};
use super::words::{self, Told};
use crate::client::names::limit;
use crate::client::text::{self, grouped};
use crate::client::{json, note, print};

/// Bytes of the journal read at once.
const READ_BYTES: usize = 2 * 1024 * 1024;

/// Print the last records of the journal, and what was decided in them.
///
/// A record that is void never took effect: it came late, twice, or from a process that had lost its shard. Identifiers of
/// members are not shown.
///
/// Example: coalition journal tail --data /var/lib/coalition --shard 0 --limit 5
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    at: Where,
    /// Begin with the record in effect of this number; without it the last records are printed.
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    /// How many records of each shard.
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = limit)]
    limit: u32,
    /// How many decisions of each record are printed in text.
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    decisions: usize,
}

/// A record, judged.
struct Judged {
    offset: Offset,
    append_time: Timestamp,
    verdict: Verdict,
    entry: Option<Entry>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let offline = Offline::open(&args.at)?;
    let mut text = String::new();
    let mut documents = Vec::new();
    for &shard in &offline.shards {
        let records =
            read(&offline, shard, args).with_context(|| format!("read the journal of shard {shard}"))?;
        if args.at.json {
            for record in &records {
                documents.push(as_json(shard, record)?);
            }
        } else {
            text.push_str(&format!("shard {shard}\n"));
            for record in &records {
                text.push_str(&lines(record, args.decisions)?);
            }
        }
    }
    print(&if args.at.json { json::document(&json!({ "records": documents }))? } else { text })?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the journal from its start, since whether a record is in effect rests on all before it, and keeps the wanted ones.
fn read(offline: &Offline, shard: ShardId, args: &Args) -> Result<VecDeque<Judged>> {
    let (journal, end) = (offline.journal(shard), offline.end(shard)?);
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut chain = Chain::new();
    let mut kept: VecDeque<Judged> = VecDeque::new();
    let mut next = Offset(0);
    while next < end {
        for stored in offline.log.read(&journal, next, READ_BYTES)? {
            next = stored.offset.plus(1);
            let entry = Entry::decode(&stored.record.value)?;
            let verdict = chain.judge(&stored.record.value, entry.as_ref());
            if args.from.is_some_and(|from| chain.seq() < Seq(from)) {
                continue;
            }
            if kept.len() == limit {
                if args.from.is_some() {
                    return Ok(kept);
                }
                kept.pop_front();
            }
            kept.push_back(Judged { offset: stored.offset, append_time: stored.append_time, verdict, entry });
        }
    }
    if let Some(from) = args.from.filter(|_| kept.is_empty()) {
        // Of several shards one may be long and another short.
        note(&format!("shard {shard} has no record {from}; the last is {}", chain.seq()));
    }
    Ok(kept)
}

fn lines(record: &Judged, decisions_max: usize) -> Result<String> {
    let place = match record.verdict {
        Verdict::InEffect(seq) => format!("seq {seq}"),
        Verdict::Void(why) => format!("void, {}", void(why)),
    };
    let mut text = format!("{}  {place}  {}  ", record.offset, record.append_time);
    match &record.entry {
        None => text.push_str("no record of a journal\n"),
        Some(Entry::Genesis(genesis)) => text.push_str(&format!(
            "genesis of shard {} of {} in network {}\n",
            genesis.shard, genesis.shard_count, genesis.network
        )),
        Some(Entry::TermStarted(started)) => {
            text.push_str(&format!("{} started by {}\n", started.term, started.owner));
        }
        Some(Entry::Rebase(rebase)) => text.push_str(&format!(
            "moved to other topics, whose inbox is read from {}\n",
            rebase.inbox_position
        )),
        Some(Entry::Batch(batch)) => {
            let (terms, items) = body::decode(&batch.body)?;
            text.push_str(&format!(
                "{} {} in {} at {}, inbox read up to {}{}\n",
                grouped(items.len() as u64),
                if items.len() == 1 { "decision" } else { "decisions" },
                batch.header.term,
                terms.decided_at,
                terms.inbox_next,
                terms.relayed.iter().map(relayed).collect::<String>()
            ));
            for (item, _) in items.iter().take(decisions_max) {
                text.push_str(&format!("    {}\n", words::tell(item).text));
            }
            if items.len() > decisions_max {
                let more = grouped((items.len() - decisions_max) as u64);
                text.push_str(&format!("    and {more} more; see them with --decisions\n"));
            }
        }
    }
    Ok(text)
}

/// What the log has of this shard's commands to another.
fn relayed((to, number): &(Destination, u64)) -> String {
    match to {
        Destination::Shard(shard) => format!(", commands 1 to {number} sent to shard {shard}"),
        Destination::Accounts(shard) => {
            format!(", commands to accounts 1 to {number} sent to shard {shard}")
        }
        Destination::Partners => format!(", refused events 1 to {number} given back to partners"),
    }
}

fn relayed_json((to, number): &(Destination, u64)) -> Value {
    match to {
        Destination::Shard(shard) => json!({ "shard": shard.0, "number": number }),
        Destination::Accounts(shard) => json!({ "shard": shard.0, "accounts": true, "number": number }),
        Destination::Partners => json!({ "partners": true, "number": number }),
    }
}

fn void(why: Why) -> &'static str {
    match why {
        Why::NoEntry => "its bytes are no record of a journal",
        Why::BeforeGenesis => "it came before the genesis",
        Why::GenesisAgain => "there was a genesis already",
        Why::NotNextTerm => "its term is not the next one",
        Why::NotInOffice => "its writer was not in office",
        Why::NotNextSeq => "it is not the next in turn",
        Why::OtherHead => "it continues another journal",
    }
}

fn as_json(shard: ShardId, record: &Judged) -> Result<Value> {
    let (seq, void) = match record.verdict {
        Verdict::InEffect(seq) => (Some(seq.0), None),
        Verdict::Void(why) => (None, Some(void(why))),
    };
    let mut document = json!({
        "shard": shard.0,
        "offset": record.offset.0,
        "seq": seq,
        "void": void,
        "append_time": text::instant(record.append_time),
        "kind": "no_entry",
    });
    match &record.entry {
        None => {}
        Some(Entry::Genesis(genesis)) => {
            document["kind"] = "genesis".into();
            document["network"] = genesis.network.to_string().into();
            document["shard_count"] = genesis.shard_count.0.into();
        }
        Some(Entry::TermStarted(started)) => {
            document["kind"] = "term_started".into();
            document["term"] = started.term.0.into();
            document["owner"] = started.owner.to_string().into();
        }
        Some(Entry::Rebase(rebase)) => {
            document["kind"] = "rebase".into();
            document["inbox_position"] = rebase.inbox_position.0.into();
        }
        Some(Entry::Batch(batch)) => {
            let (terms, items) = body::decode(&batch.body)?;
            document["kind"] = "batch".into();
            document["term"] = batch.header.term.0.into();
            document["owner"] = batch.header.owner.to_string().into();
            document["decided_at"] = text::instant(terms.decided_at).into();
            document["inbox_next"] = terms.inbox_next.0.into();
            document["relayed"] = terms.relayed.iter().map(relayed_json).collect();
            document["decisions"] = items.iter().map(|(item, _)| decision_json(&words::tell(item))).collect();
        }
    }
    Ok(document)
}

fn decision_json(told: &Told) -> Value {
    json!({
        "kind": told.kind,
        "account": told.account.map(|id| id.to_string()),
        "event_id": told.event_id,
        "request_id": told.request_id,
        "state": told.state,
        "reason": told.reason,
        "points": told.points,
        "text": told.text,
    })
}
