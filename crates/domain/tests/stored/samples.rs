//! A value of each stored form.

pub(crate) mod adjustments;
mod links;
mod orders;
mod registry;

use std::str::FromStr;

use coalition_domain::account::{Consent, Enrolment};
use coalition_domain::event::{
    Accrual, Applied, Exchange, ExchangeState, Hold, Nothing, Redemption, Release, VersionId, Wait, WaitsFor,
};
use coalition_domain::keys::{KeyEntry, KeyPage, KeyState};
use coalition_domain::lot::{Expiry, Lot, LotAllocation, LotKey, LotPage};
use coalition_domain::programme::Category;
use coalition_domain::settlement::{LineKey, LineSum};
use coalition_domain::waiting::WaitingEvent;
use coalition_domain::{
    AccountId, AdjustmentId, Bought, BurnId, Caller, Command, Decision, Event, EventBody, Fingerprint,
    Identifier, Money, Outcome, PartnerEvent, Place, Points, Purpose, Reference, Rejection, RequestId,
    RewardChange, Role, Scheme, Span, Timestamp, UnitPrice,
};

pub(crate) use self::links::pieces;
pub(crate) use self::registry::{changes, registry_decisions, registry_events};

pub(crate) const NOTHINGS: [Nothing; 11] = [
    Nothing::NoRule,
    Nothing::GrantedBefore,
    Nothing::OtherChannel,
    Nothing::OutsideWindow,
    Nothing::OtherCurrency,
    Nothing::AmountTooSmall,
    Nothing::ConsentMissing,
    Nothing::NoReference,
    Nothing::LapsedAlready,
    Nothing::KeptOnClosing,
    Nothing::OpenLongEnough,
];

pub(crate) const CATEGORIES: [Category; 5] =
    [Category::Promotional, Category::Bonus, Category::Base, Category::Adjustment, Category::Purchased];

pub(crate) const KEY_STATES: [KeyState; 5] =
    [KeyState::Applied, KeyState::Refused, KeyState::Claimed, KeyState::Waiting, KeyState::Forwarded];

const NOW: Timestamp = Timestamp::from_millis(853_027_200_000);
const LATER: Timestamp = Timestamp::from_millis(884_563_200_001);

fn read<T: FromStr>(text: &str) -> T {
    text.parse().ok().unwrap()
}

fn points(points: u64) -> Points {
    Points::new(points).unwrap()
}

fn price(micros: i64) -> UnitPrice {
    UnitPrice::new(read("USD"), micros).unwrap()
}

fn reference(text: &str) -> Reference {
    Reference::new(text).unwrap()
}

fn account() -> AccountId {
    AccountId(request().uuid())
}

pub(crate) fn request() -> RequestId {
    read("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
}

fn caller() -> Caller {
    Caller { key: read("till"), role: Role::Partner(read("cdnow")) }
}

fn customer() -> Identifier {
    Identifier::new(Scheme::CustomerNumber(read("cdnow")), "00001").unwrap()
}

fn version() -> VersionId {
    VersionId { programme: read("mypoints"), number: 2 }
}

fn lot_key() -> LotKey {
    LotKey {
        expires_at: Expiry(Some(LATER)),
        category: Category::Base,
        available_from: NOW,
        granted: Place { seq: 300, index: 7 },
        nth: 1,
    }
}

pub(crate) fn schemes() -> [Scheme; 4] {
    let partner = read("cdnow");
    [Scheme::EmailHash, Scheme::CardToken, Scheme::CustomerNumber(partner), Scheme::Order(partner)]
}

pub(crate) fn roles() -> [Role; 3] {
    [Role::Operator, Role::Partner(read("cdnow")), Role::Member(account())]
}

pub(crate) fn bodies() -> [EventBody; 15] {
    let [basket, whole, amount, lines, closing, named] = orders::bodies();
    [
        EventBody::SignUp { consents: vec![read("marketing"), read("sharing")] },
        EventBody::ConsentGiven { purpose: read("marketing") },
        EventBody::ConsentWithdrawn { purpose: read("marketing") },
        EventBody::Purchase {
            order: reference("order 1"),
            amount: Money { currency: read("USD"), micros: 11_770_000 },
        },
        EventBody::EmailRead { message: reference("m1") },
        EventBody::AccountOpening { reference: None },
        EventBody::AccountOpening { reference: Some(reference("a1")) },
        EventBody::Engagement { kind: read("review"), reference: None },
        EventBody::Engagement { kind: read("review"), reference: Some(reference("été")) },
        basket,
        whole,
        amount,
        lines,
        closing,
        named,
    ]
}

pub(crate) fn partner_event() -> PartnerEvent {
    PartnerEvent {
        partner: read("cdnow"),
        event_id: reference("e1"),
        programme: None,
        identifier: customer(),
        event_time: NOW,
        channel: None,
        revision: 0,
        body: EventBody::EmailRead { message: reference("m1") },
    }
}

pub(crate) fn reward_changes() -> [RewardChange; 5] {
    let hold = BurnId(300);
    [
        RewardChange::Hold {
            programme: read("mypoints"),
            reward: read("paris"),
            quantity: 2,
            ttl: Span::from_secs(1_800),
        },
        RewardChange::Capture { hold, points: Some(points(20)) },
        RewardChange::Capture { hold, points: None },
        RewardChange::Release { hold },
        RewardChange::Refund { redemption: hold },
    ]
}

pub(crate) fn commands() -> [Command; 23] {
    let [link, adopt, forwarded, consented, unlink, accept, find, locate, located] = links::commands();
    let [hold, capture, capture_all, release, refund] = reward_changes();
    let [granted, taken, approved, rejected] = adjustments::commands();
    let named = PartnerEvent {
        programme: Some(read("mypoints")),
        channel: Some(read("web")),
        revision: 300,
        identifier: Identifier::new(Scheme::EmailHash, &"5a".repeat(32)).unwrap(),
        ..partner_event()
    };
    [
        Command::PartnerEvent(partner_event()),
        Command::PartnerEvent(named),
        Command::Enrol { caller: caller(), request: request(), identifier: customer() },
        Command::Redeem {
            caller: Caller { key: read("operator"), role: Role::Operator },
            request: request(),
            account: account(),
            programme: read("mypoints"),
            reward: read("paris"),
            quantity: 1_000,
        },
        Command::TimePassed { account: account() },
        reward(hold),
        reward(capture),
        reward(capture_all),
        reward(release),
        reward(refund),
        granted,
        taken,
        approved,
        rejected,
        link,
        adopt,
        forwarded,
        consented,
        unlink,
        accept,
        find,
        locate,
        located,
    ]
}

fn reward(change: RewardChange) -> Command {
    Command::Reward { caller: caller(), request: request(), account: account(), change }
}

fn accrual() -> Accrual {
    Accrual {
        programme: read("mypoints"),
        rule: read("dollars"),
        points: points(1_000_000_000_000_000),
        issuer: read("cdnow"),
        funder: read("bank"),
        unit_price: price(9_000),
        category: Category::Base,
        available_from: LATER,
        pending: true,
        expires_at: Expiry(Some(LATER)),
        claim: Some(Fingerprint::of("sample").done()),
    }
}

fn redemption() -> Redemption {
    let allocation = |points| LotAllocation {
        lot: lot_key(),
        points,
        issuer: read("cdnow"),
        funder: read("bank"),
        unit_price: price(9_000),
    };
    Redemption {
        programme: read("mypoints"),
        reward: read("paris"),
        quantity: 2,
        redeemer: read("airline"),
        unit_price: price(7_000),
        points: points(500),
        allocations: vec![allocation(points(200)), allocation(points(300))],
    }
}

fn hold() -> Hold {
    let Redemption { programme, reward, quantity, redeemer, points, allocations, .. } = redemption();
    let by = Role::Member(account());
    Hold { programme, reward, quantity, redeemer, points, by, until: LATER, allocations }
}

fn exchanged(bought: Bought, state: ExchangeState) -> Event {
    let (programme, reward, redeemer) = (read("mypoints"), read("sky-miles"), read("airline"));
    Event::PointsExchanged(Exchange { programme, reward, redeemer, bought, state })
}

pub(crate) fn events() -> [Event; 40] {
    let [linked, handed, records, adopted, suspended, indebted, reversed, stays, unlinked, known, located] =
        links::events();
    let [part, closed, clawback, paid, repaid] = orders::events();
    let [made, proposed, approved, rejected, taken, owed] = adjustments::events();
    let (programme, purpose, lot, points) = (read("mypoints"), read("marketing"), lot_key(), points(20));
    let free = Accrual { claim: None, expires_at: Expiry(None), pending: false, ..accrual() };
    [
        Event::MemberEnrolled,
        Event::ConsentGiven { purpose },
        Event::ConsentWithdrawn { purpose },
        Event::PointsAccrued(accrual()),
        Event::PointsAccrued(free),
        Event::NothingEarned { rule: Some(read("dollars")), why: Nothing::AmountTooSmall },
        Event::NothingEarned { rule: None, why: Nothing::NoRule },
        Event::LotActivated { programme, lot, points },
        Event::LotExpired { programme, lot, points, pending: true },
        Event::RewardRedeemed(redemption()),
        Event::HoldCreated(hold()),
        Event::HoldCaptured { hold: BurnId(300), redemption: redemption(), released: points },
        Event::HoldReleased { hold: BurnId(300), programme, points, why: Release::Asked },
        Event::HoldReleased { hold: BurnId(300), programme, points, why: Release::TimedOut },
        Event::RedemptionRefunded { of: BurnId(300), redemption: redemption() },
        part,
        closed,
        clawback,
        paid,
        repaid,
        exchanged(Bought::Units { unit: read("sky-miles"), count: 1_000 }, ExchangeState::Promised),
        exchanged(Bought::Money(Money { currency: read("EUR"), micros: 5_000_000 }), ExchangeState::Bought),
        exchanged(Bought::Units { unit: read("sky-miles"), count: 300 }, ExchangeState::Undone),
        made,
        proposed,
        approved,
        rejected,
        taken,
        owed,
        linked,
        handed,
        records,
        adopted,
        suspended,
        indebted,
        reversed,
        stays,
        unlinked,
        known,
        located,
    ]
}

pub(crate) fn outcomes() -> [Outcome; 5] {
    [
        Outcome::Applied(Applied { version: Some(version()), events: vec![Event::MemberEnrolled] }),
        Outcome::Applied(Applied::default()),
        Outcome::Refused(Rejection::PointsShort { missing: points(1) }),
        Outcome::Waiting(Wait { until: LATER, waits_for: WaitsFor::Consent(read("marketing")) }),
        links::outcome(),
    ]
}

pub(crate) fn decision() -> Decision {
    let [command, ..] = commands();
    let [outcome, ..] = outcomes();
    Decision { command, outcome }
}

pub(crate) fn rejections() -> [Rejection; 56] {
    let [linked, moved, apart, enrolled, unfinished] = links::rejections();
    let (partner, programme) = (read("cdnow"), read("mypoints"));
    let day = Span::from_days(1);
    [
        Rejection::UnknownPartner(partner),
        Rejection::NoProgramme(partner),
        Rejection::UnknownProgramme(programme),
        Rejection::ProgrammeNotInForce { programme, from: NOW },
        Rejection::CurrencyNotAccepted { programme, currency: read("EUR") },
        Rejection::AmountNegative,
        Rejection::PointsOutOfRange,
        Rejection::ConsentMissing(read("marketing")),
        Rejection::EventTooOld { max_age: day },
        Rejection::IdReused,
        Rejection::NoContract { partner, programme },
        Rejection::NotEnrolled,
        Rejection::AlreadyEnrolled,
        Rejection::UnknownReward { programme, reward: read("paris") },
        Rejection::RewardNotAvailable(read("paris")),
        Rejection::QuantityOutOfRange,
        Rejection::PointsShort { missing: points(1) },
        Rejection::RequestTooOld { issued: NOW, max_age: day },
        Rejection::RequestInFuture(LATER),
        Rejection::PermissionDenied,
        Rejection::KeyRevoked,
        Rejection::DecisionTooLarge,
        Rejection::InternalFault,
        Rejection::AlreadyExists("partner cdnow".to_owned()),
        Rejection::ProgrammeInvalid("1:1 programme: missing".to_owned()),
        Rejection::EffectiveTooEarly { earliest: NOW },
        Rejection::UnknownKey,
        Rejection::SettingOutOfRange("a display name has 1 to 100 characters".to_owned()),
        Rejection::LastOperatorKey,
        Rejection::TooManyConsents(64),
        Rejection::UnknownHold(BurnId(300)),
        Rejection::UnknownRedemption(BurnId(300)),
        Rejection::HoldExpired(LATER),
        Rejection::HoldNotOpen,
        Rejection::CaptureTooLarge { held: points(20) },
        Rejection::RefundedBefore,
        Rejection::TooManyHolds(1_000),
        Rejection::OrderNotFound,
        Rejection::OrderLineNotFound,
        Rejection::ReturnExceedsOrder,
        Rejection::OrderCurrencyDiffers { order: read("USD"), said: read("EUR") },
        Rejection::ReturnTooLate { max_age: day },
        Rejection::OrderTooLarge,
        Rejection::RewardBelowMinimum { min: points(1_000) },
        Rejection::RewardAboveMaximum { max: points(50_000) },
        Rejection::RewardLimitReached { allowed: points(500), until: LATER },
        Rejection::UnknownAdjustment(AdjustmentId(300)),
        Rejection::AdjustmentLapsed(LATER),
        Rejection::AdjustmentNotOpen,
        Rejection::OwnAdjustment,
        linked,
        Rejection::PartnerSuspended(partner),
        moved,
        apart,
        enrolled,
        unfinished,
    ]
}

pub(crate) fn lot_page() -> LotPage {
    let lot = |left, pending| Lot {
        key: lot_key(),
        left: points(left),
        pending,
        rule: read("dollars"),
        issuer: read("cdnow"),
        funder: read("bank"),
        unit_price: price(9_000),
        order: pending.then(|| Fingerprint::of("sample").done()),
        claim: pending.then(|| Fingerprint::of("once").done()),
    };
    LotPage { id: 3, changed: 0, lots: vec![lot(20, false), lot(300, true)] }
}

pub(crate) fn key_page() -> KeyPage {
    let (key, content) = (Fingerprint::of("key").done(), Fingerprint::of("content").done());
    let entry = |state, keep_until| KeyEntry { key, content, activity: 300, state, keep_until };
    KeyPage {
        changed: 0,
        from: content,
        entries: vec![entry(KeyState::Refused, NOW), entry(KeyState::Claimed, Timestamp::MAX)],
    }
}

pub(crate) fn enrolment() -> Enrolment {
    Enrolment { at: NOW, identifier: customer() }
}

pub(crate) fn purpose() -> Purpose {
    read("marketing")
}

pub(crate) fn waiting_event() -> WaitingEvent {
    let wait = Wait { until: LATER, waits_for: WaitsFor::Consent(purpose()) };
    WaitingEvent { event: partner_event(), place: Place { seq: 300, index: 7 }, wait, found: Some(account()) }
}

pub(crate) fn consent() -> Consent {
    Consent { given: true, since: NOW }
}

pub(crate) fn line_keys() -> [LineKey; 4] {
    let (issuer, unit_price) = (read("cdnow"), price(9_000));
    [
        LineKey::Issued { issuer, funder: read("bank"), unit_price },
        LineKey::Redeemed { issuer, redeemer: read("airline"), unit_price },
        LineKey::Refunded { issuer, redeemer: read("airline"), unit_price },
        LineKey::ClawedBack { issuer, funder: read("bank"), unit_price },
    ]
}

pub(crate) fn line_sum() -> LineSum {
    LineSum { points: -25_000, count: 2, first: 1, last: 300 }
}
