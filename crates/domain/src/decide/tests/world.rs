//! A network with one member, and an auditor who goes over every decision.

use std::collections::BTreeMap;

use super::script::{Line, instant, member, read, request};
use super::text;
use crate::account::{Account, Moment, Place};
use crate::burn::Burn;
use crate::decide::{RegistryChange, RegistryCommand, Verdict, decide, decide_registry, decide_waiting};
use crate::event::{Applied, Book, Decision, Event, Hold, Outcome, Redemption, Taking};
use crate::lot::Lot;
use crate::registry::Registry;
use crate::{Caller, Command, Identifier, Points, ProgrammeId, Role, Span, Timestamp};

/// What every network of these tests begins with. `rival` has no default programme and no contract.
const BEGINNING: &str = "
    1990-01-01 nobody set_up 34560000000 86400000
    1990-01-01 operator partner mypoints default=mypoints
    1990-01-01 operator partner cdnow default=mypoints
    1990-01-01 operator partner bank default=mypoints
    1990-01-01 operator partner airline default=mypoints
    1990-01-01 operator partner rival
    1990-01-01 operator key cdnow cdnow
    1990-01-01 operator key airline airline
    1990-01-01 operator key member member
    1990-01-01 operator key stranger stranger
";

/// Prices of every programme that `rival` has no part in.
const CONTRACTS: [&str; 4] = [
    "mypoints PROGRAMME accrual=9000",
    "cdnow PROGRAMME accrual=9000 redemption=7000",
    "bank PROGRAMME accrual=8000",
    "airline PROGRAMME accrual=8500 redemption=6500",
];

#[derive(Clone)]
pub(super) struct World {
    pub(super) registry: Registry,
    pub(super) identifier: Identifier,
    pub(super) account: Account,
    pub(super) journal: Vec<(Decision, Moment)>,
    /// How far the inbox's append times are ahead of the decisions; below zero: behind.
    pub(super) ahead: Span,
    horizon: Timestamp,
    books: BTreeMap<(ProgrammeId, Book), i64>,
}

impl World {
    /// A network with these programmes, separated by `---`.
    pub(super) fn new(documents: &str) -> Self {
        Self::of(documents, member())
    }

    /// The same, with the account of another identifier.
    pub(super) fn of(documents: &str, identifier: Identifier) -> Self {
        let mut world = Self {
            registry: Registry::default(),
            account: Account::new(identifier.account()),
            identifier,
            journal: Vec::new(),
            ahead: Span::ZERO,
            horizon: Timestamp::MIN,
            books: BTreeMap::new(),
        };
        for line in super::lines(BEGINNING) {
            world.say(line);
        }
        for document in documents.split("---").filter(|document| !document.trim().is_empty()) {
            let change = RegistryChange::PublishProgramme { document: document.into() };
            let said = world.ask(change, Some(operator()), instant("1990-01-01"));
            assert!(said.ends_with("published"), "{said}");
        }
        let programmes: Vec<ProgrammeId> = world.registry.programmes().map(|(id, _)| *id).collect();
        for programme in programmes {
            for contract in CONTRACTS.map(|line| line.replace("PROGRAMME", programme.as_str())) {
                world.say(&format!("1990-01-01 operator contract {contract}"));
            }
        }
        world
    }

    /// Has a line decided and evolved; what came of it, a line for each fact.
    pub(super) fn say(&mut self, line: &str) -> String {
        let mut line = Line::new(line);
        line.identifier = self.identifier.clone();
        match line.change() {
            Some(change) => {
                let caller = (line.who != "nobody").then(|| line.caller());
                self.ask(change, caller, line.now)
            }
            None => {
                let mut said = self.settle_told(line.now);
                said.push(self.told(&line.command(), line.now));
                said.join("\n")
            }
        }
    }

    /// Has a command decided and evolved; what came of it, and of what waited for it.
    pub(super) fn told(&mut self, command: &Command, now: Timestamp) -> String {
        let verdict = self.decide(command, now);
        let mut said = vec![text::verdict(&verdict, &self.account, now)];
        said.extend(self.settle_told(now));
        said.join("\n")
    }

    fn settle_told(&mut self, now: Timestamp) -> Vec<String> {
        let mut said = Vec::new();
        while let Some((command, outcome)) = self.settle(now) {
            let event = command.event().expect("events wait");
            let outcome = text::outcome(&outcome, &self.account, now);
            said.push(format!("{} at last: {outcome}", event.event_id));
        }
        said
    }

    /// Decides the first of the events that wait and need not wait any longer, as a shard does whenever time has passed
    /// and after each command.
    pub(super) fn settle(&mut self, now: Timestamp) -> Option<(Command, Outcome)> {
        let at = self.moment(now);
        let decided = |waiting| Some((waiting, decide_waiting(&self.account, &self.registry, waiting, &at)?));
        let (waiting, outcome) = self.account.waiting().iter().find_map(decided)?;
        let command = Command::of_event(waiting.event.clone(), self.account.id());
        self.take(&command, &outcome, at);
        Some((command, outcome))
    }

    fn ask(&mut self, change: RegistryChange, caller: Option<Caller>, now: Timestamp) -> String {
        let command = RegistryCommand { caller, request: request(0, now), change };
        let outcome = decide_registry(&self.registry, &command, now);
        for event in outcome.iter().flatten() {
            self.registry.evolve(event);
        }
        text::registry(&outcome)
    }

    /// Decides, evolves and audits.
    pub(super) fn decide(&mut self, command: &Command, now: Timestamp) -> Verdict {
        if let Command::PartnerEvent(_) = command {
            self.horizon = self.horizon.max(now.plus(self.ahead));
        }
        let at = self.moment(now);
        let verdict = decide(&self.account, &self.registry, command, &at);
        if let Verdict::Decided(outcome) = &verdict {
            self.take(command, outcome, at);
        }
        verdict
    }

    fn moment(&self, now: Timestamp) -> Moment {
        let settings = self.registry.settings();
        Moment {
            place: Place { seq: self.journal.len() as u64 + 1, index: 0 },
            decided_at: now,
            horizon: self.horizon,
            max_event_age: settings.max_event_age,
            max_request_age: settings.max_request_age,
        }
    }

    fn take(&mut self, command: &Command, outcome: &Outcome, at: Moment) {
        let now = at.decided_at;
        let decision = Decision { command: command.clone(), outcome: outcome.clone() };
        let programmes = self.registry.programmes().map(|(id, _)| *id);
        let before: Vec<_> = programmes.map(|id| (id, self.account.balance(&id, now))).collect();
        self.account.evolve(&decision, &at);
        match outcome {
            Outcome::Applied(applied) => self.audit(applied, now),
            Outcome::Refused(_) | Outcome::Waiting(_) | Outcome::Forwarded(_) => {
                assert!(before.iter().all(|(id, before)| self.account.balance(id, now) == *before));
            }
        }
        self.journal.push((decision, at));
    }

    /// Invariants 1 and 2: the books, which know postings only, say what the lots say.
    fn audit(&mut self, applied: &Applied, now: Timestamp) {
        for event in &applied.events {
            let Some((programme, postings)) = event.postings() else { continue };
            for posting in postings {
                *self.books.entry((programme, posting.book)).or_default() += posting.points;
            }
            if let Event::RewardRedeemed(Redemption { points, allocations, .. })
            | Event::HoldCreated(Hold { points, allocations, .. })
            | Event::HoldCaptured { redemption: Redemption { points, allocations, .. }, .. }
            | Event::RedemptionRefunded { redemption: Redemption { points, allocations, .. }, .. } = event
            {
                let allocated: u64 = allocations.iter().map(|lot| lot.points.get()).sum();
                assert_eq!(allocated, points.get(), "allocations equal their burn");
            }
        }
        for event in &applied.events {
            if let Event::PointsTaken(Taking { points, allocations, owed, .. }) = event {
                let owed = owed.iter().map(|debt| debt.points.get());
                let taken: u64 = allocations.iter().map(|lot| lot.points.get()).chain(owed).sum();
                assert_eq!(taken, points.get(), "what is taken is there or owed");
            }
        }
        for (programme, purse) in self.account.purses().iter() {
            let sum = |which: &dyn Fn(&Lot) -> bool| {
                let lots = purse.lots.iter().filter(|lot| which(lot));
                Points::new(lots.map(|lot| lot.left.get()).sum()).unwrap()
            };
            let lots = |pending| sum(&|lot| lot.pending == pending);
            assert_eq!(
                self.booked(programme, Book::Available),
                lots(false).signed(),
                "available in {programme}"
            );
            assert_eq!(self.booked(programme, Book::Pending), lots(true).signed(), "pending in {programme}");
            let all = self.books.iter().filter(|((of, _), _)| of == programme).map(|(_, points)| points);
            assert_eq!(all.sum::<i64>(), 0, "the books of {programme}");
            assert!(purse.lots.iter().all(|lot| !lot.left.is_zero()), "a lot of nothing");
            let balance = self.account.balance(programme, now);
            let live = sum(&|lot| !lot.expired(now));
            let open = self.account.burns().iter().filter(|(_, burn)| burn.programme == *programme);
            let holds = open.filter_map(|(_, burn)| Some((burn.held_until()?, burn)));
            let (over, held): (Vec<_>, Vec<_>) = holds.partition(|(until, _)| *until <= now);
            let slices = |of: Vec<(Timestamp, &Burn)>, live: &dyn Fn(&Lot) -> bool| {
                let lots = of.iter().flat_map(|(_, burn)| &burn.slices).filter(|lot| live(lot));
                Points::new(lots.map(|lot| lot.left.get()).sum()).unwrap()
            };
            let all: Vec<_> = over.iter().chain(&held).copied().collect();
            assert_eq!(
                self.booked(programme, Book::Held),
                slices(all, &|_| true).signed(),
                "held in {programme}"
            );
            assert_eq!(balance.held, slices(held, &|_| true), "held at {now} in {programme}");
            let live = live.plus(slices(over, &|lot| !lot.expired(now)));
            let debt = purse.debts.total();
            let repaid = debt.minus(balance.debt).expect("time repays debt and makes none");
            let shown = balance.available.get() + balance.pending.get() + repaid.get();
            assert_eq!(shown, live.unwrap().get(), "the balance in {programme}");
            assert_eq!(self.booked(programme, Book::Debt), -debt.signed(), "debt in {programme}");
            let spendable = purse.lots.iter().any(|lot| !lot.pending && !lot.expired(now));
            assert!(debt.is_zero() || !spendable, "{debt} points are owed and some can be spent");
        }
        for ((programme, book), points) in &self.books {
            let may_be_below = matches!(book, Book::Issued(_) | Book::Debt | Book::InTransit);
            assert!(may_be_below || *points >= 0, "{book:?} of {programme} is {points}");
        }
    }

    /// What the postings so far have put into a book.
    pub(super) fn booked(&self, programme: &ProgrammeId, book: Book) -> i64 {
        self.books.get(&(*programme, book)).copied().unwrap_or(0)
    }

    /// What can be spent.
    pub(super) fn available(&self, now: Timestamp) -> Points {
        self.account.balance(&read("mypoints"), now).available
    }
}

fn operator() -> Caller {
    Caller { key: read("operator"), role: Role::Operator }
}
