//! A scenario's file: what it says, and what is wrong with it.

mod then;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use coalition_domain::burn::HOLD_TTL;
use coalition_domain::{
    Channel, EngagementKind, EventBody, Identifier, Money, OrderLine, PartnerId, Points, ProgrammeId,
    Purpose, Reference, Returned, ReturnedLine, RewardId, RuleId, Span, Timestamp, UnitPrice,
};
use serde::Deserialize;

use crate::value::{self, Who};

pub use then::{BalanceIs, BurntIs, StatementIs, Then};

/// When the first step of a case is decided, unless it says so itself.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_millis(1_767_261_600_000); // 2026-01-01T10:00:00Z

/// A file of cases, each of which begins with the same network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What it shows, for people.
    pub title: String,
    /// Its figures depend on when things are decided, so only a network on paper can come to them.
    #[serde(default)]
    pub paper_only: bool,
    /// The documents of the network's programmes, by paths relative to the scenario's file.
    programmes: Vec<PathBuf>,
    /// The same, read.
    #[serde(skip)]
    pub documents: Vec<String>,
    /// The network's partners.
    #[serde(rename = "partner")]
    pub partners: Vec<Partner>,
    /// The cases.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// A partner of the network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// Its name.
    pub id: PartnerId,
    /// The programme of its events that name none.
    pub programme: Option<ProgrammeId>,
    /// By programme.
    #[serde(default)]
    pub prices: BTreeMap<ProgrammeId, Prices>,
}

/// What a point costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The partner pays for one that it funds.
    #[serde(default, deserialize_with = "value::price")]
    pub accrual: Option<UnitPrice>,
    /// The partner is paid for one that is burnt at it.
    #[serde(default, deserialize_with = "value::price")]
    pub redemption: Option<UnitPrice>,
}

/// What happens, and what has to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, for people.
    pub title: String,
    /// Happens before, and has to take effect.
    #[serde(default)]
    pub given: Vec<Step>,
    /// Happens, each step with what it has to come to.
    #[serde(default)]
    pub when: Vec<Step>,
    /// Holds in the end.
    #[serde(default)]
    pub then: Then,
}

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When it is decided; left out: a second after the step before.
    #[serde(default, deserialize_with = "value::instant")]
    pub at: Option<Timestamp>,
    /// When it happened, if that was at another time than it is decided.
    #[serde(default, deserialize_with = "value::instant")]
    pub happened: Option<Timestamp>,
    /// Whose event it is; of all else the partner that asks for it, else the member does, or an operator for a link.
    pub partner: Option<PartnerId>,
    /// Whom it is about.
    pub who: Who,
    /// The partner's id of the event; left out: one that no other step has.
    pub event: Option<String>,
    /// Raised to send a refused event again.
    #[serde(default)]
    pub revision: u32,
    /// For which programme; left out: the partner's default one.
    pub programme: Option<ProgrammeId>,
    /// Where it happened.
    pub channel: Option<Channel>,
    sign_up: Option<SignUp>,
    consent_given: Option<Purpose>,
    consent_withdrawn: Option<Purpose>,
    purchase: Option<Purchase>,
    email_read: Option<String>,
    account_opening: Option<String>,
    engagement: Option<Engagement>,
    order_return: Option<OrderReturn>,
    account_closing: Option<String>,
    redeem: Option<Redeem>,
    hold: Option<Hold>,
    capture: Option<Capture>,
    release: Option<String>,
    refund: Option<String>,
    link: Option<Who>,
    /// How later steps call the hold or redemption that it makes.
    pub name: Option<String>,
    /// It has to take effect and grant these points, by rule; empty: none. Left out: any.
    pub gives: Option<BTreeMap<RuleId, Points>>,
    /// It has to take effect, and its points buy this, or had bought it: `"3000 sky-miles"`, `"15.00 USD"`.
    pub bought: Option<String>,
    /// It has to be refused with this code.
    pub refused: Option<String>,
    /// A part of what has to be said on its refusal.
    pub says: Option<String>,
    /// It has to wait for what must come first.
    #[serde(default)]
    pub waits: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignUp {
    #[serde(default)]
    consents: Vec<Purpose>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Purchase {
    order: String,
    #[serde(deserialize_with = "value::money")]
    amount: Money,
    #[serde(default)]
    lines: BTreeMap<String, Amount>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
struct Amount(#[serde(deserialize_with = "value::money")] Money);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderReturn {
    order: String,
    amount: Option<Amount>,
    lines: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Engagement {
    kind: EngagementKind,
    reference: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Redeem {
    reward: RewardId,
    #[serde(default = "one")]
    quantity: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    reward: RewardId,
    #[serde(default = "one")]
    quantity: u32,
    minutes: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Capture {
    hold: String,
    points: Option<Points>,
}

fn one() -> u32 {
    1
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// A partner says so.
    Event(EventBody),
    /// Points are burnt.
    Redeem {
        /// What for.
        reward: RewardId,
        /// How many of it.
        quantity: u32,
    },
    /// Points are held.
    Hold {
        /// What for.
        reward: RewardId,
        /// How many of it.
        quantity: u32,
        /// How long.
        ttl: Span,
    },
    /// Held points are burnt.
    Capture {
        /// Which, by the name that a step before has given it.
        hold: String,
        /// How many; `None`: all.
        points: Option<Points>,
    },
    /// Held points are given back.
    Release {
        /// Which, by its name.
        hold: String,
    },
    /// Burnt points are given back.
    Refund {
        /// Of which redemption, by its name.
        redemption: String,
    },
    /// A further identifier becomes the member's.
    Link {
        /// Which: the partner's that asks for it, where it is a number.
        identifier: Identifier,
    },
}

/// A file that can't be played.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It, or a programme that it names, can't be read.
    #[error("read {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no scenario.
    #[error("it is no scenario")]
    Malformed(#[source] Box<toml::de::Error>),
    /// A step that says nothing, or more than one thing.
    #[error("case \"{case}\": {place} {fault}")]
    Step {
        /// Which case, by its title.
        case: String,
        /// Which step, such as "step 2 of when".
        place: String,
        /// What is wrong with it.
        fault: String,
    },
}

impl Document {
    /// Reads a file and the programmes that it names, and checks every step.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Unreadable { path, source }
        };
        let text = std::fs::read_to_string(path).map_err(unreadable(path))?;
        let mut document: Self =
            toml::from_str(&text).map_err(|source| Error::Malformed(Box::new(source)))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for programme in document.programmes.clone() {
            let path = folder.join(programme);
            document.documents.push(std::fs::read_to_string(&path).map_err(unreadable(&path))?);
        }
        for case in &document.cases {
            let mut names = BTreeSet::new();
            for (list, steps) in [("given", &case.given), ("when", &case.when)] {
                for (number, step) in (1..).zip(steps) {
                    step.check(&names).map_err(|fault| Error::Step {
                        case: case.title.clone(),
                        place: format!("step {number} of {list}"),
                        fault,
                    })?;
                    names.extend(step.name.as_deref());
                }
            }
        }
        Ok(document)
    }

    /// When the first step of any case is decided.
    pub fn begins(&self) -> Timestamp {
        let first = |case: &Case| case.given.iter().chain(&case.when).next().and_then(|step| step.at);
        self.cases.iter().map(|case| first(case).unwrap_or(BEGINNING)).min().unwrap_or(BEGINNING)
    }
}

impl Step {
    /// Whether it is one that can happen, after steps that have given these `names`.
    fn check(&self, names: &BTreeSet<&str>) -> Result<(), String> {
        let unknown = match self.action()? {
            Action::Capture { hold, .. } | Action::Release { hold } => Some(hold),
            Action::Refund { redemption } => Some(redemption),
            Action::Event(_) | Action::Redeem { .. } | Action::Hold { .. } | Action::Link { .. } => None,
        }
        .filter(|name| !names.contains(name.as_str()));
        unknown.map_or(Ok(()), |name| Err(format!("no step before has the `name` \"{name}\"")))
    }

    /// What it does.
    ///
    /// # Errors
    /// What is wrong with it, for its author.
    pub fn action(&self) -> Result<Action, String> {
        let reference = |text: &String| Reference::new(text.as_str()).map_err(|error| error.to_string());
        let mut actions = Vec::new();
        if let Some(SignUp { consents }) = &self.sign_up {
            actions.push(Action::Event(EventBody::SignUp { consents: consents.clone() }));
        }
        if let Some(purpose) = self.consent_given {
            actions.push(Action::Event(EventBody::ConsentGiven { purpose }));
        }
        if let Some(purpose) = self.consent_withdrawn {
            actions.push(Action::Event(EventBody::ConsentWithdrawn { purpose }));
        }
        if let Some(Purchase { order, amount, lines }) = &self.purchase {
            let (order, amount) = (reference(order)?, *amount);
            let line = |(line, amount): (&String, &Amount)| {
                Ok(OrderLine { line: reference(line)?, amount: amount.0 })
            };
            let lines = lines.iter().map(line).collect::<Result<Vec<_>, String>>()?;
            actions.push(Action::Event(match lines.is_empty() {
                true => EventBody::Purchase { order, amount },
                false => EventBody::Basket { order, amount, lines },
            }));
        }
        if let Some(OrderReturn { order, amount, lines }) = &self.order_return {
            let line = |line| Ok(ReturnedLine { line: reference(line)?, amount: None });
            let what = match (amount, lines) {
                (None, None) => Returned::Whole,
                (Some(Amount(amount)), None) => Returned::Amount(*amount),
                (None, Some(lines)) => {
                    Returned::Lines(lines.iter().map(line).collect::<Result<_, String>>()?)
                }
                (Some(_), Some(_)) => return Err("returns either an `amount` or `lines`".to_owned()),
            };
            actions.push(Action::Event(EventBody::Return { order: reference(order)?, what }));
        }
        if let Some(account) = &self.account_closing {
            actions.push(Action::Event(EventBody::AccountClosing { reference: reference(account)? }));
        }
        if let Some(message) = &self.email_read {
            actions.push(Action::Event(EventBody::EmailRead { message: reference(message)? }));
        }
        if let Some(account) = &self.account_opening {
            let reference = Some(reference(account)?);
            actions.push(Action::Event(EventBody::AccountOpening { reference }));
        }
        if let Some(Engagement { kind, reference: of }) = &self.engagement {
            let reference = of.as_ref().map(reference).transpose()?;
            actions.push(Action::Event(EventBody::Engagement { kind: *kind, reference }));
        }
        if let Some(Redeem { reward, quantity }) = self.redeem {
            actions.push(Action::Redeem { reward, quantity });
        }
        if let Some(Hold { reward, quantity, minutes }) = self.hold {
            let ttl = minutes.map_or(HOLD_TTL, |minutes| Span::from_secs(i64::from(minutes) * 60));
            actions.push(Action::Hold { reward, quantity, ttl });
        }
        if let Some(Capture { hold, points }) = self.capture.clone() {
            actions.push(Action::Capture { hold, points });
        }
        actions.extend(self.release.clone().map(|hold| Action::Release { hold }));
        actions.extend(self.refund.clone().map(|redemption| Action::Refund { redemption }));
        if let Some(other) = &self.link {
            let identifier = other.identifier(self.partner);
            let identifier = identifier.map_err(|error| format!("`link` is no identifier: {error}"))?;
            actions.push(Action::Link { identifier });
        }
        let action = actions.pop().ok_or("says nothing that happens")?;
        if !actions.is_empty() {
            return Err("says more than one thing: make it two steps".to_owned());
        }
        match action {
            Action::Event(_) if self.partner.is_none() => {
                Err("names no `partner`, whose event it is".to_owned())
            }
            Action::Redeem { .. } | Action::Hold { .. } if self.programme.is_none() => {
                Err("names no `programme`, whose reward it is".to_owned())
            }
            action @ (Action::Event(_)
            | Action::Redeem { .. }
            | Action::Hold { .. }
            | Action::Capture { .. }
            | Action::Release { .. }
            | Action::Refund { .. }
            | Action::Link { .. }) => {
                self.event.as_ref().map(reference).transpose()?;
                self.who.identifier(self.partner).map_err(|error| format!("`who` is nobody: {error}"))?;
                Ok(action)
            }
        }
    }
}
