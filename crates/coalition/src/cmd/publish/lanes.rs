//! Lanes: each publishes what comes to it, in its order.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use coalition_client::{Client, Error, content_id};
use coalition_proto::event::v1::publish_event_result::Outcome;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest};
use prost::Message;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::input::{Fault, Input, Line};
use super::report::{Judged, Refused, Told};
use crate::client::failure::CallFailed;

/// Events in one call. A gateway takes 1,000; with fewer, lanes wait less for one another.
const EVENTS_MAX: usize = 500;

/// Bytes of events in one call; a gateway takes 4 MiB.
const BYTES_MAX: usize = 1 << 20;

/// What is to be done with the events.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) client: Client,
    /// The partner's name; empty: the key's own.
    pub(super) partner: String,
    pub(super) validate_only: bool,
}

/// An event of a line.
struct Item {
    line: u64,
    bytes: u64,
    text: String,
    event: PartnerEvent,
}

/// The reader and the lanes, under way.
pub(super) struct Lanes {
    reader: JoinHandle<io::Result<()>>,
    lanes: JoinSet<Result<(), CallFailed>>,
    /// The first failure.
    failed: Option<anyhow::Error>,
}

/// Starts them; what becomes of each line is told.
pub(super) fn start(input: Input, job: &Job, lanes: usize) -> (mpsc::Receiver<Told>, Lanes) {
    let (tell, told) = mpsc::channel(lanes * 4);
    let halt = watch::Sender::new(false);
    let mut set = JoinSet::new();
    let mut entrances = Vec::new();
    for _ in 0..lanes {
        let (entrance, items) = mpsc::channel(EVENTS_MAX);
        entrances.push(entrance);
        set.spawn(lane(job.clone(), items, tell.clone(), halt.clone()));
    }
    let reader = std::thread::spawn(move || read(input, &entrances, &tell));
    (told, Lanes { reader, lanes: set, failed: None })
}

impl Lanes {
    /// Comes back once every lane has ended.
    pub(super) async fn ended(&mut self) {
        while let Some(lane) = self.lanes.join_next().await {
            if let Err(error) = lane.context("publish").and_then(|lane| Ok(lane?)) {
                self.failed.get_or_insert(error);
            }
        }
    }

    /// Once nothing is told any more: the first failure, if there was one.
    pub(super) async fn end(mut self) -> Result<()> {
        self.ended().await;
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let read = self.reader.join().map_err(|_| anyhow!("the reader of the file panicked"))?;
        read.context("read the events")
    }
}

/// Reads the input to its end, or until a lane has failed.
fn read(input: Input, lanes: &[mpsc::Sender<Item>], tell: &mpsc::Sender<Told>) -> io::Result<()> {
    for line in input {
        let Line { number, bytes, text, event } = line?;
        let gone = match event {
            Ok(mut event) => {
                if event.event_id.is_empty() {
                    event.event_id = content_id(&event).to_string();
                }
                let lane = &lanes[place(&event, lanes.len())];
                lane.blocking_send(Item { line: number, bytes, text, event }).is_err()
            }
            Err(fault) => {
                let refused = Refused { line: number, event_id: String::new(), fault, text };
                let judged = Judged { accepted: 0, bytes };
                tell.blocking_send(Told::Refused(refused)).is_err()
                    || tell.blocking_send(Told::Judged(judged)).is_err()
            }
        };
        if gone || lanes.iter().any(mpsc::Sender::is_closed) {
            return Ok(());
        }
    }
    Ok(())
}

/// The lane of an event: events of one customer take the same, one after the other.
fn place(event: &PartnerEvent, lanes: usize) -> usize {
    let mut hash = DefaultHasher::new();
    if let Some(identifier) = &event.identifier {
        (identifier.scheme, &identifier.value).hash(&mut hash);
    }
    usize::try_from(hash.finish() % lanes as u64).unwrap_or_default()
}

/// Publishes until there is nothing more to come, or another lane has failed.
async fn lane(
    job: Job,
    mut items: mpsc::Receiver<Item>,
    tell: mpsc::Sender<Told>,
    halt: watch::Sender<bool>,
) -> Result<(), CallFailed> {
    let (mut waiting, mut halted) = (Vec::new(), halt.subscribe());
    loop {
        let came = tokio::select! {
            came = items.recv_many(&mut waiting, EVENTS_MAX) => came,
            _ = halted.wait_for(|halted| *halted) => 0,
        };
        if came == 0 {
            return Ok(());
        }
        while !waiting.is_empty() {
            let rest = waiting.split_off(fitting(&waiting));
            let call = std::mem::replace(&mut waiting, rest);
            if let Err(failed) = publish(&job, call, &tell).await {
                halt.send_replace(true);
                return Err(failed);
            }
        }
    }
}

/// How many of the first items fit into one call; one at least.
fn fitting(items: &[Item]) -> usize {
    let mut bytes = 0;
    let fit = items.iter().take_while(|item| {
        bytes += item.event.encoded_len();
        bytes <= BYTES_MAX
    });
    fit.count().max(1)
}

/// How long to wait, if the partner sends faster than it may: with a file there is time.
fn too_fast(error: &Error) -> Option<Duration> {
    error.detail().filter(|detail| detail.metadata.contains_key("events_per_second"))?.retry_delay
}

async fn publish(job: &Job, items: Vec<Item>, tell: &mpsc::Sender<Told>) -> Result<(), CallFailed> {
    let request = PublishEventsRequest {
        partner: job.partner.clone(),
        events: items.iter().map(|item| item.event.clone()).collect(),
        validate_only: job.validate_only,
    };
    let doing = if job.validate_only { "judge events" } else { "publish events" };
    let results = loop {
        match job.client.call(request.clone()).await {
            Ok(answer) => break answer.results,
            Err(error) => match too_fast(&error) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(CallFailed::new(doing, error)),
            },
        }
    };
    let mut judged = Judged { accepted: 0, bytes: 0 };
    for (item, result) in items.into_iter().zip(results) {
        judged.bytes += item.bytes;
        match result.outcome {
            Some(Outcome::Refused(refusal)) => {
                let fault =
                    Fault { reason: refusal.reason(), field: refusal.field, message: refusal.message };
                let Item { line, event, text, .. } = item;
                let refused = Refused { line, event_id: event.event_id, fault, text };
                // Nobody listens once another lane has failed.
                drop(tell.send(Told::Refused(refused)).await);
            }
            Some(Outcome::Accepted(_)) | None => judged.accepted += 1,
        }
    }
    drop(tell.send(Told::Judged(judged)).await);
    Ok(())
}
