//! How many records a second one core reads and translates, by the format that they are in:
//! `cargo run --release -p coalition-intake --example decode_rate [RECORDS]`.

use std::hint::black_box;
use std::time::Instant;

use coalition_domain::{PartnerId, Timestamp};
use coalition_intake::{decode, translate};

#[path = "../tests/it/samples.rs"]
#[allow(dead_code, unused_imports, clippy::unwrap_used, reason = "helpers of tests, more than are used here")]
mod samples;

fn main() {
    let records: u32 =
        std::env::args().nth(1).map_or(200_000, |text| text.parse().expect("a number of records"));
    let partner = PartnerId::new("cdnow").expect("a partner's name");
    let now = Timestamp::from_millis(853_027_200_000);
    for (name, record) in samples::samples() {
        let started = Instant::now();
        for _ in 0..records {
            let decoded = decode(black_box(&record)).expect("samples are valid");
            black_box(translate(partner, &decoded.event, now).expect("samples are valid"));
        }
        let rate = u128::from(records) * 1_000_000 / started.elapsed().as_micros().max(1);
        println!("{rate:>9} records/s of {:>4} bytes: {name}", record.value.len());
    }
}
