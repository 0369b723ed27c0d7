//! One shard's journal, read batch for batch beside its inbox: every record of the inbox has to be answered by the
//! batch that moves past it, in order, once; everything else in a batch was asked by a client.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use coalition_domain::Fingerprint;
use coalition_domain::decide::{RegistryCommand, RegistryDecision};
use coalition_domain::{
    AccountId, Command, Decision, Outcome, PartnerEvent, Place, RegistryEvent, Span, Timestamp,
};
use coalition_journal::entry::{Batch, Entry, Genesis, ShardId};
use coalition_journal::log::{Offset, Stored};
use coalition_ledger::body::{self, Item, Terms};
use coalition_ledger::inbox::{self, RelayCommand, Sent, Source};
use coalition_ledger::refused::Refused;

use super::account::{Account, At};
use super::asked::{Asked, Inbox};
use super::fence::Effective;
use super::link::asks;
use super::reads::Reads;
use super::registry::Registry;
use super::sums::Sums;
use super::{Judgement, holds, same};

/// How far a clock may be off; rule 12.
const SKEW: Span = Span::from_secs(30);

/// What a shard's journal comes to.
pub(super) struct Ledger {
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) registry_log: Vec<RegistryEvent>,
    pub(super) changes: BTreeMap<Place, (Timestamp, RegistryDecision)>,
    pub(super) sums: Sums,
    refused: Vec<Refused>,
    registry: Registry,
    taken: BTreeMap<ShardId, u64>,
    /// What was sent to accounts of each shard.
    sent: BTreeMap<ShardId, Vec<Sent>>,
    /// What accounts of each shard asked and was decided here.
    done: BTreeMap<ShardId, Vec<Sent>>,
    /// Decisions on what another shard asks, before their numbers are noted.
    asked: VecDeque<Sent>,
    /// Orders that accounts wait for, and until when.
    inquiries: BTreeMap<(Fingerprint, AccountId), Timestamp>,
    inbox_next: Offset,
    decided_at: Timestamp,
    horizon: Timestamp,
}

impl Ledger {
    /// Reads and judges the whole journal.
    pub(super) fn read(
        genesis: Genesis,
        journal: &[Effective],
        inbox: &Inbox,
        asked: &Asked<'_>,
        reads: &Reads<'_>,
    ) -> Result<Self, String> {
        let mut ledger = Self {
            accounts: BTreeMap::new(),
            registry_log: Vec::new(),
            changes: BTreeMap::new(),
            sums: Sums::default(),
            refused: Vec::new(),
            registry: Registry::default(),
            taken: BTreeMap::new(),
            sent: BTreeMap::new(),
            done: BTreeMap::new(),
            asked: VecDeque::new(),
            inquiries: BTreeMap::new(),
            inbox_next: Offset(0),
            decided_at: Timestamp::MIN,
            horizon: Timestamp::MIN,
        };
        reads.judge(0, &ledger)?;
        for (seq, record) in (1_u64..).zip(journal) {
            let at = |fault| format!("record {seq} at {}: {fault}", record.offset);
            match &record.entry {
                Entry::Genesis(found) => same("the genesis", found, &genesis).map_err(at)?,
                Entry::Batch(batch) => {
                    let found = Found {
                        shard: genesis.shard,
                        shards: genesis.shard_count.0,
                        seq,
                        offset: record.offset,
                        append_time: record.append_time,
                        inbox,
                        asked,
                    };
                    ledger.batch(&found, batch).map_err(at)?;
                }
                Entry::TermStarted(_) | Entry::Rebase(_) => {}
            }
            reads.judge(seq, &ledger).map_err(at)?;
        }
        same("the end of the inbox", &ledger.inbox_next.0, &(inbox.records.len() as u64))?;
        let waiting: usize = ledger.accounts.values().map(|account| account.waiting.len()).sum();
        same("events that still wait after their time", &waiting, &0)?;
        Ok(ledger)
    }

    fn batch(&mut self, found: &Found<'_>, batch: &Batch) -> Judgement {
        let (terms, items) = body::decode(&batch.body).map_err(|unreadable| unreadable.to_string())?;
        self.terms(found, &terms)?;
        for (index, (item, _)) in (0_u32..).zip(items) {
            let place = Place { seq: found.seq, index };
            let at = At { place, decided_at: terms.decided_at, horizon: terms.horizon };
            match item {
                Item::Account(decision, source) => {
                    self.account(found, &terms, &decision, source, at)?;
                    let event = decision.command.event().is_some();
                    if let Some(command) = asks(&decision) {
                        // An order is asked for everywhere.
                        let everywhere = matches!(command, Command::FindOrder { .. });
                        let to = command.account().shard(found.shards);
                        let to = if everywhere { 0..found.shards } else { to..to + 1 };
                        for to in to.map(ShardId) {
                            let source = if everywhere { None } else { source };
                            let sent = Sent { command: command.clone(), source };
                            self.sent.entry(to).or_default().push(sent);
                        }
                    }
                    if let (true, Outcome::Refused(_), Some(source)) = (event, &decision.outcome, source) {
                        let (number, decided_at) = (self.refused.len() as u64 + 1, at.decided_at);
                        self.refused.push(Refused { number, place, decided_at, decision, source });
                    }
                }
                Item::Taken(from, upto) => self.take(found, from, upto)?,
                Item::Asked { order, asker, until } => {
                    let command = Command::FindOrder { order, asker, until };
                    self.asked.push_back(Sent { command, source: None });
                    self.inquiries.insert((order, asker), until);
                }
                Item::Registry(decision) => self.change(found, decision, at)?,
                Item::Relayed(run) => {
                    let Some(inbox::Request::Relayed(asked)) = self.next(found, &terms, None)? else {
                        return Err(format!("{run:?} is not next in the inbox"));
                    };
                    let taken = self.taken.get(&run.source).copied().unwrap_or(0);
                    same("the first of a run", &run.first, &(taken + 1))?;
                    let skipped = usize::try_from(taken + 1 - asked.first).expect("a small number");
                    same("a run", &run.commands.as_slice(), &&asked.commands[skipped..])?;
                    self.inbox_next = self.inbox_next.plus(1);
                    self.taken.insert(run.source, taken + run.commands.len() as u64);
                    for RelayCommand::Registry(event) in run.commands {
                        self.note(event)?;
                    }
                }
            }
        }
        if let Some(ready) = self.accounts.values().find_map(Account::ready) {
            return Err(format!("{ready:?} waits, though its consent is there"));
        }
        if let Some(left) = self.next(found, &terms, None)? {
            return Err(format!(
                "{} of the inbox is passed by without a decision: {left:?}",
                self.inbox_next
            ));
        }
        Ok(())
    }

    /// What a batch says of time and of the inbox.
    fn terms(&mut self, found: &Found<'_>, terms: &Terms) -> Judgement {
        holds(terms.decided_at >= self.decided_at, || "time goes back".to_owned())?;
        holds(terms.decided_at <= found.append_time.plus(SKEW), || {
            format!("decided at {}, appended at {}", terms.decided_at, found.append_time)
        })?;
        let horizon = terms.horizon == self.horizon || found.inbox.times.contains(&terms.horizon);
        holds(horizon && terms.horizon >= self.horizon, || format!("a horizon of {}", terms.horizon))?;
        let end = found.inbox.records.len() as u64;
        holds(self.inbox_next <= terms.inbox_next && terms.inbox_next.0 <= end, || {
            format!("the inbox goes from {} to {} of {end}", self.inbox_next, terms.inbox_next)
        })?;
        (self.decided_at, self.horizon) = (terms.decided_at, terms.horizon);
        Ok(())
    }

    /// The next record of the inbox before the batch's position that has to have a decision, or is `wanted`.
    fn next(
        &mut self,
        found: &Found<'_>,
        terms: &Terms,
        wanted: Option<&PartnerEvent>,
    ) -> Result<Option<inbox::Request>, String> {
        while self.inbox_next < terms.inbox_next {
            let request = &found.inbox.records[usize::try_from(self.inbox_next.0).expect("a small number")];
            let needed = match request {
                Some(inbox::Request::Event(event, _)) => {
                    let account = self.accounts.get(&event.identifier.account());
                    let command = Command::PartnerEvent(event.clone());
                    wanted == Some(event) || !account.is_some_and(|account| account.knows(&command))
                }
                Some(inbox::Request::Relayed(run)) => {
                    let taken = self.taken.get(&run.source).copied().unwrap_or(0);
                    holds(run.first <= taken + 1, || format!("{run:?} leaves a gap after {taken}"))?;
                    run.first + run.commands.len() as u64 - 1 > taken
                }
                Some(inbox::Request::Commands(run)) => {
                    let done = self.done.get(&run.source).map_or(0, Vec::len) as u64;
                    holds(run.first <= done + 1, || format!("{run:?} leaves a gap after {done}"))?;
                    run.first + run.commands.len() as u64 - 1 > done
                }
                None => false,
            };
            if needed {
                return Ok(request.clone());
            }
            self.inbox_next = self.inbox_next.plus(1);
        }
        Ok(None)
    }

    fn account(
        &mut self,
        found: &Found<'_>,
        terms: &Terms,
        decision: &Decision,
        source: Option<Source>,
        at: At,
    ) -> Judgement {
        match &decision.command {
            Command::PartnerEvent(event) => {
                let account = self.accounts.get(&decision.command.account());
                match account.and_then(|account| account.waits(event)) {
                    Some(from) => same("where an event came from that has waited", &source, &from)?,
                    None => self.pass(found, terms, event, source)?,
                }
            }
            Command::Enrol { .. }
            | Command::Redeem { .. }
            | Command::Reward { .. }
            | Command::Adjust { .. }
            | Command::Link { .. }
            | Command::Consent { .. }
            | Command::Unlink { .. }
            | Command::AcceptLinks { .. } => {
                let asked = found.asked.account(found.shard, &decision.command);
                holds(asked.is_some_and(|since| since <= found.offset), || {
                    format!("nobody had asked for {:?}", decision.command)
                })?;
            }
            // Whether it was due is what its account says.
            Command::TimePassed { .. } => {}
            Command::LocateOrder { order, asker, .. } => {
                let asked = self.inquiries.remove(&(*order, *asker)).is_some();
                holds(asked, || format!("nobody asked for {:?}", decision.command))?;
            }
            Command::FindOrder { .. } => return Err("a question is the shard's to answer".to_owned()),
            Command::Forwarded { event, account } => {
                let waits = self.accounts.get(account).and_then(|account| account.waits(event));
                match waits {
                    Some(from) => same("where an event came from that has waited", &source, &from)?,
                    None => self.asked.push_back(Sent { command: decision.command.clone(), source }),
                }
            }
            Command::Adopt(_) | Command::OrderLocated { .. } => {
                self.asked.push_back(Sent { command: decision.command.clone(), source })
            }
        }
        let account = self.accounts.entry(decision.command.account()).or_default();
        account.decide((decision, source), at, &self.registry, &mut self.sums)
    }

    /// What another shard asks is decided up to a number: in order, but for what its account knew.
    fn take(&mut self, found: &Found<'_>, from: ShardId, upto: u64) -> Judgement {
        let done = self.done.entry(from).or_default();
        for number in done.len() as u64 + 1..=upto {
            let Some(sent) = found.inbox.commands.get(&(from, number)) else { break };
            if self.asked.front() == Some(sent) {
                self.asked.pop_front();
            } else if let Command::OrderLocated { account, order, .. } = sent.command {
                let waits = self.accounts.get_mut(&account);
                let waits = waits.is_some_and(|account| account.searching(order).next().is_some());
                holds(!waits, || format!("{sent:?} is not heard of"))?;
            } else {
                let account = self.accounts.get(&sent.command.account());
                let known = account.is_some_and(|account| account.knows(&sent.command));
                holds(known, || format!("{sent:?} is passed over"))?;
            }
            done.push(sent.clone());
        }
        same("up to where it is decided", &(done.len() as u64), &upto)?;
        holds(self.asked.is_empty(), || format!("nobody asked for {:?}", self.asked))
    }

    /// Goes on to the record of the inbox that asked for a decision. A repeat that was forgotten may be decided again,
    /// as too old; one that is known is passed over.
    fn pass(
        &mut self,
        found: &Found<'_>,
        terms: &Terms,
        event: &PartnerEvent,
        source: Option<Source>,
    ) -> Judgement {
        match self.next(found, terms, Some(event))? {
            Some(inbox::Request::Event(next, from)) if next == *event && source == Some(from) => {
                self.inbox_next = self.inbox_next.plus(1);
                Ok(())
            }
            other => Err(format!("{event:?} of {source:?} is decided where the inbox has {other:?}")),
        }
    }

    /// How many events that waited were applied, and how many were refused.
    pub(super) fn waited(&self) -> (usize, usize) {
        let of = |which: fn(&Account) -> usize| self.accounts.values().map(which).sum();
        (of(|account| account.waited.0), of(|account| account.waited.1))
    }

    /// Every refused event went back to its partner, once at least, and nothing else did.
    pub(super) fn judge_returned(&self, rejected: &[Stored]) -> Judgement {
        let mut missing: BTreeSet<u64> = self.refused.iter().map(|refused| refused.number).collect();
        for record in rejected {
            let run: Vec<Refused> =
                postcard::from_bytes(&record.record.value).map_err(|error| error.to_string())?;
            for refused in run {
                let known = self.refused.get(usize::try_from(refused.number - 1).expect("a small number"));
                same("a refused event that went back", &Some(&refused), &known)?;
                missing.remove(&refused.number);
            }
        }
        holds(missing.is_empty(), || format!("refused events {missing:?} did not go back"))
    }

    fn change(&mut self, found: &Found<'_>, decision: RegistryDecision, at: At) -> Judgement {
        let command = &decision.command;
        holds(found.shard == ShardId(0), || "a change of the registry away from home".to_owned())?;
        let asked = found.asked.registry(command);
        holds(asked.is_some_and(|since| since <= found.offset), || {
            format!("nobody had asked for {command:?}")
        })?;
        holds(self.changed(command).is_none(), || format!("{command:?} is decided twice"))?;
        self.registry.judge(&decision, at.decided_at)?;
        for event in decision.outcome.iter().flatten() {
            self.note(event.clone())?;
        }
        self.changes.insert(at.place, (at.decided_at, decision));
        Ok(())
    }

    /// Where a command to the registry was decided.
    pub(super) fn changed(&self, command: &RegistryCommand) -> Option<Place> {
        self.changes.iter().find(|(_, (_, known))| known.command == *command).map(|(place, _)| *place)
    }

    fn note(&mut self, event: RegistryEvent) -> Judgement {
        self.registry.note(&event)?;
        if let RegistryEvent::PartnerSuspended { id, .. } = &event {
            self.accounts.values_mut().for_each(|account| account.hold_back(id));
        }
        self.registry_log.push(event);
        Ok(())
    }
}

/// What shards ask of accounts elsewhere is decided there, all of it, in order and once; so nothing is in transit.
pub(super) fn judge_sent(ledgers: &[Ledger]) -> Judgement {
    for (from, sender) in (0..).map(ShardId).zip(ledgers) {
        for (to, receiver) in (0..).map(ShardId).zip(ledgers) {
            let what = format!("what shard {from} asks of {to}");
            same(&what, &receiver.done.get(&from), &sender.sent.get(&to))?;
        }
    }
    same("what is in transit", &ledgers.iter().map(|ledger| ledger.sums.in_transit).sum(), &0_i64)
}

/// A batch in its surroundings.
struct Found<'a> {
    shard: ShardId,
    shards: u32,
    seq: u64,
    offset: Offset,
    append_time: Timestamp,
    inbox: &'a Inbox,
    asked: &'a Asked<'a>,
}
