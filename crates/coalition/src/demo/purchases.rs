//! The purchase log, as its file has it.

use std::io::Read;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

/// A purchase.
pub(crate) struct Purchase {
    /// The line of the file, from 1 after the header: equal lines are purchases of their own.
    pub(crate) line: u32,
    /// The shop's customer number.
    pub(crate) customer: u32,
    /// The day: yyyymmdd.
    pub(crate) date: u32,
    /// Order value in cents.
    pub(crate) cents: i64,
}

/// The log, in the order of the file.
pub(crate) fn read() -> Result<Vec<Purchase>> {
    let mut text = String::new();
    let packed: &[u8] = include_bytes!("../../data/cdnow.txt.gz");
    GzDecoder::new(packed).read_to_string(&mut text).context("unpack the purchase log")?;
    let lines = text.lines().skip(1).filter(|line| !line.trim().is_empty());
    lines
        .zip(1..)
        .map(|(line, number)| {
            purchase(line, number).with_context(|| format!("read line {number} of the purchase log"))
        })
        .collect()
}

fn purchase(line: &str, number: u32) -> Result<Purchase> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    ensure!(columns.len() == 4, "it has {} columns, not 4", columns.len());
    let (dollars, cents) = columns[3].split_once('.').context("the value has no decimal point")?;
    ensure!(cents.len() == 2, "the value has other than two decimals");
    Ok(Purchase {
        line: number,
        customer: columns[0].parse()?,
        date: columns[1].parse()?,
        cents: dollars.parse::<i64>()? * 100 + cents.parse::<i64>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of the file's own description, computed with awk.
    #[test]
    fn the_log_is_the_one_described() {
        let purchases = read().unwrap();
        let customers: std::collections::BTreeSet<_> =
            purchases.iter().map(|purchase| purchase.customer).collect();
        assert_eq!((purchases.len(), customers.len()), (69_659, 23_570));
        assert_eq!(purchases.iter().map(|purchase| purchase.cents).sum::<i64>(), 250_031_563);
        assert_eq!(purchases.iter().filter(|purchase| purchase.cents == 0).count(), 80);
    }
}
