//! `coalition serve`: the network in this process, until it is told to stop.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};

use crate::client::{note, offer};
use crate::config::peers::{Role, roles};
use crate::config::{Config, Given};
use crate::folder::{OPERATOR_KEY, Purpose};
use crate::node::Running;
use crate::observe;
use crate::observe::logs::{self, LogFormat};
use crate::renew::Renewals;
use crate::stop::Stop;

/// Run the network in this process, on an embedded log in a folder or on Apache Kafka.
///
/// Its log lies in the folder, or on the brokers that the configuration names as `kafka` in its section [log]
/// (docs/operating/kafka.md); where it is stays as it was at the first start.
///
/// The folder is made when it is not there, with the operator's first key in `operator.key`. One process at a time uses
/// it. Stops on Ctrl-C or SIGTERM, after what is under way; killed at any moment, it goes on from its journal. SIGHUP makes it
/// read the certificate of its gateway again.
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
    /// What this process does, in place of what the configuration says: intake, ledger, gateway, with commas between. Other
    /// processes of the network do the rest (docs/operating/processes.md).
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ROLES")]
    roles: Option<Vec<Role>>,
    /// Where metrics, liveness and readiness are served, in place of the configuration's address; `off` for nowhere.
    #[arg(long, value_name = "ADDRESS")]
    observe: Option<String>,
    /// How log lines look, in place of what the configuration says; what is logged is said by RUST_LOG.
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let mut config = Config::read(args.config.as_deref(), Given { listen: args.listen, roles: args.roles })?;
    if let Some(text) = &args.observe {
        config.observe.listen = observe::listen(text).map_err(|why| anyhow!("--observe \"{text}\" {why}"))?;
    }
    logs::start(&config.observe.log, args.log_format.unwrap_or(config.observe.log_format))?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(&args.data, &config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(data: &Path, config: &Config) -> Result<()> {
    let mut stop = Stop::listen()?;
    let certified = roles(&config.roles).gateway && config.gateway.tls_cert.is_some();
    let mut renewals = Renewals::listen(certified)?;
    let Some(network) = Running::start(data, config, Purpose::Serve, &mut stop).await? else {
        note("stopped before the network was ready");
        return Ok(());
    };
    // That nobody can read it is no reason not to serve.
    let tls = network.gateway.as_ref().and_then(|gateway| gateway.tls.clone());
    match &network.gateway {
        Some(gateway) => {
            let scheme = if tls.is_some() { "https" } else { "http" };
            drop(offer(&format!("listening on {scheme}://{}\n", gateway.address)));
        }
        None => drop(offer("running\n")),
    }
    if let Some(address) = network.observer.address {
        note(&format!("metrics, liveness and readiness are at http://{address}"));
    }
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
        () = renewals.follow(tls.as_ref()) => {}
    }
    note("stopping");
    network.stop().await
}
