//! The thread that opens partners' topics, and looks at them again now and then: reading never waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use coalition_domain::PartnerId;
use coalition_journal::log::{self, Log};
use coalition_ledger::runtime::Ledger;
use uuid::Uuid;

use crate::events_topic;
use crate::metrics::Metrics;
use crate::open::{Opener, Topics};
use crate::share::{Share, is_mine};
use crate::worker::Message;

/// How often the registry is looked at when nothing else happens.
const TICK: Duration = Duration::from_millis(20);
/// How long to wait before topics that could not be opened are tried again, at least.
const OPEN_PAUSE: Duration = Duration::from_secs(1);
/// Partitions of one partner that are opened before it is the next one's turn.
const TURN_PARTITIONS: u32 = 16;

/// How far a partner's topics are opened.
struct Surveyed {
    /// When it is its turn.
    due: Instant,
    /// What was found of its topics.
    topics: Option<Topics>,
    /// Partitions that are read, or are others' to read.
    opened: u32,
    /// Those of them that are this process's again and not read yet.
    again: BTreeSet<u32>,
    /// Whether the topic takes the place of one that was read: how far that was says nothing of this one.
    anew: bool,
    /// What the last look saw in the place of the topic: nothing, or another one with this id.
    doubt: Option<Option<Uuid>>,
    /// Why it could not be opened.
    said: String,
}

impl Surveyed {
    fn new(anew: bool) -> Self {
        let (due, again) = (Instant::now(), BTreeSet::new());
        Self { due, topics: None, opened: 0, again, anew, doubt: None, said: String::new() }
    }

    fn is_open(&self) -> bool {
        self.again.is_empty() && self.topics.as_ref().is_some_and(|topics| self.opened >= topics.partitions)
    }
}

pub(crate) struct Survey {
    log: Arc<dyn Log>,
    ledger: Ledger,
    opener: Opener,
    interval: Duration,
    metrics: Arc<Metrics>,
    sender: Sender<Message>,
    partners: BTreeMap<PartnerId, Surveyed>,
    /// Changes of the registry that are followed.
    followed: u64,
    share: Share,
    /// The slots whose partitions are opened.
    slots: Option<Arc<[bool]>>,
}

impl Survey {
    pub(crate) fn new(
        (log, ledger): (Arc<dyn Log>, Ledger),
        (opener, interval, share): (Opener, Duration, Share),
        metrics: Arc<Metrics>,
        sender: Sender<Message>,
    ) -> Self {
        let (partners, slots) = (BTreeMap::new(), share.now());
        Self { log, ledger, opener, interval, metrics, sender, partners, followed: 0, share, slots }
    }

    /// Until the thread that reads ends. It tells whose topics `lost` records that were read.
    pub(crate) fn run(mut self, lost: &Receiver<PartnerId>) {
        let mut busy = true;
        loop {
            match lost.recv_timeout(if busy { Duration::ZERO } else { TICK }) {
                Ok(partner) => self.leave(partner, true),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.share();
            self.follow();
            busy = self.turn();
            let unopened = self.partners.values().filter(|partner| !partner.is_open());
            self.metrics.unopened(unopened.count());
        }
    }

    /// Goes over to the partitions that are this process's now. What another one takes over it begins where this one has
    /// noted that all is dealt with; what is under way here comes twice, and counts once.
    fn share(&mut self) {
        let slots = self.share.now();
        if slots == self.slots {
            return;
        }
        for (partner, surveyed) in &mut self.partners {
            for number in 0..surveyed.opened {
                let mine = |slots: &Option<Arc<[bool]>>| is_mine(slots.as_deref(), partner, number);
                match (mine(&self.slots), mine(&slots)) {
                    (false, true) => {
                        surveyed.again.insert(number);
                        surveyed.due = Instant::now();
                    }
                    // One that was not read again yet is no news.
                    (true, false) if surveyed.again.remove(&number) => {}
                    (true, false) => drop(self.sender.send(Message::Moved(*partner, Some(number)))),
                    (true, true) | (false, false) => {}
                }
            }
        }
        self.slots = slots;
    }

    /// Notes partners that the registry has got.
    fn follow(&mut self) {
        let Some(registry) = self.ledger.registry().filter(|it| it.changes() != self.followed) else {
            return;
        };
        for partner in registry.partners() {
            self.partners.entry(partner.id).or_insert_with(|| Surveyed::new(false));
        }
        self.followed = registry.changes();
    }

    /// Gives the partner that waits longest its turn, if one is due: little, so that the end never waits for long.
    fn turn(&mut self) -> bool {
        let began = Instant::now();
        let next = self.partners.iter_mut().min_by_key(|(_, surveyed)| surveyed.due);
        let Some((&partner, surveyed)) = next.filter(|(_, surveyed)| surveyed.due <= began) else {
            return false;
        };
        if surveyed.is_open() {
            let is_gone = is_gone(&*self.log, partner, surveyed);
            surveyed.due = Instant::now() + self.interval;
            if is_gone {
                tracing::error!(%partner, "the partner's topic was deleted, or made anew: what is there now is read from its start");
                self.leave(partner, true);
            } else if !keeps_back(&self.opener, partner, surveyed) {
                tracing::warn!(%partner, "the partner's topic of rejected events was made anew with fewer partitions: its events are read again from where all was dealt with");
                self.leave(partner, false);
            }
            return true;
        }
        match open_some((&self.opener, &self.sender), self.slots.as_deref(), partner, surveyed) {
            Ok(()) if surveyed.is_open() => surveyed.due = Instant::now() + self.interval,
            Ok(()) => surveyed.due = Instant::now(),
            // Its topic may be another one by now, which has fewer partitions.
            Err(_) if is_gone(&*self.log, partner, surveyed) => self.leave(partner, true),
            Err(error) => {
                let error = chain(&error);
                // Once for each reason: it may take a person to mend it.
                if surveyed.said != error {
                    tracing::warn!(%partner, error, "the partner's topics can't be opened; tried again, and nothing is read of them before");
                    surveyed.said = error;
                }
                // What can't be reached for long takes little of the time of the others.
                surveyed.due = Instant::now() + OPEN_PAUSE.max(began.elapsed() * 10);
            }
        }
        true
    }

    /// Has nothing more read of what the partner had, and opens what is there now; from its start if it is there `anew`.
    fn leave(&mut self, partner: PartnerId, anew: bool) {
        drop(self.sender.send(if anew { Message::Gone(partner) } else { Message::Moved(partner, None) }));
        self.partners.insert(partner, Surveyed::new(anew));
    }
}

/// Opens the next partitions of a partner.
fn open_some(
    (opener, sender): (&Opener, &Sender<Message>),
    slots: Option<&[bool]>,
    partner: PartnerId,
    surveyed: &mut Surveyed,
) -> Result<(), log::Error> {
    let topics = match &surveyed.topics {
        Some(topics) => topics,
        None => surveyed.topics.insert(opener.topics(partner)?),
    };
    for number in surveyed.again.iter().copied().take(TURN_PARTITIONS as usize).collect::<Vec<_>>() {
        // Whoever had it since has noted how far it was read.
        let stream = opener.open(partner, topics, number, false)?;
        drop(sender.send(Message::Opened(Box::new(stream))));
        surveyed.again.remove(&number);
    }
    let upto = topics.partitions.min(surveyed.opened + TURN_PARTITIONS);
    while surveyed.opened < upto {
        if is_mine(slots, &partner, surveyed.opened) {
            let stream = opener.open(partner, topics, surveyed.opened, surveyed.anew)?;
            // A stream that finds nobody comes after the end.
            drop(sender.send(Message::Opened(Box::new(stream))));
        }
        surveyed.opened += 1;
    }
    surveyed.said.clear();
    Ok(())
}

/// Looks at a partner's topic again: notes partitions that it has got, and says whether it is there no more or another one.
/// That is believed when two looks in a row see the same: a broker that has just started may be wrong once.
fn is_gone(log: &dyn Log, partner: PartnerId, surveyed: &mut Surveyed) -> bool {
    let Some(known) = &mut surveyed.topics else { return false };
    let found = match log.topic(&events_topic(&partner)) {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%partner, error = chain(&error), "the partner's topic can't be looked at; tried again");
            return false;
        }
    };
    if let Some(found) = found.filter(|found| found.id == known.id) {
        known.partitions = known.partitions.max(found.partitions);
        surveyed.doubt = None;
        return false;
    }
    let seen = found.map(|found| found.id);
    surveyed.doubt.replace(seen) == Some(seen)
}

/// Whether what goes back to the partner can go where its streams send it.
fn keeps_back(opener: &Opener, partner: PartnerId, surveyed: &Surveyed) -> bool {
    let Some(topics) = &surveyed.topics else { return true };
    opener.keeps_back(topics).unwrap_or_else(|error| {
        tracing::debug!(%partner, error = chain(&error), "the partner's topic of rejected events can't be looked at; tried again");
        true
    })
}

/// An error with its sources, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
