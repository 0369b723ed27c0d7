//! `coalition journal verify`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use coalition_journal::entry::ShardId;
use coalition_journal::log::Offset;
use coalition_ledger::replay::{self, replay};
use coalition_ledger::state::State;
use coalition_store::{Difference, Digest, Found, Opened, Store, digest, first_difference};
use serde_json::{Value, json};

use super::offline::{Offline, Where, folder};
use super::progress;
use crate::client::text::grouped;
use crate::client::{Align, Style, Table, json, print};
use crate::node::Network;

/// Replay the journal and compare what comes out with the stored projection.
///
/// Each shard's journal is replayed from its start up to where the stored projection stands, into a temporary one inside the data
/// folder, and the digests of both are compared. The stored projection is copied first and stays as it is, so this takes twice its
/// space. The exit code is 1 if any shard differs, or has records in effect and no projection.
///
/// Example: coalition journal verify --data /var/lib/coalition
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    at: Where,
}

/// What came of one shard.
struct Verified {
    shard: ShardId,
    stored: Option<Digest>,
    verdict: Verdict,
}

enum Verdict {
    /// The projection is what the journal leads to.
    Equal,
    /// It is not, or can't be read; why.
    Different(String),
    /// There is none, though the journal has records in effect.
    Missing,
    /// There is none, and nothing that it would stand for.
    NothingYet,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    Network::read(&args.at.data)?;
    if Network::never_ran(&args.at.data) {
        return finish(args, &[], |_| "nothing to verify: the network was never started\n".to_owned());
    }
    let offline = Offline::open(&args.at)?;
    let mut verified = Vec::new();
    for &shard in &offline.shards {
        verified.push(verify(&offline, shard).with_context(|| format!("verify shard {shard}"))?);
    }
    finish(args, &verified, |style| text(&verified, style))
}

fn finish(args: &Args, verified: &[Verified], text: impl FnOnce(Style) -> String) -> Result<ExitCode> {
    let document = || json!({ "shards": verified.iter().map(as_json).collect::<Vec<_>>() });
    print(&if args.at.json { json::document(&document())? } else { text(Style::of_stdout()) })?;
    let good = |one: &Verified| matches!(one.verdict, Verdict::Equal | Verdict::NothingYet);
    Ok(if verified.iter().all(good) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verify(offline: &Offline, shard: ShardId) -> Result<Verified> {
    let projection = offline.projection(shard);
    let done = |stored, verdict| Ok(Verified { shard, stored, verdict });
    if !projection.exists() {
        return done(None, without_projection(offline, shard)?);
    }
    // Opening a store writes to it, and sets aside what is damaged: the stored one is left alone.
    let scratch = tempfile::Builder::new().prefix("verify-").tempdir_in(&offline.data);
    let scratch = scratch.context("make a folder for the replay")?;
    copy(&projection, &scratch.path().join("stored")).context("copy the projection")?;
    let identity = offline.identity(shard);
    let stored = folder(&scratch.path().join("stored")).open(&identity).context("open the projection")?;
    match &stored.found {
        Found::At(_) => {}
        Found::Empty => return done(None, without_projection(offline, shard)?),
        Found::SetAside { why, .. } => return done(None, Verdict::Different(why.to_string())),
    }
    let until = match State::load(&*stored.reader, 1) {
        Ok(state) => state.meta.journal_next,
        Err(error) => return done(None, Verdict::Different(error.to_string())),
    };
    let found = digest(&*stored.reader).context("read the projection")?;
    let end = offline.end(shard)?;
    if until > end {
        let why = format!("it stands for the journal up to {until}, which ends at {end}");
        return done(Some(found), Verdict::Different(why));
    }
    let bar = progress::bar(shard, until);
    let fresh = folder(&scratch.path().join("replayed")).open(&identity).context("make a projection")?;
    let journal = offline.journal(shard);
    let replayed = replay(&offline.log, &journal, offline.genesis(shard), Some(until), fresh, |offset| {
        bar.set_position(offset.0);
    });
    bar.finish_and_clear();
    let verdict = match replayed {
        Ok((replayed, _)) => compare(&stored, &found, &replayed)?,
        Err(replay::Error::Stopped(stop)) => {
            Verdict::Different(format!("the journal can't be folded: {stop}"))
        }
        Err(error) => return Err(error.into()),
    };
    done(Some(found), verdict)
}

/// What it means that a shard has no projection.
fn without_projection(offline: &Offline, shard: ShardId) -> Result<Verdict> {
    // The first record of a journal takes effect: it is its genesis.
    Ok(if offline.end(shard)? > Offset(0) { Verdict::Missing } else { Verdict::NothingYet })
}

fn compare(stored: &Opened, found: &Digest, replayed: &Opened) -> Result<Verdict> {
    let expected = digest(&*replayed.reader).context("read the replayed projection")?;
    if expected == *found {
        return Ok(Verdict::Equal);
    }
    let difference =
        first_difference(&*replayed.reader, &*stored.reader).context("compare the projections")?;
    Ok(Verdict::Different(match difference {
        Some(difference) => tell(&difference),
        None => "the rows are equal, but stand for different records".to_owned(),
    }))
}

/// Where two projections differ first. Keys hold ids and hashes, values are not shown.
fn tell(difference: &Difference) -> String {
    let what = match difference.key.first() {
        Some(b'm') => "the shard's own row",
        Some(b'a') => "a row of an account",
        Some(b'h') => "a page of an account's history",
        Some(b'r') => "a change of the registry",
        Some(b'q') => "an answered command to the registry",
        Some(b'b') => "a sum of the double entry",
        Some(b's') => "a sum of settlement",
        Some(_) | None => "a row of no known kind",
    };
    let how = match (&difference.left, &difference.right) {
        (Some(_), None) => "is missing",
        (None, Some(_)) => "is there and should not be",
        (Some(_), Some(_)) | (None, None) => "differs",
    };
    let key: String = difference.key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{what} {how}: key {key}")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry.with_context(|| format!("read {}", from.display()))?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn text(verified: &[Verified], style: Style) -> String {
    let mut table = Table::new(&[
        ("shard", Align::Right),
        ("seq", Align::Right),
        ("rows", Align::Right),
        ("digest", Align::Left),
        ("", Align::Left),
    ]);
    for one in verified {
        let of = |tell: &dyn Fn(&Digest) -> String| one.stored.as_ref().map(tell).unwrap_or_default();
        table.row([
            one.shard.to_string(),
            of(&|digest| grouped(seq(digest))),
            of(&|digest| grouped(digest.rows)),
            of(&|digest| hex(digest)[..16].to_owned()),
            match &one.verdict {
                Verdict::Equal => "equal".to_owned(),
                Verdict::Different(why) => format!("DIFFERENT: {why}"),
                Verdict::Missing => {
                    "MISSING: start the network, or run `coalition journal rebuild`, to have it made"
                        .to_owned()
                }
                Verdict::NothingYet => "nothing was journaled yet".to_owned(),
            },
        ]);
    }
    table.render(style)
}

fn as_json(one: &Verified) -> Value {
    let (verdict, difference) = match &one.verdict {
        Verdict::Equal => ("equal", None),
        Verdict::Different(why) => ("different", Some(why)),
        Verdict::Missing => ("missing", None),
        Verdict::NothingYet => ("nothing_yet", None),
    };
    json!({
        "shard": one.shard.0,
        "seq": one.stored.as_ref().map(seq),
        "rows": one.stored.as_ref().map(|digest| digest.rows),
        "digest": one.stored.as_ref().map(hex),
        "verdict": verdict,
        "difference": difference,
    })
}

fn seq(digest: &Digest) -> u64 {
    digest.mark.map_or(0, |mark| mark.seq)
}

fn hex(digest: &Digest) -> String {
    digest.hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
