//! Texts that nobody means well with: no panic, and every fault lies within the text.

use proptest::prelude::*;

use super::*;

/// What has to hold whatever the text is.
fn holds(text: &str) {
    let Err(faults) = parse(text) else { return };
    assert!(!faults.is_empty(), "refused without a fault");
    assert!(faults.is_sorted_by_key(|fault| (fault.line, fault.column)), "{faults:?}");
    let lines: Vec<&str> = text.split('\n').collect();
    for fault in &faults {
        let line = lines[usize::try_from(fault.line).unwrap() - 1];
        assert!((1..=line.chars().count() + 1).contains(&usize::try_from(fault.column).unwrap()), "{fault}");
        assert!(!fault.to_string().chars().any(char::is_control), "{fault:?}");
    }
}

/// Pieces that make much of the grammar and of the format reachable for a random text.
const PIECES: [&str; 40] = [
    "\n",
    "\r\n",
    "\r",
    " ",
    "=",
    " = ",
    ".",
    ",",
    "#",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "\\u001b",
    "\u{feff}",
    "é",
    "0",
    "-1",
    "1.5",
    "inf",
    "true",
    "0xff",
    "1997-01-01",
    "T00:00:00",
    "Z",
    "programme",
    "rule",
    "reward",
    "id",
    "event",
    "points",
    "per",
    "partners",
    "engagement",
];

fn piece() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(PIECES.as_slice())
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        holds(&text);
    }

    #[test]
    fn text_of_the_grammar(pieces in proptest::collection::vec(piece(), 0..60)) {
        holds(&pieces.concat());
    }

    #[test]
    fn a_sound_document_with_cuts_and_insertions(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..12, piece()), 1..6),
    ) {
        let mut characters: Vec<char> = FULL.chars().collect();
        for (place, cut, inserted) in edits {
            let start = place.index(characters.len());
            let end = (start + cut).min(characters.len());
            characters.splice(start..end, inserted.chars());
        }
        holds(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn a_sound_document_with_lines_moved(
        swaps in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let mut lines: Vec<&str> = FULL.lines().collect();
        for (a, b) in swaps {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
        }
        holds(&lines.join("\n"));
    }
}

/// Trees are dropped by recursion; the reader of TOML bounds their depth, and this shows that its bounds suffice.
#[test]
fn depth_does_not_exhaust_the_stack() {
    let half = DOCUMENT_MAX_BYTES / 2 - 8;
    let dotted = format!("{}a", "a.".repeat(78));
    for text in [
        "a.".repeat(half) + "a = 1",
        format!("[{}a]", "a.".repeat(half)),
        format!("a = {}{}", "[".repeat(half), "]".repeat(half)),
        "a = ".to_owned() + &"{ a = ".repeat(DOCUMENT_MAX_BYTES / 8),
        format!("[{dotted}]\n{dotted} = {}1{}", format!("{{ {dotted} = ").repeat(79), " }".repeat(79)),
    ] {
        holds(&text);
    }
}

/// The largest number of faults that fits: time and memory stay in proportion to the text.
#[test]
fn as_many_faults_as_lines() {
    let text: String = (0..14_000).map(|n| format!("a{n}=\n")).collect();
    holds(&text);
    let text: String = (0..14_000).map(|n| format!("a{n}=1\n")).collect();
    assert_eq!(parse(&text).unwrap_err().len(), 14_001);
    holds(&text);
}
