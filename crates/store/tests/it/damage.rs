//! Random damage: the right rows, or none and the old folder set aside. Never a panic, never a wrong value.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coalition_store::{Damage, Error, Folder, Found, Opened, Settings, Store};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::common::{Rows, all, checkpoint, copy, files, identity, mark, open, rows_at, write};
use crate::power::{Files, written};

/// The file of a checkpoint until sled has all of it.
const PENDING: &str = "pending";
const CASES: u64 = 120;
/// Checkpoints of the first and of the second session of the store that is damaged.
const FIRST: u64 = 4;
const LAST: u64 = 60;

/// A store of two sessions, copied while the second still had it open: what a killed process leaves.
fn killed(root: &Path) -> PathBuf {
    let (live, image) = (root.join("live"), root.join("image"));
    write(&live, &identity(), 1..=FIRST);
    let mut opened = open(&live, &identity());
    (FIRST + 1..=LAST).for_each(|seq| opened.writer.apply(&checkpoint(seq)).unwrap());
    copy(&live, &image);
    image
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % limit.max(1) as u64) as usize
    }
}

/// Damages one file and says how.
fn damage(folder: &Path, dice: &mut Dice) -> String {
    let files = files(folder);
    // Half of all damage where most of the bytes are.
    let path = if dice.below(2) == 0 { folder.join("db") } else { files[dice.below(files.len())].clone() };
    let mut bytes = fs::read(&path).unwrap();
    let at = dice.below(bytes.len());
    let how = match dice.below(8) {
        0 => {
            bytes.truncate(at);
            format!("truncated to {at}")
        }
        1 => {
            let end = bytes.len().min(at + (1 << dice.below(20)));
            bytes[at..end].fill(0);
            format!("zeroed {at}..{end}")
        }
        2 => {
            let end = bytes.len().min(at + (1 << dice.below(12)));
            dice.0.fill_bytes(&mut bytes[at..end]);
            format!("garbage {at}..{end}")
        }
        3 => {
            let from = dice.below(bytes.len()) & !4095;
            let to = at & !4095;
            let page = bytes[from..bytes.len().min(from + 4096)].to_vec();
            let end = bytes.len().min(to + page.len());
            bytes[to..end].copy_from_slice(&page[..end - to]);
            format!("page {from} over {to}")
        }
        4 => {
            bytes.extend([0xa5; 777]);
            "lengthened".to_owned()
        }
        _ => {
            if !bytes.is_empty() {
                bytes[at] ^= 1 << dice.below(8);
            }
            format!("flipped a bit of byte {at}")
        }
    };
    fs::write(&path, bytes).unwrap();
    format!("{}: {how}", path.file_name().unwrap().to_string_lossy())
}

/// What opening came to, checked against what it may come to.
fn judge(folder: &Path, expected: &Rows, what: &str) -> &'static str {
    let opened = Folder::new(folder, Settings::default()).open(&identity());
    let Opened { reader, mut writer, found } = opened.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    if found == Found::At(mark(LAST)) {
        assert!(all(&*reader) == *expected, "{what}: a wrong row");
    } else {
        assert!(matches!(found, Found::SetAside { .. }), "{what}: {found:?}");
        assert!(all(&*reader).is_empty(), "{what}: rows after setting aside");
    }
    writer.apply(&checkpoint(LAST + 1)).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    kind(&found)
}

fn kind(found: &Found) -> &'static str {
    match found {
        Found::Empty => "empty",
        Found::At(_) => "whole",
        Found::SetAside { why, .. } => match why {
            Damage::Unreadable(_) => "unreadable",
            Damage::SidecarMissing => "sidecar missing",
            Damage::SidecarMalformed => "sidecar malformed",
            Damage::Foreign { .. } => "foreign",
            Damage::Behind { .. } => "behind",
            Damage::Row { .. } => "row",
            Damage::Sum { .. } => "sum",
            Damage::Caller(_) => "caller",
        },
    }
}

#[test]
fn any_damage_gives_the_right_rows_or_none() {
    // sled's files are never the same twice, so a seed alone doesn't repeat a failure: the image stays for it.
    let root = tempfile::Builder::new().disable_cleanup(true).tempdir().unwrap();
    let image = killed(root.path());
    let expected = rows_at(LAST);
    let mut kinds = BTreeMap::<_, u32>::new();
    for seed in 0..CASES {
        let folder = root.path().join(format!("case-{seed}"));
        copy(&image, &folder);
        let how = damage(&folder, &mut Dice(ChaCha8Rng::seed_from_u64(seed)));
        let what = format!("seed {seed} on {}, {how}", image.display());
        *kinds.entry(judge(&folder, &expected, &what)).or_default() += 1;
    }
    println!("{kinds:?}");
    for kind in ["whole", "unreadable", "sum"] {
        assert!(kinds.contains_key(kind), "no damage made a store {kind}: {kinds:?}");
    }
    fs::remove_dir_all(root.path()).unwrap();
}

#[test]
fn a_missing_file_gives_the_right_rows_or_none() {
    let root = tempfile::tempdir().unwrap();
    let image = killed(root.path());
    let expected = rows_at(LAST);
    for file in files(&image) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let folder = root.path().join(format!("without-{name}"));
        copy(&image, &folder);
        fs::remove_file(folder.join(&name)).unwrap();
        let kind = judge(&folder, &expected, &format!("without {name}"));
        println!("without {name}: {kind}");
        assert!(name != "db" || kind != "whole");
        assert!(name != "durable" || kind == "sidecar missing");
    }
}

#[test]
fn a_checkpoint_that_was_cut_short_is_finished_or_has_not_been() {
    let root = tempfile::tempdir().unwrap();
    let live = root.path().join("live");
    let mut opened = open(&live, &identity());
    let put = |name: &str, image: &Files, pending: &[u8]| {
        let folder = root.path().join(name);
        fs::create_dir_all(folder.join("blobs")).unwrap();
        image.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
        fs::write(folder.join(PENDING), pending).unwrap();
        folder
    };
    let (mut dice, mut kinds) = (Dice(ChaCha8Rng::seed_from_u64(5)), BTreeMap::<_, u32>::new());
    let (mut seq, mut finished) = (0, 0);
    while finished < 5 {
        seq += 1;
        assert!(seq < 500, "{finished} were finished");
        // Made while it is written: some of its rows are there, or none, and all in its file.
        let copies = written(&live, || opened.writer.apply(&checkpoint(seq)).unwrap());
        let within = copies.into_iter().rev().find(|copy| copy.contains_key(Path::new(PENDING)));
        let Some(image) = within.filter(|_| seq > 3) else { continue };
        let whole = &image[Path::new(PENDING)];
        let folder = put(&format!("whole-{seq}"), &image, whole);
        if open(&folder, &identity()).found != Found::At(mark(seq)) {
            // sled went on between two of the files that were copied.
            continue;
        }
        finished += 1;
        assert!(!folder.join(PENDING).exists(), "it is durable where it belongs");
        let again = open(&folder, &identity());
        assert_eq!(again.found, Found::At(mark(seq)));
        assert!(all(&*again.reader) == rows_at(seq));
        drop(again);
        for case in 0..8 {
            let (mut bytes, at) = (whole.clone(), dice.below(whole.len()));
            match case {
                0 => bytes.clear(),
                1..4 => bytes.truncate(at),
                _ => bytes[at] ^= 1 << dice.below(8),
            }
            let opened = open(&put(&format!("case-{seq}-{case}"), &image, &bytes), &identity());
            // Without it the store is where sled has come, if that is a whole checkpoint.
            if let Found::At(found) = opened.found {
                assert!(found == mark(seq - 1) || found == mark(seq), "{seq}, case {case}, {at}: {found}");
                assert!(all(&*opened.reader) == rows_at(found.seq), "{seq}, case {case}, {at}");
            } else {
                assert!(matches!(opened.found, Found::SetAside { .. }), "{seq}, case {case}, {at}: empty");
                assert!(
                    all(&*opened.reader).is_empty(),
                    "{seq}, case {case}, {at}: rows after setting aside"
                );
            }
            *kinds.entry(kind(&opened.found)).or_default() += 1;
        }
    }
    println!("{kinds:?}");
}

/// Opens a store whose rows `change` has changed behind its back, and answers why it was set aside.
fn changed(change: impl FnOnce(&sled::Db)) -> Damage {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("shard-1");
    write(&folder, &identity(), 1..=4);
    let db = sled::open(&folder).unwrap();
    change(&db);
    drop(db);
    match open(&folder, &identity()).found {
        Found::SetAside { why, .. } => why,
        found @ (Found::Empty | Found::At(_)) => panic!("{found:?}"),
    }
}

#[test]
fn whole_rows_that_are_not_the_last_are_told() {
    let rows = rows_at(4).len() as u64;
    // Written by the first checkpoint and again by the fourth.
    let (key, _) = rows_at(1).pop_first().unwrap();
    let missing = changed(|db| drop(db.remove(&key).unwrap()));
    assert_eq!(missing, Damage::Sum { expected: rows, found: rows - 1 });

    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("old"), &identity(), 1..=1);
    let old = sled::open(root.path().join("old")).unwrap().get(&key).unwrap().unwrap();
    let stale = changed(|db| assert_ne!(db.insert(&key, &old).unwrap().unwrap(), old));
    assert_eq!(stale, Damage::Sum { expected: rows, found: rows });

    let moved = changed(|db| drop(db.insert(b"another key", &old).unwrap()));
    assert!(matches!(moved, Damage::Row { .. }), "{moved:?}");
}

#[test]
fn damage_while_open_is_an_error_and_never_a_wrong_value() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("shard-1");
    write(&folder, &identity(), 1..=LAST);
    let store = Folder::new(&folder, Settings { cache_bytes: 1, ..Settings::default() });
    let Opened { reader, writer, .. } = store.open(&identity()).unwrap();
    let db = fs::OpenOptions::new().write(true).open(folder.join("db")).unwrap();
    db.set_len(100_000).unwrap();
    let mut errors = Vec::new();
    for (key, value) in rows_at(LAST) {
        match reader.get(&key) {
            Ok(found) => assert!(errors.is_empty() && found == Some(value), "{key:?}"),
            Err(error) => errors.push(error),
        }
    }
    assert!(matches!(errors[0], Error::Damaged(_)), "{errors:?}");
    assert!(errors[1..].iter().all(|error| matches!(error, Error::Stopped)), "{errors:?}");
    writer.discard("damaged").unwrap();
    assert_eq!(store.open(&identity()).unwrap().found, Found::Empty);
}
