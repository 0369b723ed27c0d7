//! Records of partners' topics that were refused, as they lie in the partners' rejected topics.

use coalition_domain::{PartnerId, Timestamp};
use coalition_intake::convert::{timestamp_from_proto, timestamp_to_proto};
use coalition_intake::{Rejected, events_topic, rejected_topic};
use coalition_journal::log::{self, Log, Offset, Partition, Stored};
use coalition_proto::event::v1 as proto;
use coalition_proto::r#type::v1::{self as shared, ErrorReason};

use super::Gateway;
use super::partner::check_partner;
use crate::call::Call;
use crate::convert::name;
use crate::convert::position::MinPositions;
use crate::forward::blocking;
use crate::page::Page;
use crate::status::Failure;

/// Bytes read at once.
const READ_BYTES: usize = 1024 * 1024;

/// Where a record lies in a rejected topic: partition and offset.
pub(crate) type Place = (u32, u64);

impl Gateway {
    pub(super) async fn rejected_event(
        &self,
        call: &Call,
        request: proto::GetRejectedEventRequest,
    ) -> Result<proto::RejectedEvent, Failure> {
        let (partner, (number, offset)) = name::rejected_event("name", &request.name)?;
        call.check_partner(&partner)?;
        let log = self.log.clone();
        blocking(call, move || {
            let not_found = || Failure::new(ErrorReason::NotFound, "the partner has no such rejected event");
            let of = Partition::new(&rejected_topic(&partner), number);
            match log.bounds(&of) {
                Ok((start, end)) if (start..end).contains(&Offset(offset)) => {}
                Ok(_) | Err(log::Error::NoSuchPartition(_)) => return Err(not_found()),
                Err(error) => return Err(error.into()),
            }
            let found = log.read(&of, Offset(offset), 1)?.into_iter().next();
            let found = found.filter(|stored| stored.offset.0 == offset).ok_or_else(not_found)?;
            let value = found.record.value.to_vec();
            let event = to_proto(partner, number, &found).ok_or_else(not_found)?;
            Ok(proto::RejectedEvent { value, ..event })
        })
        .await
    }

    pub(super) async fn rejected_events(
        &self,
        call: &Call,
        request: proto::ListRejectedEventsRequest,
    ) -> Result<proto::ListRejectedEventsResponse, Failure> {
        let partner = call.partner_named("partner", &request.partner)?;
        let start = request.start_time.as_ref();
        let since = start.map(|time| timestamp_from_proto(time, "start_time")).transpose()?;
        let filter = [partner.to_string(), since.map(|since| since.to_string()).unwrap_or_default()];
        let filter = filter.each_ref().map(String::as_str);
        let page = Page::<Place>::of(call, request.page_size, &request.page_token, &filter)?;
        check_partner(&self.registry(call, &MinPositions::default()).await?.registry, &partner)?;
        let log = self.log.clone();
        blocking(call, move || {
            let events = list(&*log, partner, &page, since)?;
            let (events, next_page_token) = page.cut(events.into_iter(), |(place, _)| *place);
            let rejected_events = events.into_iter().map(|(_, event)| event).collect();
            Ok(proto::ListRejectedEventsResponse { rejected_events, next_page_token })
        })
        .await
    }
}

/// One event more than the page has room for, if there are so many.
fn list(
    log: &dyn Log,
    partner: PartnerId,
    page: &Page<Place>,
    since: Option<Timestamp>,
) -> Result<Vec<(Place, proto::RejectedEvent)>, Failure> {
    let topic = rejected_topic(&partner);
    let mut events = Vec::new();
    let Some(found) = log.topic(&topic)? else { return Ok(events) };
    let (first, after) = page.after.map_or((0, None), |(number, offset)| (number, Some(offset)));
    for number in first..found.partitions {
        let of = Partition::new(&topic, number);
        let (start, end) = log.bounds(&of)?;
        let goes_on = after
            .filter(|_| number == first)
            .map_or(start, |after| Offset(after.saturating_add(1)).max(start));
        let mut from = since.map_or(Ok(goes_on), |since| first_since(log, &of, goes_on, end, since))?;
        while from < end && events.len() <= page.size {
            let read = log.read(&of, from, READ_BYTES)?;
            let Some(last) = read.last() else { break };
            from = last.offset.plus(1);
            let entry =
                |stored: &Stored| Some(((number, stored.offset.0), to_proto(partner, number, stored)?));
            events.extend(read.iter().filter_map(entry));
        }
    }
    Ok(events)
}

/// The first offset in `from <= offset < end` whose record was taken at `since` or later; `end` if there is none. Append
/// times never go back.
fn first_since(
    log: &dyn Log,
    of: &Partition,
    from: Offset,
    end: Offset,
    since: Timestamp,
) -> Result<Offset, log::Error> {
    let (mut low, mut high) = (from.0, end.0);
    while low < high {
        let middle = low + (high - low) / 2;
        match log.read(of, Offset(middle), 1)?.first() {
            Some(stored) if stored.append_time < since => low = stored.offset.0 + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(Offset(low))
}

/// The event without its value; `None` for what nobody here wrote.
fn to_proto(partner: PartnerId, number: u32, stored: &Stored) -> Option<proto::RejectedEvent> {
    let Rejected { partition, offset, refusal, redacted, event_id, number: of_ledger } =
        Rejected::read(&stored.record)?;
    Some(proto::RejectedEvent {
        name: name::of_rejected_event(partner, number, stored.offset.0),
        source: Some(proto::TopicPosition { topic: events_topic(&partner), partition, offset: offset.0 }),
        create_time: Some(timestamp_to_proto(stored.append_time)),
        refusal: Some(shared::Refusal {
            reason: refusal.reason.into(),
            message: refusal.message,
            field: refusal.field,
        }),
        value: Vec::new(),
        redacted,
        number: of_ledger,
        event_id,
    })
}
