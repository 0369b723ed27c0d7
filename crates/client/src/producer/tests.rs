//! The producer over a network that does what a test says.

use std::sync::Mutex;

use coalition_proto::event::v1::{EmailRead, partner_event::Body};
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use tempfile::TempDir;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// What the network does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// It takes events, and refuses those whose message is "bad".
    Here,
    /// It doesn't answer.
    Silent,
    /// It is not there.
    Away,
    /// It wants nothing of this partner any more.
    Closed,
}

/// A network, and what it has taken.
struct Network {
    mode: watch::Sender<Mode>,
    taken: Mutex<Vec<String>>,
    asked: watch::Sender<u64>,
}

impl Network {
    fn new(mode: Mode) -> Arc<Self> {
        let (mode, asked) = (watch::Sender::new(mode), watch::Sender::new(0));
        Arc::new(Self { mode, taken: Mutex::default(), asked })
    }

    fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Waits until it was asked so often.
    async fn asked(&self, times: u64) {
        let mut asked = self.asked.subscribe();
        let waited = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| *asked >= times)).await;
        waited.expect("asked in time").unwrap();
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

struct Link(Arc<Network>);

impl Transport for Link {
    async fn publish(&mut self, events: &[PartnerEvent]) -> Result<Vec<(usize, Refusal)>, Trouble> {
        self.0.asked.send_modify(|asked| *asked += 1);
        let mut mode = self.0.mode.subscribe();
        let mode = *mode.wait_for(|mode| *mode != Mode::Silent).await.unwrap();
        match mode {
            Mode::Here | Mode::Silent => {}
            Mode::Away => return Err(Trouble::Away { why: "away".to_owned(), wait: Duration::ZERO }),
            Mode::Closed => return Err(Trouble::Ended("the key was revoked".to_owned())),
        }
        let is_bad = |event: &PartnerEvent| matches!(&event.body, Some(Body::EmailRead(read)) if read.message_id == "bad");
        let refusal = Refusal { field: "email_read.message_id".to_owned(), ..Refusal::default() };
        let (refused, taken): (Vec<_>, Vec<_>) =
            events.iter().enumerate().partition(|(_, event)| is_bad(event));
        self.0.taken.lock().unwrap().extend(taken.iter().map(|(_, event)| event.event_id.clone()));
        Ok(refused.into_iter().map(|(place, _)| (place, refusal.clone())).collect())
    }
}

fn event(id: &str, message: &str) -> PartnerEvent {
    let scheme = IdentifierScheme::CardToken.into();
    PartnerEvent {
        event_id: id.to_owned(),
        identifier: Some(Identifier { scheme, scope: String::new(), value: "t-1".to_owned() }),
        body: Some(Body::EmailRead(EmailRead { message_id: message.to_owned() })),
        ..PartnerEvent::default()
    }
}

fn on_disk(folder: &TempDir) -> Settings {
    Settings { spool: Some(SpoolSettings::new(folder.path())), ..Settings::default() }
}

async fn start(network: &Arc<Network>, settings: Settings) -> Producer {
    Producer::start(Link(Arc::clone(network)), settings).await.unwrap()
}

/// Sends events named by these numbers.
async fn send(producer: &Producer, numbers: std::ops::Range<u32>) {
    for number in numbers {
        producer.send(event(&format!("e{number}"), "m")).await.unwrap();
    }
}

fn names(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("e{number}")).collect()
}

#[tokio::test]
async fn events_arrive_in_their_order_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let machine =
        SpoolSettings { survives: Survives::Machine, ..SpoolSettings::new(folder.path().join("a")) };
    let machine = Settings { spool: Some(machine), ..Settings::default() };
    for (settings, events) in [(Settings::default(), 600), (on_disk(&folder), 600), (machine, 60)] {
        let network = Network::new(Mode::Here);
        let refused: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&refused);
        let on_refused: OnRefused = Arc::new(move |event, refusal| {
            told.lock().unwrap().push(format!("{} {}", event.event_id, refusal.field));
        });
        let producer = start(&network, Settings { on_refused, ..settings }).await;
        send(&producer, 0..events / 2).await;
        assert_eq!(producer.send(event("b", "bad")).await.unwrap().as_str(), "b");
        send(&producer, events / 2..events).await;
        producer.flush(PATIENCE).await.unwrap();
        assert_eq!(network.taken(), names(0..events));
        assert_eq!(*refused.lock().unwrap(), ["b email_read.message_id"]);
        let counts = producer.close(PATIENCE).await.unwrap();
        let found = (counts.taken, counts.published, counts.refused, counts.waiting, counts.failures);
        let events = u64::from(events);
        assert_eq!(found, (events + 1, events, 1, 0, 0));
    }
}

#[tokio::test]
async fn without_an_id_the_content_makes_it() {
    let network = Network::new(Mode::Here);
    let producer = start(&network, Settings::default()).await;
    let id = producer.send(event("", "m")).await.unwrap();
    assert_eq!(id, content_id(&event("", "m")));
    assert!(matches!(producer.send(PartnerEvent::default()).await, Err(SendError::Bad(_))));
    producer.close(PATIENCE).await.unwrap();
    assert_eq!(network.taken(), [id.to_string()]);
}

#[tokio::test]
async fn a_sender_waits_for_room() {
    let folder = tempfile::tempdir().unwrap();
    for settings in [Settings::default(), on_disk(&folder)] {
        let network = Network::new(Mode::Silent);
        let producer = start(&network, Settings { in_flight_max: 3, ..settings }).await;
        send(&producer, 0..3).await;
        network.asked(1).await;
        let mut fourth = Box::pin(producer.send(event("e3", "m")));
        let waited = tokio::time::timeout(Duration::from_millis(50), &mut fourth).await;
        assert!(waited.is_err(), "there was room");
        network.set(Mode::Here);
        tokio::time::timeout(PATIENCE, &mut fourth).await.expect("room comes").unwrap();
        drop(fourth);
        producer.close(PATIENCE).await.unwrap();
        assert_eq!(network.taken(), names(0..4));
    }
}

#[tokio::test]
async fn who_gives_up_waiting_for_room_sends_nothing() {
    let network = Network::new(Mode::Silent);
    let producer = start(&network, Settings { in_flight_max: 1, ..Settings::default() }).await;
    send(&producer, 0..1).await;
    let given_up = tokio::time::timeout(Duration::from_millis(50), producer.send(event("no", "m"))).await;
    assert!(given_up.is_err());
    network.set(Mode::Here);
    send(&producer, 1..2).await;
    producer.close(PATIENCE).await.unwrap();
    assert_eq!(network.taken(), names(0..2));
}

#[tokio::test]
async fn while_the_network_is_away_the_disk_takes_events_until_it_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new(Mode::Away);
    let spool = SpoolSettings { bytes_max: SPOOL_BYTES_MIN, ..SpoolSettings::new(folder.path()) };
    let settings = Settings { in_flight_max: 10, spool: Some(spool), ..Settings::default() };
    let producer = start(&network, settings).await;
    let mut sent = 0;
    let full = loop {
        match producer.send(event(&format!("e{sent}"), &"m".repeat(100))).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, SendError::Full(_)), "{full}");
    assert!(sent > 1_000, "{sent}");
    let counts = producer.counts();
    assert_eq!((counts.taken, counts.waiting, counts.published), (sent, sent, 0));
    assert!(counts.spool_bytes <= SPOOL_BYTES_MIN && counts.failures > 0);
    let late = producer.flush(Duration::from_millis(10)).await.unwrap_err();
    assert!(matches!(late, Unfinished::Late { waiting } if waiting == sent), "{late}");
    network.set(Mode::Here);
    producer.flush(PATIENCE).await.unwrap();
    assert_eq!(network.taken(), names(0..u32::try_from(sent).unwrap()));
    send(&producer, 0..1).await;
    producer.close(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn the_next_producer_publishes_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new(Mode::Away);
    let producer = start(&network, on_disk(&folder)).await;
    send(&producer, 0..1_500).await;
    let late = producer.close(Duration::ZERO).await.unwrap_err();
    assert!(matches!(late, Unfinished::Late { waiting: 1_500 }), "{late}");
    network.set(Mode::Here);
    let producer = start(&network, on_disk(&folder)).await;
    let in_use = Producer::start(Link(Arc::clone(&network)), on_disk(&folder)).await;
    assert!(matches!(in_use.err(), Some(SpoolError::InUse(_))));
    send(&producer, 1_500..1_600).await;
    let counts = producer.close(PATIENCE).await.unwrap();
    assert_eq!((counts.taken, counts.published), (100, 1_600));
    assert_eq!(network.taken(), names(0..1_600));
}

#[tokio::test]
async fn a_no_to_the_producer_itself_ends_it_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new(Mode::Silent);
    let producer = start(&network, Settings { in_flight_max: 2, ..on_disk(&folder) }).await;
    send(&producer, 0..2).await;
    network.asked(1).await;
    let flushed = tokio::join!(producer.flush(PATIENCE), producer.send(event("e2", "m")), async {
        network.set(Mode::Closed);
    });
    assert!(matches!(flushed.0, Err(Unfinished::Failed(SendError::Ended(_)))), "{:?}", flushed.0);
    assert!(matches!(flushed.1, Err(SendError::Ended(_))), "{:?}", flushed.1);
    assert!(producer.close(PATIENCE).await.is_err());
    network.set(Mode::Here);
    start(&network, on_disk(&folder)).await.close(PATIENCE).await.unwrap();
    assert_eq!(network.taken(), names(0..2));
}

#[tokio::test]
async fn a_handler_that_panics_is_told_to_the_senders() {
    let network = Network::new(Mode::Here);
    let on_refused: OnRefused = Arc::new(|_, _| panic!("on purpose"));
    let producer = start(&network, Settings { on_refused, ..Settings::default() }).await;
    producer.send(event("b", "bad")).await.unwrap();
    let flushed = producer.flush(PATIENCE).await.unwrap_err();
    assert!(matches!(flushed, Unfinished::Failed(SendError::Ended(_))), "{flushed}");
}

#[tokio::test]
async fn a_disk_that_does_not_strike_off_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new(Mode::Away);
    let spool = SpoolSettings { bytes_max: SPOOL_BYTES_MIN, ..SpoolSettings::new(folder.path()) };
    let on_disk = || Settings { spool: Some(spool.clone()), ..Settings::default() };
    let producer = start(&network, on_disk()).await;
    // Some 100 bytes each: more than a file of 128 KiB holds.
    send(&producer, 0..5_000).await;
    let oldest = folder.path().join(format!("{:020}.spool", 0));
    std::fs::remove_file(&oldest).unwrap();
    // No file, so it can't be removed as one.
    std::fs::create_dir(&oldest).unwrap();
    network.set(Mode::Here);
    producer.flush(PATIENCE).await.unwrap();
    send(&producer, 5_000..5_010).await;
    std::fs::remove_dir(&oldest).unwrap();
    send(&producer, 5_010..5_020).await;
    producer.close(PATIENCE).await.unwrap();
    assert_eq!(network.taken(), names(0..5_020));
    let next = start(&network, on_disk()).await;
    assert_eq!(next.counts().waiting, 0);
    next.close(PATIENCE).await.unwrap();
}

#[test]
fn a_broken_disk_ends_the_keeper() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path(), SPOOL_BYTES_MIN).unwrap();
    (0..2).for_each(|_| spool.push(b"event").unwrap());
    assert_eq!(spool.first_events(1, 1).unwrap().len(), 1);
    spool.fail_writes();
    let (tell, _counts) = watch::channel(Counts::default());
    let keeper = Keeper::new(Queue::Disk { spool, sync: false }, 9, tell);
    let (inputs, mut heard) = mpsc::channel(9);
    let (done, mut outcome) = oneshot::channel();
    for input in [Input::Settled { events: 1, refused: 0 }, Input::Flush { done }] {
        assert!(inputs.try_send(input).is_ok());
    }
    drop(inputs);
    keeper.run(&mut heard);
    let told = outcome.try_recv().unwrap();
    assert!(matches!(told, Err(SendError::Spool(_))), "{told:?}");
}
