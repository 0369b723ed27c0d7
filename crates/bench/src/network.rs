//! The network that is measured: set up, and running with as much of it as a figure needs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings as NetworkSettings;
use coalition_domain::{Caller, PartnerId, ProgrammeId, RequestId, Role, Span, Timestamp, UnitPrice};
use coalition_gateway::auth::NewKey;
use coalition_intake::Intake;
use coalition_journal::entry::{NetworkId, ShardId};
use coalition_journal::log::Log;
use coalition_ledger::refused::Refused;
use coalition_ledger::runtime::{Ledger, Membership, Node, Returned, Returns, Settings, Taking};
use coalition_store::{Folder, Store};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::feed::{To, fill};
use crate::place::Place;
use crate::workload::{SHOP, Shape};

/// The programme of [`DOCUMENT`].
pub(crate) const PROGRAMME: &str = "bench";
/// Its reward, of a point.
pub(crate) const REWARD: &str = "sticker";

const DOCUMENT: &str = r#"
[programme]
id = "bench"
name = "Benchmark"
effective_from = 2020-01-01T00:00:00Z

[[rule]]
id = "purchase"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }

[[reward]]
id = "sticker"
name = "Sticker"
redeemer = "shop"
points = 1
"#;

/// As the binary runs shards without a configuration, but for the inbox: the copy reads it after the ledger has, so nothing of
/// it may go.
pub(crate) fn settings(shards: u32) -> Settings {
    Settings { shards, checkpoint_accounts: 50_000, inbox_keep: u64::MAX, ..Settings::default() }
}

/// The shards, as far as `membership` gives them to this process.
pub(crate) fn start(folder: &Path, log: &Arc<dyn Log>, shards: u32, membership: &Membership) -> Result<Node> {
    let store = |shard: ShardId| -> Box<dyn Store> {
        Box::new(Folder::new(folder.join(format!("store/{shard}")), coalition_store::Settings::default()))
    };
    let returns: Arc<dyn Returns> = Arc::new(Unexpected);
    let network = NetworkId(Uuid::from_u128(1));
    Ok(Node::start(log, network, store, &returns, &settings(shards), membership)?)
}

/// All shards.
pub(crate) fn start_alone(folder: &Path, log: &Arc<dyn Log>, shards: u32) -> Result<Node> {
    start(folder, log, shards, &Membership::start(log, shards, Taking::Alone)?)
}

/// Every event here is a valid one.
struct Unexpected;

impl Returns for Unexpected {
    fn give_back(&self, shard: ShardId, refused: Vec<Arc<Refused>>, _: Returned) {
        panic!("shard {shard} refused {:?}", refused.first());
    }
}

/// Sets a network up and fills its inbox.
pub(crate) fn prepare(place: &Place, folder: &Path, shape: &Shape) -> Result<()> {
    let log = place.open(folder)?;
    let node = start_alone(folder, &log, shape.shards)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(set_up(&node.ledger()))?;
    node.stop();
    fill(&*log, To::Inbox { shards: shape.shards }, shape)
}

/// The network's settings, its shop, its programme; the operator's key.
pub(crate) async fn set_up(ledger: &Ledger) -> Result<NewKey> {
    ledger.wait(ShardId(0), |status| status.in_office).await?;
    let (shop, programme, operator) = (PartnerId::new(SHOP)?, ProgrammeId::new(PROGRAMME)?, NewKey::draw()?);
    let usd = "USD".parse()?;
    let settings =
        NetworkSettings { max_event_age: Span::from_days(3_650), max_request_age: Span::from_days(1) };
    let price = |micros| UnitPrice::new(usd, micros);
    let changes = [
        RegistryChange::SetUp { settings, key: operator.id, secret_hash: operator.secret.hash() },
        RegistryChange::CreatePartner {
            id: shop,
            display_name: "Shop".to_owned(),
            default_programme: Some(programme),
        },
        RegistryChange::PublishProgramme { document: DOCUMENT.into() },
        RegistryChange::CreateContract {
            partner: shop,
            programme,
            from: Timestamp::from_millis(0),
            accrual: Some(price(9_000)?),
            redemption: Some(price(7_000)?),
        },
    ];
    for change in changes {
        let caller = Some(Caller { key: operator.id, role: Role::Operator });
        let command = RegistryCommand { caller, request: RequestId::new(Uuid::now_v7())?, change };
        let reply = ledger.change(command).await?;
        reply.decision.outcome.map_err(|rejection| anyhow!("{rejection}"))?;
    }
    Ok(operator)
}

/// A network with its gateway, which listens on a port of this machine.
pub(crate) struct Served {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) ledger: Ledger,
    pub(crate) address: SocketAddr,
    /// The operator's key.
    pub(crate) key: NewKey,
    node: Node,
    intake: Option<Intake>,
    end: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), coalition_gateway::Error>>,
    runtime: Runtime,
}

impl Served {
    /// Sets a network up and serves it. Nobody reads partners' topics yet.
    pub(crate) fn start(place: &Place, folder: &Path, shards: u32) -> Result<Self> {
        let log = place.open(folder)?;
        let node = start_alone(folder, &log, shards)?;
        let ledger = node.ledger();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let key = runtime.block_on(set_up(&ledger))?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let (end, ended) = oneshot::channel::<()>();
        let shutdown = async move { drop(ended.await) };
        let settings = coalition_gateway::Settings::default();
        let serving =
            coalition_gateway::serve(listener, ledger.clone(), Arc::clone(&log), settings, shutdown);
        let serving = runtime.spawn(serving);
        Ok(Self { log, ledger, address, key, node, intake: None, end, serving, runtime })
    }

    /// Has partners' topics read from now on.
    pub(crate) fn take_in(&mut self) -> Result<()> {
        let settings = coalition_intake::Settings::default();
        let intake = Intake::start(Arc::clone(&self.log), self.ledger.clone(), settings)?;
        self.intake = Some(intake);
        Ok(())
    }

    /// How many records of the inbox are decided, over all shards.
    pub(crate) fn decided(&self) -> u64 {
        let shards = (0..self.ledger.shards()).map(ShardId);
        shards.filter_map(|shard| self.ledger.status(shard)).map(|status| status.inbox_next.0).sum()
    }

    /// Ends it all in order.
    pub(crate) fn stop(self) -> Result<()> {
        let Self { node, intake, end, serving, runtime, .. } = self;
        drop(end);
        runtime.block_on(serving)?.context("serve")?;
        intake.into_iter().for_each(Intake::stop);
        node.stop();
        Ok(())
    }
}
