//! Events by gRPC: the gateway writes them to the partner's topic, and refuses at once what intake would refuse.

use std::time::Duration;

use coalition_proto::event::v1::publish_event_result::Outcome;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest};
use coalition_proto::r#type::v1::Refusal;

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
        let request = PublishEventsRequest {
            partner: self.partner.clone(),
            events: events.to_vec(),
            validate_only: false,
        };
        let results = self.client.call(request).await.map_err(trouble)?.results;
        if results.len() != events.len() {
            let why = format!("{} results for {} events", results.len(), events.len());
            return Err(Trouble::Away { why, wait: Duration::ZERO });
        }
        let refused = results.into_iter().enumerate().filter_map(|(place, result)| match result.outcome {
            Some(Outcome::Refused(refusal)) => Some((place, refusal)),
            Some(Outcome::Accepted(_)) | None => None,
        });
        Ok(refused.collect())
    }
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
