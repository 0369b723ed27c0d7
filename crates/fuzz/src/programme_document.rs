//! Programme documents, as an operator writes them.

use coalition_domain::programme::{parse, parse_published};

/// A document is a programme, and the same one when it is read again as a published one; or it has faults, in the order of their
/// places, each at a place that the document has and in one line.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match parse(&text) {
        Ok(programme) => {
            assert_eq!(parse(&text).as_ref(), Ok(&programme), "read twice");
            assert_eq!(
                parse_published(&text).as_ref(),
                Ok(&programme),
                "what may be published stays readable"
            );
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            let lines = u32::try_from(text.split('\n').count()).expect("a short text");
            for fault in &faults {
                assert!((1..=lines).contains(&fault.line) && fault.column >= 1, "{fault} of {lines} lines");
                assert!(!fault.to_string().contains(char::is_control), "{fault:?}");
            }
            let places: Vec<_> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
            assert!(places.is_sorted(), "{places:?}");
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [
        include_str!("../../domain/testdata/programmes/full.toml"),
        include_str!("../../domain/testdata/programmes/faulty.toml"),
        include_str!("../../gateway/testdata/miles.toml"),
        include_str!("../../coalition/data/programme.toml"),
        include_str!("../../coalition/data/traveller.toml"),
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
