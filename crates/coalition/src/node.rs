//! The whole network in this process: embedded log, ledger, intake, gateway.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::{Rejection, RequestId};
use coalition_gateway::auth::{NewKey, Secret};
use coalition_intake::{Intake, Returner};
use coalition_journal::embedded::Embedded;
use coalition_journal::entry::{NetworkId, ShardId};
use coalition_journal::log::Log;
use coalition_ledger::runtime::{Ledger, Node, Returns};
use coalition_store::{Folder, Store};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::config::Config;

/// Where the operator's first key lies, for whoever may read the data folder.
pub(crate) const OPERATOR_KEY: &str = "operator.key";

/// What a network is for its life; written once, when its folder is made.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// Drawn when the folder was made.
    pub(crate) id: Uuid,
    /// Accounts are placed by it.
    pub(crate) shards: u32,
}

impl Network {
    /// The network of a folder; a folder without one gets one.
    pub(crate) fn open(data: &Path, shards: u32) -> Result<Self> {
        std::fs::create_dir_all(data).with_context(|| format!("make the data folder {}", data.display()))?;
        let path = data.join("network.toml");
        if !path.exists() {
            let network = Self { id: Uuid::new_v4(), shards };
            write_durably(&path, toml::to_string(&network)?.as_bytes(), 0o644)?;
        }
        Self::read(data)
    }

    /// The network of a folder that has one.
    pub(crate) fn read(data: &Path) -> Result<Self> {
        let path = data.join("network.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("read {}; is {} a data folder?", path.display(), data.display()))?;
        toml::from_str(&text).with_context(|| format!("read {}", path.display()))
    }

    /// Where the projection of a shard lies.
    pub(crate) fn store(data: &Path, shard: ShardId) -> PathBuf {
        data.join("store").join(shard.to_string())
    }

    /// Whether the folder of a network holds nothing of it but what it is.
    pub(crate) fn never_ran(data: &Path) -> bool {
        !Self::log(data).exists() && !data.join("store").exists()
    }

    /// Where the log lies.
    pub(crate) fn log(data: &Path) -> PathBuf {
        data.join("log")
    }
}

/// The running parts.
pub(crate) struct Running {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) ledger: Ledger,
    pub(crate) intake: Intake,
    /// Where the gateway listens.
    pub(crate) address: SocketAddr,
    node: Node,
    gateway: JoinHandle<Result<(), coalition_gateway::Error>>,
    stop_gateway: oneshot::Sender<()>,
}

impl Running {
    /// Starts everything in the folder `data`, and sets a new network up.
    pub(crate) async fn start(data: &Path, config: &Config) -> Result<Self> {
        let network = Network::open(data, config.network.shards)?;
        if network.shards != config.network.shards {
            return Err(anyhow!(
                "the network in {} has {} shards, fixed when it was made; the configuration says {}",
                data.display(),
                network.shards,
                config.network.shards
            ));
        }
        let log: Arc<dyn Log> = Arc::new(Embedded::open(&Network::log(data), config.log.settings())?);
        let store = |shard: ShardId| -> Box<dyn Store> {
            Box::new(Folder::new(Network::store(data, shard), config.store.settings(network.shards)))
        };
        let returns: Arc<dyn Returns> = Arc::new(Returner::start(Arc::clone(&log))?);
        let node = Node::start(
            &log,
            NetworkId(network.id),
            store,
            &returns,
            &config.ledger.settings(network.shards),
        )?;
        let ledger = node.ledger();
        for shard in (0..network.shards).map(ShardId) {
            ledger.wait(shard, |status| status.in_office).await?;
        }
        set_up(data, &ledger, config).await?;
        let intake = Intake::start(Arc::clone(&log), ledger.clone(), config.intake.settings())?;
        let listener = TcpListener::bind(config.gateway.listen)
            .await
            .with_context(|| format!("listen on {}", config.gateway.listen))?;
        let address = listener.local_addr()?;
        let (stop_gateway, stopped) = oneshot::channel::<()>();
        let serving = coalition_gateway::serve(
            listener,
            ledger.clone(),
            Arc::clone(&log),
            config.gateway.settings(),
            async { drop(stopped.await) },
        );
        Ok(Self { log, ledger, intake, address, node, gateway: tokio::spawn(serving), stop_gateway })
    }

    /// Ends everything in order: no new requests, no new events, then the last checkpoints.
    pub(crate) async fn stop(self) -> Result<()> {
        // A gateway that has ended by itself says so below.
        let _ = self.stop_gateway.send(());
        self.gateway.await??;
        let (intake, node) = (self.intake, self.node);
        tokio::task::spawn_blocking(move || {
            intake.stop();
            node.stop();
        })
        .await?;
        Ok(())
    }
}

/// The first words of a network: its settings and its operator's key, whose secret stays in the folder. A network that has
/// settings keeps them.
async fn set_up(data: &Path, ledger: &Ledger, config: &Config) -> Result<()> {
    if let Some(registry) = ledger.registry().filter(|registry| registry.is_set_up()) {
        let unchanged = config.network.check_unchanged(&registry.settings());
        return unchanged.with_context(|| format!("start the network in {}", data.display()));
    }
    let path = data.join(OPERATOR_KEY);
    // The secret is on disk before the network knows its hash: a crash between leaves a key that still fits.
    if !path.exists() {
        let key = NewKey::draw().context("draw the operator's key")?;
        write_durably(&path, format!("{}\n", key.secret.reveal()).as_bytes(), 0o600)?;
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let (key, secret) = Secret::parse(text.trim())
        .ok_or_else(|| anyhow!("{} holds no key; remove it to have one made", path.display()))?;
    let change =
        RegistryChange::SetUp { settings: config.network.settings(), key, secret_hash: secret.hash() };
    let command = RegistryCommand { caller: None, request: RequestId::new(Uuid::now_v7())?, change };
    match ledger.change(command).await?.decision.outcome {
        Ok(_) | Err(Rejection::AlreadyExists(_)) => Ok(()),
        Err(rejection) => Err(anyhow!("set the network up: {rejection}")),
    }
}

/// Writes a small file that is there whole, or not at all, whenever the machine stops.
pub(crate) fn write_durably(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let doing = || format!("write {}", path.display());
    let new = path.with_extension("new");
    let options = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).clone();
    let mut file = options.open(&new).with_context(doing)?;
    file.write_all(bytes).with_context(doing)?;
    file.sync_all().with_context(doing)?;
    std::fs::rename(&new, path).with_context(doing)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(doing)
}
