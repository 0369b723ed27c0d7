//! What may become of the files of a store.

use std::fs;
use std::path::{Path, PathBuf};

/// Chance by a seed: splitmix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Damage {
    Flip,
    Truncate,
    Delete,
    SwapFolders,
    RollBackFolder,
    FullDisk,
    Zero,
    Garbage,
    SwapPages,
    SwapFiles,
    RollBackFile,
    DeleteFolder,
    Lengthen,
}

impl Damage {
    pub(crate) const ALL: [Self; 13] = [
        Self::Flip,
        Self::Truncate,
        Self::Delete,
        Self::SwapFolders,
        Self::RollBackFolder,
        Self::FullDisk,
        Self::Zero,
        Self::Garbage,
        Self::SwapPages,
        Self::SwapFiles,
        Self::RollBackFile,
        Self::DeleteFolder,
        Self::Lengthen,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flip => "flip a bit",
            Self::Truncate => "truncate a file",
            Self::Delete => "delete a file",
            Self::SwapFolders => "swap the folders of two shards",
            Self::RollBackFolder => "roll a folder back",
            Self::FullDisk => "fill the disk",
            Self::Zero => "zero a part",
            Self::Garbage => "garbage in a part",
            Self::SwapPages => "swap two pages",
            Self::SwapFiles => "swap two files",
            Self::RollBackFile => "roll a file back",
            Self::DeleteFolder => "delete a folder",
            Self::Lengthen => "lengthen a file",
        }
    }
}

/// The folder of a store, those of another shard's, and older ones of both.
pub(crate) struct Folders {
    pub(crate) stores: [PathBuf; 2],
    pub(crate) older: [PathBuf; 2],
}

/// Damages the store of one of the shards, and says how.
pub(crate) fn damage(damage: Damage, folders: &Folders, dice: &mut Dice) -> String {
    let shard = dice.below(2);
    let (store, older) = (&folders.stores[shard], &folders.older[shard]);
    let what = match damage {
        Damage::FullDisk => "the disk was full meanwhile".to_owned(),
        Damage::SwapFolders => {
            let aside = store.with_extension("aside");
            fs::rename(store, &aside).unwrap();
            fs::rename(&folders.stores[1 - shard], store).unwrap();
            fs::rename(&aside, &folders.stores[1 - shard]).unwrap();
            "another shard's folder".to_owned()
        }
        Damage::DeleteFolder => {
            fs::remove_dir_all(store).unwrap();
            "deleted".to_owned()
        }
        Damage::RollBackFolder => {
            fs::remove_dir_all(store).unwrap();
            copy(older, store);
            "rolled back".to_owned()
        }
        Damage::Delete
        | Damage::SwapFiles
        | Damage::RollBackFile
        | Damage::Flip
        | Damage::Truncate
        | Damage::Zero
        | Damage::Garbage
        | Damage::SwapPages
        | Damage::Lengthen => damage_file(damage, store, older, dice),
    };
    format!("{} of shard {shard}: {what}", damage.name())
}

fn damage_file(damage: Damage, store: &Path, older: &Path, dice: &mut Dice) -> String {
    let files = files(store);
    // Half of all damage where most of the bytes are.
    let path = if dice.below(2) == 0 { store.join("db") } else { files[dice.below(files.len())].clone() };
    let name = path.file_name().unwrap().to_owned();
    let what = match damage {
        Damage::Delete => {
            fs::remove_file(&path).unwrap();
            "gone".to_owned()
        }
        Damage::SwapFiles => {
            let other = &files[dice.below(files.len())];
            let (one, two) = (fs::read(&path).unwrap(), fs::read(other).unwrap());
            fs::write(&path, two).unwrap();
            fs::write(other, one).unwrap();
            format!("swapped with {}", other.display())
        }
        Damage::RollBackFile => match fs::copy(older.join(&name), &path) {
            Ok(_) => "an older one".to_owned(),
            Err(_) => {
                fs::remove_file(&path).unwrap();
                "gone, as there was none before".to_owned()
            }
        },
        Damage::Flip
        | Damage::Truncate
        | Damage::Zero
        | Damage::Garbage
        | Damage::SwapPages
        | Damage::Lengthen => damage_bytes(damage, &path, dice),
        Damage::SwapFolders | Damage::RollBackFolder | Damage::DeleteFolder | Damage::FullDisk => {
            unreachable!("of whole folders")
        }
    };
    format!("{}: {what}", name.to_string_lossy())
}

fn damage_bytes(damage: Damage, path: &Path, dice: &mut Dice) -> String {
    let mut bytes = fs::read(path).unwrap();
    let at = dice.below(bytes.len());
    let end = bytes.len().min(at + (1 << dice.below(18)));
    let what = match damage {
        Damage::Truncate => {
            bytes.truncate(at);
            format!("cut off at {at}")
        }
        Damage::Zero => {
            bytes[at..end].fill(0);
            format!("zeros in {at}..{end}")
        }
        Damage::Garbage => {
            bytes[at..end].iter_mut().for_each(|byte| *byte = u8::try_from(dice.below(256)).unwrap());
            format!("garbage in {at}..{end}")
        }
        Damage::SwapPages => {
            let pages = bytes.len() / 4096;
            let (one, two) = (dice.below(pages), dice.below(pages));
            for byte in 0..if pages == 0 { 0 } else { 4096 } {
                bytes.swap(one * 4096 + byte, two * 4096 + byte);
            }
            format!("pages {one} and {two} swapped")
        }
        Damage::Lengthen => {
            bytes.resize(bytes.len() + 1 + dice.below(5000), 0xa5);
            "lengthened".to_owned()
        }
        Damage::Flip => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
            format!("a bit of byte {at} flipped")
        }
        Damage::Delete
        | Damage::SwapFiles
        | Damage::RollBackFile
        | Damage::SwapFolders
        | Damage::RollBackFolder
        | Damage::DeleteFolder
        | Damage::FullDisk => unreachable!("not of bytes"),
    };
    fs::write(path, bytes).unwrap();
    what
}

/// The files of a folder, in the order of their names.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// Copies a folder, also while somebody writes to it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            match fs::copy(entry.path(), &to) {
                Ok(_) => {}
                // Renamed since it was listed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => panic!("copy {}: {error}", entry.path().display()),
            }
        }
    }
}
