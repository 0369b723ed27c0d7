//! Publishes a partner's purchases straight to its topic on Kafka, a line of standard input each:
//!
//! ```sh
//! echo 00012,4711,77.96,2026-11-22T09:30:00Z |
//!     cargo run -p coalition-client --features kafka --example emit_to_kafka -- 127.0.0.1:9092 shop spool
//! ```
//!
//! What the network refuses is found in the partner's `rejected` topic, and by `coalition rejected`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use coalition_client::producer::Kafka;

mod purchases;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap_servers, partner, spool] = &arguments[..] else {
        return Err("usage: emit_to_kafka HOST:PORT PARTNER SPOOL_FOLDER < purchases.csv".into());
    };
    // Further settings of librdkafka, such as those of SASL.
    let settings = BTreeMap::new();
    let transport = Kafka::new(bootstrap_servers, &partner.parse()?, &settings)?;
    let counts = purchases::publish(transport, Path::new(spool), std::io::stdin().lock()).await?;
    println!("{counts:?}");
    Ok(())
}
