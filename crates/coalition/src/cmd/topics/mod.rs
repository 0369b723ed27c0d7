//! `coalition topics`: what a network needs on its brokers before it runs there.

mod acls;
mod commands;
mod create;
mod grants;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::client::failure::Trouble;
use crate::config::Config;

/// Prepare brokers of Apache Kafka: the topics, and who may do what with them.
///
/// `coalition serve` creates what is missing by itself where its principal may; docs/operating/kafka.md says when to do it
/// beforehand.
#[derive(Subcommand)]
pub(crate) enum Command {
    Create(create::Args),
    Acls(acls::Args),
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Create(args) => create::run(&args),
        Command::Acls(args) => acls::run(&args),
    }
}

/// Which brokers.
#[derive(clap::Args, Debug)]
struct Brokers {
    /// A configuration whose [log] says where the brokers are, and how to log in there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the brokers are, several with commas between, in place of what the configuration says.
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
}

impl Brokers {
    /// The configuration, with brokers in it.
    fn config(&self) -> Result<Config> {
        let mut config = Config::unchecked(self.config.as_deref())?;
        if let Some(kafka) = &self.kafka {
            config.log.kafka.clone_from(kafka);
        }
        if config.log.kafka.trim().is_empty() {
            let what =
                "no brokers: give --kafka HOST:PORT, or a --config FILE whose [log] names them in `kafka`";
            return Err(Trouble::Usage(what.to_owned()).into());
        }
        Ok(config)
    }
}
