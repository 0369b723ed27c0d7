//! The whole network in this process: embedded log, ledger, intake, gateway.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::{Registry, Rejection, RequestId};
use coalition_gateway::auth::{NewKey, Secret};
use coalition_gateway::tls::Tls;
use coalition_intake::{Intake, Returner};
use coalition_journal::entry::{NetworkId, ShardId};
use coalition_journal::log::Log;
use coalition_ledger::runtime::{Ledger, Membership, Node, Returns, Unavailable};
use coalition_store::{Folder, Store};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::failure::Trouble;
use crate::client::note;
use crate::config::Config;
use crate::config::peers::roles;
use crate::folder::{Held, Network, OPERATOR_KEY, Place, Purpose, write_durably};
use crate::log;
use crate::observe::Observer;
use crate::office;
use crate::peers::{Answering, Peers};
use crate::stop::Stop;

/// How long the first words of a network are repeated while its shards move.
const SET_UP_MAX: Duration = Duration::from_secs(60);
/// Between two tries.
const SET_UP_PAUSE: Duration = Duration::from_millis(50);

/// Connections that wait to be taken.
const BACKLOG: u32 = 1_024;

/// The running parts.
pub(crate) struct Running {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) ledger: Ledger,
    /// If this process has one.
    pub(crate) gateway: Option<Serving>,
    parts: Parts,
    pub(crate) observer: Observer,
    /// The ways to others' shards, which end with it.
    _peers: Peers,
    /// Let go when all the others have ended.
    _held: Held,
}

/// A gateway that serves.
pub(crate) struct Serving {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// With what certificate, if it speaks TLS.
    pub(crate) tls: Option<Tls>,
    task: JoinHandle<Result<(), coalition_gateway::Error>>,
    ended: watch::Receiver<()>,
    stop: oneshot::Sender<()>,
}

impl Serving {
    fn start(
        (listener, address): (TcpListener, SocketAddr),
        settings: coalition_gateway::Settings,
        ledger: &Ledger,
        log: &Arc<dyn Log>,
        observer: &Observer,
    ) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let tls = settings.tls.clone();
        let settings = coalition_gateway::Settings { metrics: observer.gateway(), ..settings };
        let shutdown = async { drop(stopped.await) };
        let serving = coalition_gateway::serve(listener, ledger.clone(), Arc::clone(log), settings, shutdown);
        let listening = observer.listening();
        let (tell_end, ended) = watch::channel(());
        let task = tokio::spawn(async move {
            let served = serving.await;
            drop((listening, tell_end));
            served
        });
        Self { address, tls, task, ended, stop }
    }

    /// Waits until it has ended, though nobody told it to.
    async fn ended(&self) {
        // An error is the end of the task that holds the sender.
        drop(self.ended.clone().changed().await);
    }

    async fn stop(self) -> Result<()> {
        // A gateway that has ended by itself says so below.
        let by_itself = self.stop.send(()).is_err();
        self.task.await??;
        ensure!(!by_itself, "the gateway ended by itself");
        Ok(())
    }
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
        let roles = roles(&config.roles);
        let settings = if roles.gateway { Some(gateway(config)?) } else { None };
        let place = config.log.place();
        Network::look(data, purpose, place)?;
        let socket = if roles.gateway { Some(bind(config.gateway.listen)?) } else { None };
        let observer = Observer::start(&config.observe, roles.gateway, config.peers.unowned_max()).await?;
        let held = Held::take(data)?;
        let open = || observer.log(log::open(data, &config.log)?);
        // A log in the folder is made after what says whose it is; one on brokers says it itself.
        let shards = config.network.shards;
        let (network, log) = match place {
            Place::Embedded => (Network::open(&held, shards, purpose, place, None, Uuid::new_v4())?, open()?),
            Place::Kafka => {
                let log = open()?;
                let found = log::genesis(&*log)?;
                if found.is_none() {
                    log::prepare(&*log, shards)?;
                }
                let fresh = log::network(&*log)?;
                (Network::open(&held, shards, purpose, place, found, fresh)?, log)
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
        let mut peers = tokio::select! {
            peers = Peers::join(data, config, &log, network.shards) => peers?,
            () = stop.told() => return Ok(None),
        };
        let membership = Arc::clone(&peers.membership);
        observer.group(&membership);
        let limits = config.ledger.settings(network.shards);
        let node = if roles.ledger {
            let store = |shard: ShardId| -> Box<dyn Store> {
                Box::new(Folder::new(Network::store(data, shard), config.store.settings(network.shards)))
            };
            let returns: Arc<dyn Returns> = Arc::new(Returner::start(Arc::clone(&log))?);
            Some(Node::start(&log, NetworkId(network.id), store, &returns, &limits, &membership)?)
        } else {
            None
        };
        let ledger = peers.ledger(node.as_ref().map(Node::ledger))?;
        let answering = peers.answer(&ledger);
        observer.ledger(&ledger, &log)?;
        // Before it waits for the shards: those that others run may be long in coming, and its part of intake is its own already.
        let intake = if roles.intake {
            let settings = config.intake.settings(peers.share());
            let intake = Intake::start(Arc::clone(&log), ledger.clone(), settings)?;
            observer.intake(&intake)?;
            Some(intake)
        } else {
            None
        };
        let ready = async {
            let apart = config.peers.listen.map(|_| config.peers.unowned_max());
            office::taken(&log, &ledger, limits.limits.clock_skew_max, apart).await?;
            set_up(data, &ledger, config).await
        };
        let ready = tokio::select! {
            ready = ready => ready.map(|()| true),
            () = stop.told() => Ok(false),
        };
        let listening = ready.and_then(|ready| match socket {
            Some(socket) if ready => Ok((true, Some(listen(socket)?))),
            Some(_) | None => Ok((ready, None)),
        });
        let listening = match listening {
            Ok((true, listening)) => listening,
            other => {
                // What it was given meanwhile, others can have at once.
                let leaving = Arc::clone(&membership);
                tokio::task::spawn_blocking(move || leaving.leave()).await?;
                let parts = Parts { membership, intake, node, answering };
                parts.stop().await?;
                return other.map(|_| None);
            }
        };
        let gateway = listening
            .zip(settings)
            .map(|(listening, settings)| Serving::start(listening, settings, &ledger, &log, &observer));
        let parts = Parts { membership, intake, node, answering };
        Ok(Some(Self { log, ledger, gateway, parts, observer, _peers: peers, _held: held }))
    }

    /// Waits until the gateway has ended, though nobody told it to; for ever where there is none.
    pub(crate) async fn gateway_ended(&self) {
        match &self.gateway {
            Some(gateway) => gateway.ended().await,
            None => std::future::pending().await,
        }
    }

    /// The gateway of a process that has all roles.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        self.gateway.as_ref().map(|gateway| gateway.address).context("this process has no gateway")
    }

    /// Ends everything in order: others take over what this process runs; no new requests, no new events, then the last
    /// checkpoints.
    pub(crate) async fn stop(self) -> Result<()> {
        // First: who sends callers here has the time that others take to hear of it.
        self.observer.ending();
        let membership = Arc::clone(&self.parts.membership);
        tokio::task::spawn_blocking(move || membership.leave()).await?;
        let served = match self.gateway {
            Some(gateway) => gateway.stop().await,
            None => Ok(()),
        };
        self.parts.stop().await?;
        served
    }
}

/// What runs behind the gateway.
struct Parts {
    membership: Arc<Membership>,
    intake: Option<Intake>,
    node: Option<Node>,
    answering: Option<Answering>,
}

impl Parts {
    async fn stop(self) -> Result<()> {
        let Self { membership, intake, node, answering } = self;
        tokio::task::spawn_blocking(move || {
            intake.into_iter().for_each(Intake::stop);
            node.into_iter().for_each(Node::stop);
            drop(membership);
        })
        .await?;
        // To the end: who asks hears that the shards are elsewhere.
        if let Some(answering) = answering {
            answering.stop().await;
        }
        Ok(())
    }
}

fn gateway(config: &Config) -> Result<coalition_gateway::Settings> {
    Ok(coalition_gateway::Settings {
        unowned_max: config.peers.unowned_max(),
        partner_quota: config.intake.quota(),
        ..config.gateway.settings()?
    })
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
        forget_unknown(&data.join(OPERATOR_KEY), &registry)?;
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
    let began = Instant::now();
    let reply = loop {
        // It is answered when every shard has it, and one of them may be nobody's.
        let changed = tokio::time::timeout(SET_UP_MAX, ledger.change(command.clone())).await;
        match changed.unwrap_or(Err(Unavailable::OutcomeUnknown)) {
            Ok(reply) => break reply,
            Err(_) if ledger.registry().is_some_and(|registry| registry.is_set_up()) => {
                return ledger.registry().map_or(Ok(()), |registry| forget_unknown(&path, &registry));
            }
            // The shard goes to another process at this moment; the same request takes effect once.
            Err(
                Unavailable::NotOwner(_)
                | Unavailable::NotApplied
                | Unavailable::OutcomeUnknown
                | Unavailable::Rebuilding(_)
                | Unavailable::Overloaded(_),
            ) if began.elapsed() < SET_UP_MAX => tokio::time::sleep(SET_UP_PAUSE).await,
            Err(why) => return Err(office::unavailable(why)),
        }
    };
    match reply.decision.outcome {
        Ok(_) => Ok(()),
        // Another process was first, with a key of its own.
        Err(Rejection::AlreadyExists(_)) => match ledger.registry() {
            Some(registry) => forget_unknown(&path, &registry),
            None => Ok(()),
        },
        Err(rejection) => Err(anyhow!("set the network up: {rejection}")),
    }
}

/// Removes a key that the network doesn't know: of a start that was not the first, though it looked so.
fn forget_unknown(path: &Path, registry: &Registry) -> Result<()> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(()) };
    match Secret::parse(text.trim()) {
        Some((key, _)) if registry.key(&key).is_none() => {
            note(&format!("the key in {} is none of this network's; it is removed", path.display()));
            std::fs::remove_file(path).with_context(|| format!("remove {}", path.display()))
        }
        Some(_) | None => Ok(()),
    }
}
