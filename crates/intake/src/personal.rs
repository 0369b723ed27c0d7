//! A look through bytes for what must not be kept: e-mail addresses and numbers of payment cards.
//!
//! The judgement of an identifier is strict and knows its field. This one is for records that could not be read, and for
//! what stands around the event: it looks for text in any bytes, may take an order's number for a card's, and doesn't
//! find what somebody hides.

use coalition_domain::Reference;
use coalition_journal::log::Record;
use coalition_proto::event::v1::PartnerEvent;

use crate::Refusal;
use crate::convert::reference_from_proto;

/// Digits of a card number: ISO/IEC 7812 has 19 at most, the domain's rule 13 at least.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether key, headers or value of a record show any.
pub(crate) fn is_in_record(record: &Record) -> bool {
    let headers = record.headers.iter().flat_map(|(name, value)| [name.as_bytes(), &value[..]]);
    headers.chain(record.key.as_deref()).chain([&record.value[..]]).any(is_in)
}

/// The id of a refused event, if it is one and may be shown: partners make ids out of whatever they have.
pub(crate) fn event_id(event: &PartnerEvent, refusal: &Refusal) -> Option<Reference> {
    let value = event.identifier.as_ref().map(|identifier| identifier.value.as_str()).unwrap_or_default();
    let repeats = refusal.hides_value() && event.event_id.contains(value);
    let id = reference_from_proto(&event.event_id, "event_id").ok();
    id.filter(|id| !repeats && !is_in(id.as_str().as_bytes()))
}

/// Whether `bytes` show any, as they are, or as who reads them as JSON or UTF-16 would see them.
pub(crate) fn is_in(bytes: &[u8]) -> bool {
    let shows = |bytes: &[u8]| has_address(bytes) || has_card_number(bytes);
    shows(bytes) || (bytes.contains(&0) || bytes.contains(&b'\\')) && shows(&plain(bytes))
}

/// The bytes without those of 0, every other one of which is one in UTF-16, and with the signs that JSON's escapes stand for,
/// also where JSON stands in a text of JSON.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let bytes: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let (mut plain, mut rest) = (Vec::with_capacity(bytes.len()), &bytes[..]);
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'\\' {
            plain.push(first);
            continue;
        }
        let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
        rest = &rest[slashes..];
        let code = rest.strip_prefix(b"u").and_then(|hex| hex.get(..4));
        let code = code.and_then(|hex| u32::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        if let Some(code) = code {
            // What is looked for is ASCII.
            plain.push(u8::try_from(code).unwrap_or(u8::MAX));
            rest = &rest[5..];
        }
    }
    plain
}

/// Something at a domain of two labels: `a@b.cd`.
fn has_address(bytes: &[u8]) -> bool {
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let is_domain = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let signs = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'@').map(|(place, _)| place);
    signs.into_iter().any(|place| {
        // A domain has at most 253 characters; what is longer is judged by these.
        let domain: Vec<u8> = bytes[place + 1..].iter().take(253).take_while(is_domain).copied().collect();
        let mut labels = domain.split(|byte| *byte == b'.');
        let first = labels.next().is_some_and(|label| !label.is_empty());
        bytes[..place].last().is_some_and(is_local)
            && first
            && labels.any(|label| label.len() >= 2 && label.iter().all(u8::is_ascii_alphabetic))
    })
}

/// A run of digits, or of groups of them with blanks or hyphens between, that no letter touches.
fn has_card_number(bytes: &[u8]) -> bool {
    let runs = |is_part: fn(&u8) -> bool| {
        let ends = move |one: &u8, other: &u8| is_part(one) == is_part(other);
        bytes.chunk_by(ends).scan(0, move |place, run| {
            let begin = *place;
            *place += run.len();
            Some((begin, run))
        })
    };
    let is_card = |(begin, run): (usize, &[u8])| {
        let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
        let touched = letter(bytes[..begin].last()) || letter(bytes.get(begin + run.len()));
        !touched && is_card_number(run)
    };
    runs(u8::is_ascii_digit).any(is_card)
        || runs(|byte| byte.is_ascii_digit() || b" -".contains(byte)).any(is_card)
}

fn is_card_number(run: &[u8]) -> bool {
    let digits = run.iter().filter(|byte| byte.is_ascii_digit());
    // The first digit names the industry; of payment cards it is 2 to 6. An instant in milliseconds begins with 1.
    if !CARD_DIGITS.contains(&digits.clone().count())
        || !digits.clone().next().is_some_and(|it| (b'2'..=b'6').contains(it))
    {
        return false;
    }
    let digits: String = digits.map(|byte| char::from(*byte)).collect();
    coalition_domain::is_card_number(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_card_numbers_are_seen() {
        // Test numbers of the card networks.
        for shown in [
            "jane@example.com",
            "{\"value\":\"jane.doe+x@mail.example.co.uk\"}",
            "\x0a\x10jane@example.com\x12",
            "4111111111111111",
            "card=4111-1111-1111-1111;",
            "\"5555 5555 5555 4444\"",
            "378282246310005",
            "\x1a\x104111111111111111\x20",
            "2024-01-01 4111111111111111",
            r#"{"value":"jane\u0040example\u002ecom"}"#,
            r#"{"value":"\u0034111111111111111"}"#,
            r#"{"text":"{\"value\":\"jane\\u0040example.com\"}"}"#,
        ] {
            assert!(is_in(shown.as_bytes()), "{shown}");
        }
    }

    #[test]
    fn what_utf_16_shows_is_seen() {
        for shown in ["4111111111111111", "x=jane@example.com"] {
            let little: Vec<_> = shown.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<_> = shown.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert!(is_in(&little) && is_in(&big), "{shown}");
        }
    }

    #[test]
    fn other_bytes_show_nothing() {
        for plain in [
            "",
            "@",
            "a@",
            "@b.cd",
            "a@b",
            "a@b.c",
            "a@.cd",
            "a @ b.cd",
            "4111111111111112",
            "411111111111",
            "41111111111111111111",
            "x4111111111111111",
            "4111111111111111f",
            "1700000000009",
            "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b",
            "2026-11-22T03:04:50.123456Z",
            r"\u0040",
            r"a\u00",
            r"a\u00zz\",
            "a\\u0040b",
        ] {
            assert!(!is_in(plain.as_bytes()), "{plain}");
        }
        assert!(!is_in(&[0xff, b'@', 0xff, b'.', b'c', b'd']));
    }

    #[test]
    fn a_whole_record_is_looked_through() {
        let header =
            |name: &str, value: &'static [u8]| vec![(name.to_owned(), bytes::Bytes::from_static(value))];
        let mail = b"jane@example.com";
        let plain =
            Record { headers: header("trace", b"7"), key: Some((&b"1"[..]).into()), ..Record::of(&b"2"[..]) };
        assert!(!is_in_record(&plain));
        assert!(is_in_record(&Record { key: Some((&mail[..]).into()), ..plain.clone() }));
        assert!(is_in_record(&Record { value: (&mail[..]).into(), ..plain.clone() }));
        assert!(is_in_record(&Record { headers: header("who", mail), ..plain.clone() }));
        assert!(is_in_record(&Record { headers: header("jane@example.com", b""), ..plain }));
    }
}
