//! Events by gRPC: the gateway writes them to the partner's topic, and refuses at once what intake would refuse.

use std::time::Duration;

use coalition_proto::event::v1::publish_event_result::Outcome;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest};
use coalition_proto::r#type::v1::Refusal;
use tonic::Code;

use super::{Transport, Trouble};
use crate::{Client, Error};

/// Publishes by `PublishEvents`. A client that [connects later](Client::connect_later) lets a producer start while the
/// network is away.
pub struct Grpc {
    client: Client,
    partner: String,
}

impl Grpc {
    /// For the partner whose key `client` shows.
    pub fn new(client: Client) -> Self {
        Self { client, partner: String::new() }
    }

    /// For the partner `partners/{partner}`, with a key of the operator or of this partner.
    pub fn of_partner(client: Client, partner: &str) -> Self {
        Self { client, partner: partner.to_owned() }
    }
}

impl Transport for Grpc {
    async fn publish(&mut self, events: &[PartnerEvent]) -> Result<Vec<(usize, Refusal)>, Trouble> {
        let (mut refused, mut done, mut at_once) = (Vec::new(), 0, events.len());
        while done < events.len() {
            let left = &events[done..];
            let piece = &left[..at_once.min(left.len())];
            match self.publish_at_once(piece).await {
                Ok(of_piece) => {
                    refused.extend(of_piece.into_iter().map(|(place, refusal)| (done + place, refusal)));
                    done += piece.len();
                }
                Err(Failure::TooLong(_)) if piece.len() > 1 => at_once = piece.len().div_ceil(2),
                Err(Failure::TooLong(trouble) | Failure::Other(trouble)) => return Err(trouble),
            }
        }
        Ok(refused)
    }
}

/// Why one call was not done.
enum Failure {
    /// The gateway, or what lies between, takes no message of this length.
    TooLong(Trouble),
    Other(Trouble),
}

impl Grpc {
    async fn publish_at_once(&self, events: &[PartnerEvent]) -> Result<Vec<(usize, Refusal)>, Failure> {
        let request = PublishEventsRequest {
            partner: self.partner.clone(),
            events: events.to_vec(),
            validate_only: false,
        };
        let answer = self.client.call(request).await.map_err(|error| {
            if is_too_long(&error) {
                Failure::TooLong(trouble(error))
            } else {
                Failure::Other(trouble(error))
            }
        });
        let results = answer?.results;
        if results.len() != events.len() {
            let why = format!("{} results for {} events", results.len(), events.len());
            return Err(Failure::Other(Trouble::Away { why, wait: Duration::ZERO }));
        }
        let refused = results.into_iter().enumerate().filter_map(|(place, result)| match result.outcome {
            Some(Outcome::Refused(refusal)) => Some((place, refusal)),
            Some(Outcome::Accepted(_)) | None => None,
        });
        Ok(refused.collect())
    }
}

/// Whether it was not read for its length. The network gives all its answers a reason; this one is by the
/// server's library.
fn is_too_long(error: &Error) -> bool {
    error.detail().is_some_and(|detail| detail.code == Code::OutOfRange && detail.reason_name.is_none())
}

fn trouble(error: Error) -> Trouble {
    let why = error.to_string();
    match error {
        Error::Denied(_) | Error::NotFound(_) | Error::Invalid(_) | Error::Refused(_) => Trouble::Ended(why),
        // A fault is no answer to the events; they are kept until somebody has mended it.
        Error::NoServer { .. } | Error::Distrusted { .. } | Error::Fault(_) => {
            Trouble::Away { why, wait: Duration::ZERO }
        }
        Error::Unavailable(detail) => Trouble::Away { why, wait: detail.retry_delay.unwrap_or_default() },
    }
}
