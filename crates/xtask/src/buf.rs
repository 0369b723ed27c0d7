//! buf, which lints proto/ and finds changes that break what is in use: pinned in package.json, installed by npm.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::command::{program, root};

/// What proto/ was when it was last promised to anybody, as a descriptor set. A file, and not a commit to compare with,
/// because a shallow clone has no other commit.
pub(crate) const BREAKING_BASE: &str = "proto/breaking-base.binpb";

const PACKAGE: &str = "@bufbuild/buf";
const BINARY: &str = "node_modules/.bin/buf";

/// Installs the pinned buf unless it is there. The error says what is missing.
pub(crate) fn ready() -> Result<()> {
    let pinned = pinned_version()?;
    if installed_version().as_deref() == Some(&pinned) {
        return Ok(());
    }
    let npm = program("npm").args(["ci", "--no-audit", "--no-fund"]).output();
    let npm = npm.context("npm is missing: install Node.js")?;
    if !npm.status.success() {
        bail!("npm ci could not install buf: {}", String::from_utf8_lossy(&npm.stderr).trim());
    }
    match installed_version() {
        Some(version) if version == pinned => Ok(()),
        Some(version) => bail!("package-lock.json installs buf {version}, package.json asks for {pinned}"),
        None => bail!("buf was installed and doesn't run"),
    }
}

/// Runs buf with these arguments; whether it was content.
pub(crate) fn run(arguments: &[&str]) -> Result<bool> {
    Ok(program(BINARY).args(arguments).status().context("run buf")?.success())
}

/// Makes the present proto/ what later changes are compared with.
pub(crate) fn write_breaking_base() -> Result<()> {
    ready()?;
    if !run(&["build", "proto", "--exclude-source-info", "--output", BREAKING_BASE])? {
        bail!("buf could not build proto/");
    }
    Ok(())
}

fn pinned_version() -> Result<String> {
    let package = fs::read_to_string(root().join("package.json")).context("read package.json")?;
    version_of(&package).with_context(|| format!("package.json pins no version of {PACKAGE}"))
}

/// The version in a line like `"@bufbuild/buf": "1.75.0"`, which is all that we need of JSON.
fn version_of(package: &str) -> Option<String> {
    let (_, rest) = package.split_once(&format!("\"{PACKAGE}\""))?;
    rest.split('"').nth(1).map(str::to_owned)
}

fn installed_version() -> Option<String> {
    let output = program(BINARY).arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_version_is_found() {
        let package = "{\n  \"devDependencies\": {\n    \"@bufbuild/buf\": \"1.2.3\"\n  }\n}\n";
        assert_eq!(version_of(package), Some("1.2.3".to_owned()));
        assert_eq!(version_of("{}"), None);
    }
}
