//! Clients whose callers wait: they repeat a request under its id until it is answered, to whichever process they
//! take for the owner; some die while they wait, and some give up when they hear that an attempt failed.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::decide::RegistryCommand;
use coalition_domain::{Command, Place, Span, Timestamp};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{Log, Offset};
use coalition_ledger::shard::relay::HOME;
use coalition_ledger::shard::{Answer, Decided, Direct, Input, Token, Unanswered};
use coalition_ledger::view::AccountView;

use super::World;
use super::process::Task;

/// What the network said of an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// A decision, and where it stands.
    Decided { place: Place, decided_at: Timestamp, decided: Box<Decided> },
    /// There is no answer from there.
    Not(Unanswered),
}

/// A request with all its attempts.
pub(crate) struct Request {
    pub(crate) shard: ShardId,
    pub(crate) direct: Direct,
    /// Each attempt and what was said of it; nothing, if the process died before or nobody listened any more.
    pub(crate) attempts: BTreeMap<Token, Option<Said>>,
    /// The step of its first attempt, and where the journal of its shard ended then.
    pub(crate) asked: Option<usize>,
    pub(crate) asked_at: Option<Offset>,
    /// The step of its first answer that was a decision.
    pub(crate) answered: Option<usize>,
    /// Whether it is repeated until it is decided.
    persistent: bool,
    outstanding: Option<Outstanding>,
}

struct Outstanding {
    token: Token,
    process: usize,
    life: u64,
    since: Timestamp,
}

/// To whom an attempt went, and for which request.
struct Asked {
    request: usize,
    process: usize,
    life: u64,
}

/// All requests.
#[derive(Default)]
pub(crate) struct Clients {
    pub(crate) requests: Vec<Request>,
    tokens: BTreeMap<Token, Asked>,
    /// Attempts that nothing was said of.
    unanswered: BTreeSet<Token>,
    /// The newest position that an answer has named, by shard.
    pub(super) heard: BTreeMap<ShardId, u64>,
    /// Requests that are not over.
    open: BTreeSet<usize>,
    /// The next step of the registry's script.
    pub(super) script: usize,
}

impl Clients {
    /// How many are not over.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Whether a command to the registry is under way.
    pub(super) fn changing(&self) -> bool {
        self.open.iter().any(|number| matches!(self.requests[*number].direct, Direct::Registry(_)))
    }

    /// A request is over, or not.
    fn end(&mut self, number: usize, over: bool) {
        if over {
            self.open.remove(&number);
        }
    }
}

impl World<'_> {
    pub(super) fn ask(&mut self, command: Command) {
        let shard = ShardId(command.account().shard(self.settings.shards));
        let persistent = self.random.happens(8_000);
        self.trace.note(format_args!("request {}: {command:?}", self.clients.requests.len()));
        self.add(shard, Direct::Account(command), persistent);
    }

    pub(super) fn ask_registry(&mut self, command: RegistryCommand) {
        let what = command.change.clone();
        self.trace.note(format_args!("request {}: {what:?}", self.clients.requests.len()));
        self.add(HOME, Direct::Registry(command), true);
    }

    fn add(&mut self, shard: ShardId, direct: Direct, persistent: bool) {
        let attempts = BTreeMap::new();
        let request = Request {
            shard,
            direct,
            attempts,
            asked: None,
            asked_at: None,
            answered: None,
            persistent,
            outstanding: None,
        };
        self.clients.open.insert(self.clients.requests.len());
        self.clients.requests.push(request);
    }

    /// One client looks after its request.
    pub(super) fn run_client(&mut self) {
        if self.clients.open.is_empty() {
            return;
        }
        let nth = self.random.below(self.clients.open.len());
        let number = *self.clients.open.iter().nth(nth).expect("one of them");
        match &self.clients.requests[number].outstanding {
            None => self.attempt(number),
            Some(outstanding) => {
                let slot = self.processes[outstanding.process]
                    .slots
                    .get(self.clients.requests[number].shard.0 as usize);
                let gone = slot.is_none_or(|slot| slot.life != outstanding.life)
                    || self.now > outstanding.since.plus(Span::from_secs(60));
                if gone || !self.calm && self.random.happens(self.settings.rates.deaf) {
                    if !gone {
                        self.counts.deaf += 1;
                    }
                    self.trace.note(format_args!("request {number}: the answer is lost"));
                    let request = &mut self.clients.requests[number];
                    request.outstanding = None;
                    let over = !request.persistent;
                    self.clients.end(number, over);
                }
            }
        }
    }

    fn attempt(&mut self, number: usize) {
        let shard = self.clients.requests[number].shard;
        let owner = self.assigned[shard.0 as usize];
        let process =
            if self.random.happens(8_000) { owner } else { self.random.below(self.processes.len()) };
        let token = Token(self.clients.tokens.len() as u64);
        let direct = self.clients.requests[number].direct.clone();
        let Some(slot) = self.processes[process].slots.get_mut(shard.0 as usize) else { return };
        slot.tasks.push(Task::Say(Input::Direct(token, Box::new(direct))));
        let life = slot.life;
        let outstanding = Outstanding { token, process, life, since: self.now };
        self.trace.note(format_args!("request {number}: attempt {} at process {process}", token.0));
        let end = self.log.bounds(&super::journal(shard)).expect("the journal exists").1;
        let step = self.step_number();
        let request = &mut self.clients.requests[number];
        request.outstanding = Some(outstanding);
        request.attempts.insert(token, None);
        request.asked.get_or_insert(step);
        request.asked_at.get_or_insert(end);
        self.clients.unanswered.insert(token);
        self.clients.tokens.insert(token, Asked { request: number, process, life });
    }

    /// How many attempts have no answer from a core that still lives.
    pub(super) fn unanswered(&self) -> usize {
        let waits = |token: &&Token| {
            let asked = &self.clients.tokens[*token];
            let request = &self.clients.requests[asked.request];
            let slot = self.processes[asked.process].slots.get(request.shard.0 as usize);
            slot.is_some_and(|slot| slot.life == asked.life)
        };
        self.clients.unanswered.iter().filter(waits).count()
    }

    /// A shard answers.
    pub(super) fn answered(&mut self, process: usize, shard: ShardId, token: Token, answer: Answer) {
        let said = match answer {
            Answer::Not(why) => Said::Not(why),
            Answer::Decided(answered) => Said::Decided {
                place: answered.place,
                decided_at: answered.decided_at,
                decided: Box::new(answered.decided),
            },
            Answer::Known(account, number) => {
                let slot = &self.processes[process].slots[shard.0 as usize];
                let view = AccountView::of(shard, slot.core.state(), &slot.reader, account);
                let activity = view.and_then(|view| view.activity(number)).expect("the store can be read");
                let activity = activity.expect("an answer names an activity that is there");
                Said::Decided {
                    place: activity.place,
                    decided_at: activity.decided_at,
                    decided: Box::new(Decided::Account(activity.decision)),
                }
            }
        };
        let number = self.clients.tokens[&token].request;
        self.trace.note(format_args!("request {number}: attempt {} hears {said:?}", token.0));
        let request = &mut self.clients.requests[number];
        if request.outstanding.as_ref().is_some_and(|outstanding| outstanding.token == token) {
            request.outstanding = None;
            let over = !request.persistent || matches!(said, Said::Decided { .. });
            self.clients.end(number, over);
        }
        self.clients.unanswered.remove(&token);
        if let Said::Decided { place, .. } = &said {
            let heard = self.clients.heard.entry(shard).or_default();
            *heard = place.seq.max(*heard);
            let slot = self.slot(process, shard);
            slot.told = slot.told.max(place.seq);
            let step = self.step_number();
            self.clients.requests[number].answered.get_or_insert(step);
        }
        let heard = self.clients.requests[number].attempts.insert(token, Some(said));
        assert_eq!(heard, Some(None), "attempt {} is answered twice", token.0);
    }
}
