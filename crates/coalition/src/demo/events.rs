//! What each partner publishes.

use std::collections::BTreeMap;

use coalition_client::email_hash;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::{AccountOpening, EmailRead, PartnerEvent, Purchase as PurchaseBody, SignUp};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use prost_types::Timestamp;

use super::purchases::Purchase;

/// Customers whose number this divides open an account at the bank.
const BANK_CUSTOMERS: u32 = 500;

/// The events of one partner, in the order in which they happened.
pub(crate) struct Publication {
    pub(crate) partner: &'static str,
    pub(crate) events: Vec<PartnerEvent>,
}

/// Everything that is published.
pub(crate) fn publications(purchases: &[Purchase]) -> Vec<Publication> {
    // The day of a customer's first purchase is the day on which they join.
    let mut joined: BTreeMap<u32, u32> = BTreeMap::new();
    for purchase in purchases {
        let day = joined.entry(purchase.customer).or_insert(purchase.date);
        *day = purchase.date.min(*day);
    }
    let joined = || joined.iter().map(|(customer, date)| (*customer, *date));
    let sign_up = |(customer, date)| {
        let body = Body::SignUp(SignUp { consent_purposes: vec!["marketing".to_owned()] });
        event(format!("signup-{customer:05}"), customer, date, body)
    };
    let email = |(customer, date)| {
        let body = Body::EmailRead(EmailRead { message_id: "welcome-1997".to_owned() });
        event(format!("email-{customer:05}-welcome-1997"), customer, date, body)
    };
    let opening = |(customer, date)| {
        let body = Body::AccountOpening(AccountOpening { reference: format!("account-{customer:05}") });
        event(format!("opening-{customer:05}"), customer, date, body)
    };
    vec![
        Publication {
            partner: "mypoints",
            events: joined().map(sign_up).chain(joined().map(email)).collect(),
        },
        Publication { partner: "cdnow", events: purchases.iter().map(purchase).collect() },
        Publication {
            partner: "bank",
            events: joined().filter(|(customer, _)| customer % BANK_CUSTOMERS == 0).map(opening).collect(),
        },
    ]
}

fn purchase(purchase: &Purchase) -> PartnerEvent {
    let amount = Money {
        currency_code: "USD".to_owned(),
        units: purchase.cents / 100,
        nanos: i32::try_from(purchase.cents % 100).expect("below 100") * 10_000_000,
    };
    // Lines that repeat an earlier one are purchases of their own, so the line makes the id.
    let order_id = format!("order-{:05}", purchase.line);
    event(
        order_id.clone(),
        purchase.customer,
        purchase.date,
        Body::Purchase(PurchaseBody { order_id, amount: Some(amount), lines: Vec::new() }),
    )
}

pub(crate) fn event(event_id: String, customer: u32, date: u32, body: Body) -> PartnerEvent {
    PartnerEvent {
        event_id,
        identifier: Some(identifier(customer)),
        event_time: Some(noon(date)),
        channel: "web".to_owned(),
        body: Some(body),
        ..PartnerEvent::default()
    }
}

/// The one identifier that every partner here knows a customer by: the hash of an e-mail address made from the number.
pub(crate) fn identifier(customer: u32) -> Identifier {
    let hash = email_hash(&format!("customer-{customer:05}@cdnow.example"));
    Identifier {
        scheme: IdentifierScheme::EmailHash.into(),
        scope: String::new(),
        value: hash.expect("this is an address"),
    }
}

/// Noon, UTC, of a day written yyyymmdd: the log has no times of day.
fn noon(date: u32) -> Timestamp {
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    // Days since 1970-01-01 of the proleptic Gregorian calendar, with years that begin in March.
    let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * month + 2) / 5 + day - 1;
    Timestamp { seconds: (i64::from(days) - 719_468) * 86_400 + 43_200, nanos: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `date -u -d '1997-01-12 12:00' +%s` and the like.
    #[test]
    fn days_are_those_of_the_calendar() {
        for (date, seconds) in
            [(19_970_112, 853_070_400), (19_980_630, 899_208_000), (20_000_229, 951_825_600)]
        {
            assert_eq!(noon(date).seconds, seconds);
        }
    }

    #[test]
    fn as_many_events_as_the_log_gives() {
        let counts: Vec<_> = publications(&super::super::purchases::read().unwrap())
            .iter()
            .map(|by| (by.partner, by.events.len()))
            .collect();
        assert_eq!(counts, [("mypoints", 47_140), ("cdnow", 69_659), ("bank", 47)]);
    }
}
