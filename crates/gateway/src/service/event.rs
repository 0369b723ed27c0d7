//! Partners' events: written to the partner's topic, and what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coalition_domain::{AccountId, Fingerprint, Outcome as Decided, PartnerId, event_key};
use coalition_intake::{Refusal, events_topic, trace_refused, translate, units};
use coalition_journal::log::{AppendError, Log, Offset, Partition, Record};
use coalition_ledger::resident::Activity;
use coalition_ledger::trace::{self, TraceParent};
use coalition_ledger::view::AccountView;
use coalition_proto::event::v1 as proto;
use coalition_proto::event::v1::partner_event_service_server::PartnerEventService;
use coalition_proto::event::v1::publish_event_result::Outcome;
use coalition_proto::r#type::v1::{self as shared, ErrorReason};
use prost::Message;
use tokio::sync::oneshot;
use tokio::time::timeout_at;
use tonic::{Request, Response, Status};

use super::Gateway;
use super::partner::check_partner;
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{event, request};
use crate::forward::{blocking, now};
use crate::pace::Kind;
use crate::status::{self, Failure};

/// Events in one request.
const EVENTS_MAX: usize = 1_000;

#[tonic::async_trait]
impl PartnerEventService for Gateway {
    async fn publish_events(
        &self,
        request: Request<proto::PublishEventsRequest>,
    ) -> Result<Response<proto::PublishEventsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let partner = call.partner_named("partner", &request.partner)?;
        match request.events.len() {
            0 => return Err(Failure::missing("events").into()),
            count if count > EVENTS_MAX => {
                return Err(Failure::invalid("events", format!("has more than {EVENTS_MAX}")).into());
            }
            _ => {}
        }
        check_partner(&self.registry(&call, &MinPositions::default()).await?.registry, &partner)?;
        let units = request.events.iter().map(|event| units(event.encoded_len())).sum();
        let kind = Kind { partner, validate_only: request.validate_only };
        self.pace.admit(kind, units, call.deadline.into_std()).await?;
        let topic = if request.validate_only { None } else { Some(self.topic(&call, partner).await?) };
        let judged = judge(partner, request.events, topic.as_ref(), call.trace);
        Ok(Response::new(proto::PublishEventsResponse { results: self.publish(&call, topic, judged).await? }))
    }

    async fn get_partner_event(
        &self,
        request: Request<proto::GetPartnerEventRequest>,
    ) -> Result<Response<proto::PartnerEventRecord>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let partner = call.partner_named("partner", &request.partner)?;
        let event_id = request::reference("event_id", &request.event_id)?;
        check_partner(&self.registry(&call, &MinPositions::default()).await?.registry, &partner)?;
        let min = self.min(request.min_position.as_ref())?;
        let key = event_key(partner, &event_id);
        let (named, order) = (request.identifier.as_ref(), &request.order_id);
        let account = if named.is_none() && order.is_empty() && request.reference.is_empty() {
            self.account_of_event(&call, key, &min).await?
        } else {
            request::account_of_event(partner, named, order, &request.reference)?
        };
        let (view, found, forwarded) = self.decided(&call, account, key, &min).await?;
        if let Some(activity) = found
            && let Some(event) = activity.decision.command.event()
        {
            let by = (view.position.shard, call.caller.role);
            return Ok(Response::new(event::to_proto(event, &activity, &view.registry, by)));
        }
        let gateway = self.clone();
        let missing = blocking(&call, move || {
            let shard = view.position.shard;
            let status = gateway.ledger.status(shard);
            let behind = status.map_or(Ok(0), |status| gateway.inbox_lag(&status))?;
            let mut message = "no event of this id was decided for this identifier".to_owned();
            if forwarded {
                message.push_str("; it is on its way to the account that decides it");
            }
            if behind > 0 {
                message.push_str(&format!(
                    "; it may be on its way: {behind} records wait in the inbox of its shard"
                ));
            }
            Ok(Failure::new(ErrorReason::EventNotFound, message)
                .with("shard", shard)
                .with("inbox_lag", behind))
        });
        Err(missing.await?.into())
    }

    async fn list_partner_events(
        &self,
        request: Request<proto::ListPartnerEventsRequest>,
    ) -> Result<Response<proto::ListPartnerEventsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.partner_events(&call, request).await?))
    }

    async fn get_rejected_event(
        &self,
        request: Request<proto::GetRejectedEventRequest>,
    ) -> Result<Response<proto::RejectedEvent>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.rejected_event(&call, request).await?))
    }

    async fn list_rejected_events(
        &self,
        request: Request<proto::ListRejectedEventsRequest>,
    ) -> Result<Response<proto::ListRejectedEventsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.rejected_events(&call, request).await?))
    }
}

/// A partner's topic.
struct Topic {
    name: String,
    partitions: u32,
}

/// An event of a request: its id, and the record with its partition, or why it is refused.
struct Judged {
    event_id: String,
    record: Result<(u32, Record), Refusal>,
}

/// Judges each event as intake will.
fn judge(
    partner: PartnerId,
    events: Vec<proto::PartnerEvent>,
    topic: Option<&Topic>,
    trace: Option<TraceParent>,
) -> Vec<Judged> {
    let now = now();
    let header = |trace: TraceParent| (trace::HEADER.to_owned(), trace.as_str().as_bytes().to_vec().into());
    let judge = |event: proto::PartnerEvent| {
        let translated = translate(partner, &event, now).inspect_err(|refusal| {
            if let Some(trace) = &trace {
                trace_refused(trace, partner, &event, refusal);
            }
        });
        let record = translated.map(|translated| {
            let account = translated.identifier.account();
            let partition = topic.map_or(0, |topic| account.shard(topic.partitions));
            let headers = trace.map(header).into_iter().collect();
            (partition, Record { headers, ..Record::of(event.encode_to_vec()) })
        });
        Judged { event_id: event.event_id, record }
    };
    events.into_iter().map(judge).collect()
}

impl Gateway {
    /// The account that an event came to, looked for in all shards.
    async fn account_of_event(
        &self,
        call: &Call,
        key: Fingerprint,
        min: &MinPositions,
    ) -> Result<AccountId, Failure> {
        for shard in self.shards() {
            let search = self.search(call, shard, key, min).await?;
            if let Some(account) = blocking(call, move || Ok(search.account()?)).await? {
                return Ok(account);
            }
        }
        let message = "no event of this id was decided; it may be on its way";
        Err(Failure::new(ErrorReason::EventNotFound, message))
    }

    /// What became of an event that came to an account: by the account that decided it, which may be another one, and whether it
    /// is; `None`: nothing yet. An event is forwarded to the account of a linked member, or to the one that knows its order; if that
    /// has followed the first one meanwhile, it is on its way back.
    pub(super) async fn decided(
        &self,
        call: &Call,
        mut id: AccountId,
        key: Fingerprint,
        min: &MinPositions,
    ) -> Result<(AccountView, Option<Activity>, bool), Failure> {
        let (mut forwarded, mut visited) = (false, vec![id]);
        loop {
            let view = self.account(call, id, min).await?;
            let (view, found) = blocking(call, move || {
                let found = view.outcome(&key)?;
                Ok((view, found))
            })
            .await?;
            match found.as_ref().map(|activity| &activity.decision.outcome) {
                Some(Decided::Forwarded(to)) if visited.contains(to) => return Ok((view, None, true)),
                Some(Decided::Forwarded(to)) => {
                    (id, forwarded) = (*to, true);
                    visited.push(id);
                }
                Some(Decided::Applied(_) | Decided::Refused(_) | Decided::Waiting(_)) | None => {
                    return Ok((view, found, forwarded));
                }
            }
        }
    }

    /// The partner's topic, which is created if it is not there yet.
    async fn topic(&self, call: &Call, partner: PartnerId) -> Result<Topic, Failure> {
        let (log, partitions) = (self.log.clone(), self.settings.partner_partitions);
        blocking(call, move || {
            let name = events_topic(&partner);
            let partitions = log.open_topic(&name, partitions)?.partitions;
            Ok(Topic { name, partitions })
        })
        .await
    }

    /// Writes what was accepted, in order; answers once the log has all of it. An append for each event: others may write
    /// to the partition in between, and each is told its own place. What comes behind one that the log refuses isn't sent: it
    /// would be in the topic before it.
    async fn publish(
        &self,
        call: &Call,
        topic: Option<Topic>,
        judged: Vec<Judged>,
    ) -> Result<Vec<proto::PublishEventResult>, Failure> {
        let halted = Arc::<AtomicBool>::default();
        let send = |Judged { event_id, record }: Judged| {
            let sent = record.map(|(number, record)| {
                let to = Partition::new(&topic.as_ref()?.name, number);
                let appended = append(&*self.log, &to, record, &halted);
                Some((to, appended))
            });
            (event_id, sent)
        };
        // All are on their way before the first is waited for.
        let sent: Vec<_> = judged.into_iter().map(send).collect();
        let mut results = Vec::with_capacity(sent.len());
        for (event_id, sent) in sent {
            let outcome = match sent {
                Ok(None) => Outcome::Accepted(proto::AcceptedEvent { topic_position: None }),
                Ok(Some((to, appended))) => {
                    let offset = match timeout_at(call.deadline, appended).await {
                        Ok(Ok(appended)) => appended.map_err(not_published)?.0,
                        Ok(Err(_)) | Err(_) => return Err(status::unknown(REPEAT)),
                    };
                    Outcome::Accepted(proto::AcceptedEvent {
                        topic_position: Some(proto::TopicPosition {
                            topic: to.topic.to_string(),
                            partition: to.number,
                            offset,
                        }),
                    })
                }
                Err(Refusal { reason, field, message }) => {
                    Outcome::Refused(shared::Refusal { reason: reason.into(), message, field })
                }
            };
            results.push(proto::PublishEventResult { event_id, outcome: Some(outcome) });
        }
        Ok(results)
    }
}

const REPEAT: &str = "it is not known whether all events are in the topic; repeat the call as it was";

type Appended = oneshot::Receiver<Result<Offset, AppendError>>;

/// Appends unless the call is `halted`, which it is by the first append of it that fails.
fn append(log: &dyn Log, to: &Partition, record: Record, halted: &Arc<AtomicBool>) -> Appended {
    let (told, outcome) = oneshot::channel();
    let halt = Arc::clone(halted);
    let done = move |outcome: Result<_, _>| {
        if outcome.is_err() {
            halt.store(true, Ordering::Release);
        }
        // A call that was given up hears nothing; the event is in the topic all the same.
        drop(told.send(outcome));
    };
    if halted.load(Ordering::Acquire) {
        done(Err(AppendError::NotAppended("it is behind one that was not appended".to_owned())));
    } else {
        log.append(to, vec![record], Box::new(done));
    }
    outcome
}

fn not_published(error: AppendError) -> Failure {
    match error {
        AppendError::NotAppended(_) => status::overloaded(
            "the partner's topic takes nothing more at this moment; repeat the call as it was",
        ),
        AppendError::Doubt(_) => status::unknown(REPEAT),
    }
}
