//! Page tokens, as callers send them back.

use coalition_gateway::fuzzing;

/// A first byte that is even stands before a whole token; an odd one before the bytes behind the tag of a sound one, as a caller can
/// make them who takes a token apart. Either is refused, or is a place that gives the same token again.
pub(crate) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 2 == 0 {
        fuzzing::page_token(&String::from_utf8_lossy(bytes));
    } else {
        fuzzing::page_token(&fuzzing::token_of(bytes));
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let places: [&[u8]; 4] =
        [b"\x07", b"\x05cdnow", b"\x05cdnow\x80\xf0\x90\xc6\xd3\x31", b"\x02\x07\x08\x01\x05miles"];
    let whole = places.map(|place| [b"\0", fuzzing::token_of(place).as_bytes()].concat());
    whole.into_iter().chain(places.map(|place| [b"\x01", place].concat())).collect()
}
