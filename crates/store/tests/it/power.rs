//! Power cuts: images of a store as a disk may leave it that lost its power within a checkpoint.
//!
//! What sled writes goes by no layer of ours, so its files are copied again and again while a checkpoint is written. What was
//! there when the checkpoint before was acknowledged is durable; of what came since each piece of 4 KiB is there or not, as any
//! of the copies shows it, in no order, and so are new files and lengths. That a piece was synced before the power went is not
//! known here: an image may lack more than a disk would. A piece that was written twice between two copies is seen once.
//! `COALITION_ROUNDS=100` asks for more images than the usual ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use coalition_store::{Folder, Found, Settings, Store};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::common::{all, checkpoint, identity, mark, open, rows_at};

const PIECE: usize = 4096;
/// Checkpoints before the first that is cut.
const FIRST: u64 = 5;

/// The files of a store and what is in them, by their names.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

fn look(folder: &Path) -> Files {
    let mut files = Files::new();
    for part in [folder.to_owned(), folder.join("blobs")] {
        for entry in fs::read_dir(part).unwrap() {
            let path = entry.unwrap().path();
            match fs::read(&path) {
                Ok(bytes) => drop(files.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes)),
                // A folder, or renamed since it was listed.
                Err(error) if matches!(error.kind(), ErrorKind::IsADirectory | ErrorKind::NotFound) => {}
                Err(error) => panic!("read {}: {error}", path.display()),
            }
        }
    }
    files
}

/// Writes a checkpoint, and gives the copies that were made meanwhile, the one at its end included.
pub(crate) fn written(folder: &Path, apply: impl FnOnce()) -> Vec<Files> {
    let done = AtomicBool::new(false);
    let mut copies = std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let mut copies = Vec::new();
            while !done.load(Ordering::Acquire) {
                let copy = look(folder);
                if copies.last() != Some(&copy) {
                    copies.push(copy);
                }
            }
            copies
        });
        apply();
        done.store(true, Ordering::Release);
        copying.join().unwrap()
    });
    copies.push(look(folder));
    copies
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % limit.max(1) as u64) as usize
    }
}

/// What a disk has that had `durable` for certain, and was to get what `copies` show one after the other.
fn image(durable: &Files, copies: &[Files], dice: &mut Dice) -> Files {
    let copies = &copies[..1 + dice.below(copies.len())];
    // At times everything is there, or all but little.
    let lost = [0, 5, 50, 90][dice.below(4)];
    let names: BTreeSet<_> = copies.iter().chain([durable]).flat_map(Files::keys).collect();
    let mut image = Files::new();
    for name in names {
        let old = durable.get(name);
        let versions: Vec<_> = copies.iter().map(|copy| copy.get(name)).collect();
        // Whether the file is there, and how long it is, is written apart from what is in it.
        let drawn = |dice: &mut Dice| {
            if dice.below(100) < lost {
                old
            } else {
                versions[versions.len() - 1 - dice.below(versions.len()) / 2]
            }
        };
        let Some(entry) = drawn(dice) else { continue };
        // Synced before it got its name.
        if name == Path::new("pending") {
            image.insert(name.clone(), entry.clone());
            continue;
        }
        let mut bytes = vec![0; drawn(dice).unwrap_or(entry).len()];
        for (piece, part) in bytes.chunks_mut(PIECE).enumerate() {
            let Some(version) = drawn(dice).or(old) else { continue };
            let written = version.get(piece * PIECE..).unwrap_or(&[]);
            let length = part.len().min(written.len());
            part[..length].copy_from_slice(&written[..length]);
        }
        image.insert(name.clone(), bytes);
    }
    image
}

#[test]
fn a_power_cut_within_a_checkpoint_leaves_the_rows_of_a_mark_or_none() {
    let images = std::env::var("COALITION_ROUNDS").map_or(30, |images| images.parse().expect("a number"));
    let root = tempfile::tempdir().unwrap();
    let live = root.path().join("live");
    let mut opened = open(&live, &identity());
    (1..=FIRST).for_each(|seq| opened.writer.apply(&checkpoint(seq)).unwrap());
    let (mut before, mut after, mut none, mut differ) = (0, 0, 0, 0);
    for number in 0..images {
        let seq = FIRST + 1 + number;
        let durable = look(&live);
        let copies = written(&live, || opened.writer.apply(&checkpoint(seq)).unwrap());
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(number));
        let image = image(&durable, &copies, &mut dice);
        differ += u32::from(image != durable && copies.last() != Some(&image));
        let folder = root.path().join(format!("image-{number}"));
        fs::create_dir_all(folder.join("blobs")).unwrap();
        image.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
        let opened = Folder::new(&folder, Settings::default()).open(&identity()).unwrap();
        match opened.found {
            Found::At(found) => {
                assert!(found == mark(seq) || found == mark(seq - 1), "image {number}: {found} at {seq}");
                assert!(
                    all(&*opened.reader) == rows_at(found.seq),
                    "image {number}: rows are not those of {found}"
                );
                *(if found == mark(seq) { &mut after } else { &mut before }) += 1;
            }
            Found::SetAside { .. } => {
                assert!(all(&*opened.reader).is_empty(), "image {number}: rows after setting aside");
                none += 1;
            }
            Found::Empty => panic!("image {number}: empty without a word"),
        }
        drop(opened);
        fs::remove_dir_all(&folder).unwrap();
    }
    println!(
        "{images} images, {differ} of them neither the old files nor the new: {before} at the checkpoint before, {after} at the \
         new one, {none} set aside"
    );
    assert!(before > 0 && after > 0 && u64::from(differ) > images / 4, "{before}, {after}, {differ}");
}
