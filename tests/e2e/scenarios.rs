//! The scenarios, through the whole stack on both logs: events by the partners' topics, all else as members and partners would
//! ask it over gRPC. The answers are those of a network on paper, to the letter.

use std::convert::Infallible;
use std::path::Path;

use coalition_domain::{Identifier, PartnerId, ProgrammeId, Timestamp};
use coalition_scenario::{Balance, Became, Case, Document, Network, Paper, Statement, Step, play};
use sha2::{Digest, Sha256};

use crate::brokers::Brokers;
use crate::harness::Served;
use crate::stack::Stack;

/// All files but those of which only paper can tell, each with its cases.
fn documents() -> Vec<Document> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(folder).expect("the scenarios").map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    let documents = files.iter().map(|file| Document::read(file).expect("it is a scenario"));
    documents.filter(|document| !document.paper_only).collect()
}

/// A network, and everything that it answers.
struct Heard<N> {
    network: N,
    answers: Vec<String>,
}

impl<N: Network<Error = Infallible>> Heard<N> {
    fn play(network: N, case: &Case) -> Vec<String> {
        let mut heard = Self { network, answers: vec![case.title.clone()] };
        let Ok(differences) = play(case, &mut heard);
        assert_eq!(differences, [], "{}", case.title);
        heard.answers
    }

    fn note<T: std::fmt::Debug>(&mut self, answer: T) -> T {
        self.answers.push(format!("{answer:?}"));
        answer
    }
}

impl<N: Network<Error = Infallible>> Network for Heard<N> {
    type Error = Infallible;

    fn tell(&mut self, step: &Step, at: Timestamp) -> Result<Became, Infallible> {
        let became = self.network.tell(step, at)?;
        Ok(self.note(became))
    }

    fn balance(&mut self, of: &Identifier, programme: &ProgrammeId) -> Result<Balance, Infallible> {
        let balance = self.network.balance(of, programme)?;
        Ok(self.note(balance))
    }

    fn history(&mut self, of: &Identifier) -> Result<Vec<String>, Infallible> {
        let history = self.network.history(of)?;
        Ok(self.note(history))
    }

    fn statement(&mut self, of: &PartnerId, programme: &ProgrammeId) -> Result<Statement, Infallible> {
        let statement = self.network.statement(of, programme)?;
        Ok(self.note(statement))
    }

    fn burnt(
        &mut self,
        of: &ProgrammeId,
        issuer: &PartnerId,
        redeemer: &PartnerId,
    ) -> Result<i64, Infallible> {
        let burnt = self.network.burnt(of, issuer, redeemer)?;
        Ok(self.note(burnt))
    }
}

fn digest(answers: &[String]) -> String {
    Sha256::digest(answers.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn check(brokers: Option<&Brokers>) {
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start_on(&folder.path().join("network"), brokers);
    let channel = served.connect().await;
    let handle = tokio::runtime::Handle::current();
    // What is played asks and waits, one thing after the other.
    let played = tokio::task::spawn_blocking(move || {
        let (mut on_paper, mut in_stack, mut cases) = (Vec::new(), Vec::new(), 0);
        for document in documents() {
            for case in &document.cases {
                cases += 1;
                let paper = Paper::new(&document).expect("a network would take it");
                on_paper.extend(Heard::play(paper, case));
                let stack = Stack::new(&served, channel.clone(), handle.clone(), &document, cases);
                in_stack.extend(Heard::play(stack, case));
            }
        }
        (cases, on_paper, in_stack)
    });
    let (cases, on_paper, in_stack) = played.await.expect("no case panics");
    assert!(cases >= 20, "{cases} cases");
    let differs = in_stack.iter().zip(&on_paper).find(|(in_stack, on_paper)| in_stack != on_paper);
    assert_eq!((differs, in_stack.len()), (None, on_paper.len()));
    println!("{cases} cases, digest {}", digest(&in_stack));
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_come_to_the_same_on_the_embedded_log_as_on_paper() {
    check(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_come_to_the_same_on_kafka_as_on_paper() {
    let Some(brokers) = Brokers::start(1) else { return };
    check(Some(&brokers)).await;
}
