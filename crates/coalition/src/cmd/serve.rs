//! `coalition serve`: the network in this process, until it is told to stop.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use tracing_subscriber::EnvFilter;

use crate::client::{note, offer};
use crate::config::Config;
use crate::folder::{OPERATOR_KEY, Purpose};
use crate::node::Running;
use crate::stop::Stop;

/// Run the network in this process, on an embedded log in a folder.
///
/// The folder is made when it is not there, with the operator's first key in `operator.key`. One process at a time uses
/// it. Stops on Ctrl-C or SIGTERM, after what is under way; killed at any moment, it goes on from its journal.
///
/// Example: coalition serve --data /var/lib/coalition --config coalition.toml
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where everything is kept: the folder of a network, or a new or empty one.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The configuration; without it every key has its default (deploy/coalition.toml).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the gateway listens, in place of the configuration's address; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
    /// How log lines look; what is logged is said by RUST_LOG.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    log_to_stderr(args.log_format);
    let config = Config::read(args.config.as_deref(), args.listen)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(&args.data, &config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(data: &Path, config: &Config) -> Result<()> {
    let mut stop = Stop::listen()?;
    let Some(network) = Running::start(data, config, Purpose::Serve, &mut stop).await? else {
        note("stopped before the network was ready");
        return Ok(());
    };
    // That nobody can read it is no reason not to serve.
    drop(offer(&format!("listening on http://{}\n", network.address)));
    let key = data.join(OPERATOR_KEY);
    if key.exists() {
        note(&format!("the operator's key is in {}", key.display()));
    } else {
        note(&format!(
            "the operator's first key is no longer in {}; use the one that you keep",
            key.display()
        ));
    }
    tokio::select! {
        () = stop.told() => {}
        () = network.gateway_ended() => {}
    }
    note("stopping");
    network.stop().await
}

/// Log lines go to standard error: standard output is for results.
pub(crate) fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // A log that can't be written, on a full disk or to nobody, must not bring down what it tells of.
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false);
    match format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
}
