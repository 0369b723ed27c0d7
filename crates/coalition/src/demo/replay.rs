//! The replay: each partner publishes its events, and everything is waited for until it is decided.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use coalition_domain::PartnerId;
use coalition_journal::entry::ShardId;
use coalition_journal::log::{self, Partition};
use coalition_ledger::runtime::INBOX;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::publish_event_result::Outcome;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest};
use tonic::Code;

use super::PATIENCE;
use super::already;
use super::arrange::Keys;
use super::events::{Publication, publications};
use super::purchases::Purchase;
use super::wire::{Wire, signed};
use crate::client::text::grouped;
use crate::client::{Progress, Unit};
use crate::node::Running;

/// Events in one call.
const CALL_EVENTS: usize = 1_000;

/// How it went.
pub(crate) struct Replayed {
    /// All of the demo's.
    pub(crate) events: u64,
    /// Those that an earlier run has had decided.
    pub(crate) already: u64,
    pub(crate) took: Duration,
}

pub(crate) async fn replay(
    wire: &Wire,
    keys: &Keys,
    network: &Running,
    purchases: &[Purchase],
) -> Result<Replayed> {
    let publications = publications(purchases);
    let events = publications.iter().map(|by| by.events.len() as u64).sum();
    let already = already::decided(network, &publications).await?;
    let mut progress = Progress::new(events, Unit::Events, "replaying")?;
    let before = decided(network);
    let began = Instant::now();
    let published = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for publication in publications {
        let key = keys.partners[publication.partner].clone();
        tasks.spawn(publish(wire.clone(), key, publication, Arc::clone(&published)));
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                Some(done) => done??,
                None => break,
            },
            _ = ticks.tick() => show(&mut progress, decided(network).saturating_sub(before).min(events), events),
        }
    }
    // Everything is in the partners' topics; what is left is to wait for intake and ledger.
    let topics =
        keys.partners.keys().map(|partner| Ok(coalition_intake::events_topic(&PartnerId::new(partner)?)));
    let topics = topics.collect::<Result<Vec<_>>>()?;
    let (mut told, mut deadline) = (String::new(), Instant::now() + PATIENCE);
    while let Some(left) = left(network, &topics) {
        if left != told {
            (told, deadline) = (left, Instant::now() + PATIENCE);
        }
        ensure!(Instant::now() < deadline, "nothing goes on since {} s: {told}", PATIENCE.as_secs());
        ticks.tick().await;
        show(&mut progress, decided(network).saturating_sub(before).min(events), events);
    }
    let took = began.elapsed();
    show(&mut progress, events, events);
    progress.finish();
    Ok(Replayed { events, already, took })
}

/// Shows that so many of the events are decided.
fn show(progress: &mut Progress, decided: u64, events: u64) {
    progress.reached(decided, || format!("decided {} of {} events", grouped(decided), grouped(events)));
}

/// Publishes a partner's events in order. An event that was published before, by a run that was cut off, counts once.
async fn publish(wire: Wire, key: String, publication: Publication, published: Arc<AtomicU64>) -> Result<()> {
    let Publication { partner, events } = publication;
    let mut client = PartnerEventServiceClient::new(wire.channel);
    for events in events.chunks(CALL_EVENTS) {
        publish_chunk(&mut client, &key, partner, events)
            .await
            .with_context(|| format!("publish events of {partner}"))?;
        published.fetch_add(events.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

pub(crate) async fn publish_chunk(
    client: &mut PartnerEventServiceClient<tonic::transport::Channel>,
    key: &str,
    partner: &str,
    events: &[PartnerEvent],
) -> Result<()> {
    let request = PublishEventsRequest {
        partner: format!("partners/{partner}"),
        events: events.to_vec(),
        validate_only: false,
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        match client.publish_events(signed(request.clone(), key)?).await {
            Ok(answer) => {
                for result in answer.into_inner().results {
                    if let Some(Outcome::Refused(refusal)) = result.outcome {
                        anyhow::bail!("event {} was refused: {}", result.event_id, refusal.message);
                    }
                }
                return Ok(());
            }
            // The network asks to come back later.
            Err(status)
                if matches!(status.code(), Code::ResourceExhausted | Code::Unavailable)
                    && Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(status) => return Err(status.into()),
        }
    }
}

fn shards(network: &Running) -> impl Iterator<Item = ShardId> {
    (0..network.ledger.shards()).map(ShardId)
}

/// How many records of the inbox are decided.
fn decided(network: &Running) -> u64 {
    shards(network).filter_map(|shard| network.ledger.status(shard)).map(|status| status.inbox_next.0).sum()
}

/// What is left to do, in the partners' topics or in the inbox, if anything is. A log that can't be asked is waited for too:
/// brokers that have just lost one of them need seconds to agree on who leads.
fn left(network: &Running, topics: &[String]) -> Option<String> {
    let asked = || {
        for topic in topics {
            let Some(found) = network.log.topic(topic)? else {
                return Ok(Some(format!("{topic} is not there yet")));
            };
            for number in 0..found.partitions {
                let partition = Partition::new(topic, number);
                let (_, end) = network.log.bounds(&partition)?;
                let done = network.log.committed(coalition_intake::GROUP, &partition)?.unwrap_or_default();
                if done < end {
                    return Ok(Some(format!("intake has dealt with {partition} up to {done} of {end}")));
                }
            }
        }
        for shard in shards(network) {
            let (_, end) = network.log.bounds(&Partition::new(INBOX, shard.0))?;
            let done = network.ledger.status(shard).map(|status| status.inbox_next).unwrap_or_default();
            if done < end {
                return Ok(Some(format!("shard {shard} has decided its inbox up to {done} of {end}")));
            }
        }
        Ok(None)
    };
    asked().unwrap_or_else(|error: log::Error| Some(format!("{:#}", anyhow::Error::new(error))))
}
