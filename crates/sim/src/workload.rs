//! What is asked of the network: a fixed cast of partners, programme and rewards, and seeded events and requests.

mod message;
mod orders;
mod requests;
mod script;

use coalition_domain::{
    AccountId, BurnId, Caller, Channel, Command, EngagementKind, EventBody, Identifier, KeyId, Money,
    PartnerEvent, PartnerId, Points, ProgrammeId, Purpose, Reference, RequestId, RewardChange, RewardId,
    Role, Scheme, Span, Timestamp,
};
use uuid::Uuid;

use crate::random::Random;

pub(crate) use self::message::message;
pub(crate) use self::orders::{further, returned};
pub(crate) use self::requests::{adjust, consent};
pub(crate) use self::script::{SET_UP, script, suspension};

/// How long events wait for a consent: some in vain, some not.
pub(crate) const CONSENT_WAIT: Span = Span::from_secs(60);

/// When every run begins: 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

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

/// A second operator.
fn boss() -> Caller {
    Caller { key: name!(KeyId, "boss"), role: Role::Operator }
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
    let identifier = identifier(random, members);
    // A customer number is of one partner; what others say of it intake gives back.
    let own = matches!(identifier.scheme(), Scheme::CustomerNumber(_)) && random.happens(8_500);
    let name = *random.pick(&["shop", "shop", "bank", "mail", "mail", "air", "stray", "ghost"]);
    let name = if own { "shop" } else { name };
    PartnerEvent {
        partner: partner(name),
        event_id: reference(format!("e-{number}")),
        programme: (name == "air" && random.happens(8_000)).then(programme),
        identifier,
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
    let (programme, reward) = (
        programme(),
        name!(RewardId, *random.pick(&["mug", "mug", "flight", "flight", "cash", "cash", "trip", "yacht"])),
    );
    let quantity = u32::try_from(*random.pick(&[1, 1, 1, 2, 2, 3, 6, 0])).expect("small");
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

/// A request that somebody's identifier be a member's: another member's, or of somebody who never enrols.
pub(crate) fn link(random: &mut Random, members: usize, member: AccountId, now: Timestamp) -> Command {
    let (caller, request) =
        (*random.pick(&[root(), root(), root(), till(), self::member()]), request(random, now));
    Command::Link { caller, request, identifier: identifier(random, members), member }
}

/// A request that others may be linked to a member: before the first one is.
pub(crate) fn acceptance(random: &mut Random, account: AccountId, now: Timestamp) -> Command {
    let (caller, request) = (*random.pick(&[root(), root(), till(), self::member()]), request(random, now));
    Command::AcceptLinks { caller, request, account }
}

/// A request that an identifier be a member's no longer.
pub(crate) fn unlink(
    random: &mut Random,
    identifier: Identifier,
    member: AccountId,
    now: Timestamp,
) -> Command {
    let (caller, request) = (*random.pick(&[root(), root(), till(), self::member()]), request(random, now));
    Command::Unlink { caller, request, identifier, member }
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
    let part = random.below(usize::try_from(points.get()).expect("few") + 2) as u64;
    // Of what buys something whole rewards are captured.
    let part = Points::new(if random.happens(5_000) { part / 40 * 40 } else { part }).ok();
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
        | Command::Reward { .. }
        | Command::Adjust { .. }
        | Command::Link { .. }
        | Command::Consent { .. }
        | Command::Unlink { .. }
        | Command::AcceptLinks { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. }
        | Command::Forwarded { .. } => None,
    }
}
