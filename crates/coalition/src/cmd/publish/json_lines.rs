//! JSON lines: an event on each, as partners' topics may hold it.

use std::io::{self, BufRead, Read};

use coalition_intake::{RECORD_BYTES_MAX, decode};
use coalition_journal::log::Record;
use coalition_proto::event::v1::PartnerEvent;

use super::input::{Fault, Line, Source};

/// A longer line can't be an event. It is not kept whole.
const LINE_BYTES_MAX: u64 = 2 * RECORD_BYTES_MAX as u64;

/// The lines of a source; empty ones are passed over.
pub(super) struct Lines {
    source: Source,
    number: u64,
}

impl Lines {
    pub(super) fn new(source: Source) -> Self {
        Self { source, number: 0 }
    }

    /// The next line without its end, cut off at [`LINE_BYTES_MAX`], and its length; `None` at the end.
    fn read(&mut self) -> io::Result<Option<(Vec<u8>, u64)>> {
        let mut line = Vec::new();
        let mut bytes = self.source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? as u64;
        if bytes == 0 {
            return Ok(None);
        }
        if bytes == LINE_BYTES_MAX && !line.ends_with(b"\n") {
            bytes += self.source.skip_until(b'\n')? as u64;
        }
        self.number += 1;
        line.truncate(line.trim_ascii_end().len());
        Ok(Some((line, bytes)))
    }
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, bytes) = match self.read() {
                Ok(Some(read)) => read,
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            };
            if !line.is_empty() {
                let text = String::from_utf8_lossy(&line).into_owned();
                return Some(Ok(Line { number: self.number, bytes, text, event: event(line) }));
            }
        }
    }
}

/// Reads an event by the same rules as intake.
fn event(line: Vec<u8>) -> Result<PartnerEvent, Fault> {
    let json = ("content-type".to_owned(), b"application/json".as_slice().into());
    let decoded = decode(&Record { headers: vec![json], ..Record::of(line) });
    decoded.map(|it| it.event).map_err(|why| Fault::new(why.reason, &why.field, why.message))
}

#[cfg(test)]
mod tests {
    use coalition_proto::r#type::v1::ErrorReason;

    use super::*;

    /// Number, event id or reason, and bytes of each line.
    fn read(text: &str) -> Vec<(u64, String, u64)> {
        let lines = Lines::new(Box::new(io::Cursor::new(text.to_owned())));
        lines
            .map(Result::unwrap)
            .map(|line| {
                let said = match line.event {
                    Ok(event) => event.event_id,
                    Err(fault) => format!("{} {}", fault.reason.reason(), fault.field),
                };
                (line.number, said, line.bytes)
            })
            .collect()
    }

    #[test]
    fn each_line_is_an_event_or_told_with_its_number() {
        let text = "{\"event_id\": \"a\"}\r\n\n  \n{\"eventId\": \"b\"}\n{\"id\": 1}\nno json\n{\"event_id\": \"c\"}";
        let said: Vec<_> = read(text).into_iter().map(|(number, said, _)| (number, said)).collect();
        let expected = [(1, "a"), (4, "b"), (5, "MALFORMED id"), (6, "MALFORMED "), (7, "c")];
        assert_eq!(said, expected.map(|(number, said)| (number, said.to_owned())));
    }

    #[test]
    fn long_lines_are_refused_and_not_kept() {
        for length in [RECORD_BYTES_MAX, 2 * RECORD_BYTES_MAX, 10 * RECORD_BYTES_MAX] {
            let long = format!("{{\"event_id\": \"{}\"}}\n{{\"event_id\": \"next\"}}\n", "e".repeat(length));
            let first = format!("{} ", ErrorReason::FieldTooLong.reason());
            let bytes = length as u64 + 17;
            assert_eq!(read(&long), [(1, first, bytes), (2, "next".to_owned(), 21)], "{length}");
        }
    }
}
