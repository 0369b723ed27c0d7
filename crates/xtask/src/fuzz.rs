//! `cargo xtask fuzz TARGET --seconds N`: a fuzz target under libFuzzer, which goes on with what reaches new code.
//!
//! What was found to be worth keeping lies in `target/fuzz/corpus/TARGET` for the next run, an input that fails in
//! `target/fuzz/found`. The instrumentation is stable rustc's; a program of its own folder, since its flags change everything.

use std::env;
use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::command;

/// What libFuzzer is told of new code and of comparisons.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=on";

/// Bounds of one input: its bytes, the memory of all, and the seconds that it may take.
const BOUNDS: [&str; 3] = ["-max_len=4096", "-rss_limit_mb=1024", "-timeout=5"];

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    /// To fuzz a target for so many seconds.
    Run { target: &'a str, seconds: u32 },
    /// To try one input again.
    Again { target: &'a str, file: &'a str },
}

fn asked(arguments: &[String]) -> Result<Asked<'_>> {
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [target] => Ok(Asked::Run { target, seconds: 60 }),
        [target, "--seconds", number] => {
            let seconds = number.parse().with_context(|| format!("read --seconds {number}"))?;
            // To libFuzzer 0 means without an end.
            ensure!(seconds > 0, "--seconds is at least 1");
            Ok(Asked::Run { target, seconds })
        }
        [target, "--input", file] => Ok(Asked::Again { target, file }),
        _ => bail!("usage: cargo xtask fuzz TARGET [--seconds N | --input FILE]"),
    }
}

/// Builds and runs it; whether nothing failed.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let asked = asked(arguments)?;
    let host = host()?;
    let folder = command::target().join("fuzz");
    // With a target named, build scripts and macros are compiled without the flags.
    let built = command::cargo()
        .args(["build", "--package", "coalition-fuzz", "--bin", "guided", "--features", "libfuzzer"])
        .args(["--target", &host, "--target-dir"])
        .arg(&folder)
        .env("RUSTFLAGS", FLAGS)
        .status()
        .context("run cargo")?
        .success();
    if !built {
        return Ok(false);
    }
    let (Asked::Run { target, .. } | Asked::Again { target, .. }) = asked;
    let (corpus, seeds, found) =
        (folder.join("corpus").join(target), folder.join("seeds").join(target), folder.join("found"));
    for folder in [&corpus, &seeds, &found] {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let program = folder.join(host).join("debug/guided");
    let mut command = command::program(&program.display().to_string());
    command.env("COALITION_FUZZ_TARGET", target).args(BOUNDS);
    match asked {
        Asked::Run { seconds, .. } => command
            .env("COALITION_FUZZ_SEEDS", &seeds)
            .arg(format!("-max_total_time={seconds}"))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={}/{target}-", found.display()))
            .args([&corpus, &seeds]),
        Asked::Again { file, .. } => command.arg(env::current_dir().context("see the folder")?.join(file)),
    };
    Ok(command.status().with_context(|| format!("run {}", program.display()))?.success())
}

/// This machine, as rustc calls it.
fn host() -> Result<String> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = command::program(&rustc).arg("-vV").output().context("run rustc")?;
    let said = String::from_utf8(said.stdout).context("read what rustc says")?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_a_target_and_what_to_do() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let read = |text: &str| asked(&words(text)).map(|asked| format!("{asked:?}")).ok();
        assert_eq!(read("config").as_deref(), Some("Run { target: \"config\", seconds: 60 }"));
        assert_eq!(read("config --seconds 5").as_deref(), Some("Run { target: \"config\", seconds: 5 }"));
        assert_eq!(read("config --input a").as_deref(), Some("Again { target: \"config\", file: \"a\" }"));
        assert_eq!(read("config --seconds 0"), None);
        assert_eq!(read("config --seconds x"), None);
        assert_eq!(read("config --jobs 5"), None);
    }
}
