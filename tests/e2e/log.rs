//! The purchase log read by other means than the demo's: dollars are the text before the point.

use std::collections::BTreeMap;
use std::io::Read;

use sha2::{Digest, Sha256};

/// The lines of the file, without its head.
pub(crate) fn lines() -> Vec<Vec<String>> {
    let mut text = String::new();
    let packed: &[u8] = include_bytes!("../../crates/coalition/data/cdnow.txt.gz");
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("the log unpacks");
    let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    text.lines().skip(1).map(columns).filter(|columns| !columns.is_empty()).collect()
}

/// Whole dollars of each customer's purchases, purchase by purchase.
pub(crate) fn dollars() -> BTreeMap<String, i64> {
    let mut dollars = BTreeMap::new();
    for columns in lines() {
        let whole: i64 = columns[3].split('.').next().and_then(|text| text.parse().ok()).expect("dollars");
        *dollars.entry(columns[0].clone()).or_default() += whole;
    }
    dollars
}

/// The identifier that the demo gives a customer.
pub(crate) fn email_hash(customer: &str) -> String {
    let hash = Sha256::digest(format!("customer-{customer}@cdnow.example"));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
