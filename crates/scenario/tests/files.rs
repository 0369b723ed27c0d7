//! Every file of scenarios, played on paper.

#![allow(clippy::unwrap_used, reason = "all of this crate is test")]

use std::path::{Path, PathBuf};

use coalition_scenario::{Difference, Document, Paper, play};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")
}

fn differences(document: &Document) -> Vec<(String, Difference)> {
    let mut found = Vec::new();
    for case in &document.cases {
        let mut paper = Paper::new(document).unwrap();
        let Ok(differences) = play(case, &mut paper);
        found.extend(differences.into_iter().map(|difference| (case.title.clone(), difference)));
    }
    found
}

#[test]
fn every_scenario_comes_to_what_it_says() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let document = Document::read(&file).unwrap();
        assert_eq!(differences(&document), [], "{}", file.display());
    }
}

#[test]
fn what_comes_to_something_else_is_told() {
    let file = folder().join("a21-reference-rule.toml");
    let folder = tempfile::tempdir().unwrap();
    let programme = "programmes/reference.toml";
    std::fs::create_dir(folder.path().join("programmes")).unwrap();
    std::fs::copy(file.with_file_name(programme), folder.path().join(programme)).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let changed =
        text.replace("500.00 EUR", "498.00 EUR").replace("net = \"-5.00 EUR\"", "net = \"-5.01 EUR\"");
    let file = folder.path().join("changed.toml");
    std::fs::write(&file, changed).unwrap();
    let told: Vec<_> = differences(&Document::read(&file).unwrap())
        .into_iter()
        .map(|(_, Difference { place, expected, found })| format!("{place}: {expected} / {found}"))
        .collect();
    assert_eq!(
        told,
        [
            "when, step 1: applied / refused POINTS_SHORT: 2 points short",
            "then, available reference of anna: 0 / 498",
            "then, points issued of shop: 500 / 498",
            "then, points redeemed of shop: 500 / 0",
            "then, net of shop: -5.01 EUR / 4.98 EUR",
        ]
    );
}

/// docs/guides/test-a-programme.md
#[test]
fn the_guide_s_scenario_comes_to_what_it_says() {
    let guide = include_str!("../../../docs/guides/test-a-programme.md");
    let (_, scenario) = guide.split_once("```toml\n").unwrap();
    let (scenario, _) = scenario.split_once("```").unwrap();
    let beside = tempfile::tempdir().unwrap();
    std::fs::copy(folder().join("programmes/reference.toml"), beside.path().join("reference.toml")).unwrap();
    let file = beside.path().join("voucher.toml");
    std::fs::write(&file, scenario).unwrap();
    let document = Document::read(&file).unwrap();
    assert_eq!((document.cases.len(), differences(&document)), (1, Vec::new()));
}

#[test]
fn a_file_that_can_t_be_played_says_where_it_is_at_fault() {
    let beside = tempfile::tempdir().unwrap();
    let file = beside.path().join("scenario.toml");
    let said = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let error = Document::read(&file).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    };
    let case = |step: &str| {
        let head = "title = 't'\nprogrammes = []\n[[partner]]\nid = 'shop'\n[[case]]\ntitle = 'c'\n";
        said(&format!("{head}when = [{{ {step} }}]"))
    };
    assert!(said("title = 't'").contains("missing field `programmes`"));
    assert!(case("who = 'anna', buys = 1").contains("line 7, column 25"));
    assert!(
        case("who = 'anna', purchase = { order = 'o', amount = '5 usd' }").contains("\"usd\" is no currency")
    );
    for (step, fault) in [
        ("who = 'anna', partner = 'shop'", "step 1 of when says nothing that happens"),
        ("who = 'anna', partner = 'shop', sign_up = {}, email_read = 'm'", "says more than one thing"),
        ("who = 'anna', sign_up = {}", "names no `partner`"),
        ("who = 'anna', redeem = { reward = 'r' }", "names no `programme`"),
        ("who = 'card:4111111111111111', partner = 'shop', sign_up = {}", "`who` is nobody"),
        ("who = 'anna', link = 'card:4111111111111111'", "`link` is no identifier"),
    ] {
        assert!(case(step).contains(fault), "{}", case(step));
    }
}
