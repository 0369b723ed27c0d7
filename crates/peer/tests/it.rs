//! Who may ask, and over what: two ends of the service between processes.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coalition_journal::entry::{NetworkId, Seq, ShardId, Term};
use coalition_journal::log::Log;
use coalition_journal::memory::Memory;
use coalition_ledger::refused::Refused;
use coalition_ledger::runtime::{Ledger, Membership, Node, Returned, Returns, Settings, Taking, Unavailable};
use coalition_ledger::trace::{self, TraceParent};
use coalition_ledger::wire::{Question, VERSIONS};
use coalition_peer::{Error, Listening, Owner, Secret, Tls, Trust, Ways, reach, serve};
use coalition_store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::Level;
use uuid::Uuid;

struct NoReturns;

impl Returns for NoReturns {
    fn give_back(&self, _: ShardId, _: Vec<Arc<Refused>>, done: Returned) {
        done(true);
    }
}

/// A shard in office, in a process of its own.
struct Process {
    node: Option<Node>,
    _membership: Membership,
}

impl Process {
    async fn start() -> Self {
        let log = Memory::new();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        log.set_now(coalition_domain::Timestamp::from_millis(now.as_millis().try_into().unwrap()));
        let log: Arc<dyn Log> = Arc::new(log);
        let membership = Membership::start(&log, 1, Taking::Alone).unwrap();
        let settings = Settings { shards: 1, ..Settings::default() };
        let store = |_| Box::new(coalition_store::Memory::new()) as Box<dyn Store>;
        let returns: Arc<dyn Returns> = Arc::new(NoReturns);
        let network = NetworkId(Uuid::from_u128(1));
        let node = Node::start(&log, network, store, &returns, &settings, &membership).unwrap();
        node.ledger().wait(ShardId(0), |status| status.in_office).await.unwrap();
        Self { node: Some(node), _membership: membership }
    }

    fn ledger(&self) -> Ledger {
        self.node.as_ref().unwrap().ledger()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        tokio::task::block_in_place(|| self.node.take().unwrap().stop());
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(&text.repeat(32)).unwrap()
}

/// Serves the process, for as long as the test lives.
async fn served(process: &Process, tls: Option<Tls>) -> String {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let listening = Listening { listener, secret: secret("a"), tls };
    tokio::spawn(serve(listening, process.ledger(), std::future::pending()));
    format!("{scheme}://localhost:{port}")
}

/// The ways to it, and whoever tells them where it is.
fn ways(endpoint: String, trust: Trust) -> (watch::Sender<Arc<[Option<Owner>]>>, Ways) {
    let owner = Owner { endpoint, versions: VERSIONS };
    let (told, owners) = watch::channel(vec![Some(owner)].into());
    (told, Ways::start(&owners, trust))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_the_secret_is_answered_and_nobody_else() {
    let process = Process::start().await;
    let endpoint = served(&process, None).await;
    let (_told, friend) = ways(endpoint.clone(), Trust { secret: secret("a"), ca_pem: None });
    let friend = Ledger::of_others(friend.distant());
    friend.wait(ShardId(0), |status| status.in_office).await.unwrap();
    let (_told, stranger) = ways(endpoint, Trust { secret: secret("b"), ca_pem: None });
    let asked = stranger.distant()[0].ask(Question::Changes(0)).await;
    assert_eq!(asked, Err(Unavailable::OutcomeUnknown));
    assert!(stranger.distant()[0].status().borrow().is_none());
}

/// Another process may have another number of shards in its configuration.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_shard_that_there_is_not_is_told_so() {
    let process = Process::start().await;
    let endpoint = served(&process, None).await;
    let owner = Owner { endpoint, versions: VERSIONS };
    let (_told, owners) = watch::channel(vec![None, Some(owner)].into());
    let ways = Ways::start(&owners, Trust { secret: secret("a"), ca_pem: None });
    for question in [Question::Sums(Seq(0)), Question::Row(Term(1), Vec::new())] {
        let asked = ways.distant()[1].ask(question).await;
        assert_eq!(asked, Err(Unavailable::NotOwner(ShardId(1))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_is_believed_by_its_authority_only() {
    let process = Process::start().await;
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("crt"), folder.path().join("key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let endpoint = served(&process, Some(Tls::read(&cert, &key).unwrap())).await;
    let trust = |ca_pem| Trust { secret: secret("a"), ca_pem: Some(ca_pem) };
    let (_told, friend) = ways(endpoint.clone(), trust(made.cert.pem()));
    Ledger::of_others(friend.distant()).wait(ShardId(0), |status| status.in_office).await.unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (_told, stranger) = ways(endpoint, trust(other.cert.pem()));
    let asked = stranger.distant()[0].ask(Question::Changes(0)).await;
    assert_eq!(asked, Err(Unavailable::OutcomeUnknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_sees_whether_others_can_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("crt"), folder.path().join("key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (tls, ca) = (Tls::read(&cert, &key).unwrap(), made.cert.pem());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem();
    let process = Process::start().await;
    let others = served(&process, None).await;
    for (endpoint, tls, ca, told) in [
        (format!("http://localhost:{port}"), None, None, None),
        (format!("https://localhost:{port}"), Some(&tls), Some(&ca), None),
        // A name that is not in the certificate, another authority, an address at which nobody listens, or somebody else.
        (format!("https://127.0.0.1:{port}"), Some(&tls), Some(&ca), Some("certificate")),
        (format!("https://localhost:{port}"), Some(&tls), Some(&other), Some("certificate")),
        ("http://localhost:1".to_owned(), None, None, Some("refused")),
        (others, None, None, Some("know its secret")),
    ] {
        let reached = reach(&listener, tls, &endpoint, ca.map(String::as_str)).await;
        let fits = match (&reached, told) {
            (Err(why), Some(told)) => why.contains(told),
            (reached, told) => reached.is_ok() && told.is_none(),
        };
        assert!(fits, "{endpoint}: {reached:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_plain_text_nobody_beyond_this_machine_is_answered() {
    let process = Process::start().await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let listening = Listening { listener, secret: secret("a"), tls: None };
    let served = serve(listening, process.ledger(), std::future::pending()).await;
    assert!(matches!(served, Err(Error::PlaintextBeyondLoopback(_))), "{served:?}");
}

/// It may stand still: then it would never answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_given_up_when_its_shard_moves() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let (told, ways) = ways(endpoint, Trust { secret: secret("a"), ca_pem: None });
    let asked = ways.distant()[0].ask(Question::Changes(0));
    told.send_replace(vec![None].into());
    let asked = tokio::time::timeout(Duration::from_secs(60), asked).await.expect("it is given up");
    assert_eq!(asked, Err(Unavailable::OutcomeUnknown));
    let asked = ways.distant()[0].ask(Question::Changes(0)).await;
    assert_eq!(asked, Err(Unavailable::NotOwner(ShardId(0))), "nobody is said to run it");
}

/// All lines that are logged by whatever test, from now on.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_followed_into_the_process_that_answers_it() {
    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let lines = Lines::default();
    let written = lines.clone();
    let log = tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_ansi(false);
    log.with_writer(move || written.clone()).init();
    let process = Process::start().await;
    let endpoint = served(&process, None).await;
    let (_told, ways) = ways(endpoint, Trust { secret: secret("a"), ca_pem: None });
    let ledger = Ledger::of_others(ways.distant());
    ledger.wait(ShardId(0), |status| status.in_office).await.unwrap();
    ledger.sums(ShardId(0), None).await.unwrap();
    let answered = || -> Vec<String> {
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains("another process has asked")).map(str::to_owned).collect()
    };
    // What belongs to no trace is not told.
    assert_eq!(answered(), Vec::<String>::new());
    let trace = TraceParent::read(format!("00-{ID}-00f067aa0ba902b7-01").as_bytes()).unwrap();
    trace::within(trace, ledger.sums(ShardId(0), None)).await.unwrap();
    let [line] = answered().try_into().unwrap();
    assert!(line.contains(&format!("trace_id=\"{ID}\"")) && line.contains("shard=0"), "{line}");
}
