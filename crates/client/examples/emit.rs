//! Publishes a partner's purchases by gRPC, a line of standard input each:
//!
//! ```sh
//! echo 00012,4711,77.96,2026-11-22T09:30:00Z |
//!     cargo run -p coalition-client --example emit -- http://127.0.0.1:7300 shop.key spool
//! ```
//!
//! The network may be away when it starts: what is not published within a minute is published by the next run.

use std::error::Error;
use std::path::Path;

use coalition_client::producer::Grpc;
use coalition_client::{Client, Settings};

mod purchases;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, key_file, spool] = &arguments[..] else {
        return Err("usage: emit SERVER KEY_FILE SPOOL_FOLDER < purchases.csv".into());
    };
    let key = std::fs::read_to_string(key_file)?.parse()?;
    let client = Client::connect_later(&Settings::new(server.parse()?, key))?;
    let counts = purchases::publish(Grpc::new(client), Path::new(spool), std::io::stdin().lock()).await?;
    println!("{counts:?}");
    Ok(())
}
