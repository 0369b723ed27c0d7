//! A network in memory: log, shards, and what a partner writes.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings;
use coalition_domain::{Caller, KeyId, PartnerId, RequestId, Role, Span, Timestamp};
use coalition_intake::{Returner, events_topic, rejected_topic};
use coalition_journal::entry::NetworkId;
use coalition_journal::log::{Log, Offset, Partition, Record, Stored};
use coalition_journal::memory::Memory;
use coalition_ledger::runtime::{self, INBOX, Ledger, Membership, Node, Taking};
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::{EmailRead, PartnerEvent};
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use prost::Message;
use uuid::Uuid;

pub(crate) const SHARDS: u32 = 3;

/// The shards of a network on a log of the test's choice.
pub(crate) struct Network {
    node: Node,
    runtime: tokio::runtime::Runtime,
}

impl Network {
    /// Starts the shards and sets the network up.
    pub(crate) fn start(log: &Arc<dyn Log>) -> Self {
        let network = Self::restart(log);
        let settings =
            Settings { max_event_age: Span::from_days(20_000), max_request_age: Span::from_days(1) };
        network.change(None, RegistryChange::SetUp { settings, key: key(), secret_hash: [7; 32] });
        network
    }

    /// Starts the shards of a network that is set up.
    pub(crate) fn restart(log: &Arc<dyn Log>) -> Self {
        let settings = runtime::Settings { shards: SHARDS, ..runtime::Settings::default() };
        let store = |_| Box::new(coalition_store::Memory::new()) as Box<dyn coalition_store::Store>;
        let returns: Arc<dyn runtime::Returns> = Arc::new(Returner::start(Arc::clone(log)).unwrap());
        let alone = Membership::start(log, settings.shards, Taking::Alone).unwrap();
        let network = NetworkId(Uuid::from_u128(1));
        let node = Node::start(log, network, store, &returns, &settings, &alone).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { node, runtime }
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.node.ledger()
    }

    /// Registers a partner.
    pub(crate) fn create_partner(&self, id: &str) -> PartnerId {
        let id = PartnerId::new(id).unwrap();
        let operator = Caller { key: key(), role: Role::Operator };
        let display_name = id.to_string();
        let change = RegistryChange::CreatePartner { id, display_name, default_programme: None };
        self.change(Some(operator), change);
        id
    }

    /// Ends the shards; what they showed last can still be asked for.
    pub(crate) fn stop(self) {
        self.node.stop();
    }

    fn change(&self, caller: Option<Caller>, change: RegistryChange) {
        let ledger = self.ledger();
        self.runtime.block_on(async {
            ledger.wait(coalition_journal::entry::ShardId(0), |status| status.in_office).await.unwrap();
            let request = RequestId::new(Uuid::now_v7()).unwrap();
            let reply = ledger.change(RegistryCommand { caller, request, change }).await.unwrap();
            assert!(reply.decision.outcome.is_ok(), "{:?}", reply.decision.outcome);
        });
    }
}

fn key() -> KeyId {
    KeyId::new("0123456789abcdef").unwrap()
}

/// A log that takes everything at once, and shows the time of the machine as the shards do.
pub(crate) fn memory() -> Arc<Memory> {
    let log = Memory::new();
    log.set_now(now());
    Arc::new(log)
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// An event of a customer; equal numbers of customers are in the same shard.
pub(crate) fn event(id: &str, customer: u32) -> PartnerEvent {
    PartnerEvent {
        event_id: id.to_owned(),
        identifier: Some(Identifier {
            scheme: IdentifierScheme::CardToken.into(),
            value: format!("token-{customer}"),
            ..Identifier::default()
        }),
        event_time: Some(prost_types::Timestamp { seconds: 853_027_200, nanos: 0 }),
        body: Some(Body::EmailRead(EmailRead { message_id: "welcome".to_owned() })),
        ..PartnerEvent::default()
    }
}

/// Writes records to a partner's topic, which is there already or is made as intake would.
pub(crate) fn publish(log: &dyn Log, partner: PartnerId, values: impl IntoIterator<Item = Vec<u8>>) {
    let topic = events_topic(&partner);
    if log.topic(&topic).unwrap().is_none() {
        log.create_topic(&topic, 1).unwrap();
    }
    append(log, &Partition::new(&topic, 0), values);
}

/// Writes records to a partition that is there.
pub(crate) fn append(log: &dyn Log, to: &Partition, values: impl IntoIterator<Item = Vec<u8>>) {
    let records = values.into_iter().map(Record::of).collect();
    log.append(to, records, Box::new(|outcome| assert!(outcome.is_ok(), "{outcome:?}")));
}

/// Writes events to a partner's topic.
pub(crate) fn publish_events(
    log: &dyn Log,
    partner: PartnerId,
    events: impl IntoIterator<Item = PartnerEvent>,
) {
    publish(log, partner, events.into_iter().map(|event| event.encode_to_vec()));
}

/// All records of a partition.
pub(crate) fn records(log: &dyn Log, topic: &str, number: u32) -> Vec<Stored> {
    let partition = Partition::new(topic, number);
    match log.topic(topic).unwrap() {
        Some(_) => log.read(&partition, log.bounds(&partition).unwrap().0, usize::MAX).unwrap(),
        None => Vec::new(),
    }
}

/// What went back to a partner, but for what the ledger refused.
pub(crate) fn refused_by_intake(log: &dyn Log, partner: PartnerId) -> Vec<Stored> {
    let mut returned = records(log, &rejected_topic(&partner), 0);
    let by_ledger = |(name, value): &(String, Bytes)| name == "__connect.errors.stage" && value == "TASK_PUT";
    returned.retain(|stored| !stored.record.headers.iter().any(by_ledger));
    returned
}

/// How far intake has dealt with a partner's topic.
pub(crate) fn committed(log: &dyn Log, partner: PartnerId) -> Option<Offset> {
    let topic = events_topic(&partner);
    log.topic(&topic).unwrap()?;
    log.committed("coalition-intake", &Partition::new(&topic, 0)).unwrap()
}

/// The records of the inbox of every shard.
pub(crate) fn inboxes(log: &dyn Log) -> Vec<Vec<Stored>> {
    (0..SHARDS).map(|shard| records(log, INBOX, shard)).collect()
}

/// Waits until it is so; a minute is taken for never.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + std::time::Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "waited a minute until {what}");
        std::thread::yield_now();
    }
}
