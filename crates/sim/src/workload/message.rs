//! What a partner writes to its topic: an event as the message that intake reads.

use coalition_domain::{EventBody, Money, OrderLine, PartnerEvent, Reference, Returned, ReturnedLine};
use coalition_intake::convert::{identifier_to_proto, money_to_proto, timestamp_to_proto};
use coalition_proto::event::v1 as proto;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::google::r#type::Money as ProtoMoney;
use prost::Message;

/// The bytes of its record, in protobuf.
pub(crate) fn message(event: &PartnerEvent) -> Vec<u8> {
    let text = |name: &str| name.to_owned();
    proto::PartnerEvent {
        event_id: event.event_id.to_string(),
        partner: format!("partners/{}", event.partner),
        programme: event.programme.map(|it| format!("programmes/{it}")).unwrap_or_default(),
        // An order is named by what is returned of it, not as an identifier.
        identifier: match event.identifier.scheme() {
            coalition_domain::Scheme::Order(_) => None,
            coalition_domain::Scheme::EmailHash
            | coalition_domain::Scheme::CardToken
            | coalition_domain::Scheme::CustomerNumber(_) => Some(identifier_to_proto(&event.identifier)),
        },
        event_time: Some(timestamp_to_proto(event.event_time)),
        channel: event.channel.map(|it| text(it.as_str())).unwrap_or_default(),
        revision: i32::try_from(event.revision).expect("a small number"),
        body: Some(body(&event.body)),
    }
    .encode_to_vec()
}

fn body(body: &EventBody) -> Body {
    let name =
        |reference: &Option<Reference>| reference.as_ref().map(Reference::to_string).unwrap_or_default();
    match body {
        EventBody::SignUp { consents } => Body::SignUp(proto::SignUp {
            consent_purposes: consents.iter().map(|it| it.as_str().to_owned()).collect(),
        }),
        EventBody::ConsentGiven { purpose } => {
            Body::ConsentGiven(proto::ConsentGiven { purpose: purpose.as_str().to_owned() })
        }
        EventBody::ConsentWithdrawn { purpose } => {
            Body::ConsentWithdrawn(proto::ConsentWithdrawn { purpose: purpose.as_str().to_owned() })
        }
        EventBody::Purchase { order, amount } => purchase(order, amount, &[]),
        EventBody::Basket { order, amount, lines } => purchase(order, amount, lines),
        EventBody::EmailRead { message } => {
            Body::EmailRead(proto::EmailRead { message_id: message.to_string() })
        }
        EventBody::AccountOpening { reference } => {
            Body::AccountOpening(proto::AccountOpening { reference: name(reference) })
        }
        EventBody::Engagement { kind, reference } => {
            Body::Engagement(proto::Engagement { kind: kind.as_str().to_owned(), reference: name(reference) })
        }
        EventBody::Return { order, what } => {
            let (amount, lines) = match what {
                Returned::Whole => (None, Vec::new()),
                Returned::Amount(amount) => (money(amount), Vec::new()),
                Returned::Lines(lines) => (None, lines.iter().map(returned).collect()),
            };
            Body::OrderReturn(proto::OrderReturn { order_id: order.to_string(), amount, lines })
        }
        EventBody::AccountClosing { reference } => {
            Body::AccountClosing(proto::AccountClosing { reference: reference.to_string() })
        }
    }
}

fn purchase(order: &Reference, amount: &Money, lines: &[OrderLine]) -> Body {
    let line =
        |line: &OrderLine| proto::OrderLine { line_id: line.line.to_string(), amount: money(&line.amount) };
    let lines = lines.iter().map(line).collect();
    Body::Purchase(proto::Purchase { order_id: order.to_string(), amount: money(amount), lines })
}

fn returned(line: &ReturnedLine) -> proto::ReturnedLine {
    proto::ReturnedLine { line_id: line.line.to_string(), amount: line.amount.as_ref().and_then(money) }
}

fn money(money: &Money) -> Option<ProtoMoney> {
    Some(money_to_proto(money))
}
