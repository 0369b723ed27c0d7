//! From a partner's message to what the ledger decides.

mod order;

use coalition_domain::order::taken_back;
use coalition_domain::{EventBody, Identifier, PartnerEvent, PartnerId, Scheme, Span, Timestamp};
use coalition_proto::event::v1::{self as proto, partner_event::Body};
use coalition_proto::r#type::v1::ErrorReason;

use crate::Refusal;
use crate::convert::{
    identifier_from_proto, name_from_proto, reference_from_proto, resource_from_proto, timestamp_from_proto,
};

/// The largest amount of one event, in units of its currency.
pub const AMOUNT_UNITS_MAX: i64 = 1_000_000_000;

/// The most purposes that one sign-up can consent to.
pub const CONSENTS_MAX: usize = 16;

/// How far a partner's clock may be ahead of ours.
pub const EVENT_AHEAD_MAX: Span = Span::from_secs(300);

/// Makes of the message `event`, come by the topic or key of `partner`, what the ledger decides. `now` is when it
/// came: only the future is judged by it, how old an event may be is the ledger's to say. Pure and total.
///
/// # Errors
/// The first fault: that of the identifier's value before all others, then by field in the order of the message.
pub fn translate(
    partner: PartnerId,
    event: &proto::PartnerEvent,
    now: Timestamp,
) -> Result<PartnerEvent, Refusal> {
    let identifier = identify(partner, event)?;
    let event_id = reference_from_proto(&event.event_id, "event_id")?;
    check_partner(partner, &event.partner, "partner")?;
    let programme = optional(&event.programme, |text| resource_from_proto(text, "programmes/", "programme"))?;
    let event_time = event.event_time.as_ref().ok_or_else(|| Refusal::missing("event_time"))?;
    let event_time = timestamp_from_proto(event_time, "event_time")?;
    if event_time > now.plus(EVENT_AHEAD_MAX) {
        let message = "the event time is more than 5 minutes ahead";
        return Err(Refusal::new(ErrorReason::EventInFuture, "event_time", message));
    }
    let channel = optional(&event.channel, |text| name_from_proto(text, "channel"))?;
    let revision = u32::try_from(event.revision)
        .map_err(|_| Refusal::new(ErrorReason::InvalidArgument, "revision", "the revision is below zero"))?;
    let body = event.body.as_ref().ok_or_else(|| {
        let message = "the event says nothing of what happened, or something that this network doesn't know";
        Refusal::new(ErrorReason::FieldMissing, "body", message)
    })?;
    let body = translate_body(body)?;
    let named_by_order = || Some(Identifier::of_order(partner, &taken_back(partner, &body)?));
    let identifier = identifier.or_else(named_by_order).ok_or_else(|| Refusal::missing("identifier"))?;
    Ok(PartnerEvent { partner, event_id, programme, identifier, event_time, channel, revision, body })
}

/// Whom the event names. Only what is taken back may be named by its order alone.
fn identify(partner: PartnerId, event: &proto::PartnerEvent) -> Result<Option<Identifier>, Refusal> {
    let Some(said) = event.identifier.as_ref() else {
        return match event.body {
            Some(Body::OrderReturn(_) | Body::AccountClosing(_)) => Ok(None),
            Some(
                Body::SignUp(_)
                | Body::ConsentGiven(_)
                | Body::ConsentWithdrawn(_)
                | Body::Purchase(_)
                | Body::EmailRead(_)
                | Body::AccountOpening(_)
                | Body::Engagement(_),
            )
            | None => Err(Refusal::missing("identifier")),
        };
    };
    let identifier = identifier_from_proto(said, "identifier", Some(partner))?;
    match identifier.scheme() {
        Scheme::CustomerNumber(_) => check_partner(partner, &said.scope, "identifier.scope")?,
        Scheme::EmailHash | Scheme::CardToken | Scheme::Order(_) => {}
    }
    Ok(Some(identifier))
}

/// A partner speaks for itself alone; it may leave its name out.
fn check_partner(partner: PartnerId, said: &str, field: &str) -> Result<(), Refusal> {
    if said.is_empty() || said.strip_prefix("partners/") == Some(partner.as_str()) {
        return Ok(());
    }
    let message = format!("{field} is not partners/{partner}, which sent the event");
    Err(Refusal::new(ErrorReason::PartnerMismatch, field, message))
}

fn translate_body(body: &Body) -> Result<EventBody, Refusal> {
    Ok(match body {
        Body::SignUp(it) => EventBody::SignUp { consents: consents(&it.consent_purposes)? },
        Body::ConsentGiven(it) => {
            EventBody::ConsentGiven { purpose: name_from_proto(&it.purpose, "consent_given.purpose")? }
        }
        Body::ConsentWithdrawn(it) => EventBody::ConsentWithdrawn {
            purpose: name_from_proto(&it.purpose, "consent_withdrawn.purpose")?,
        },
        Body::Purchase(it) => order::purchase(it)?,
        Body::OrderReturn(it) => order::order_return(it)?,
        Body::AccountClosing(it) => EventBody::AccountClosing {
            reference: reference_from_proto(&it.reference, "account_closing.reference")?,
        },
        Body::EmailRead(it) => {
            EventBody::EmailRead { message: reference_from_proto(&it.message_id, "email_read.message_id")? }
        }
        Body::AccountOpening(it) => EventBody::AccountOpening {
            reference: optional(&it.reference, |text| {
                reference_from_proto(text, "account_opening.reference")
            })?,
        },
        Body::Engagement(it) => EventBody::Engagement {
            kind: name_from_proto(&it.kind, "engagement.kind")?,
            reference: optional(&it.reference, |text| reference_from_proto(text, "engagement.reference"))?,
        },
    })
}

fn consents(purposes: &[String]) -> Result<Vec<coalition_domain::Purpose>, Refusal> {
    const FIELD: &str = "sign_up.consent_purposes";
    if purposes.len() > CONSENTS_MAX {
        let message = format!("a sign-up names at most {CONSENTS_MAX} purposes");
        return Err(Refusal::new(ErrorReason::FieldTooLong, FIELD, message));
    }
    let read = |(place, purpose): (usize, &String)| {
        name_from_proto(purpose, FIELD)
            .map_err(|refusal| Refusal { field: format!("{FIELD}[{place}]"), ..refusal })
    };
    purposes.iter().enumerate().map(read).collect()
}

/// An empty text stands for none.
fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

#[cfg(test)]
mod tests;
