//! What a line of a statement sums up.

use std::sync::Arc;

use coalition_domain::settlement::LineKey;
use coalition_domain::{PartnerId, ProgrammeId};
use coalition_journal::entry::Seq;
use coalition_ledger::rows;
use coalition_ledger::view::{Hours, PartKey, SumsView};
use coalition_proto::settlement::v1 as proto;
use coalition_proto::r#type::v1::ErrorReason;

use tokio::time::Instant;

use super::Gateway;
use super::account::check_programme;
use super::settlement::stood_on;
use crate::call::Call;
use crate::convert::position::{MinPositions, Stand};
use crate::convert::{name, settlement};
use crate::forward::blocking;
use crate::page::Page;
use crate::status::Failure;

/// Where a list of line events goes on: on which positions all of it stands, in which shard, and behind what there.
pub(crate) type After = (Vec<u64>, u32, PartKey);

impl Gateway {
    pub(super) async fn line_events(
        &self,
        call: &Call,
        request: proto::ListLineEventsRequest,
    ) -> Result<proto::ListLineEventsResponse, Failure> {
        let (partner, _) = name::line("name", &request.name)?;
        call.check_partner(&partner)?;
        let programme = name::programme("programme", &request.programme)?;
        let hours = settlement::hours(request.start_time.as_ref(), request.end_time.as_ref())?;
        let asked = self.stand(&request.min_positions, &request.positions)?;
        let filter = [&request.name, &request.programme, &format!("{hours:?} {:?}", request.positions)];
        let page =
            Page::<After>::of(call, request.page_size, &request.page_token, &filter.map(String::as_str))?;
        let stand = match &page.after {
            Some((at, ..)) => Stand::At(at.iter().copied().map(Seq).collect()),
            None => asked,
        };
        self.check_known(call, &partner).await?;
        check_programme(&self.registry(call, &MinPositions::default()).await?.registry, &programme)?;
        let shards = self.sums_on(call, &stand).await?;
        let (log, role) = (Arc::clone(&self.log), call.caller.role);
        // A page ends in time, with a token to go on by.
        let enough = Instant::now() + call.deadline.saturating_duration_since(Instant::now()) / 2;
        let listed = blocking(call, move || {
            let missing = || Failure::new(ErrorReason::NotFound, "the statement has no such line");
            let key = key(&shards, &partner, &programme, hours, &request.name)?.ok_or_else(missing)?;
            let at = || shards.iter().map(|(_, at)| at.0).collect();
            let (first, mut after) =
                page.after.as_ref().map_or((0, None), |(_, shard, key)| (*shard, Some(*key)));
            let (mut line_events, mut next_page_token) = (Vec::new(), String::new());
            let given_up = || Instant::now() >= enough;
            for (sums, upto) in shards.iter().filter(|(sums, _)| sums.position.shard.0 >= first) {
                let (shard, left) = (sums.position.shard, page.size - line_events.len());
                if given_up() && !line_events.is_empty() {
                    next_page_token = page.token(&(at(), shard.0, PartKey::default()));
                    break;
                }
                let line = (&programme, &key);
                let found = sums.parts(&*log, line, hours, *upto, (after.take(), left), &given_up)?;
                for part in &found.parts {
                    line_events.push(settlement::part_to_proto(&key, part, shard, role)?);
                }
                if let Some(more) = found.more_after {
                    next_page_token = page.token(&(at(), shard.0, more));
                    break;
                }
            }
            Ok(proto::ListLineEventsResponse { line_events, next_page_token, positions: stood_on(&shards) })
        });
        listed.await
    }
}

/// The line of this name, if the statement has it.
fn key(
    shards: &[(SumsView, Seq)],
    partner: &PartnerId,
    programme: &ProgrammeId,
    hours: Hours,
    line: &str,
) -> Result<Option<LineKey>, rows::Error> {
    let mut found = None;
    for (sums, at) in shards {
        sums.each_line(programme, hours, |(_, _, key), sum| {
            let named = || name::of_line(partner, key.id(programme)) == line;
            if found.is_none() && key.partner() == *partner && sum.first <= at.0 && named() {
                found = Some(key);
            }
        })?;
    }
    Ok(found)
}
