//! What an earlier run has left: how many of the demo's events are decided.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use coalition_domain::{AccountId, Fingerprint, PartnerId, Timestamp, event_key};
use coalition_intake::{events_topic, translate};
use coalition_journal::log::{Offset, Partition};

use super::events::Publication;
use crate::log::patiently;
use crate::node::Running;

/// How many of the events are decided already.
pub(super) async fn decided(network: &Running, publications: &[Publication]) -> Result<u64> {
    if !anything_published(network, publications)? {
        return Ok(0);
    }
    // Account by account: each may have to be read from the store.
    let mut keys: BTreeMap<AccountId, Vec<Fingerprint>> = BTreeMap::new();
    for publication in publications {
        let partner = PartnerId::new(publication.partner)?;
        for event in &publication.events {
            let event = translate(partner, event, Timestamp::MAX)
                .ok()
                .with_context(|| format!("read event {} of the demo", event.event_id))?;
            keys.entry(event.identifier.account()).or_default().push(event_key(partner, &event.event_id));
        }
    }
    let mut decided = 0;
    for (account, keys) in keys {
        let view =
            network.ledger.account(account, None).await.context("look for events of an earlier run")?;
        let known = keys.iter().filter(|key| view.account().keys().activity(key).is_some());
        decided += known.count() as u64;
    }
    Ok(decided)
}

fn anything_published(network: &Running, publications: &[Publication]) -> Result<bool> {
    for publication in publications {
        let topic = events_topic(&PartnerId::new(publication.partner)?);
        let partitions = patiently(|| network.log.topic(&topic))?.map_or(0, |found| found.partitions);
        for number in 0..partitions {
            let (_, end) = patiently(|| network.log.bounds(&Partition::new(&topic, number)))?;
            if end > Offset(0) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
