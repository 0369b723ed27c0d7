//! `coalition demo`: the whole network on a real purchase log, through the path that every partner's events take.

mod already;
mod arrange;
mod events;
mod outcome;
mod purchases;
mod replay;
mod show;
mod turns;
mod wire;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::client::{json, note, offer};
use crate::config::Config;
use crate::folder::{OPERATOR_KEY, Purpose};
use crate::node::Running;
use crate::stop::Stop;

/// Run the whole network on a real purchase log, and show what came of it.
///
/// Starts the network in this process, registers a programme and its partners, and replays the purchase log of the music
/// shop CDNOW (69,659 purchases of 23,570 customers, 1997 and 1998) through the partners' topics. Then shows a member's
/// balance, a redemption at another partner, points that are held and burnt in part, a return with the debt that it
/// leaves, the link of a card, and what each partner owes. The gateway stays up until Ctrl-C, with commands to try on it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Keep the network in this folder, or go on with the demo's that is there; without it, a folder that is removed at
    /// the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End when everything is shown.
    #[arg(long)]
    exit: bool,
    /// Print the result as one JSON document on standard output, and nothing else there.
    #[arg(long)]
    json: bool,
    /// Where the gateway listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7300")]
    listen: std::net::SocketAddr,
    /// Run on these brokers of Apache Kafka instead of a log of its own; deploy/kafka starts some.
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// How many copies of each record the brokers keep: 1 where there is one broker.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "kafka")]
    replication_factor: u16,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    crate::observe::logs::start("warn", crate::observe::logs::LogFormat::Text)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(demo(args))
}

async fn demo(args: Args) -> Result<ExitCode> {
    let config = config(&args);
    config.check()?;
    let mut stop = Stop::listen()?;
    let temporary = match &args.data {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("coalition-demo-")
                .tempdir()
                .context("make a folder for the demo")?,
        ),
    };
    let data = match (&args.data, &temporary) {
        (Some(data), _) => data.as_path(),
        (None, Some(folder)) => folder.path(),
        (None, None) => unreachable!("one or the other"),
    };
    let Some(network) = Running::start(data, &config, Purpose::Demo, &mut stop).await? else {
        return Ok(interrupted());
    };
    let done = play(&args, data, &network, &mut stop).await;
    let stopped = network.stop().await;
    let code = done?;
    stopped?;
    Ok(code)
}

/// The demo on a network that is up, until it is over or told to stop.
async fn play(args: &Args, data: &Path, network: &Running, stop: &mut Stop) -> Result<ExitCode> {
    let read = tokio::select! {
        shown = show_it(args, data, network) => shown?,
        () = stop.told() => return Ok(interrupted()),
        // Its stop says why.
        () = network.gateway_ended() => return Ok(ExitCode::FAILURE),
    };
    if args.exit || !read {
        return Ok(ExitCode::SUCCESS);
    }
    tokio::select! {
        () = stop.told() => {}
        () = network.gateway_ended() => {}
    }
    note("\nstopping");
    Ok(ExitCode::SUCCESS)
}

fn interrupted() -> ExitCode {
    note("\nstopped before everything was replayed");
    ExitCode::FAILURE
}

/// Replays and shows the result; false if nobody reads it.
async fn show_it(args: &Args, data: &Path, network: &Running) -> Result<bool> {
    let purchases = purchases::read()?;
    let operator = std::fs::read_to_string(data.join(OPERATOR_KEY)).context("read the operator's key")?;
    let wire = wire::Wire::connect(network.address()?).await?;
    let keys = arrange::arrange(&wire, operator.trim(), data).await?;
    let replayed = replay::replay(&wire, &keys, network, &purchases).await?;
    let turns = turns::play(&wire, &keys).await.context("hold, return and repay")?;
    let outcome = outcome::gather(&wire, &keys, network, &purchases, &replayed, turns).await?;
    outcome.check()?;
    if args.json {
        return offer(&json::document(&outcome.json())?);
    }
    let mut text = show::text(&outcome);
    if !args.exit {
        text.push_str(&show::things_to_try(&network.address()?.to_string(), data));
    }
    offer(&text)
}

fn config(args: &Args) -> Config {
    let mut config = Config::default();
    config.gateway.listen = args.listen;
    // Nobody watches a demo, and another network may have the port.
    config.observe.listen = None;
    // The log is of 1997: as old as any network may accept.
    config.network.max_event_age_days = Some(36_500);
    // Two years of events come at once.
    config.intake.partner_events_per_second = 0;
    config.log.kafka = args.kafka.clone().unwrap_or_default();
    config.log.replication_factor = args.replication_factor;
    config.log.min_insync_replicas = args.replication_factor.div_ceil(2);
    config
}

/// How long to wait while nothing goes on, as it does when brokers have lost one of them.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
