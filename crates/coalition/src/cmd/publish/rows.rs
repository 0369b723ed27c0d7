//! CSV: a header row, and a row for each event.

use std::io;

use coalition_domain::Timestamp;
use coalition_intake::RECORD_BYTES_MAX;
use coalition_proto::event::v1::{
    AccountClosing, AccountOpening, ConsentGiven, ConsentWithdrawn, EmailRead, Engagement, OrderReturn,
    PartnerEvent, Purchase, SignUp, partner_event::Body,
};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::{ErrorReason, Identifier, IdentifierScheme};
use csv::{Reader, ReaderBuilder, StringRecord};

use super::input::{Fault, Line, Source};
use super::unix_lines::UnixLines;
use crate::client::names::proto_time;
use crate::client::text::parse_decimal;

/// The columns that there are. Those up to `event_time` have to be there.
const COLUMNS: [&str; 15] = [
    "type",
    "identifier_scheme",
    "identifier_value",
    "event_time",
    "event_id",
    "programme",
    "channel",
    "revision",
    "order_id",
    "amount",
    "currency",
    "message_id",
    "reference",
    "kind",
    "purpose",
];
const REQUIRED: usize = 4;

/// The columns that say what happened, for each type of event; all others have to be empty there.
const TYPES: [(&str, &[&str]); 9] = [
    ("sign_up", &["purpose"]),
    ("consent_given", &["purpose"]),
    ("consent_withdrawn", &["purpose"]),
    ("purchase", &["order_id", "amount", "currency"]),
    ("email_read", &["message_id"]),
    ("account_opening", &["reference"]),
    ("engagement", &["kind", "reference"]),
    ("order_return", &["order_id", "amount", "currency"]),
    ("account_closing", &["reference"]),
];

const SCHEMES: [(&str, IdentifierScheme); 3] = [
    ("email_hash", IdentifierScheme::EmailHash),
    ("card_token", IdentifierScheme::CardToken),
    ("customer_number", IdentifierScheme::CustomerNumber),
];

/// No row that can be an event is longer.
const ROW_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;

/// The rows of a source.
pub(super) struct Table {
    reader: Reader<UnixLines>,
    header: Vec<&'static str>,
}

impl Table {
    /// Reads the header row. The inner error says what is wrong with it.
    pub(super) fn open(source: Source) -> io::Result<Result<Self, String>> {
        // A row with too few or too many cells is told as such, and not the end of the file.
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(UnixLines::of(source));
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) if error.is_io_error() => return Err(error.into()),
            Err(_) => return Ok(Err("the header row is no UTF-8".to_owned())),
        };
        Ok(columns(&header).map(|header| Self { reader, header }))
    }
}

fn columns(header: &StringRecord) -> Result<Vec<&'static str>, String> {
    let mut columns = Vec::new();
    for name in header.iter().map(str::trim) {
        let Some(column) = COLUMNS.iter().find(|column| **column == name) else {
            return Err(match name {
                "email" => "addresses are not sent: put the hash of each into identifier_value".to_owned(),
                name if name.len() <= 40 && !name.contains('@') => {
                    format!("there is no column {name:?}; there are {}", COLUMNS.join(", "))
                }
                _ => format!("the first row has to name the columns: {}", COLUMNS.join(", ")),
            });
        };
        if columns.contains(column) {
            return Err(format!("the column {column} is there twice"));
        }
        columns.push(*column);
    }
    match COLUMNS[..REQUIRED].iter().find(|column| !columns.contains(column)) {
        Some(missing) => Err(format!("the column {missing} is missing")),
        None => Ok(columns),
    }
}

impl Iterator for Table {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let (before, line) = (self.reader.position().byte(), self.reader.position().line());
        // What the reader has at hand already comes on top.
        self.reader.get_mut().allow(ROW_BYTES_MAX);
        let mut record = StringRecord::new();
        let event = match self.reader.read_record(&mut record) {
            Ok(false) => return None,
            Ok(true) => event(&self.header, &record),
            Err(error) if error.is_io_error() => {
                let is_long = matches!(error.kind(), csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData);
                return Some(Err(if is_long { io::Error::other(endless(line)) } else { error.into() }));
            }
            Err(_) => Err(Fault::new(ErrorReason::Malformed, "", "the row is no UTF-8")),
        };
        let behind = self.reader.position();
        // Empty lines before it are passed over, so it is counted from its end: each of its lines ended in a line feed.
        let within = record.iter().flat_map(str::bytes).filter(|byte| *byte == b'\n').count() as u64;
        let number = behind.line() - 1 - within;
        Some(Ok(Line { number, bytes: behind.byte() - before, text: written(&record), event }))
    }
}

/// A row that doesn't end would take the rest of the file, and make one event of it.
fn endless(line: u64) -> String {
    format!(
        "the row that begins behind line {} goes on for more than {ROW_BYTES_MAX} bytes: a quote (\") in it is not closed; what stands before it is published",
        line - 1
    )
}

/// The row as CSV writes it.
fn written(record: &StringRecord) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Nothing can go wrong in memory.
    drop(writer.write_record(record));
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

/// The cells of a row.
struct Row<'a> {
    header: &'a [&'static str],
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// A cell without blanks around it; empty if there is no such column.
    fn cell(&self, column: &str) -> &'a str {
        let place = self.header.iter().position(|it| *it == column);
        place.and_then(|place| self.record.get(place)).unwrap_or_default().trim()
    }

    fn text(&self, column: &str) -> String {
        self.cell(column).to_owned()
    }

    /// A cell that has to have a value.
    fn value(&self, column: &str) -> Result<&'a str, Fault> {
        match self.cell(column) {
            "" => Err(Fault::new(ErrorReason::FieldMissing, column, format!("{column} is empty"))),
            value => Ok(value),
        }
    }
}

fn invalid(column: &str, message: impl Into<String>) -> Fault {
    Fault::new(ErrorReason::InvalidArgument, column, message)
}

/// The event of a row. What can be read is for the network to judge.
fn event(header: &[&'static str], record: &StringRecord) -> Result<PartnerEvent, Fault> {
    if record.len() != header.len() {
        let message = format!("the row has {} cells, the header {}", record.len(), header.len());
        return Err(Fault::new(ErrorReason::Malformed, "", message));
    }
    let row = Row { header, record };
    let body = body(&row)?;
    let scheme = row.value("identifier_scheme")?;
    let scheme = SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, scheme)| *scheme);
    let scheme = scheme.ok_or_else(|| {
        let names = SCHEMES.map(|(name, _)| name).join(", ");
        invalid("identifier_scheme", format!("identifier_scheme is one of {names}"))
    })?;
    let time: Timestamp = row.value("event_time")?.parse().map_err(|_| {
        invalid("event_time", "event_time is written like 2026-01-31T15:00:00Z or 2026-01-31T16:00:00+01:00")
    })?;
    let revision = match row.cell("revision") {
        "" => 0,
        number => number
            .parse()
            .map_err(|_| invalid("revision", format!("revision is a number from 0 to {}", i32::MAX)))?,
    };
    let programme = match row.cell("programme") {
        "" => String::new(),
        name if name.starts_with("programmes/") => name.to_owned(),
        id => format!("programmes/{id}"),
    };
    let value = row.value("identifier_value")?.to_owned();
    Ok(PartnerEvent {
        event_id: row.text("event_id"),
        partner: String::new(),
        programme,
        identifier: Some(Identifier { scheme: scheme.into(), scope: String::new(), value }),
        event_time: Some(proto_time(time)),
        channel: row.text("channel"),
        revision,
        body: Some(body),
    })
}

fn body(row: &Row<'_>) -> Result<Body, Fault> {
    let name = row.value("type")?;
    let Some((name, own)) = TYPES.iter().find(|(it, _)| *it == name) else {
        let names = TYPES.map(|(name, _)| name).join(", ");
        return Err(invalid("type", format!("type is one of {names}")));
    };
    let foreign = TYPES.iter().flat_map(|(_, columns)| *columns).filter(|column| !own.contains(*column));
    if let Some(column) = foreign.into_iter().find(|column| !row.cell(column).is_empty()) {
        return Err(invalid(column, format!("{column} has no meaning for the type {name}")));
    }
    Ok(match *name {
        "sign_up" => {
            let purposes = row.cell("purpose").split_whitespace();
            Body::SignUp(SignUp { consent_purposes: purposes.map(str::to_owned).collect() })
        }
        "consent_given" => Body::ConsentGiven(ConsentGiven { purpose: row.text("purpose") }),
        "consent_withdrawn" => Body::ConsentWithdrawn(ConsentWithdrawn { purpose: row.text("purpose") }),
        "purchase" => Body::Purchase(Purchase {
            order_id: row.text("order_id"),
            amount: Some(amount(row)?),
            lines: Vec::new(),
        }),
        "email_read" => Body::EmailRead(EmailRead { message_id: row.text("message_id") }),
        "account_opening" => Body::AccountOpening(AccountOpening { reference: row.text("reference") }),
        "order_return" => {
            // All that is left, unless an amount is said.
            let said = ["amount", "currency"].iter().any(|column| !row.cell(column).is_empty());
            let amount = if said { Some(amount(row)?) } else { None };
            Body::OrderReturn(OrderReturn { order_id: row.text("order_id"), amount, lines: Vec::new() })
        }
        "account_closing" => Body::AccountClosing(AccountClosing { reference: row.text("reference") }),
        _ => Body::Engagement(Engagement { kind: row.text("kind"), reference: row.text("reference") }),
    })
}

fn amount(row: &Row<'_>) -> Result<Money, Fault> {
    let number = parse_decimal(row.value("amount")?).ok_or_else(|| {
        invalid("amount", "amount is a decimal number with at most 9 decimals and a point, such as 77.96")
    })?;
    let sign = if number.negative { -1 } else { 1 };
    Ok(Money {
        currency_code: row.text("currency"),
        units: sign * number.units,
        nanos: i32::try_from(sign).expect("one") * number.nanos,
    })
}

#[cfg(test)]
mod tests;
