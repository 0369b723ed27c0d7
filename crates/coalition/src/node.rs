//! The whole network in this process: embedded log, ledger, intake, gateway.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::{Rejection, RequestId};
use coalition_gateway::auth::{NewKey, Secret};
use coalition_gateway::tls::Tls;
use coalition_intake::{Intake, Returner};
use coalition_journal::entry::{NetworkId, ShardId};
use coalition_journal::log::Log;
use coalition_ledger::runtime::{Ledger, Membership, Node, Returns, Taking};
use coalition_store::{Folder, Store};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::failure::Trouble;
use crate::config::Config;
use crate::folder::{Held, Network, OPERATOR_KEY, Place, Purpose, write_durably};
use crate::log;
use crate::observe::Observer;
use crate::office;
use crate::stop::Stop;

/// Connections that wait to be taken.
const BACKLOG: u32 = 1_024;

/// The running parts.
pub(crate) struct Running {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) ledger: Ledger,
    pub(crate) intake: Intake,
    /// Where the gateway listens.
    pub(crate) address: SocketAddr,
    /// With what certificate, if it speaks TLS.
    pub(crate) tls: Option<Tls>,
    node: Node,
    gateway: JoinHandle<Result<(), coalition_gateway::Error>>,
    gateway_ended: watch::Receiver<()>,
    stop_gateway: oneshot::Sender<()>,
    pub(crate) observer: Observer,
    /// Let go when all the others have ended.
    _held: Held,
}

impl Running {
    /// Starts everything in the folder `data`, and sets a new network up. None if it was told to stop before that was done.
    pub(crate) async fn start(
        data: &Path,
        config: &Config,
        purpose: Purpose,
        stop: &mut Stop,
    ) -> Result<Option<Self>> {
        // What can be refused is refused before anything is written.
        let gateway = config.gateway.settings()?;
        let tls = gateway.tls.clone();
        let place = config.log.place();
        Network::look(data, purpose, place)?;
        let socket = bind(config.gateway.listen)?;
        let observer = Observer::start(&config.observe).await?;
        let held = Held::take(data)?;
        let open = || observer.log(log::open(data, &config.log)?);
        // A log in the folder is made after what says whose it is; one on brokers says it itself.
        let shards = config.network.shards;
        let (network, log) = match place {
            Place::Embedded => (Network::open(&held, shards, purpose, place, None)?, open()?),
            Place::Kafka => {
                let log = open()?;
                (Network::open(&held, shards, purpose, place, log::genesis(&*log)?)?, log)
            }
        };
        if network.shards != config.network.shards {
            return Err(anyhow!(
                "the network in {} has {} shards, fixed when it was made; the configuration says {}",
                data.display(),
                network.shards,
                config.network.shards
            ));
        }
        log::prepare(&*log, network.shards)?;
        let store = |shard: ShardId| -> Box<dyn Store> {
            Box::new(Folder::new(Network::store(data, shard), config.store.settings(network.shards)))
        };
        let returns: Arc<dyn Returns> = Arc::new(Returner::start(Arc::clone(&log))?);
        let settings = config.ledger.settings(network.shards);
        let membership = Membership::start(&log, settings.shards, Taking::Alone)?;
        let node = Node::start(&log, NetworkId(network.id), store, &returns, &settings, &membership)?;
        let ledger = node.ledger();
        observer.ledger(&ledger, &log)?;
        let ready = async {
            office::taken(&log, &ledger, settings.limits.clock_skew_max).await?;
            set_up(data, &ledger, config).await
        };
        let ready = tokio::select! {
            ready = ready => ready.map(|()| true),
            () = stop.told() => Ok(false),
        };
        let serving = ready.and_then(|ready| Ok(if ready { Some(listen(socket)?) } else { None }));
        let (listener, address) = match serving {
            Ok(Some(listening)) => listening,
            other => {
                tokio::task::spawn_blocking(|| node.stop()).await?;
                return other.map(|_| None);
            }
        };
        let intake = Intake::start(Arc::clone(&log), ledger.clone(), config.intake.settings())?;
        observer.intake(&intake)?;
        let (stop_gateway, stopped) = oneshot::channel::<()>();
        let serving = coalition_gateway::serve(
            listener,
            ledger.clone(),
            Arc::clone(&log),
            coalition_gateway::Settings { metrics: observer.gateway(), ..gateway },
            async { drop(stopped.await) },
        );
        let listening = observer.listening();
        let (tell_end, gateway_ended) = watch::channel(());
        let gateway = tokio::spawn(async move {
            let served = serving.await;
            drop((listening, tell_end));
            served
        });
        Ok(Some(Self {
            log,
            ledger,
            intake,
            address,
            tls,
            node,
            gateway,
            gateway_ended,
            stop_gateway,
            observer,
            _held: held,
        }))
    }

    /// Waits until the gateway has ended, though nobody told it to.
    pub(crate) async fn gateway_ended(&self) {
        // An error is the end of the task that holds the sender.
        drop(self.gateway_ended.clone().changed().await);
    }

    /// Ends everything in order: no new requests, no new events, then the last checkpoints.
    pub(crate) async fn stop(self) -> Result<()> {
        // A gateway that has ended by itself says so below.
        self.observer.ending();
        let by_itself = self.stop_gateway.send(()).is_err();
        let served = self.gateway.await;
        let (intake, node) = (self.intake, self.node);
        tokio::task::spawn_blocking(move || {
            intake.stop();
            node.stop();
        })
        .await?;
        served??;
        ensure!(!by_itself, "the gateway ended by itself");
        Ok(())
    }
}

/// Takes the address, at which nobody is heard before [`listen`].
fn bind(address: SocketAddr) -> Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let bound = socket.and_then(|socket| {
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    });
    bound.map_err(|error| {
        let advice = if error.kind() == ErrorKind::AddrInUse {
            "choose another address with --listen, or stop what listens there"
        } else {
            "choose an address of this machine with --listen"
        };
        Trouble::advised(format!("listen on {address}: {error}"), advice).into()
    })
}

fn listen(socket: TcpSocket) -> Result<(TcpListener, SocketAddr)> {
    let listener = socket.listen(BACKLOG).context("listen for connections")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The first words of a network: its settings and its operator's key, whose secret stays in the folder. A network that has
/// settings keeps them.
async fn set_up(data: &Path, ledger: &Ledger, config: &Config) -> Result<()> {
    if let Some(registry) = ledger.registry().filter(|registry| registry.is_set_up()) {
        let unchanged = config.network.check_unchanged(&registry);
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
    let change = RegistryChange::SetUpWhole {
        settings: config.network.settings(),
        consent_wait: config.network.consent_wait(),
        adjustment_limit: config.network.adjustment_limit()?,
        key,
        secret_hash: secret.hash(),
    };
    let command = RegistryCommand { caller: None, request: RequestId::new(Uuid::now_v7())?, change };
    match ledger.change(command).await.map_err(office::unavailable)?.decision.outcome {
        Ok(_) | Err(Rejection::AlreadyExists(_)) => Ok(()),
        Err(rejection) => Err(anyhow!("set the network up: {rejection}")),
    }
}
