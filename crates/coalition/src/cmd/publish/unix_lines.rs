//! A text whose lines end in a line feed alone, the last one too: so that lines can be counted.

use std::io::{self, BufRead, Read};

use super::input::Source;

/// Longer lines are handed on in pieces.
const PIECE: u64 = 1 << 20;

/// Reads a source so.
pub(super) struct UnixLines {
    source: Source,
    line: Vec<u8>,
    /// How much of it was handed on.
    read: usize,
    /// How much may be handed on yet.
    left: usize,
}

impl UnixLines {
    pub(super) fn of(source: Source) -> Self {
        Self { source, line: Vec::new(), read: 0, left: usize::MAX }
    }

    /// Hands on so many bytes from here on, and then an error of the kind `InvalidData`.
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }
}

impl Read for UnixLines {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            (self.read, self.line) = (0, Vec::new());
            let bytes = self.source.by_ref().take(PIECE).read_until(b'\n', &mut self.line)? as u64;
            let ended = self.line.pop_if(|last| *last == b'\n').is_some();
            if ended {
                self.line.pop_if(|last| *last == b'\r');
            }
            if ended || bytes > 0 && bytes < PIECE {
                self.line.push(b'\n');
            }
        }
        let copied = (&self.line[self.read..]).read(out)?;
        self.left = self.left.checked_sub(copied).ok_or(io::ErrorKind::InvalidData)?;
        self.read += copied;
        Ok(copied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_ends_alike() {
        for (text, expected) in [
            ("", ""),
            ("a", "a\n"),
            ("a\n", "a\n"),
            ("a\r\nb\r\n\r\nc", "a\nb\n\nc\n"),
            ("a\rb\n\r\r\n", "a\rb\n\r\n"),
        ] {
            let mut read = String::new();
            let mut lines = UnixLines::of(Box::new(io::Cursor::new(text.to_owned())));
            lines.read_to_string(&mut read).unwrap();
            assert_eq!(read, expected, "{text:?}");
        }
        let long = "x".repeat(3 << 20);
        let mut read = String::new();
        UnixLines::of(Box::new(io::Cursor::new(long.clone()))).read_to_string(&mut read).unwrap();
        assert_eq!(read.trim_end(), long);
    }
}
