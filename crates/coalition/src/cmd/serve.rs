//! `coalition serve`: the network in this process, until it is told to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::signal;
use tokio::signal::unix::{SignalKind, signal as unix_signal};
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::node::{OPERATOR_KEY, Running};

/// Run the network in this process, on an embedded log in a folder.
///
/// The folder is made when it is not there, with the operator's first key in `operator.key`. One process at a time uses
/// it. Stops on Ctrl-C or SIGTERM, after what is under way; killed at any moment, it goes on from its journal.
///
/// Example: coalition serve --data /var/lib/coalition --config coalition.toml
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where everything is kept.
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
    let mut config = Config::read(args.config.as_deref())?;
    if let Some(listen) = args.listen {
        config.gateway.listen = listen;
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(&args.data, &config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(data: &std::path::Path, config: &Config) -> Result<()> {
    let network = Running::start(data, config).await?;
    println!("listening on http://{}", network.address);
    eprintln!("the operator's key is in {}", data.join(OPERATOR_KEY).display());
    tokio::select! {
        stopped = signal::ctrl_c() => stopped.context("wait for Ctrl-C")?,
        () = terminated() => {}
    }
    eprintln!("stopping");
    network.stop().await
}

/// Waits for SIGTERM.
pub(crate) async fn terminated() {
    match unix_signal(SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        // Without a handler the signal ends the process as it always did.
        Err(_) => std::future::pending().await,
    }
}

/// Log lines go to standard error: standard output is for results.
pub(crate) fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
}
