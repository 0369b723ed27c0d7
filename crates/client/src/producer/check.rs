//! What is looked at before an event is taken: its id, and that it may be written to a disk at all.

use coalition_domain::{Identifier, Reference, Scheme};
use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::r#type::v1::{Identifier as ProtoIdentifier, IdentifierScheme};
use prost::Message;
use sha2::{Digest, Sha256};

/// The longest record of a partner's topic, in bytes.
const EVENT_BYTES_MAX: usize = 64 << 10;

/// What is wrong with an event. It repeats no value of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field} {message}")]
pub struct BadEvent {
    /// The field at fault.
    pub field: &'static str,
    /// In words, for a person.
    pub message: String,
}

fn bad(field: &'static str, message: impl ToString) -> BadEvent {
    BadEvent { field, message: message.to_string() }
}

/// The id that an event has if its sender gives it none: `sha256:` and the SHA-256 of its content in 64 hexadecimal digits.
///
/// Content is all of the event but `event_id`, `partner` and `revision`, as protobuf encodes it with its fields in the order
/// of their numbers, those that are not set left out. So the same happening sent again, even by another process on another
/// day, has the same id and counts once; and two happenings of which nothing that is told differs are one. What is corrected
/// later, such as an amount, gives another id: events that may be corrected need ids of their sender's. Frozen.
pub fn content_id(event: &PartnerEvent) -> Reference {
    let content =
        PartnerEvent { event_id: String::new(), partner: String::new(), revision: 0, ..event.clone() };
    let hash = Sha256::digest(content.encode_to_vec());
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Reference::new(format!("sha256:{digits}")).expect("71 characters")
}

/// Sees to the event's id, which it gives, and gives the event's bytes. All else is the network's to judge.
pub(super) fn prepare(event: &mut PartnerEvent) -> Result<(Reference, Vec<u8>), BadEvent> {
    match (&event.identifier, &event.body) {
        (Some(identifier), _) => check_value(identifier)?,
        (None, Some(Body::OrderReturn(_) | Body::AccountClosing(_))) => {}
        (None, _) => return Err(bad("identifier", "is required")),
    }
    let id = if event.event_id.is_empty() {
        content_id(event)
    } else {
        Reference::new(event.event_id.as_str()).map_err(|why| bad("event_id", why))?
    };
    event.event_id = id.to_string();
    let bytes = event.encode_to_vec();
    if bytes.len() > EVENT_BYTES_MAX {
        return Err(bad("event", format!("is longer than {EVENT_BYTES_MAX} bytes")));
    }
    Ok((id, bytes))
}

fn check_value(identifier: &ProtoIdentifier) -> Result<(), BadEvent> {
    // Values of every scheme but one are judged alike, whatever their scope: no card number or address, for it would
    // lie in a file here, and be in the topic before anybody could refuse it.
    let scheme = match IdentifierScheme::try_from(identifier.scheme) {
        Ok(IdentifierScheme::EmailHash) => Scheme::EmailHash,
        Ok(
            IdentifierScheme::Unspecified | IdentifierScheme::CardToken | IdentifierScheme::CustomerNumber,
        )
        | Err(_) => Scheme::CardToken,
    };
    Identifier::new(scheme, &identifier.value).map(drop).map_err(|why| bad("identifier.value", why))
}

#[cfg(test)]
mod tests {
    use coalition_proto::event::v1::{Purchase, partner_event::Body};
    use coalition_proto::google::r#type::Money;
    use coalition_proto::r#type::v1::Identifier as ProtoIdentifier;

    use super::*;

    fn event() -> PartnerEvent {
        let scheme = IdentifierScheme::CustomerNumber.into();
        let amount = Money { currency_code: "USD".to_owned(), units: 77, nanos: 960_000_000 };
        PartnerEvent {
            identifier: Some(ProtoIdentifier { scheme, scope: String::new(), value: "00012".to_owned() }),
            event_time: Some(prost_types::Timestamp { seconds: 853_070_400, nanos: 0 }),
            body: Some(Body::Purchase(Purchase {
                order_id: "4711".to_owned(),
                amount: Some(amount),
                lines: Vec::new(),
            })),
            ..PartnerEvent::default()
        }
    }

    /// The hash by Python, of bytes written by hand: `hashlib.sha256(bytes.fromhex(X)).hexdigest()`, X being
    /// `220908031a0530303031322a0608c0a4e396036a150a043437313112` and
    /// `0d0a03555344104d1880e0e1c903`.
    #[test]
    fn ids_of_content_are_as_ever() {
        let expected = "sha256:3d7568b8c9ea0fc3166c59ab852cd61996b2bb513e53d7bfb2a2795cf72b7f53";
        assert_eq!(content_id(&event()).as_str(), expected);
        let other = PartnerEvent {
            event_id: "e".to_owned(),
            partner: "partners/shop".to_owned(),
            revision: 3,
            ..event()
        };
        assert_eq!(content_id(&other).as_str(), expected, "what is no content doesn't count");
        let later = PartnerEvent { channel: "web".to_owned(), ..event() };
        assert_ne!(content_id(&later).as_str(), expected);
    }

    #[test]
    fn an_event_keeps_the_id_that_it_has() {
        let mut own = PartnerEvent { event_id: "order-4711".to_owned(), ..event() };
        let (id, bytes) = prepare(&mut own).unwrap();
        assert_eq!(id.as_str(), "order-4711");
        assert_eq!(PartnerEvent::decode(bytes.as_slice()).unwrap(), own);
        let mut none = event();
        let (id, bytes) = prepare(&mut none).unwrap();
        assert_eq!(PartnerEvent::decode(bytes.as_slice()).unwrap().event_id, id.to_string());
    }

    #[test]
    fn what_must_not_lie_about_is_not_taken() {
        let field = |change: &dyn Fn(&mut PartnerEvent)| {
            let mut event = event();
            change(&mut event);
            prepare(&mut event).unwrap_err().field
        };
        for value in ["jane@example.com", "4111111111111111", "4111 1111 1111 1111", ""] {
            for scheme in 0..5 {
                let value = value.to_owned();
                let identifier = ProtoIdentifier { scheme, value, ..Default::default() };
                assert_eq!(
                    field(&|event| event.identifier = Some(identifier.clone())),
                    "identifier.value",
                    "{scheme}"
                );
            }
        }
        assert_eq!(field(&|event| event.identifier = None), "identifier");
        assert_eq!(field(&|event| event.event_id = "a\nb".to_owned()), "event_id");
        assert_eq!(field(&|event| event.event_id = "e".repeat(129)), "event_id");
        assert_eq!(field(&|event| event.channel = "c".repeat(70_000)), "event");
    }
}
