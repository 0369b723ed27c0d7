//! The repository's own rules, which no other tool knows: so that no reviewer has to remember them.
//!
//! - a source file of a crate has at most 500 lines: it is one idea;
//! - no test is ignored, and none sleeps: it waits for a condition;
//! - a link in a document leads to a file that is there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::root;

const LINES_MAX: usize = 500;

// Written in parts, or this file would break its own rules.
const IGNORED: &str = concat!("#[", "ignore");
const SLEEPS: [&str; 2] = [concat!("thread::", "sleep"), concat!("time::", "sleep(")];

/// Prints every breach; whether there is none.
pub(crate) fn print_faults() -> Result<bool> {
    let faults = faults(root())?;
    for fault in &faults {
        println!("{fault}");
    }
    Ok(faults.is_empty())
}

fn faults(root: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for folder in ["crates", "tests", "docs"] {
        for path in files(&root.join(folder))? {
            faults.extend(file_faults(root, &path)?);
        }
    }
    for path in entries(root)?.into_iter().filter(|path| path.is_file()) {
        faults.extend(file_faults(root, &path)?);
    }
    Ok(faults)
}

/// By the file's kind; what is neither Rust nor Markdown has no rules.
fn file_faults(root: &Path, path: &Path) -> Result<Vec<String>> {
    let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !["rs", "md"].contains(&kind) {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let shown = path.strip_prefix(root).unwrap_or(path);
    let found = if kind == "rs" { rust_faults(shown, &text) } else { dead_links(path, &text) };
    Ok(found.into_iter().map(|(line, fault)| format!("{}:{line}: {fault}", shown.display())).collect())
}

fn rust_faults(path: &Path, text: &str) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    let within = |folder: &str| path.components().any(|part| part.as_os_str() == folder);
    let product = path.starts_with("crates") && within("src");
    let lines = text.lines().count();
    if product && lines > LINES_MAX {
        faults.push((lines, format!("{lines} lines, more than {LINES_MAX}: make two files of it")));
    }
    // In a product file the tests begin at the test module and go on to the end; elsewhere all is test.
    let mut in_tests = !product || within("tests") || path.ends_with("tests.rs");
    for (number, line) in (1..).zip(text.lines()) {
        in_tests |= line.trim_start().starts_with("mod tests {");
        if line.trim_start().starts_with(IGNORED) {
            faults.push((number, "an ignored test: mend it or remove it".to_owned()));
        }
        if in_tests && SLEEPS.iter().any(|sleep| line.contains(sleep)) {
            faults.push((number, "a test that sleeps: wait for a condition".to_owned()));
        }
    }
    faults
}

/// Links of a Markdown text that name a file which isn't there. Links elsewhere on the net are not followed.
fn dead_links(path: &Path, text: &str) -> Vec<(usize, String)> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    let mut in_code = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !file.is_empty() && !folder.join(file).exists() {
                faults.push((number, format!("a link to {file}, which is not there")));
            }
        }
    }
    faults
}

/// What stands in brackets after `](` in a line, without a title, and what a line `[name]: target` names.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let definition = line.starts_with('[').then(|| line.split_once("]: ")).flatten();
    let definition = definition.and_then(|(_, target)| target.split_whitespace().next());
    inline.chain(definition).collect()
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    let mut entries = read().with_context(|| format!("list {}", folder.display()))?;
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for part in ["crates", "tests", "docs"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        assert_eq!(faults(folder.path()).unwrap(), expected);
    }

    #[test]
    fn a_source_file_has_at_most_500_lines() {
        check("crates/a/src/b.rs", &"\n".repeat(500), &[]);
        let fault = "crates/a/src/b.rs:501: 501 lines, more than 500: make two files of it";
        check("crates/a/src/b.rs", &"\n".repeat(501), &[fault]);
    }

    #[test]
    fn no_test_is_ignored() {
        let text = format!("#[test]\n    {IGNORED} = \"slow\"]\n");
        check("crates/a/src/b.rs", &text, &["crates/a/src/b.rs:2: an ignored test: mend it or remove it"]);
    }

    #[test]
    fn tests_do_not_sleep_and_the_product_may() {
        let call = format!("std::{}(span);\n", SLEEPS[0]);
        check("crates/a/src/b.rs", &call, &[]);
        let fault = "a test that sleeps: wait for a condition";
        check(
            "crates/a/src/b.rs",
            &format!("mod tests {{\n{call}"),
            &[&format!("crates/a/src/b.rs:2: {fault}")],
        );
        check("crates/a/src/tests/b.rs", &call, &[&format!("crates/a/src/tests/b.rs:1: {fault}")]);
        check("crates/a/tests/b.rs", &call, &[&format!("crates/a/tests/b.rs:1: {fault}")]);
        check("tests/src/lib.rs", &call, &[&format!("tests/src/lib.rs:1: {fault}")]);
    }

    #[test]
    fn links_lead_to_files() {
        let good = "[a](README.md#part) [b](#here) [c](https://example.org/x) ![d](docs \"title\")\n```\n[e](gone)\n```\n";
        check("README.md", good, &[]);
        check(
            "docs/a/b.md",
            "\n[x](../../docs) [y](../c.md)\n",
            &["docs/a/b.md:2: a link to ../c.md, which is not there"],
        );
        check("docs/b.md", "[x]: gone.md\n", &["docs/b.md:1: a link to gone.md, which is not there"]);
    }
}
