//! What both ways of publishing share: a purchase for each line of text, through a producer with a spool.

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coalition_client::Producer;
use coalition_client::producer::{Counts, Settings, SpoolSettings, Transport};
use coalition_client::proto::event::v1::{PartnerEvent, Purchase, partner_event::Body};
use coalition_client::proto::google::r#type::Money;
use coalition_client::proto::r#type::v1::{Identifier, IdentifierScheme, Refusal};

/// Publishes them all, and waits until the network has them. Those that it does not get in time stay in the spool for the next
/// run.
///
/// # Errors
/// A line that is no purchase; a producer that can't go on.
pub(crate) async fn publish(
    transport: impl Transport,
    spool: &Path,
    lines: impl BufRead,
) -> Result<Counts, Box<dyn Error>> {
    let on_refused = |event: &PartnerEvent, refusal: &Refusal| {
        eprintln!("{} was refused: {}", event.event_id, refusal.message);
    };
    let settings = Settings {
        spool: Some(SpoolSettings::new(spool)),
        on_refused: Arc::new(on_refused),
        ..Settings::default()
    };
    let producer = Producer::start(transport, settings).await?;
    for line in lines.lines() {
        producer.send(purchase(&line?)?).await?;
    }
    Ok(producer.close(Duration::from_secs(60)).await?)
}

/// `customer,order,amount,instant`, such as `00012,4711,77.96,2026-11-22T09:30:00Z`.
fn purchase(line: &str) -> Result<PartnerEvent, String> {
    let columns: Vec<&str> = line.split(',').map(str::trim).collect();
    let [customer, order, amount, instant] = columns[..] else {
        return Err(format!("`{line}` is not customer,order,amount,instant"));
    };
    let identifier = Identifier {
        scheme: IdentifierScheme::CustomerNumber.into(),
        value: customer.to_owned(),
        ..Identifier::default()
    };
    Ok(PartnerEvent {
        // The order's number: a line that is read again is the same event again, and counts once.
        event_id: format!("order-{order}"),
        event_time: Some(instant.parse().map_err(|_| format!("`{instant}` is no instant"))?),
        identifier: Some(identifier),
        body: Some(Body::Purchase(Purchase {
            order_id: order.to_owned(),
            amount: Some(dollars(amount)?),
            lines: Vec::new(),
        })),
        ..PartnerEvent::default()
    })
}

fn dollars(text: &str) -> Result<Money, String> {
    let wrong = |_| format!("`{text}` is no amount in dollars and cents");
    let (units, cents) = text.split_once('.').unwrap_or((text, "00"));
    if cents.len() != 2 {
        return Err(format!("`{text}` has no two digits for the cents"));
    }
    let nanos = i32::from(cents.parse::<u8>().map_err(wrong)?) * 10_000_000;
    Ok(Money { currency_code: "USD".to_owned(), units: units.parse().map_err(wrong)?, nanos })
}
