//! Compiles proto/ in Rust alone, so that a build needs no protoc: descriptors by protox, code from them by
//! tonic-prost-build. The descriptors are kept for reflection.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    // A folder stands for everything below it.
    println!("cargo::rerun-if-changed={}", root.display());

    let mut files = Vec::new();
    collect(&root, &mut files)?;
    // The order of a folder's entries is the file system's; the output must not depend on it.
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    // Comments become Rust documentation, and what reflection tells a person at a terminal.
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    let descriptors = Path::new(&env::var("OUT_DIR")?).join("coalition.binpb");
    fs::write(descriptors, compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure().compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
