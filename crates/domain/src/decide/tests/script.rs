//! One line of a script: `<when> <who> <what> <arguments> <key>=<value>`.
//!
//! - `1997-01-12 cdnow purchase p1 12.34 USD order=o1 channel=web at=1997-01-11 programme=other`
//! - `1997-01-12T10:00:00Z mypoints sign_up s1 consents=marketing,sharing`
//! - `1997-01-12 mypoints consent_given c1 marketing`, `consent_withdrawn c2 marketing`
//! - `1997-01-12 mypoints email_read e1 message`
//! - `1997-01-12 bank account_opening a1 [reference]`, `engagement g1 review [reference]`
//! - `1997-01-12 operator enrol 1`, `member redeem 2 voucher quantity=3 issued=1997-01-11`
//! - `1997-01-12 member hold 3 voucher quantity=3 ttl=3600`, of which the activity 7 says so: `cdnow capture 4 7 300`,
//!   `cdnow capture 4 7`, `member release 5 7`; and of a redemption, `cdnow refund 6 8`
//! - `1997-01-12 operator grant 7 500 funder=cdnow until=1998-01-01`, `operator take 8 500 owed_to=cdnow`; of the
//!   adjustment of activity 9, `operator approve 9 9 key=deputy` and `operator reject 9 9`
//! - `1997-01-12 member give 1 marketing`, `operator withdraw 2 marketing`
//! - `1997-01-12 time passes`
//! - `1997-01-12 operator link 1`, of a card, to the member, and `unlink 2` from them; `accept 3`, that links be made to the account
//!
//! - `1997-01-12 operator partner cdnow name=CDNOW default=mypoints`, `key till cdnow`, `revoke till`, `token_key 1`
//! - `1997-01-12 operator update cdnow name=CD default=none`, `suspend cdnow`, `resume cdnow`
//! - `1997-01-12 operator contract cdnow mypoints accrual=9000 redemption=7000 from=1997-02-01`
//! - `1997-01-12 operator publish mypoints 1998-01-01 partners=cdnow funder=bank redeemer=airline`
//!
//! The first word is the instant of the decision, and of the event unless `at` says another. A number in the place of
//! an event id is a request id, issued at the instant of the decision unless `issued` says another.

use std::collections::BTreeMap;
use std::str::FromStr;

use uuid::Uuid;

use crate::adjustment::{Adjustment, AdjustmentReason, Entry, Note};
use crate::burn::HOLD_TTL;
use crate::decide::RegistryChange;
use crate::programme::Category;
use crate::registry::{Settings, TokenKey};
use crate::{
    AccountId, AdjustmentChange, AdjustmentId, BurnId, Caller, Command, EventBody, Identifier, Money,
    OrderLine, PartnerEvent, Points, Reference, RequestId, Returned, ReturnedLine, RewardChange, Role,
    Scheme, Span, Timestamp, UnitPrice,
};

pub(super) struct Line<'a> {
    /// Whose it is.
    pub(super) identifier: Identifier,
    /// The instant of the decision.
    pub(super) now: Timestamp,
    pub(super) who: &'a str,
    pub(super) what: &'a str,
    words: Vec<&'a str>,
    options: BTreeMap<&'a str, &'a str>,
}

/// Parses what the author of a test wrote.
pub(super) fn read<T: FromStr>(text: &str) -> T {
    text.parse().ok().unwrap_or_else(|| panic!("{text:?} is no {}", std::any::type_name::<T>()))
}

/// `1997-01-12` or `1997-01-12T00:00:00Z`.
pub(super) fn instant(text: &str) -> Timestamp {
    if text.contains('T') { read(text) } else { read(&format!("{text}T00:00:00Z")) }
}

/// `12.34`, also with a sign.
fn micros(text: &str) -> i64 {
    let (units, fraction) = text.split_once('.').unwrap_or((text, ""));
    let size =
        read::<i64>(units.trim_start_matches('-')) * 1_000_000 + read::<i64>(&format!("{fraction:0<6}"));
    if text.starts_with('-') { -size } else { size }
}

/// The member of all scripts.
pub(super) fn member() -> Identifier {
    Identifier::new(Scheme::EmailHash, &"5a".repeat(32)).unwrap()
}

/// The role that the first words of lines stand for.
pub(super) fn role(who: &str) -> Role {
    match who {
        "operator" => Role::Operator,
        "member" => Role::Member(member().account()),
        "stranger" => Role::Member(AccountId(Uuid::from_u128(1))),
        partner => Role::Partner(read(partner)),
    }
}

/// The request id of this number, issued at this instant.
pub(super) fn request(number: u64, issued: Timestamp) -> RequestId {
    let millis = u128::from(issued.as_millis().unsigned_abs());
    RequestId::new(Uuid::from_u128(millis << 80 | 7 << 76 | 2 << 62 | u128::from(number))).unwrap()
}

impl<'a> Line<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        let (options, words): (Vec<_>, Vec<_>) = line.split_whitespace().partition(|word| word.contains('='));
        let [now, who, what, ..] = words[..] else { panic!("{line:?} says nothing") };
        let options = options.iter().map(|option| option.split_once('=').unwrap()).collect();
        Self { identifier: member(), now: instant(now), who, what, words: words[3..].to_vec(), options }
    }

    pub(super) fn word(&self, nth: usize) -> &'a str {
        self.words.get(nth).unwrap_or_else(|| panic!("{} takes more words", self.what))
    }

    pub(super) fn option(&self, key: &str) -> Option<&'a str> {
        self.options.get(key).copied()
    }

    pub(super) fn caller(&self) -> Caller {
        let key = self.option("key").unwrap_or(self.who);
        Caller { key: read(key), role: role(self.who) }
    }

    pub(super) fn request(&self) -> RequestId {
        request(read(self.word(0)), self.option("issued").map_or(self.now, instant))
    }

    pub(super) fn command(&self) -> Command {
        let caller = || self.caller();
        match self.what {
            "enrol" => Command::Enrol {
                caller: caller(),
                request: self.request(),
                identifier: self.identifier.clone(),
            },
            "passes" => Command::TimePassed { account: self.identifier.account() },
            "link" => Command::Link {
                caller: caller(),
                request: self.request(),
                identifier: self.identifier.clone(),
                member: member().account(),
            },
            "give" | "withdraw" => Command::Consent {
                caller: caller(),
                request: self.request(),
                account: self.identifier.account(),
                purpose: read(self.word(1)),
                given: self.what == "give",
            },
            "unlink" => Command::Unlink {
                caller: caller(),
                request: self.request(),
                identifier: self.identifier.clone(),
                member: member().account(),
            },
            "accept" => Command::AcceptLinks {
                caller: caller(),
                request: self.request(),
                account: self.identifier.account(),
            },
            "redeem" => Command::Redeem {
                caller: caller(),
                request: self.request(),
                account: self.identifier.account(),
                programme: read(self.option("programme").unwrap_or("mypoints")),
                reward: read(self.word(1)),
                quantity: self.option("quantity").map_or(1, read),
            },
            "hold" | "capture" | "release" | "refund" => Command::Reward {
                caller: caller(),
                request: self.request(),
                account: self.identifier.account(),
                change: self.reward_change(),
            },
            "grant" | "take" | "approve" | "reject" => Command::Adjust {
                caller: caller(),
                request: self.request(),
                account: self.identifier.account(),
                change: self.adjustment(),
            },
            _ => Command::PartnerEvent(PartnerEvent {
                partner: read(self.who),
                event_id: reference(self.word(0)),
                programme: self.option("programme").map(read),
                identifier: self.identifier.clone(),
                event_time: self.option("at").map_or(self.now, instant),
                channel: self.option("channel").map(read),
                revision: self.option("revision").map_or(0, read),
                body: self.body(),
            }),
        }
    }

    fn reward_change(&self) -> RewardChange {
        let burn = || BurnId(read(self.word(1)));
        match self.what {
            "hold" => RewardChange::Hold {
                programme: read(self.option("programme").unwrap_or("mypoints")),
                reward: read(self.word(1)),
                quantity: self.option("quantity").map_or(1, read),
                ttl: self.option("ttl").map_or(HOLD_TTL, |seconds| Span::from_secs(read(seconds))),
            },
            "capture" => {
                let points = self.words.get(2).map(|points| Points::new(read(points)).unwrap());
                RewardChange::Capture { hold: burn(), points }
            }
            "release" => RewardChange::Release { hold: burn() },
            _ => RewardChange::Refund { redemption: burn() },
        }
    }

    fn adjustment(&self) -> AdjustmentChange {
        let named = || AdjustmentId(read(self.word(1)));
        let create = |entry| {
            AdjustmentChange::Create(Adjustment {
                programme: read(self.option("programme").unwrap_or("mypoints")),
                points: Points::new(read(self.word(1))).unwrap(),
                entry,
                reason: AdjustmentReason::Goodwill,
                note: self.option("note").map(|note| Note::new(note).unwrap()),
            })
        };
        match self.what {
            "grant" => create(Entry::Grant {
                funder: read(self.option("funder").unwrap_or("cdnow")),
                category: Category::Adjustment,
                expires_at: self.option("until").map(instant),
            }),
            "take" => create(Entry::Take { owed_to: self.option("owed_to").map(read) }),
            "approve" => AdjustmentChange::Approve { adjustment: named() },
            _ => AdjustmentChange::Reject { adjustment: named() },
        }
    }

    /// What a line asks of the registry: see the arms.
    pub(super) fn change(&self) -> Option<RegistryChange> {
        let price = |key| self.option(key).map(|micros| UnitPrice::new(read("USD"), read(micros)).unwrap());
        let option = |key| self.option(key).map(read);
        Some(match self.what {
            "set_up" => {
                let span = |text| Span::from_millis(read(text));
                let settings =
                    Settings { max_event_age: span(self.word(0)), max_request_age: span(self.word(1)) };
                let (key, secret_hash) = (read("operator"), [0; 32]);
                let limit = self.words.get(3).map(|limit| Points::new(read(limit)).unwrap());
                match (self.words.get(2).map(|wait| span(wait)), limit) {
                    (Some(consent_wait), Some(adjustment_limit)) => RegistryChange::SetUpWhole {
                        settings,
                        consent_wait,
                        adjustment_limit,
                        key,
                        secret_hash,
                    },
                    (Some(consent_wait), None) => {
                        RegistryChange::SetUpWaiting { settings, consent_wait, key, secret_hash }
                    }
                    (None, _) => RegistryChange::SetUp { settings, key, secret_hash },
                }
            }
            "partner" => RegistryChange::CreatePartner {
                id: read(self.word(0)),
                display_name: self.option("name").unwrap_or(self.word(0)).to_owned(),
                default_programme: option("default"),
            },
            "update" => RegistryChange::UpdatePartner {
                id: read(self.word(0)),
                display_name: self.option("name").map(str::to_owned),
                default_programme: self.option("default").map(|id| (id != "none").then(|| read(id))),
            },
            "suspend" => RegistryChange::SuspendPartner { id: read(self.word(0)) },
            "resume" => RegistryChange::ResumePartner { id: read(self.word(0)) },
            "contract" => RegistryChange::CreateContract {
                partner: read(self.word(0)),
                programme: read(self.word(1)),
                from: instant(self.option("from").unwrap_or("1990-01-01")),
                accrual: price("accrual"),
                redemption: price("redemption"),
            },
            "key" => RegistryChange::CreateKey {
                id: read(self.word(0)),
                secret_hash: [1; 32],
                role: role(self.word(1)),
            },
            "revoke" => RegistryChange::RevokeKey { id: read(self.word(0)) },
            "token_key" => RegistryChange::RegisterTokenKey { token_key: TokenKey([read(self.word(0)); 32]) },
            "publish" => RegistryChange::PublishProgramme { document: self.document().into() },
            _ => return None,
        })
    }

    /// `publish <programme> <effective from>`, with rules and rewards for the partners that are named.
    fn document(&self) -> String {
        let (id, from) = (self.word(0), instant(self.word(1)));
        let mut text = format!("[programme]\nid = \"{id}\"\nname = \"{id}\"\neffective_from = {from}\n");
        let rule = "[[rule]]\nid = \"r\"\nevent = \"sign_up\"\npoints = 1";
        for (key, table) in [
            ("partners", format!("{rule}\npartners = [")),
            ("funder", format!("{rule}\nfunder = ")),
            ("redeemer", "[[reward]]\nid = \"r\"\nname = \"r\"\npoints = 1\nredeemer = ".to_owned()),
        ] {
            if let Some(partner) = self.option(key) {
                let end = if table.ends_with('[') { "]" } else { "" };
                text += &format!("{table}\"{partner}\"{end}\n");
            }
        }
        text
    }

    fn order_line(&self, line: &str) -> OrderLine {
        let (line, amount) = line.split_once(':').unwrap();
        OrderLine {
            line: reference(line),
            amount: Money { currency: read(self.word(1)), micros: micros(amount) },
        }
    }

    fn returned(&self) -> Returned {
        match &self.words[2..] {
            [] => Returned::Whole,
            [amount, currency] if !currency.contains(':') => {
                Returned::Amount(Money { currency: read(currency), micros: micros(amount) })
            }
            [currency, lines @ ..] => Returned::Lines(
                lines
                    .iter()
                    .map(|line| {
                        let (line, amount) = line.split_once(':').unwrap();
                        let money = |amount| Money { currency: read(currency), micros: micros(amount) };
                        let amount = (!amount.is_empty()).then(|| money(amount));
                        ReturnedLine { line: reference(line), amount }
                    })
                    .collect(),
            ),
        }
    }

    fn body(&self) -> EventBody {
        let third = || self.words.get(2).map(|text| reference(text));
        match self.what {
            "sign_up" => {
                let consents = self.option("consents").into_iter().flat_map(|list| list.split(','));
                EventBody::SignUp { consents: consents.map(read).collect() }
            }
            "consent_given" => EventBody::ConsentGiven { purpose: read(self.word(1)) },
            "consent_withdrawn" => EventBody::ConsentWithdrawn { purpose: read(self.word(1)) },
            "purchase" => EventBody::Purchase {
                order: reference(self.option("order").unwrap_or(self.word(0))),
                amount: Money { currency: read(self.word(2)), micros: micros(self.word(1)) },
            },
            "basket" => EventBody::Basket {
                order: reference(self.option("order").unwrap_or(self.word(0))),
                amount: Money {
                    currency: read(self.word(1)),
                    micros: self.words[2..].iter().map(|line| micros(line.split_once(':').unwrap().1)).sum(),
                },
                lines: self.words[2..].iter().map(|line| self.order_line(line)).collect(),
            },
            "return" => EventBody::Return { order: reference(self.word(1)), what: self.returned() },
            "account_closing" => EventBody::AccountClosing { reference: reference(self.word(1)) },
            "email_read" => EventBody::EmailRead { message: reference(self.word(1)) },
            "account_opening" => {
                EventBody::AccountOpening { reference: self.words.get(1).map(|text| reference(text)) }
            }
            "engagement" => EventBody::Engagement { kind: read(self.word(1)), reference: third() },
            what => panic!("nobody knows how to {what}"),
        }
    }
}

fn reference(text: &str) -> Reference {
    Reference::new(text).unwrap()
}
