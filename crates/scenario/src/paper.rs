//! A network on paper: `decide` and `evolve` of the domain, one account after another, and nothing that stores or sends.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use coalition_domain::decide::{RegistryChange, RegistryCommand, decide_registry, decide_waiting};
use coalition_domain::event::{Decision, Event};
use coalition_domain::handover::outgoing;
use coalition_domain::order::kept;
use coalition_domain::registry::{ApiKey, Settings};
use coalition_domain::settlement::{LineKey, LineSum, StatementLine, lines};
use coalition_domain::waiting::CONSENT_WAIT;
use coalition_domain::{
    Account, AccountId, BurnId, Caller, Command, EventBody, Fingerprint, Identifier, KeyId, Moment, Money,
    Outcome, PartnerEvent, PartnerId, Place, Points, ProgrammeId, Reference, Registry, RegistryEvent,
    Rejection, RequestId, RewardChange, Role, Span, Timestamp, Verdict, decide,
};
use uuid::Uuid;

use crate::document::{Action, Document, Partner, Step};
use crate::play::{Balance, Became, Network, Statement};

/// How long ids and events are known.
const AGE: Span = Span::from_days(36_500);

/// A network on paper.
pub struct Paper {
    registry: Registry,
    accounts: BTreeMap<AccountId, Account>,
    /// What became of each command of an account, in order: a repeat comes to the same.
    answers: BTreeMap<(AccountId, u32), Became>,
    /// What happened to whom, in order.
    history: Vec<(AccountId, String)>,
    lines: BTreeMap<(ProgrammeId, LineKey), LineSum>,
    /// Decisions so far.
    seq: u64,
    now: Timestamp,
    requests: u128,
    /// Holds and redemptions, by the names that steps give them.
    named: BTreeMap<String, BurnId>,
    /// What follows from decisions for other accounts.
    relayed: VecDeque<Command>,
    /// Orders that accounts wait for, each with who asks and until when.
    inquiries: Vec<(Fingerprint, AccountId, Timestamp)>,
    /// Where answers are to be had that another account gives.
    forwards: BTreeMap<(AccountId, u32), AccountId>,
}

/// Something of a document that no network would take.
#[derive(Debug, thiserror::Error)]
#[error("{what} is refused: {why}")]
pub struct Refused {
    what: String,
    why: Rejection,
}

impl Paper {
    /// The network of a document, before anything has happened in it.
    ///
    /// # Errors
    /// What the network would refuse to be set up with, such as a programme with faults.
    pub fn new(document: &Document) -> Result<Self, Refused> {
        let founded = document.begins().minus(Span::from_days(1));
        let mut paper = Self {
            registry: Registry::default(),
            accounts: BTreeMap::new(),
            answers: BTreeMap::new(),
            history: Vec::new(),
            lines: BTreeMap::new(),
            seq: 0,
            now: founded,
            requests: 0,
            named: BTreeMap::new(),
            relayed: VecDeque::new(),
            inquiries: Vec::new(),
            forwards: BTreeMap::new(),
        };
        let settings = Settings { max_event_age: AGE, max_request_age: AGE };
        let (key, secret_hash) = (name("operator"), [0; 32]);
        let set_up = RegistryChange::SetUpWaiting { settings, consent_wait: CONSENT_WAIT, key, secret_hash };
        paper.change("the set-up".to_owned(), None, set_up)?;
        for partner in &document.partners {
            paper.join(partner)?;
        }
        for document in &document.documents {
            let change = RegistryChange::PublishProgramme { document: document.as_str().into() };
            paper.change("a programme".to_owned(), Some(operator()), change)?;
        }
        for partner in &document.partners {
            for (programme, prices) in &partner.prices {
                let change = RegistryChange::CreateContract {
                    partner: partner.id,
                    programme: *programme,
                    from: founded,
                    accrual: prices.accrual,
                    redemption: prices.redemption,
                };
                paper.change(format!("the contract of {}", partner.id), Some(operator()), change)?;
            }
        }
        Ok(paper)
    }

    fn join(&mut self, partner: &Partner) -> Result<(), Refused> {
        let change = RegistryChange::CreatePartner {
            id: partner.id,
            display_name: partner.id.to_string(),
            default_programme: partner.programme,
        };
        self.change(format!("partner {}", partner.id), Some(operator()), change)
    }

    fn change(
        &mut self,
        what: String,
        caller: Option<Caller>,
        change: RegistryChange,
    ) -> Result<(), Refused> {
        let command = RegistryCommand { caller, request: self.request(), change };
        let events =
            decide_registry(&self.registry, &command, self.now).map_err(|why| Refused { what, why })?;
        events.iter().for_each(|event| self.registry.evolve(event));
        Ok(())
    }

    /// A fresh request id, issued now.
    fn request(&mut self) -> RequestId {
        self.requests += 1;
        let millis = u128::from(self.now.as_millis().unsigned_abs());
        let id = Uuid::from_u128(millis << 80 | 7 << 76 | 2 << 62 | self.requests);
        RequestId::new(id).expect("it has the form of version 7")
    }

    /// As whom a step asks: with a key of its own, which is made when it is needed first.
    fn caller(&mut self, role: Role) -> Caller {
        let key = match role {
            Role::Operator => return operator(),
            Role::Partner(partner) => name(partner.as_str()),
            Role::Member(account) => name(&account.0.simple().to_string()[..16]),
        };
        if self.registry.key(&key).is_none() {
            let key = ApiKey { id: key, secret_hash: [0; 32], role, created_at: self.now, revoked_at: None };
            self.registry.evolve(&RegistryEvent::KeyCreated(key));
        }
        Caller { key, role }
    }

    fn command(&mut self, step: &Step) -> Command {
        let identifier = step.who.identifier(step.partner).expect("a step is checked as it is read");
        let account = self.followed(&identifier);
        let caller = self.caller(step.partner.map_or(Role::Member(account), Role::Partner));
        let programme = || step.programme.expect("a step is checked as it is read");
        // A step before that was refused has made nothing: the owner of the account says so, too.
        let named = |name: &String| self.named.get(name).copied().unwrap_or(BurnId(u32::MAX));
        let change = match step.action().expect("a step is checked as it is read") {
            Action::Event(body) => return Command::PartnerEvent(self.event(step, identifier, body)),
            Action::Redeem { reward, quantity } => {
                let (request, programme) = (self.request(), programme());
                return Command::Redeem { caller, request, account, programme, reward, quantity };
            }
            Action::Hold { reward, quantity, ttl } => {
                RewardChange::Hold { programme: programme(), reward, quantity, ttl }
            }
            Action::Capture { hold, points } => RewardChange::Capture { hold: named(&hold), points },
            Action::Release { hold } => RewardChange::Release { hold: named(&hold) },
            Action::Refund { redemption } => RewardChange::Refund { redemption: named(&redemption) },
            Action::Link { identifier } => {
                let caller = self.caller(step.partner.map_or(Role::Operator, Role::Partner));
                return Command::Link { caller, request: self.request(), identifier, member: account };
            }
        };
        Command::Reward { caller, request: self.request(), account, change }
    }

    /// The account of an identifier, or the member's that it was linked to.
    fn followed(&self, identifier: &Identifier) -> AccountId {
        let own = identifier.account();
        self.accounts.get(&own).and_then(Account::forward).map_or(own, |forward| forward.to)
    }

    fn event(&self, step: &Step, identifier: Identifier, body: EventBody) -> PartnerEvent {
        let event_id = step.event.clone().unwrap_or_else(|| format!("event {}", self.seq + 1));
        PartnerEvent {
            partner: step.partner.expect("a step is checked as it is read"),
            event_id: Reference::new(event_id).expect("a step is checked as it is read"),
            programme: step.programme,
            identifier,
            event_time: step.happened.unwrap_or(self.now),
            channel: step.channel,
            revision: step.revision,
            body,
        }
    }

    /// Lets time pass up to `now`: what falls due is decided when it does, as a shard would.
    fn pass(&mut self, now: Timestamp) {
        loop {
            let due = |account: &Account| {
                let waits = account.waiting().iter().map(|waiting| waiting.wait.until);
                account.next_due().into_iter().chain(waits).min().map(|at| (at, account.id()))
            };
            let Some((at, id)) = self.accounts.values().filter_map(due).min().filter(|(at, _)| *at <= now)
            else {
                break;
            };
            self.now = self.now.max(at);
            if self.decide(&Command::TimePassed { account: id }) == Verdict::Nothing {
                self.settle(id);
            }
            self.relay();
        }
        self.now = self.now.max(now);
    }

    fn decide(&mut self, command: &Command) -> Verdict {
        let at = self.moment();
        let id = command.account();
        let account = self.accounts.entry(id).or_insert_with(|| Account::new(id));
        let verdict = decide(account, &self.registry, command, &at);
        if let Verdict::Decided(outcome) = &verdict {
            self.take(command.clone(), outcome.clone(), &at);
        }
        verdict
    }

    /// Decides again what waited for what has come.
    fn settle(&mut self, id: AccountId) {
        loop {
            let at = self.moment();
            let account = &self.accounts[&id];
            let again = account.waiting().iter().find_map(|waiting| {
                let outcome = decide_waiting(account, &self.registry, waiting, &at)?;
                Some((Command::of_event(waiting.event.clone(), id), outcome))
            });
            let Some((command, outcome)) = again else { return };
            self.take(command, outcome, &at);
        }
    }

    fn take(&mut self, command: Command, outcome: Outcome, at: &Moment) {
        if let Outcome::Applied(applied) = &outcome {
            applied.events.iter().for_each(|event| self.settle_up(event));
        }
        let id = command.account();
        let account = self.accounts.get_mut(&id).expect("it was looked at before");
        let number = account.activities();
        if let Outcome::Forwarded(to) = outcome {
            self.forwards.insert((id, number), to);
        } else {
            self.answers.insert((id, number), became(&outcome));
        }
        let had = unspent(account, self.now);
        let decision = Decision { command, outcome };
        account.evolve(&decision, at);
        self.relayed.extend(outgoing(&decision));
        if let Some(order) = kept(&decision) {
            let asked = self.inquiries.iter().filter(|(of, _, until)| *of == order && *until >= self.now);
            let locate = |asker| Command::LocateOrder { account: id, order, asker };
            self.relayed.extend(asked.map(|(_, asker, _)| locate(*asker)));
        }
        // What only accounts say to each other is in nobody's history.
        if !matches!(decision.command, Command::AcceptLinks { .. }) {
            let entry = told(&decision, unspent(account, self.now) - had);
            self.history.push((id, entry));
        }
        self.seq += 1;
    }

    /// Has decided what follows from decisions for other accounts.
    fn relay(&mut self) {
        while let Some(command) = self.relayed.pop_front() {
            if let Command::FindOrder { order, asker, until } = command {
                let knows = |account: &&Account| account.orders().get(&order).is_some();
                let known = self.accounts.values().filter(knows).map(Account::id);
                let locate = |account| Command::LocateOrder { account, order, asker };
                self.relayed.extend(known.map(locate));
                self.inquiries.push((order, asker, until));
                continue;
            }
            self.decide(&command);
            self.settle(command.account());
        }
    }

    fn settle_up(&mut self, event: &Event) {
        for (programme, key, sum) in lines(event, self.seq + 1) {
            self.lines.entry((programme, key)).and_modify(|known| known.add(&sum)).or_insert(sum);
        }
    }

    /// What became of a command that was decided as this activity of an account, or where that was forwarded to.
    fn answer(&self, mut of: (AccountId, u32), command: &Command) -> Became {
        let newest = |account: &AccountId| {
            let key = command.key().expect("what is told has an id");
            self.accounts[account].keys().activity(&key).expect("it was decided")
        };
        loop {
            of = match (self.forwards.get(&of), self.answers.get(&of)) {
                (Some(to), _) => (*to, newest(to)),
                // It may have waited a moment only.
                (None, Some(Became::Waits)) if newest(&of.0) != of.1 => (of.0, newest(&of.0)),
                (None, answer) => return answer.expect("it was decided").clone(),
            };
        }
    }

    fn moment(&self) -> Moment {
        let Settings { max_event_age, max_request_age } = self.registry.settings();
        let place = Place { seq: self.seq + 1, index: 0 };
        Moment { place, decided_at: self.now, horizon: self.now, max_event_age, max_request_age }
    }
}

impl Network for Paper {
    type Error = Infallible;

    fn tell(&mut self, step: &Step, at: Timestamp) -> Result<Became, Infallible> {
        self.pass(at);
        let command = self.command(step);
        let id = command.account();
        if let Command::Link { member, .. } = &command
            && self.accounts.get(member).and_then(Account::enrolment).is_none()
        {
            // The account of the identifier can't know: who asks for a link looks first.
            let (code, says) = ("MEMBER_NOT_FOUND".to_owned(), "nobody is enrolled here".to_owned());
            return Ok(Became::Refused { code, says });
        }
        if let Command::Link { caller, request, member, .. } = &command
            && *member != id
            && !self.accounts.get(member).is_some_and(Account::stays)
        {
            // Who asks for a link has the member's account say first that it stays.
            self.decide(&Command::AcceptLinks { caller: *caller, request: *request, account: *member });
        }
        if let Some(name) = &step.name {
            // What it makes is named by the activity that it will be.
            let next = self.accounts.get(&id).map_or(0, Account::activities);
            self.named.insert(name.clone(), BurnId(next));
        }
        let next = self.accounts.get(&id).map_or(0, Account::activities);
        let verdict = self.decide(&command);
        self.settle(id);
        self.relay();
        Ok(match verdict {
            Verdict::Decided(_) => self.answer((id, next), &command),
            Verdict::Repeat(activity) => self.answer((id, activity), &command),
            Verdict::Nothing => unreachable!("only time changes nothing"),
        })
    }

    fn balance(&mut self, of: &Identifier, programme: &ProgrammeId) -> Result<Balance, Infallible> {
        let account = self.accounts.get(&self.followed(of));
        let balance = account.map(|account| account.balance(programme, self.now)).unwrap_or_default();
        let coalition_domain::account::Balance { available, pending, held, debt } = balance;
        let version = self.registry.version(programme, self.now).ok();
        let next =
            version.and_then(|version| version.programme.next_reward(&self.registry, available, self.now));
        let to_next_reward =
            next.map_or(0, |next| next.least().signed() + debt.signed() - available.signed());
        Ok(Balance { available, pending, held, debt, to_next_reward })
    }

    fn history(&mut self, of: &Identifier) -> Result<Vec<String>, Infallible> {
        let of = self.followed(of);
        let mut entries: Vec<_> =
            self.history.iter().filter(|(id, _)| *id == of).map(|(_, entry)| entry.clone()).collect();
        entries.reverse();
        Ok(entries)
    }

    fn statement(&mut self, of: &PartnerId, programme: &ProgrammeId) -> Result<Statement, Infallible> {
        let (mut issued, mut clawed_back, mut redeemed, mut net) = (0, 0, 0, BTreeMap::new());
        for ((_, key), sum) in self.lines.iter().filter(|((its, _), _)| its == programme) {
            let line = StatementLine::new(*key, *sum).expect("amounts of scenarios are small");
            if line.partner() != *of {
                continue;
            }
            match key {
                LineKey::Issued { .. } => issued += points_of(sum),
                LineKey::Redeemed { .. } => redeemed += points_of(sum),
                LineKey::ClawedBack { .. } => clawed_back += points_of(sum),
                LineKey::Refunded { .. } => {}
            }
            *net.entry(line.amount.currency).or_insert(0) -= line.amount.micros;
        }
        let net = net.into_iter().map(|(currency, micros)| Money { currency, micros }).collect();
        Ok(Statement { issued, clawed_back, redeemed, net })
    }

    fn burnt(
        &mut self,
        programme: &ProgrammeId,
        issuer: &PartnerId,
        redeemer: &PartnerId,
    ) -> Result<i64, Infallible> {
        let points = |((its, key), sum): (&(ProgrammeId, LineKey), &LineSum)| match key {
            LineKey::Redeemed { issuer: from, redeemer: at, .. } => {
                (its == programme && from == issuer && at == redeemer).then(|| points_of(sum))
            }
            LineKey::Issued { .. } | LineKey::Refunded { .. } | LineKey::ClawedBack { .. } => None,
        };
        Ok(self.lines.iter().filter_map(points).sum())
    }
}

/// What an account has to spend now or later, over all programmes.
fn unspent(account: &Account, now: Timestamp) -> i64 {
    let balances = account.purses().keys().map(|programme| account.balance(programme, now));
    balances.map(|balance| balance.available.signed() + balance.pending.signed()).sum()
}

/// An entry of a history.
fn told(decision: &Decision, points: i64) -> String {
    let kind = match &decision.command {
        Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
            event.body.kind().trim_start_matches("order_")
        }
        Command::Link { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. }
        | Command::Consent { .. }
        | Command::Unlink { .. }
        | Command::AcceptLinks { .. } => "link",
        Command::Enrol { .. } => "enrolment",
        Command::Redeem { .. } => "redemption",
        Command::TimePassed { .. } => "time",
        Command::Adjust { .. } => "adjustment",
        Command::Reward { change, .. } => match change {
            RewardChange::Hold { .. } => "hold",
            RewardChange::Capture { .. } => "capture",
            RewardChange::Release { .. } => "release",
            RewardChange::Refund { .. } => "refund",
        },
    };
    match &decision.outcome {
        Outcome::Applied(_) => format!("{kind} {points:+}"),
        Outcome::Refused(why) => format!("{kind} refused {}", why.code()),
        Outcome::Waiting(_) => format!("{kind} waits"),
        Outcome::Forwarded(_) => format!("{kind} forwarded"),
    }
}

fn became(outcome: &Outcome) -> Became {
    let applied = match outcome {
        Outcome::Applied(applied) => applied,
        Outcome::Refused(why) => {
            return Became::Refused { code: why.code().to_owned(), says: why.to_string() };
        }
        Outcome::Waiting(_) => return Became::Waits,
        Outcome::Forwarded(_) => unreachable!("the member's account answers"),
    };
    let (mut points, mut bought) = (BTreeMap::new(), None);
    for event in &applied.events {
        if let Event::PointsExchanged(exchange) = event {
            bought = Some(exchange.bought.to_string());
        }
        if let Event::PointsAccrued(accrual) = event {
            let sum: &mut Points = points.entry(accrual.rule).or_default();
            *sum = sum.plus(accrual.points).expect("a decision grants points within their range");
        }
    }
    Became::Applied { points, bought }
}

fn operator() -> Caller {
    Caller { key: name("operator"), role: Role::Operator }
}

fn name(text: &str) -> KeyId {
    KeyId::new(text).expect("names of partners and digits make names of keys")
}

fn points_of(sum: &LineSum) -> i64 {
    i64::try_from(sum.points).expect("sums of scenarios are small")
}
