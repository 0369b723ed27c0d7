//! A network for tests: two shards in one process, with intake, and a gateway that reaches them as another process would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings as NetworkSettings;
use coalition_domain::waiting::CONSENT_WAIT;
use coalition_domain::{RequestId, Span, Timestamp};
use coalition_gateway::auth::NewKey;
use coalition_gateway::{Error, Settings};
use coalition_intake::{Intake, Returner};
use coalition_journal::entry::{NetworkId, ShardId};
use coalition_ledger::runtime::{self, Ledger, Membership, Node, Returns, Taking};
use coalition_ledger::wire::VERSIONS;
use coalition_peer::{Listening, Owner, Secret, Trust, Ways};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::Client;
use crate::faulty::{Faulty, port};

/// What the network's programme says: 150 points for joining, 10 for each e-mail, 1 for each whole dollar, 20 for a survey
/// with consent.
pub(crate) const DOCUMENT: &str = include_str!("../../testdata/miles.toml");

/// A running network with its gateway.
pub(crate) struct Network {
    pub(crate) log: Arc<Faulty>,
    pub(crate) ledger: Ledger,
    pub(crate) address: SocketAddr,
    /// The operator's key.
    pub(crate) operator: String,
    node: Option<Node>,
    _intake: Intake,
    end: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<Result<(), Error>>>,
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

impl Network {
    /// Starts a network that knows its settings and its operator's key, and nothing else.
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        Self::start_waiting(settings, CONSENT_WAIT).await
    }

    async fn start_waiting(settings: Settings, consent_wait: Span) -> Self {
        let log = Arc::new(Faulty::new());
        log.memory.set_now(now());
        let mut network = Self::over(log, settings).await;
        let operator = NewKey::draw().unwrap();
        let set_up = RegistryCommand {
            caller: None,
            request: RequestId::new(Uuid::now_v7()).unwrap(),
            change: RegistryChange::SetUpWaiting {
                consent_wait,
                settings: NetworkSettings {
                    max_event_age: Span::from_days(36_500),
                    max_request_age: Span::from_days(1),
                },
                key: operator.id,
                secret_hash: operator.secret.hash(),
            },
        };
        network.ledger.change(set_up).await.unwrap().decision.outcome.unwrap();
        network.operator = operator.secret.reveal().to_owned();
        network
    }

    /// The network whose topics are in `log`, with empty stores.
    async fn over(log: Arc<Faulty>, settings: Settings) -> Self {
        let port = port(&log);
        let shards = runtime::Settings { shards: 2, ..runtime::Settings::default() };
        let store = |_| Box::new(coalition_store::Memory::new()) as Box<dyn coalition_store::Store>;
        let returns: Arc<dyn Returns> = Arc::new(Returner::start(Arc::clone(&port)).unwrap());
        let alone = Membership::start(&port, shards.shards, Taking::Alone).unwrap();
        let network = NetworkId(Uuid::from_u128(1));
        let node = Node::start(&port, network, store, &returns, &shards, &alone).unwrap();
        let ledger = node.ledger();
        ledger.wait(coalition_ledger::shard::relay::HOME, |status| status.in_office).await.unwrap();
        let intake =
            Intake::start(port.clone(), ledger.clone(), coalition_intake::Settings::default()).unwrap();

        let (peers, ways) = distant(&ledger).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let shutdown = async move { drop(ended.await) };
        let others = Ledger::of_others(ways.distant());
        for shard in (0..others.shards()).map(ShardId) {
            others.wait(shard, |status| status.in_office).await.unwrap();
        }
        let serving = coalition_gateway::serve(listener, others, port, settings, shutdown);
        let serving = async move {
            let served = serving.await;
            drop((ways, peers));
            served
        };
        Self {
            log,
            ledger,
            address,
            operator: String::new(),
            node: Some(node),
            _intake: intake,
            end: Some(end),
            serving: Some(tokio::spawn(serving)),
        }
    }

    /// The same journal under new shards, whose stores are empty, and a new gateway.
    pub(crate) async fn rebuilt(mut self) -> Self {
        self.shut_down().await.unwrap();
        self.stop_shards();
        let mut anew = Self::over(Arc::clone(&self.log), Settings::default()).await;
        anew.operator.clone_from(&self.operator);
        anew
    }

    /// Tells the gateway to end and waits until it has.
    pub(crate) async fn shut_down(&mut self) -> Result<(), Error> {
        drop(self.end.take());
        let serving = self.serving.take().unwrap();
        tokio::time::timeout(Duration::from_secs(30), serving).await.expect("ends in time").unwrap()
    }

    /// Stops the shards under the gateway's feet.
    pub(crate) fn stop_shards(&mut self) {
        let node = self.node.take().unwrap();
        tokio::task::block_in_place(|| node.stop());
    }

    /// A client with the operator's key.
    pub(crate) async fn operator(&self) -> Client {
        Client::new(self.address, Some(&self.operator)).await
    }

    /// A client with this key.
    pub(crate) async fn with(&self, key: &str) -> Client {
        Client::new(self.address, Some(key)).await
    }

    /// A network with `shop` and `airline` and programme `miles`, whose prices are 0.009 for a point of the shop, 0.007 for a
    /// point burnt at the airline.
    pub(crate) async fn furnished() -> Self {
        Self::furnished_with(Settings::default()).await
    }

    pub(crate) async fn furnished_with(settings: Settings) -> Self {
        let network = Self::start_with(settings).await;
        network.furnish().await;
        network
    }

    /// The same, where events wait so long for a consent.
    pub(crate) async fn furnished_waiting(consent_wait: Span) -> Self {
        let network = Self::start_waiting(Settings::default(), consent_wait).await;
        network.furnish().await;
        network
    }

    async fn furnish(&self) {
        let operator = self.operator().await;
        for partner in ["shop", "airline"] {
            operator.create_partner(partner, "programmes/miles").await.unwrap();
        }
        operator.publish(DOCUMENT).await.unwrap();
        operator.create_contract("shop", "miles", Some(9_000), None).await.unwrap();
        operator.create_contract("airline", "miles", None, Some(7_000)).await.unwrap();
    }
}

/// Answers for the shards on a port of its own, and the ways there.
async fn distant(ledger: &Ledger) -> (oneshot::Sender<()>, Ways) {
    let secret = Secret::new("a-secret-that-only-these-two-processes-know").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let listening = Listening { listener, secret: secret.clone(), tls: None };
    let (end, ended) = oneshot::channel::<()>();
    tokio::spawn(coalition_peer::serve(listening, ledger.clone(), async move { drop(ended.await) }));
    let owner = Owner { endpoint, versions: VERSIONS };
    let owners = vec![Some(owner); ledger.shards() as usize];
    // Who says who owns what is gone, and they stay what they are.
    let (_, owners) = watch::channel(owners.into());
    (end, Ways::start(&owners, Trust { secret, ca_pem: None }))
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// A fresh request id.
pub(crate) fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// Asks `condition` until it is met; a failure after half a minute.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let met = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), met).await;
    assert!(waited.is_ok(), "waited in vain for {what}");
}
