//! Python with the libraries of a partner that has none of our code, installed once under `target/`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::missing;

const REQUIREMENTS: &str = include_str!("../python/requirements.txt");

/// The interpreter. None, with a line that says why, where there can't be one; a failure where it is required.
pub(crate) fn python() -> Option<PathBuf> {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Tests in other processes wait for the one that installs.
    let lock = File::create(base.join("python.lock")).expect("a lock in the target folder");
    lock.lock().expect("locked");
    let hash: String =
        Sha256::digest(REQUIREMENTS).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let folder = base.join(format!("python-{hash}"));
    let (interpreter, complete) = (folder.join("bin/python"), folder.join("complete"));
    if !complete.exists() {
        if let Err(why) = install(&folder, &interpreter) {
            missing::tell("Python", &why);
            return None;
        }
        File::create(complete).expect("a mark in the target folder");
    }
    Some(interpreter)
}

fn install(folder: &Path, interpreter: &Path) -> Result<(), String> {
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let requirements = script("requirements.txt");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(interpreter).args(pip).arg(requirements))
}

fn run(command: &mut Command) -> Result<(), String> {
    let ended = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&ended.stderr);
    if ended.status.success() { Ok(()) } else { Err(format!("{command:?}: {said}")) }
}

/// A file of `tests/python`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}

/// Generates the modules of `proto/` into `folder`.
pub(crate) fn stubs(interpreter: &Path, folder: &Path) {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
    let mut files = Vec::new();
    find(&proto, &mut files);
    let mut command = Command::new(interpreter);
    command.args(["-m", "grpc_tools.protoc", "--proto_path"]).arg(&proto);
    for kind in ["--python_out", "--grpc_python_out"] {
        command.arg(kind).arg(folder);
    }
    run(command.args(files)).expect("modules are generated");
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "proto") {
            files.push(path);
        }
    }
}
