//! What is measured: purchases in the inbox of a network that is set up.

use std::path::Path;
use std::sync::{Arc, mpsc};

use anyhow::{Context, Result, anyhow};
use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings as NetworkSettings;
use coalition_domain::{
    Caller, EventBody, Identifier, KeyId, Money, PartnerEvent, PartnerId, ProgrammeId, Reference, RequestId,
    Role, Scheme, Span, Timestamp, UnitPrice,
};
use coalition_journal::entry::{NetworkId, ShardId};
use coalition_journal::log::{Log, Offset, Partition, Record};
use coalition_ledger::inbox::{Request, Source};
use coalition_ledger::refused::Refused;
use coalition_ledger::runtime::{INBOX, Membership, Node, Returned, Returns, Settings, Taking};
use coalition_store::{Folder, Store};
use uuid::Uuid;

use crate::place::Place;

/// How much of it.
pub(crate) struct Shape {
    pub(crate) events: u32,
    pub(crate) accounts: u32,
    pub(crate) shards: u32,
}

const PROGRAMME: &str = r#"
[programme]
id = "bench"
name = "Benchmark"
effective_from = 2020-01-01T00:00:00Z

[[rule]]
id = "purchase"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }
"#;

pub(crate) fn start(folder: &Path, log: &Arc<dyn Log>, shape: &Shape) -> Result<Node> {
    // The copy reads the inbox after the ledger has: nothing of it may go.
    let settings = Settings { shards: shape.shards, inbox_keep: u64::MAX, ..Settings::default() };
    let store = |shard: ShardId| -> Box<dyn Store> {
        Box::new(Folder::new(folder.join(format!("store/{shard}")), coalition_store::Settings::default()))
    };
    let returns: Arc<dyn Returns> = Arc::new(Unexpected);
    let alone = Membership::start(log, settings.shards, Taking::Alone)?;
    Ok(Node::start(log, NetworkId(Uuid::from_u128(1)), store, &returns, &settings, &alone)?)
}

/// Every event here is a valid one.
struct Unexpected;

impl Returns for Unexpected {
    fn give_back(&self, shard: ShardId, refused: Vec<Arc<Refused>>, _: Returned) {
        panic!("shard {shard} refused {:?}", refused.first());
    }
}

/// Sets the network up and fills its inbox.
pub(crate) fn prepare(place: &Place, folder: &Path, shape: &Shape) -> Result<()> {
    let log = place.open(folder)?;
    let node = start(folder, &log, shape)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(set_up(&node))?;
    node.stop();
    fill(&*log, shape)
}

async fn set_up(node: &Node) -> Result<()> {
    let ledger = node.ledger();
    ledger.wait(ShardId(0), |status| status.in_office).await?;
    let (shop, programme, key) = (PartnerId::new("shop")?, ProgrammeId::new("bench")?, KeyId::new("bench")?);
    let usd = "USD".parse()?;
    let settings =
        NetworkSettings { max_event_age: Span::from_days(3_650), max_request_age: Span::from_days(1) };
    let changes = [
        RegistryChange::SetUp { settings, key, secret_hash: [0; 32] },
        RegistryChange::CreatePartner {
            id: shop,
            display_name: "Shop".to_owned(),
            default_programme: Some(programme),
        },
        RegistryChange::PublishProgramme { document: PROGRAMME.into() },
        RegistryChange::CreateContract {
            partner: shop,
            programme,
            from: Timestamp::from_millis(0),
            accrual: Some(UnitPrice::new(usd, 9_000)?),
            redemption: None,
        },
    ];
    for change in changes {
        let caller = Some(Caller { key, role: Role::Operator });
        let command = RegistryCommand { caller, request: RequestId::new(Uuid::now_v7())?, change };
        let reply = ledger.change(command).await?;
        reply.decision.outcome.map_err(|rejection| anyhow!("{rejection}"))?;
    }
    Ok(())
}

fn fill(log: &dyn Log, shape: &Shape) -> Result<()> {
    let (shop, usd) = (PartnerId::new("shop")?, "USD".parse()?);
    let start: Timestamp = "2025-01-01T00:00:00Z".parse()?;
    let mut chunks: Vec<Vec<Record>> = vec![Vec::new(); shape.shards as usize];
    let (done, acknowledged) = mpsc::channel();
    let mut sent = 0;
    for number in 0..shape.events {
        // A stride that is prime to the number of accounts visits them in a scattered order.
        let account = (u64::from(number) * 7_919) % u64::from(shape.accounts);
        let event = PartnerEvent {
            partner: shop,
            event_id: Reference::new(format!("order-{number:08}"))?,
            programme: None,
            identifier: Identifier::new(Scheme::CardToken, &format!("token-{account:010}"))?,
            event_time: start.plus(Span::from_secs(i64::from(number))),
            channel: None,
            revision: 0,
            body: EventBody::Purchase {
                order: Reference::new(format!("{number:08}"))?,
                amount: Money { currency: usd, micros: i64::from(number % 97) * 1_370_000 },
            },
        };
        let shard = event.identifier.account().shard(shape.shards);
        let chunk = &mut chunks[shard as usize];
        chunk.push(Record::of(
            Request::Event(event, Source { partition: 0, offset: Offset(number.into()) }).encode(),
        ));
        if chunk.len() == 2_000 {
            sent += 1;
            append(log, shard, std::mem::take(chunk), &done);
        }
        if sent == 8 {
            wait(&acknowledged, &mut sent)?;
        }
    }
    for (shard, chunk) in (0..).zip(chunks) {
        sent += 1;
        append(log, shard, chunk, &done);
    }
    while sent > 0 {
        wait(&acknowledged, &mut sent)?;
    }
    Ok(())
}

type Told = Result<coalition_journal::log::Offset, coalition_journal::log::AppendError>;

fn append(log: &dyn Log, shard: u32, records: Vec<Record>, done: &mpsc::Sender<Told>) {
    let done = done.clone();
    log.append(&Partition::new(INBOX, shard), records, Box::new(move |told| drop(done.send(told))));
}

fn wait(acknowledged: &mpsc::Receiver<Told>, sent: &mut u32) -> Result<()> {
    acknowledged.recv()?.context("fill the inbox")?;
    *sent -= 1;
    Ok(())
}
