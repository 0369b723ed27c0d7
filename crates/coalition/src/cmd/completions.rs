//! `coalition completions`: what a shell needs to complete the other commands.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap_complete::{Shell, generate};

/// Print what a shell needs to complete commands and their options
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  coalition completions bash > ~/.local/share/bash-completion/completions/coalition
  coalition completions zsh > /usr/local/share/zsh/site-functions/_coalition
  coalition completions fish > ~/.config/fish/completions/coalition.fish

For this shell alone:
  source <(coalition completions bash)")]
pub(crate) struct Args {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    generate(args.shell, &mut command, "coalition", &mut script);
    std::io::stdout().write_all(&script).context("print")?;
    Ok(ExitCode::SUCCESS)
}
