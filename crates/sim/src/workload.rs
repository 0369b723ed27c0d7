//! What is asked of the network: a fixed cast of partners, programme and rewards, and seeded events and requests.

mod orders;

use std::sync::Arc;

use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings;
use coalition_domain::{
    AccountId, BurnId, Caller, Channel, Command, EngagementKind, EventBody, Identifier, KeyId, Money,
    PartnerEvent, PartnerId, Points, ProgrammeId, Purpose, Reference, RequestId, RewardChange, RewardId,
    Role, Scheme, Span, Timestamp, UnitPrice,
};
use uuid::Uuid;

use crate::random::Random;

pub(crate) use self::orders::{further, returned};

/// How long events wait for a consent: some in vain, some not.
pub(crate) const CONSENT_WAIT: Span = Span::from_secs(60);

/// When every run begins: 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The one programme; the second version doubles what purchases earn.
const DOCUMENT: &str = r#"
[programme]
id = "miles"
name = "Miles"
effective_from = EFFECTIVE

[[rule]]
id = "sign-up"
event = "sign_up"
points = 150
once = "member"

[[rule]]
id = "purchase"
event = "purchase"
points = RATE
per = { amount = "1.00", currency = "USD", rounding = "down" }

[[rule]]
id = "web"
event = "purchase"
channels = ["web"]
points = 30
category = "bonus"
funder = "bank"
expires_after_days = 1

[[rule]]
id = "letter"
event = "email_read"
points = 10
once = "reference"
consent = "marketing"

[[rule]]
id = "opening"
event = "account_opening"
points = 250
once = "member_and_partner"
category = "bonus"
expires_after_days = 1
clawback_within_days = 1

[[rule]]
id = "review"
event = "engagement"
kind = "review"
points = 7
category = "promotional"
expires_after_days = 2

[[rule]]
id = "survey"
event = "engagement"
kind = "survey"
points = 20
available_after_days = 1
funder = "bank"

[[reward]]
id = "mug"
name = "Mug"
redeemer = "shop"
points = 60

[[reward]]
id = "pin"
name = "Pin"
redeemer = "shop"
points = 5

[[reward]]
id = "trip"
name = "Trip"
redeemer = "air"
points = 700
"#;

fn document(effective: Timestamp, rate: u32) -> Arc<str> {
    DOCUMENT.replace("EFFECTIVE", &effective.to_string()).replace("RATE", &rate.to_string()).into()
}

macro_rules! name {
    ($kind:ident, $text:expr) => {
        $kind::new($text).expect("a good name")
    };
}

fn partner(name: &str) -> PartnerId {
    name!(PartnerId, name)
}

pub(crate) fn programme() -> ProgrammeId {
    name!(ProgrammeId, "miles")
}

fn root() -> Caller {
    Caller { key: name!(KeyId, "root"), role: Role::Operator }
}

fn till() -> Caller {
    Caller { key: name!(KeyId, "till"), role: Role::Partner(partner("shop")) }
}

/// The member of the first identifier.
fn member() -> Caller {
    Caller { key: name!(KeyId, "mine"), role: Role::Member(nth_identifier(0).account()) }
}

fn request(random: &mut Random, now: Timestamp) -> RequestId {
    let time = now.as_millis().cast_unsigned() << 16;
    let (high, low) = (time | 0x7000 | random.next() & 0xFFF, 1 << 63 | random.next() >> 2);
    RequestId::new(Uuid::from_u64_pair(high, low)).expect("of version 7")
}

/// Commands to the registry in their order, each with the number of other commands after which it may come.
pub(crate) fn script(
    step: usize,
    random: &mut Random,
    now: Timestamp,
    commands: usize,
) -> Option<(usize, RegistryCommand)> {
    let usd = "USD".parse().expect("a currency");
    let price = |micros| UnitPrice::new(usd, micros).ok();
    let create = |name: &str, default: bool| RegistryChange::CreatePartner {
        id: partner(name),
        display_name: name.to_owned(),
        default_programme: default.then(programme),
    };
    let contract = |name: &str, from, accrual, redemption| RegistryChange::CreateContract {
        partner: partner(name),
        programme: programme(),
        from,
        accrual,
        redemption,
    };
    let day_before = START.minus(Span::from_days(1));
    let (after, change) = match step {
        0 => {
            let settings =
                Settings { max_event_age: Span::from_days(1), max_request_age: Span::from_days(30) };
            let (consent_wait, key) = (CONSENT_WAIT, root().key);
            (0, RegistryChange::SetUpWaiting { settings, consent_wait, key, secret_hash: [1; 32] })
        }
        1 => (0, create("shop", true)),
        2 => (0, create("bank", true)),
        3 => (0, create("air", false)),
        4 => (0, create("mail", true)),
        5 => (0, RegistryChange::PublishProgramme { document: document(day_before, 1) }),
        6 => (0, contract("shop", day_before, price(9_000), price(5_000))),
        7 => (0, contract("bank", day_before, price(8_000), None)),
        8 => (0, contract("air", day_before, price(10_000), price(7_000))),
        9 => (0, contract("mail", day_before, price(9_500), None)),
        10 => {
            let role = till().role;
            (0, RegistryChange::CreateKey { id: till().key, secret_hash: [2; 32], role })
        }
        11 => {
            let role = member().role;
            (0, RegistryChange::CreateKey { id: member().key, secret_hash: [3; 32], role })
        }
        12 => (commands / 4, create("stray", true)),
        13 => (commands / 3, contract("shop", now.plus(Span::from_secs(400)), price(9_900), price(5_500))),
        14 => {
            let document = document(now.plus(Span::from_secs(600)), 2);
            (commands / 2, RegistryChange::PublishProgramme { document })
        }
        15 => (commands / 3 * 2, contract("stray", now, price(4_000), None)),
        16 => (commands / 5 * 4, RegistryChange::RevokeKey { id: till().key }),
        _ => return None,
    };
    let caller = (step > 0).then(root);
    Some((after, RegistryCommand { caller, request: request(random, now), change }))
}

/// The identifiers of a member; each has an account of its own.
pub(crate) fn identifier(random: &mut Random, members: usize) -> Identifier {
    nth_identifier(random.below(members))
}

fn nth_identifier(member: usize) -> Identifier {
    let (scheme, value) = match member % 3 {
        0 => (Scheme::EmailHash, format!("{member:064x}")),
        1 => (Scheme::CardToken, format!("tok_{member}")),
        _ => (Scheme::CustomerNumber(partner("shop")), format!("c{member}")),
    };
    Identifier::new(scheme, &value).expect("a good identifier")
}

fn reference(text: String) -> Reference {
    Reference::new(text).expect("a good reference")
}

/// An event that has not been sent before; `number` makes its id.
pub(crate) fn event(random: &mut Random, number: usize, members: usize, now: Timestamp) -> PartnerEvent {
    let dollars = |random: &mut Random, code: &str| {
        // What earns many points may be spent before it is returned.
        let most = *random.pick(&[90_000_000, 90_000_000, 900_000_000]);
        Money { currency: code.parse().expect("a currency"), micros: random.between(0, most) }
    };
    let marketing = name!(Purpose, "marketing");
    let body = match random.below(20) {
        0..3 => EventBody::SignUp { consents: if random.happens(7_000) { vec![marketing] } else { vec![] } },
        3 => EventBody::ConsentGiven { purpose: marketing },
        4 => EventBody::ConsentWithdrawn { purpose: marketing },
        5..8 => EventBody::EmailRead { message: reference(format!("letter-{}", random.below(6))) },
        8..10 => EventBody::AccountOpening { reference: Some(reference(format!("acc-{number}"))) },
        10 => EventBody::Engagement { kind: name!(EngagementKind, "review"), reference: None },
        11 => EventBody::Engagement { kind: name!(EngagementKind, "survey"), reference: None },
        12 => EventBody::Engagement { kind: name!(EngagementKind, "like"), reference: None },
        13 => EventBody::Purchase { order: reference(format!("o-{number}")), amount: dollars(random, "EUR") },
        14..16 => orders::basket(random, number),
        _ => EventBody::Purchase { order: reference(format!("o-{number}")), amount: dollars(random, "USD") },
    };
    let web = body.amount().is_some() && random.happens(3_000);
    let age = match random.below(20) {
        0 => random.between(20, 30) * 3_600_000,
        1..4 => random.between(0, 20 * 3_600_000),
        _ => random.between(0, 300_000),
    };
    let name = *random.pick(&["shop", "shop", "bank", "mail", "mail", "air", "stray", "ghost"]);
    PartnerEvent {
        partner: partner(name),
        event_id: reference(format!("e-{number}")),
        programme: (name == "air" && random.happens(8_000)).then(programme),
        identifier: identifier(random, members),
        event_time: now.minus(Span::from_millis(age)),
        channel: web.then(|| name!(Channel, "web")),
        revision: 0,
        body,
    }
}

/// The same id, with something else in it.
pub(crate) fn altered(random: &mut Random, event: &PartnerEvent) -> PartnerEvent {
    let mut altered = event.clone();
    altered.body = match &event.body {
        EventBody::Purchase { order, amount } => {
            let micros = random.between(0, 90_000_000);
            EventBody::Purchase { order: order.clone(), amount: Money { micros, ..*amount } }
        }
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. }
        | EventBody::Basket { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => {
            EventBody::EmailRead { message: reference(format!("letter-{}", random.below(60))) }
        }
    };
    altered
}

/// A request of a client that waits for its answer.
pub(crate) fn direct(random: &mut Random, members: usize, now: Timestamp) -> Command {
    let caller = match random.below(10) {
        0..6 => root(),
        6..8 => till(),
        8 => member(),
        _ => Caller { key: name!(KeyId, "stolen"), role: Role::Operator },
    };
    let (identifier, request) = (identifier(random, members), request(random, now));
    if random.happens(2_500) {
        return Command::Enrol { caller, request, identifier };
    }
    let own = match caller.role {
        Role::Member(account) if random.happens(7_000) => Some(account),
        Role::Member(_) | Role::Operator | Role::Partner(_) => None,
    };
    let account = own.unwrap_or_else(|| identifier.account());
    let (programme, reward) =
        (programme(), name!(RewardId, *random.pick(&["mug", "mug", "mug", "trip", "yacht"])));
    let quantity = u32::try_from(*random.pick(&[1, 1, 1, 2, 3, 0])).expect("small");
    if random.happens(5_000) {
        // Some time out within the run, some long after; some last too long.
        let ttl = Span::from_secs(*random.pick(&[60, 120, 600, 1_800, 86_400, 2_592_001]));
        let change = RewardChange::Hold { programme, reward, quantity, ttl };
        return Command::Reward { caller, request, account, change };
    }
    Command::Redeem { caller, request, account, programme, reward, quantity }
}

/// The account of somebody.
pub(crate) fn account(random: &mut Random, members: usize) -> AccountId {
    identifier(random, members).account()
}

/// A request for as much as the account has, so that what is returned later is missing.
pub(crate) fn spending(random: &mut Random, account: AccountId, points: Points, now: Timestamp) -> Command {
    let (caller, request) = (root(), request(random, now));
    let (programme, reward) = (programme(), name!(RewardId, "pin"));
    let quantity = u32::try_from(points.get() / 5).expect("few").clamp(1, 1_000);
    if random.happens(2_000) {
        let change = RewardChange::Hold { programme, reward, quantity, ttl: Span::from_secs(600) };
        return Command::Reward { caller, request, account, change };
    }
    Command::Redeem { caller, request, account, programme, reward, quantity }
}

/// A request of a client that has heard of a hold or redemption, whose points were so many.
pub(crate) fn settling(
    random: &mut Random,
    account: AccountId,
    (burn, points): (BurnId, Points),
    now: Timestamp,
) -> Command {
    let (caller, request) = (*random.pick(&[root(), root(), till(), member()]), request(random, now));
    let part = Points::new(random.below(usize::try_from(points.get()).expect("few") + 2) as u64).ok();
    let change = match random.below(8) {
        0 => RewardChange::Capture { hold: burn, points: None },
        1..4 => RewardChange::Capture { hold: burn, points: part },
        4..6 => RewardChange::Release { hold: burn },
        _ => RewardChange::Refund { redemption: burn },
    };
    Command::Reward { caller, request, account, change }
}

/// A request under the same id, for something else.
pub(crate) fn reused(command: &Command) -> Option<Command> {
    match command.clone() {
        Command::Redeem { caller, request, account, programme, reward, quantity } => {
            Some(Command::Redeem { caller, request, account, programme, reward, quantity: quantity + 1 })
        }
        Command::Enrol { .. }
        | Command::PartnerEvent(_)
        | Command::TimePassed { .. }
        | Command::Reward { .. } => None,
    }
}
