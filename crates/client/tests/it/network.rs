//! A network for tests, whose gateway can go away and come back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use coalition_client::proto::account::v1::GetBalanceRequest;
use coalition_client::proto::event::v1::{PartnerEvent, Purchase, partner_event::Body};
use coalition_client::proto::google::r#type::Money;
use coalition_client::proto::member::v1::CreateMemberRequest;
use coalition_client::proto::partner::v1::create_api_key_request::Holder;
use coalition_client::proto::partner::v1::{
    CreateApiKeyRequest, CreatePartnerContractRequest, CreatePartnerRequest,
};
use coalition_client::proto::programme::v1::PublishProgrammeVersionRequest;
use coalition_client::proto::r#type::v1::{Identifier, IdentifierScheme, UnitPrice};
use coalition_client::{Client, Settings};
use coalition_domain::Span;
use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings as NetworkSettings;
use coalition_gateway::Error;
use coalition_gateway::auth::NewKey;
use coalition_intake::{Intake, Returner};
use coalition_journal::embedded::{self, Embedded};
use coalition_journal::entry::NetworkId;
use coalition_journal::log::Log;
use coalition_ledger::runtime::{self, Ledger, Membership, Node, Returns, Taking};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

const PROGRAMME: &str = r#"
[programme]
id = "miles"
name = "Miles"
effective_from = 1996-01-01T00:00:00Z

[[rule]]
id = "shopping"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }

[[reward]]
id = "upgrade"
name = "Upgrade"
redeemer = "shop"
points = 100
"#;

type Serving = JoinHandle<Result<(), Error>>;

/// A network that serves or is away. Its partner `shop` issues and redeems points of the programme `miles`: one for each
/// dollar.
pub(crate) struct Network {
    pub(crate) address: SocketAddr,
    /// The operator's key.
    pub(crate) operator: String,
    settings: coalition_gateway::Settings,
    log: Arc<dyn Log>,
    ledger: Ledger,
    node: Option<Node>,
    serving: Option<(oneshot::Sender<()>, Serving)>,
    _intake: Intake,
    _folder: TempDir,
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

impl Network {
    pub(crate) async fn start() -> Self {
        let network = Self::start_with(coalition_gateway::Settings::default()).await;
        network.furnish().await;
        network
    }

    /// Without partner and programme.
    pub(crate) async fn start_with(settings: coalition_gateway::Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(Embedded::open(folder.path(), embedded::Settings::default()).unwrap());
        Self::start_on(log, folder, settings).await
    }

    /// On brokers.
    pub(crate) async fn start_on_kafka(log: Arc<dyn Log>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = Self::start_on(log, folder, coalition_gateway::Settings::default()).await;
        network.furnish().await;
        network
    }

    async fn start_on(log: Arc<dyn Log>, folder: TempDir, settings: coalition_gateway::Settings) -> Self {
        let shards = runtime::Settings { shards: 2, ..runtime::Settings::default() };
        let store = |_| Box::new(coalition_store::Memory::new()) as Box<dyn coalition_store::Store>;
        let returns: Arc<dyn Returns> = Arc::new(Returner::start(Arc::clone(&log)).unwrap());
        let alone = Membership::start(&log, shards.shards, Taking::Alone).unwrap();
        let network = NetworkId(Uuid::from_u128(1));
        let node = Node::start(&log, network, store, &returns, &shards, &alone).unwrap();
        let ledger = node.ledger();
        let key = NewKey::draw().unwrap();
        let set_up = RegistryCommand {
            caller: None,
            request: coalition_client::request_id(),
            change: RegistryChange::SetUp {
                settings: NetworkSettings {
                    max_event_age: Span::from_days(36_500),
                    max_request_age: Span::from_days(1),
                },
                key: key.id,
                secret_hash: key.secret.hash(),
            },
        };
        ledger.wait(coalition_ledger::shard::relay::HOME, |status| status.in_office).await.unwrap();
        ledger.change(set_up).await.unwrap().decision.outcome.unwrap();
        let intake =
            Intake::start(Arc::clone(&log), ledger.clone(), coalition_intake::Settings::default()).unwrap();
        let mut network = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            operator: key.secret.reveal().to_owned(),
            settings,
            log,
            ledger,
            node: Some(node),
            serving: None,
            _intake: intake,
            _folder: folder,
        };
        network.come().await;
        network
    }

    /// Serves, where it served before if it did.
    pub(crate) async fn come(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let shutdown = async move { drop(ended.await) };
        let (ledger, log, settings) = (self.ledger.clone(), Arc::clone(&self.log), self.settings.clone());
        let serving = coalition_gateway::serve(listener, ledger, log, settings, shutdown);
        self.serving = Some((end, tokio::spawn(serving)));
    }

    /// Serves no longer: nobody listens any more.
    pub(crate) async fn go_away(&mut self) {
        let (end, serving) = self.serving.take().unwrap();
        drop(end);
        serving.await.unwrap().unwrap();
    }

    pub(crate) fn settings(&self, key: &str) -> Settings {
        let server = format!("http://{}", self.address).parse().unwrap();
        Settings::new(server, key.parse().unwrap())
    }

    /// A client with the operator's key.
    pub(crate) async fn operator(&self) -> Client {
        Client::connect(&self.settings(&self.operator)).await.unwrap()
    }

    /// A key of the partner `shop`.
    pub(crate) async fn partner_key(&self) -> String {
        let holder = Some(Holder::Partner("partners/shop".to_owned()));
        let request = CreateApiKeyRequest { holder, ..CreateApiKeyRequest::default() };
        self.operator().await.call(request).await.unwrap().secret
    }

    /// The name of the member who is known as the shop's customer 1.
    pub(crate) async fn enrol(&self) -> String {
        let request = CreateMemberRequest { identifier: Some(customer()), ..CreateMemberRequest::default() };
        self.operator().await.call(request).await.unwrap().name
    }

    /// Waits until the member has so many points, and sees that they are never more.
    pub(crate) async fn has_points(&self, member: &str, points: i64) {
        let operator = self.operator().await;
        let query = GetBalanceRequest {
            member: member.to_owned(),
            programme: "programmes/miles".to_owned(),
            ..GetBalanceRequest::default()
        };
        let reached = async {
            loop {
                let available = operator.call(query.clone()).await.unwrap().available;
                assert!(
                    available <= points,
                    "{available} points instead of {points}: something counted twice"
                );
                if available == points {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), reached).await;
        assert!(waited.is_ok(), "{points} points are not reached: something was lost");
    }

    pub(crate) async fn furnish(&self) {
        let operator = self.operator().await;
        let partner = CreatePartnerRequest {
            partner_id: "shop".to_owned(),
            display_name: "The shop".to_owned(),
            default_programme: "programmes/miles".to_owned(),
            ..CreatePartnerRequest::default()
        };
        operator.call(partner).await.unwrap();
        let programme = PublishProgrammeVersionRequest {
            document: PROGRAMME.to_owned(),
            ..PublishProgrammeVersionRequest::default()
        };
        operator.call(programme).await.unwrap();
        let price = UnitPrice { currency_code: "USD".to_owned(), micros: 9_000 };
        let contract = CreatePartnerContractRequest {
            partner: "partners/shop".to_owned(),
            programme: "programmes/miles".to_owned(),
            accrual_unit_price: Some(price.clone()),
            redemption_unit_price: Some(price),
            start_time: Some(prost_types::Timestamp { seconds: 820_454_400, nanos: 0 }),
            ..CreatePartnerContractRequest::default()
        };
        operator.call(contract).await.unwrap();
    }
}

/// The shop's customer 1.
pub(crate) fn customer() -> Identifier {
    let scheme = IdentifierScheme::CustomerNumber.into();
    Identifier { scheme, scope: "partners/shop".to_owned(), value: "1".to_owned() }
}

/// A purchase of a dollar, on 1997-01-12.
pub(crate) fn purchase(number: u32) -> PartnerEvent {
    let amount = Money { currency_code: "USD".to_owned(), units: 1, nanos: 0 };
    let order_id = format!("order-{number}");
    PartnerEvent {
        event_id: order_id.clone(),
        identifier: Some(customer()),
        event_time: Some(prost_types::Timestamp { seconds: 853_070_400, nanos: 0 }),
        body: Some(Body::Purchase(Purchase { order_id, amount: Some(amount), lines: Vec::new() })),
        ..PartnerEvent::default()
    }
}
