//! What is measured: purchases, as intake hands them on and as their partner writes them.

use anyhow::Result;
use coalition_domain::{
    EventBody, Identifier, Money, PartnerEvent, PartnerId, Reference, Scheme, Span, Timestamp,
};
use coalition_journal::log::{Offset, Record};
use coalition_ledger::inbox::{Request, Source};
use coalition_proto::event::v1 as proto;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::google::r#type as google;
use coalition_proto::r#type::v1 as shared;
use prost::Message;

/// Whose purchases they are.
pub(crate) const SHOP: &str = "shop";
/// The day of the first one.
const FIRST: &str = "2025-01-01T00:00:00Z";
const MICROS: i64 = 1_000_000;

/// How much of it.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) events: u32,
    pub(crate) accounts: u32,
    pub(crate) shards: u32,
}

impl Shape {
    /// One event for each account.
    pub(crate) fn of_one_each(accounts: u32, shards: u32) -> Self {
        Self { events: accounts, accounts, shards }
    }
}

/// One purchase.
pub(crate) struct Purchase {
    /// Names event and order.
    number: u32,
    /// Of the customer.
    token: String,
    /// In millionths of a dollar.
    micros: i64,
}

impl Purchase {
    /// The purchase of this number, by one of so many accounts.
    pub(crate) fn nth(number: u32, accounts: u32) -> Self {
        // A stride that is prime to the number of accounts visits them in a scattered order.
        let account = (u64::from(number) * 7_919) % u64::from(accounts);
        Self { number, token: format!("token-{account:010}"), micros: i64::from(number % 97) * 1_370_000 }
    }

    /// A purchase of so many dollars with this token.
    pub(crate) fn of(number: u32, token: String, dollars: i64) -> Self {
        Self { number, token, micros: dollars * MICROS }
    }

    /// What the programme gives for it: a point for each whole dollar.
    pub(crate) fn points(&self) -> i64 {
        self.micros / MICROS
    }

    pub(crate) fn identifier(&self) -> Result<Identifier> {
        Ok(Identifier::new(Scheme::CardToken, &self.token)?)
    }

    /// As the inbox has it.
    pub(crate) fn request(&self) -> Result<(Identifier, Record)> {
        let event = PartnerEvent {
            partner: PartnerId::new(SHOP)?,
            event_id: Reference::new(self.event_id())?,
            programme: None,
            identifier: self.identifier()?,
            event_time: self.time()?,
            channel: None,
            revision: 0,
            body: EventBody::Purchase {
                order: Reference::new(self.order())?,
                amount: Money { currency: "USD".parse()?, micros: self.micros },
            },
        };
        let identifier = event.identifier.clone();
        let source = Source { partition: 0, offset: Offset(self.number.into()) };
        Ok((identifier, Record::of(Request::Event(event, source).encode())))
    }

    /// As the partner's topic has it.
    pub(crate) fn message(&self) -> Result<Record> {
        let time = self.time()?.as_millis();
        let nanos = i32::try_from(self.micros % MICROS * 1_000)?;
        let message = proto::PartnerEvent {
            event_id: self.event_id(),
            identifier: Some(card(&self.token)),
            event_time: Some(prost_types::Timestamp { seconds: time / 1_000, nanos: 0 }),
            body: Some(Body::Purchase(proto::Purchase {
                order_id: self.order(),
                amount: Some(google::Money {
                    currency_code: "USD".to_owned(),
                    units: self.micros / MICROS,
                    nanos,
                }),
                ..proto::Purchase::default()
            })),
            ..proto::PartnerEvent::default()
        };
        Ok(Record::of(message.encode_to_vec()))
    }

    fn event_id(&self) -> String {
        format!("order-{:08}", self.number)
    }

    fn order(&self) -> String {
        format!("{:08}", self.number)
    }

    fn time(&self) -> Result<Timestamp> {
        Ok(FIRST.parse::<Timestamp>()?.plus(Span::from_secs(i64::from(self.number))))
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// A card's token, as callers write it.
pub(crate) fn card(token: &str) -> shared::Identifier {
    shared::Identifier {
        scheme: shared::IdentifierScheme::CardToken.into(),
        scope: String::new(),
        value: token.to_owned(),
    }
}
