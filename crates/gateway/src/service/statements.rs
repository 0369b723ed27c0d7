//! A partner's statements, month by month.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coalition_domain::Timestamp;
use coalition_domain::calendar::{NoZone, Zone};
use coalition_domain::settlement::{Hour, LineKey};
use coalition_intake::convert::timestamp_to_proto;
use coalition_proto::settlement::v1 as proto;
use tokio::time::Instant;

use super::Gateway;
use super::account::check_programme;
use super::settlement::{stood_on, sum_up};
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{name, settlement};
use crate::forward::{blocking, now};
use crate::page::Page;
use crate::status::Failure;

/// All of recorded time.
const EVER: (Hour, Hour) = (Hour(i64::MIN), Hour(i64::MAX));

const MILLIS_OF_HOUR: i64 = 3_600_000;

impl Gateway {
    pub(super) async fn statements(
        &self,
        call: &Call,
        request: proto::ListSettlementStatementsRequest,
    ) -> Result<proto::ListSettlementStatementsResponse, Failure> {
        let partner = call.partner_named("partner", &request.partner)?;
        let programme = name::programme("programme", &request.programme)?;
        let zone = zone(&request.time_zone)?;
        let stand = self.stand(&request.min_positions, &request.positions)?;
        let positions = format!("{:?}", request.positions);
        let filter = [partner.as_str(), programme.as_str(), &request.time_zone, &positions];
        let page = Page::<Reverse<Hour>>::of(call, request.page_size, &request.page_token, &filter)?;
        self.check_known(call, &partner).await?;
        check_programme(&self.registry(call, &MinPositions::default()).await?.registry, &programme)?;
        let shards = self.sums_on(call, &stand).await?;
        let (log, deadline) = (Arc::clone(&self.log), call.deadline);
        let listed = blocking(call, move || {
            let mut hours = BTreeSet::new();
            for (sums, at) in &shards {
                sums.each_line(&programme, EVER, |(_, hour, line), sum| {
                    if line.partner() == partner && sum.first <= at.0 {
                        hours.insert(hour);
                    }
                })?;
            }
            let months = months(&hours, &zone)?;
            let (months, next_page_token) = page.cut(months.into_iter(), |(from, _)| *from);
            let given_up = || Instant::now() >= deadline;
            let mut statements = Vec::with_capacity(months.len());
            for (Reverse(from), until) in months {
                let own = |key: &LineKey| key.partner() == partner;
                let lines = sum_up(&shards, &*log, &programme, (from, until), &given_up, own)?;
                statements.push(proto::SettlementStatement {
                    partner: name::of_partner(partner),
                    programme: name::of_programme(programme),
                    start_time: Some(timestamp_to_proto(start(from))),
                    end_time: Some(timestamp_to_proto(start(until))),
                    positions: stood_on(&shards),
                    ..settlement::statement(&lines, until, now())?
                });
            }
            let positions = stood_on(&shards);
            Ok(proto::ListSettlementStatementsResponse { statements, next_page_token, positions })
        });
        listed.await
    }
}

fn zone(name: &str) -> Result<Zone, Failure> {
    if name.is_empty() {
        return Ok(Zone::utc());
    }
    name.parse().map_err(|why: NoZone| Failure::invalid("time_zone", why.to_string()))
}

fn start(hour: Hour) -> Timestamp {
    Timestamp::from_millis(hour.0.saturating_mul(MILLIS_OF_HOUR))
}

/// The months that these hours lie in, the newest first: where each begins, and where it ends.
fn months(hours: &BTreeSet<Hour>, zone: &Zone) -> Result<BTreeMap<Reverse<Hour>, Hour>, Failure> {
    let mut months = BTreeMap::new();
    let mut next = None;
    while let Some(hour) = hours.range(next.unwrap_or(EVER.0)..).next() {
        let month = zone.month(start(*hour));
        if [month.start, month.end].iter().any(|bound| bound.as_millis() % MILLIS_OF_HOUR != 0) {
            // India and others: a sum of an hour would be in two months.
            let why = "has months that begin at no full hour of UTC, by which settlement adds up";
            return Err(Failure::invalid("time_zone", why));
        }
        let until = Hour::of(month.end);
        months.insert(Reverse(Hour::of(month.start)), until);
        next = Some(until);
    }
    Ok(months)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(text: &str) -> Hour {
        Hour::of(text.parse().unwrap())
    }

    fn found(hours: &[&str], zone: &str) -> Result<Vec<[String; 2]>, Failure> {
        let hours = hours.iter().map(|text| hour(text)).collect();
        let months = months(&hours, &zone.parse().unwrap())?;
        Ok(months.iter().map(|(from, until)| [from.0, *until].map(|at| start(at).to_string())).collect())
    }

    #[test]
    fn months_with_hours_in_them_are_found_newest_first() {
        let hours = ["2026-01-31T22:00:00Z", "2026-01-31T23:00:00Z", "2026-04-01T00:00:00Z"];
        let utc = [
            ["2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"],
            ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        ];
        assert_eq!(found(&hours, "UTC").unwrap(), utc);
        // Paris is an hour ahead in winter, and two in summer.
        let paris = [
            ["2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"],
            ["2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"],
            ["2025-12-31T23:00:00Z", "2026-01-31T23:00:00Z"],
        ];
        assert_eq!(found(&hours, "Europe/Paris").unwrap(), paris);
        assert_eq!(found(&[], "UTC").unwrap(), [[""; 2]; 0]);
    }

    #[test]
    fn a_month_that_begins_within_an_hour_is_refused() {
        let refused = found(&["2026-01-31T22:00:00Z"], "Asia/Kolkata").unwrap_err();
        assert!(
            refused.message.starts_with("time_zone has months that begin at no full hour"),
            "{refused:?}"
        );
    }
}
