//! Stored samples as seeds.

/// The bytes of a file of hex digits; other signs are passed over.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|sign| sign.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The bytes of each line of a file of names and hex digits, with the name.
pub(crate) fn lines(text: &str) -> Vec<(&str, Vec<u8>)> {
    text.lines().filter_map(|line| line.split_once(' ')).map(|(name, hex)| (name, unhex(hex))).collect()
}

/// Takes so many bytes from the front as the first of them says.
pub(crate) fn piece<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&length, rest) = input.split_first()?;
    let (piece, rest) = rest.split_at(usize::from(length).min(rest.len()));
    *input = rest;
    Some(piece)
}
