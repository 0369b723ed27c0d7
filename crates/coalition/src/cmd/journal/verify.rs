//! `coalition journal verify`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{self, Offset};
use coalition_ledger::replay::{self, replay};
use coalition_ledger::state::State;
use coalition_store::{Damage, Difference, Digest, Found, Opened, Store, digest, first_difference};
use serde_json::{Value, json};

use super::offline::{Offline, Where, folder};
use super::progress;
use crate::client::text::grouped;
use crate::client::{Align, Style, Table, json, print};

/// Bytes of the journal read at once.
const READ_BYTES: usize = 2 * 1024 * 1024;

/// Replay the journal and compare what comes out with the stored projection.
///
/// Each shard's journal is replayed from its start up to where the stored projection stands, into a temporary one inside the data
/// folder, and the digests of both are compared. The stored projection is copied first and stays as it is, so this takes twice its
/// space. Where there is none the journal is replayed all the same. The exit code is 1 if any shard differs, has records in effect
/// and no projection, or has a journal that can't be read.
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
    /// The journal itself can't be replayed; why.
    Damaged(String),
    /// There is none, though the journal has records in effect.
    Missing,
    /// There is none, and nothing that it would stand for.
    NothingYet,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let offline = Offline::open(&args.at)?;
    let mut verified = Vec::new();
    for &shard in &offline.shards {
        verified.push(verify(&offline, shard).with_context(|| format!("verify shard {shard}"))?);
    }
    let document = || json!({ "shards": verified.iter().map(as_json).collect::<Vec<_>>() });
    print(&if args.at.json {
        json::document(&document())?
    } else {
        text(&args.at, &verified, Style::of_stdout())
    })?;
    let good = |one: &Verified| matches!(one.verdict, Verdict::Equal | Verdict::NothingYet);
    Ok(if verified.iter().all(good) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verify(offline: &Offline, shard: ShardId) -> Result<Verified> {
    let done = |stored, verdict| Ok(Verified { shard, stored, verdict });
    // Opening a store writes to it, and sets aside what is damaged: the stored one is left alone.
    let scratch = tempfile::Builder::new().prefix("verify-").tempdir_in(&offline.data);
    let scratch = scratch.context("make a folder for the replay")?;
    let stored = stored(offline, shard, &scratch.path().join("stored"))?;
    let end = offline.end(shard)?;
    let until = match &stored {
        Stored::At { until, .. } => *until,
        Stored::None | Stored::Unfit(_) => end,
    };
    if let Stored::At { found, .. } = &stored
        && until > end
    {
        let why = format!("it stands for the journal up to {until}, which ends at {end}");
        return done(Some(*found), Verdict::Different(why));
    }
    // The journal is replayed also where there is nothing to compare with: whatever is rebuilt comes from it.
    let bar = progress::bar(shard, until);
    let fresh = folder(&scratch.path().join("replayed")).open(&offline.identity(shard));
    let fresh = fresh.context("make a projection")?;
    let (journal, genesis) = (offline.journal(shard), offline.genesis(shard));
    let replayed =
        replay(&offline.log, &journal, genesis, Some(until), fresh, |offset| bar.set_position(offset.0));
    bar.finish_and_clear();
    let replayed =
        replayed.and_then(|(replayed, _)| Ok(read_rest(offline, shard, until, end).map(|()| replayed)?));
    let replayed = match replayed {
        Ok(replayed) => replayed,
        Err(error @ (replay::Error::Stopped(_) | replay::Error::Log(log::Error::Damaged { .. }))) => {
            return done(None, Verdict::Damaged(innermost(&error)));
        }
        Err(error) => return Err(error.into()),
    };
    match stored {
        Stored::At { opened, found, .. } => {
            let verdict = compare(&opened, &found, &replayed)?;
            done(Some(found), verdict)
        }
        Stored::Unfit(why) => done(None, Verdict::Different(why)),
        // The first record of a journal takes effect: it is its genesis.
        Stored::None if end > Offset(0) => done(None, Verdict::Missing),
        Stored::None => done(None, Verdict::NothingYet),
    }
}

/// A copy of the stored projection.
enum Stored {
    /// There is none.
    None,
    /// It is no projection of this journal; why.
    Unfit(String),
    /// It stands for the journal up to here.
    At { opened: Box<Opened>, found: Digest, until: Offset },
}

fn stored(offline: &Offline, shard: ShardId, at: &Path) -> Result<Stored> {
    let projection = offline.projection(shard);
    if !projection.exists() {
        return Ok(Stored::None);
    }
    copy(&projection, at).context("copy the projection")?;
    let opened = folder(at).open(&offline.identity(shard)).context("open the projection")?;
    match &opened.found {
        Found::At(_) => {}
        Found::Empty => return Ok(Stored::None),
        // What the store saw there helps nobody who only wants to go on.
        Found::SetAside { why: Damage::Unreadable(_), .. } => {
            return Ok(Stored::Unfit("its files can't be read".to_owned()));
        }
        Found::SetAside { why, .. } => return Ok(Stored::Unfit(why.to_string())),
    }
    match State::load(&*opened.reader, 1, offline.genesis(shard).shard_count) {
        Ok(state) => {
            let found = digest(&*opened.reader).context("read the projection")?;
            Ok(Stored::At { opened: Box::new(opened), found, until: state.meta.journal_next })
        }
        Err(error) => Ok(Stored::Unfit(error.to_string())),
    }
}

/// Reads what a projection doesn't stand for yet: the next start folds it.
fn read_rest(offline: &Offline, shard: ShardId, from: Offset, end: Offset) -> Result<(), log::Error> {
    let (journal, mut next) = (offline.journal(shard), from);
    while next < end {
        let read = offline.log.read(&journal, next, READ_BYTES)?;
        next = read.last().map_or(end, |last| last.offset.plus(1));
    }
    Ok(())
}

/// What is wrong with the journal, without what was being done.
fn innermost(error: &replay::Error) -> String {
    let chain = anyhow::Chain::new(error).skip(1).map(ToString::to_string).collect::<Vec<_>>();
    chain.join(": ")
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

fn text(at: &Where, verified: &[Verified], style: Style) -> String {
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
                Verdict::Damaged(why) => format!("DAMAGED: {why}"),
                Verdict::Missing => "MISSING".to_owned(),
                Verdict::NothingYet => "nothing was journaled yet".to_owned(),
            },
        ]);
    }
    let mut text = table.render(style);
    for one in verified {
        let shard = one.shard;
        match &one.verdict {
            Verdict::Different(_) => text.push_str(&format!(
                "shard {shard}: run `{}`, which makes its projection anew from the journal\n",
                at.command("rebuild", shard)
            )),
            Verdict::Missing => text.push_str(&format!(
                "shard {shard}: start the network, or run `{}`, to have its projection made from the journal\n",
                at.command("rebuild", shard)
            )),
            Verdict::Damaged(_) => text.push_str(&format!(
                "shard {shard}: its journal is the only truth; restore its file in the folder log from a backup\n"
            )),
            Verdict::Equal | Verdict::NothingYet => {}
        }
    }
    text
}

fn as_json(one: &Verified) -> Value {
    let (verdict, difference) = match &one.verdict {
        Verdict::Equal => ("equal", None),
        Verdict::Different(why) => ("different", Some(why)),
        Verdict::Damaged(why) => ("journal_damaged", Some(why)),
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
