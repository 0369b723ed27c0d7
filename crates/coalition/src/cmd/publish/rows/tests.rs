//! Rows, good and bad.

use super::*;

fn table(text: &str) -> Result<Vec<Line>, String> {
    let table = Table::open(Box::new(io::Cursor::new(text.to_owned()))).unwrap()?;
    Ok(table.map(Result::unwrap).collect())
}

const HEADER: &str = "event_id,type,identifier_scheme,identifier_value,event_time,programme,channel,revision,order_id,\
                      amount,currency,message_id,reference,kind,purpose";

/// The event of a row of all columns.
fn row(row: &str) -> Result<PartnerEvent, Fault> {
    table(&format!("{HEADER}\n{row}\n")).unwrap().remove(0).event
}

/// Reason, field and message.
fn fault(text: &str) -> (String, String) {
    let fault = row(text).unwrap_err();
    (format!("{} {}", fault.reason.reason(), fault.field), fault.message)
}

#[test]
fn a_quote_that_is_not_closed_does_not_take_the_rest_of_the_file() {
    let good = "e1,email_read,card_token,t-1,1997-01-12T12:00:00Z,,,,,,,m1,,,\n";
    let open = format!("{HEADER}\n{good}\"{}", good.repeat(10_000));
    let mut table = Table::open(Box::new(io::Cursor::new(open))).unwrap().unwrap();
    assert!(table.next().unwrap().unwrap().event.is_ok());
    let told = table.next().unwrap().err().unwrap().to_string();
    assert!(told.contains("behind line 2 ") && told.contains("131072 bytes"), "{told}");
    // As long as a row may be, many in all.
    let long = format!("{}{good}", format!("\"{}\"\n", "x".repeat(120_000)).repeat(3));
    let rows = super::tests::table(&format!("{HEADER}\n{long}")).unwrap();
    assert_eq!(rows.iter().map(|row| row.event.is_ok()).collect::<Vec<_>>(), [false, false, false, true]);
}

#[test]
fn each_type_has_its_columns() {
    let event =
        row("e1,purchase,customer_number,00012,1997-01-12T13:00:00+01:00,club,web,2,4711,77.96,USD,,,,");
    let scheme = IdentifierScheme::CustomerNumber.into();
    let expected = PartnerEvent {
        event_id: "e1".to_owned(),
        partner: String::new(),
        programme: "programmes/club".to_owned(),
        identifier: Some(Identifier { scheme, scope: String::new(), value: "00012".to_owned() }),
        // date -u -d 1997-01-12T12:00:00Z +%s
        event_time: Some(prost_types::Timestamp { seconds: 853_070_400, nanos: 0 }),
        channel: "web".to_owned(),
        revision: 2,
        body: Some(Body::Purchase(Purchase {
            order_id: "4711".to_owned(),
            amount: Some(Money { currency_code: "USD".to_owned(), units: 77, nanos: 960_000_000 }),
            lines: Vec::new(),
        })),
    };
    assert_eq!(event.unwrap(), expected);

    let body = |kind: &str, cells: &str| {
        row(&format!(",{kind},card_token,t-1,1997-01-12T12:00:00Z,,,,{cells}")).unwrap().body.unwrap()
    };
    let purposes = vec!["offers".to_owned(), "research".to_owned()];
    assert_eq!(body("sign_up", ",,,,,,offers research"), Body::SignUp(SignUp { consent_purposes: purposes }));
    let purpose = "offers".to_owned();
    let given = Body::ConsentGiven(ConsentGiven { purpose: purpose.clone() });
    assert_eq!(body("consent_given", ",,,,,,offers"), given);
    assert_eq!(
        body("consent_withdrawn", ",,,,,,offers"),
        Body::ConsentWithdrawn(ConsentWithdrawn { purpose })
    );
    let read = Body::EmailRead(EmailRead { message_id: "m1".to_owned() });
    assert_eq!(body("email_read", ",,,m1,,,"), read);
    let opened = Body::AccountOpening(AccountOpening { reference: "r1".to_owned() });
    assert_eq!(body("account_opening", ",,,,r1,,"), opened);
    let engaged = Engagement { kind: "review".to_owned(), reference: "r1".to_owned() };
    assert_eq!(body("engagement", ",,,,r1,review,"), Body::Engagement(engaged));
}

#[test]
fn what_is_wrong_is_told_by_its_column() {
    let told = |row: &str| fault(row).0;
    let good = "e1,purchase,customer_number,1,1997-01-12T12:00:00Z,,,,o1,1,USD,,,,";
    assert!(row(good).is_ok());
    for (from, to, expected) in [
        ("purchase", "", "FIELD_MISSING type"),
        ("purchase", "buy", "INVALID_ARGUMENT type"),
        ("customer_number", "", "FIELD_MISSING identifier_scheme"),
        ("customer_number", "email", "INVALID_ARGUMENT identifier_scheme"),
        (",1,1997", ",,1997", "FIELD_MISSING identifier_value"),
        ("1997-01-12T12:00:00Z", "", "FIELD_MISSING event_time"),
        ("1997-01-12T12:00:00Z", "1997-01-12", "INVALID_ARGUMENT event_time"),
        ("1997-01-12T12:00:00Z", "1997-01-12T12:00:00", "INVALID_ARGUMENT event_time"),
        (",,,,o1", ",,,x,o1", "INVALID_ARGUMENT revision"),
        ("o1,1,", "o1,,", "FIELD_MISSING amount"),
        ("o1,1,", "o1,1e3,", "INVALID_ARGUMENT amount"),
        ("o1,1,", "o1,1.0000000001,", "INVALID_ARGUMENT amount"),
        ("USD,,,,", "USD,,,,offers", "INVALID_ARGUMENT purpose"),
        ("USD,,,,", "USD,m1,,,", "INVALID_ARGUMENT message_id"),
        ("USD,,,,", "USD,,,", "MALFORMED "),
        ("USD,,,,", "USD,,,,,", "MALFORMED "),
    ] {
        assert_eq!(told(&good.replacen(from, to, 1)), expected, "{to}");
    }
    let (_, message) = fault("e1,purchase,customer_number,1,jane@example.com,,,,o1,1,USD,,,,");
    assert!(!message.contains("jane"), "{message}");
}

#[test]
fn lines_are_counted_as_a_person_does() {
    let text = "\u{feff}type,identifier_scheme,identifier_value,event_time,reference\r\n\
                account_opening,card_token,t,1997-01-12T12:00:00Z,\"a\nb\"\r\n\
                \r\n\
                nonsense\r\n\
                account_opening , card_token , t , 1997-01-12T12:00:00Z ,\"say \"\"hi\"\"\"";
    let lines = table(text).unwrap();
    let numbers: Vec<_> = lines.iter().map(|line| (line.number, line.event.is_ok())).collect();
    assert_eq!(numbers, [(2, true), (5, false), (6, true)]);
    assert_eq!(lines[1].text, "nonsense");
    assert!(lines[2].text.ends_with(",\"say \"\"hi\"\"\""), "{}", lines[2].text);
    let bytes: u64 = lines.iter().map(|line| line.bytes).sum();
    // Without the header, and without carriage returns.
    assert_eq!(bytes, text.replace('\r', "").len() as u64 - header_bytes(text) + 1);
}

fn header_bytes(text: &str) -> u64 {
    text.replace('\r', "").find('\n').unwrap() as u64 + 1
}

#[test]
fn a_header_that_cannot_be_meant_is_told() {
    let told = |header: &str| table(header).err().unwrap_or_default();
    assert_eq!(told("type,identifier_scheme,identifier_value\n"), "the column event_time is missing");
    assert!(
        told(&HEADER.replace("order_id", "order"))
            .starts_with("there is no column \"order\"; there are type, ")
    );
    assert_eq!(told(&format!("{HEADER},type")), "the column type is there twice");
    assert!(told(&format!("{HEADER},email")).starts_with("addresses are not sent"));
    assert!(told("jane@example.com,1,2").starts_with("the first row has to name the columns"));
    assert_eq!(told(""), "the column type is missing");
}
