//! Random commands, decided by the code and by a model that knows neither pages nor events.

use proptest::prelude::*;

use super::model::{Model, Said};
use super::script::Line;
use super::world::World;
use crate::account::{Account, AccountParts, Purse};
use crate::burn::Burns;
use crate::decide::Verdict;
use crate::event::{Book, Event, Outcome};
use crate::keys::KeyIndex;
use crate::lot::LotBook;
use crate::pages::Pages;
use crate::registry::{RegistryEvent, Settings};
use crate::{BurnId, Command, Span, Timestamp};

/// What [`Model`] knows too. `other` is a programme without waiting or lapsing.
const PROGRAMMES: &str = r#"
    [programme]
    id = "mypoints"
    name = "MyPoints"
    effective_from = 1996-01-01T00:00:00Z

    [[rule]]
    id = "joining"
    event = "sign_up"
    points = 15
    once = "member"

    [[rule]]
    id = "e-mail"
    event = "email_read"
    points = 10
    once = "reference"
    consent = "marketing"
    category = "promotional"
    available_after_days = 5

    [[rule]]
    id = "dollars"
    event = "purchase"
    points = 1
    per = { amount = "1.00", currency = "USD", rounding = "down" }
    available_after_days = 3
    expires_after_days = 30

    [[rule]]
    id = "web"
    event = "purchase"
    points = 7
    channels = ["web"]
    category = "bonus"
    funder = "bank"
    expires_after_days = 30

    [[reward]]
    id = "cup"
    name = "A cup"
    redeemer = "airline"
    points = 20

    ---
    [programme]
    id = "other"
    name = "Other"
    effective_from = 1996-01-01T00:00:00Z

    [[rule]]
    id = "dollars"
    event = "purchase"
    points = 1
    per = { amount = "1.00", currency = "USD", rounding = "down" }
"#;

/// What happens after so many hours.
#[derive(Clone, Debug)]
enum Step {
    /// All of a line but its instant; the event happened so many hours before it is decided.
    Say(String, i64),
    /// What comes before and after the name of the newest hold or redemption but so many.
    Settle(&'static str, usize, String),
    /// One of the commands so far, again (modulo their number).
    Repeat(usize),
    /// The account is stored and read again.
    Reload,
    /// What is due is journaled by itself.
    TimePasses,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let id = 0..30_u8;
    let line = prop_oneof![
        1 => (id.clone(), any::<bool>()).prop_map(|(id, consents)| {
            format!("mypoints sign_up {id}{}", if consents { " consents=marketing" } else { "" })
        }),
        8 => (id.clone(), 0..30_u8, any::<bool>()).prop_map(|(id, dollars, web)| {
            format!("cdnow purchase {id} {dollars}.99 USD{}", if web { " channel=web" } else { "" })
        }),
        2 => id.clone().prop_map(|id| format!("cdnow purchase {id} 5 USD programme=other")),
        1 => id.clone().prop_map(|id| format!("cdnow purchase {id} 5 GBP")),
        3 => (id.clone(), 0..5_u8).prop_map(|(id, mail)| format!("mypoints email_read {id} m{mail}")),
        1 => id.clone().prop_map(|id| format!("mypoints consent_given {id} marketing")),
        1 => id.clone().prop_map(|id| format!("mypoints consent_withdrawn {id} marketing")),
        1 => id.clone().prop_map(|id| format!("operator enrol {id}")),
        5 => (id.clone(), 0..4_u8).prop_map(|(id, cups)| format!("member redeem {id} cup quantity={cups}")),
        2 => (id.clone(), 0..40_u8).prop_map(|(id, points)| format!("operator grant {id} {points}")),
        2 => (id.clone(), 0..40_u8).prop_map(|(id, points)| format!("operator take {id} {points}")),
        5 => (id, 0..4_u8, 1..60_u32).prop_map(|(id, cups, hours)| {
            format!("member hold {id} cup quantity={cups} ttl={}", hours * 3_600)
        }),
    ];
    // Points of a purchase lapse after 720 hours, of which some wait 72.
    let ago = prop_oneof![9 => 0..100_i64, 1 => 640..730_i64];
    let settle = (
        0..3_usize,
        prop_oneof![
            3 => (0..45_u8).prop_map(|points| ("airline capture", format!(" {points}"))),
            1 => Just(("airline capture", String::new())),
            2 => Just(("member release", String::new())),
            3 => Just(("operator refund", String::new())),
        ],
    );
    let step = prop_oneof![
        5 => settle.prop_map(|(nth, (what, points))| Step::Settle(what, nth, points)),
        12 => (line, ago).prop_map(|(line, ago)| Step::Say(line, ago)),
        2 => any::<usize>().prop_map(Step::Repeat),
        1 => Just(Step::Reload),
        2 => Just(Step::TimePasses),
    ];
    proptest::collection::vec((0..72_i64, step), 0..120)
}

/// The account as it comes back from storage, which keeps pages and not their positions.
fn reload(account: &Account) -> Account {
    fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
        postcard::from_bytes(&postcard::to_stdvec(value).unwrap()).unwrap()
    }
    let purses = account.purses().iter().map(|(programme, purse)| {
        let pages = purse.lots.pages().iter().rev().map(|page| again(&**page)).collect();
        let lots = LotBook::from_pages(pages, purse.lots.next_page());
        (*programme, Purse { lots, debts: again(&purse.debts) })
    });
    let parts = AccountParts {
        activities: account.activities(),
        enrolment: again(&account.enrolment().cloned()),
        consents: again(account.consents()),
        sign_in: again(account.sign_in()),
        purses: purses.collect(),
        keys: KeyIndex::from_pages(account.keys().pages().iter().map(|page| again(&**page)).collect()),
        waiting: again(&account.waiting().to_vec()),
        burns: Burns::from_pages(account.burns().pages().iter().map(|page| again(&**page)).collect()),
        orders: Pages::from_pages(account.orders().pages().iter().map(|page| again(&**page)).collect()),
        adjustments: Pages::from_pages(
            account.adjustments().pages().iter().map(|page| again(&**page)).collect(),
        ),
        forward: again(&account.forward().copied()),
        linked: again(&account.linked().to_vec()),
        stays: account.stays(),
        own_since: account.own_since(),
    };
    Account::from_parts(account.id(), parts)
}

/// What was said, as the model says it.
fn said(verdict: &Verdict) -> Said {
    match verdict {
        Verdict::Repeat(activity) => Said::Repeat(*activity as usize),
        Verdict::Decided(outcome) => decided(outcome),
        Verdict::Nothing => panic!("a command is decided"),
    }
}

fn decided(outcome: &Outcome) -> Said {
    match outcome {
        Outcome::Refused(rejection) => Said::Refused(rejection.code()),
        Outcome::Waiting(_) => Said::Waits,
        Outcome::Forwarded(_) => panic!("nothing is linked"),
        Outcome::Applied(applied) => {
            let burn = applied.events.iter().find_map(|event| match event {
                Event::RewardRedeemed(redemption)
                | Event::HoldCaptured { redemption, .. }
                | Event::RedemptionRefunded { redemption, .. } => Some(&redemption.allocations),
                Event::HoldCreated(hold) => Some(&hold.allocations),
                Event::PointsTaken(taking) => Some(&taking.allocations),
                Event::MemberEnrolled
                | Event::ConsentGiven { .. }
                | Event::ConsentWithdrawn { .. }
                | Event::PointsAccrued(_)
                | Event::NothingEarned { .. }
                | Event::LotActivated { .. }
                | Event::LotExpired { .. }
                | Event::HoldReleased { .. }
                | Event::OrderReturned(_)
                | Event::PointsClawedBack(_)
                | Event::DebtRepaid { .. }
                | Event::PointsExchanged(_)
                | Event::AdjustmentCreated { .. }
                | Event::AdjustmentApproved { .. }
                | Event::AdjustmentRejected { .. }
                | Event::AccountLinked { .. }
                | Event::HandedOver { .. }
                | Event::RecordsAdopted { .. }
                | Event::PointsAdopted { .. }
                | Event::PointsSuspended { .. }
                | Event::GrantReversed(_)
                | Event::LinksAccepted
                | Event::AccountUnlinked { .. }
                | Event::OrderKnown { .. }
                | Event::OrderLocated { .. } => None,
            });
            let slices = burn.into_iter().flatten();
            Said::Applied(
                slices.map(|slice| ((slice.lot.granted.seq, slice.lot.nth), slice.points.get())).collect(),
            )
        }
    }
}

fn check_balances(world: &World, model: &Model, now: Timestamp) {
    for (programme, _) in world.registry.programmes() {
        // Time alone changes a balance: what it will be is known beforehand.
        for days in [0, 2, 4, 10, 29, 50] {
            let then = now.plus(Span::from_days(days));
            let balance = world.account.balance(programme, then);
            let balance = (balance.available.get(), balance.pending.get());
            assert_eq!(balance, model.balance(programme.as_str(), then), "{programme} in {days} days");
            let held = world.account.balance(programme, then).held.get();
            let expected = if programme.as_str() == "mypoints" { model.held(then) } else { 0 };
            assert_eq!(held, expected, "held in {programme} in {days} days");
        }
        let books = |book| world.booked(programme, book);
        let partners = ["mypoints", "cdnow"].map(|partner| Book::Issued(super::script::read(partner)));
        let issued: i64 = partners.into_iter().map(books).sum();
        assert_eq!(-issued, model.issued(programme.as_str()), "issued in {programme}");
    }
}

/// Both decide again what waits and need not wait any longer.
fn settle(world: &mut World, model: &mut Model, now: Timestamp, commands: &mut [(Command, usize)]) {
    while let Some((command, outcome)) = world.settle(now) {
        assert_eq!(Some((command.clone(), decided(&outcome))), model.settle(now));
        let known = commands.iter_mut().find(|(known, _)| *known == command);
        known.expect("it was decided before").1 = world.journal.len() - 1;
    }
    assert_eq!(model.settle(now), None);
}

/// Has what is due journaled, until nothing is. The next instant is then the first of all that the lots say.
fn pass(world: &mut World, model: &mut Model, now: Timestamp) {
    let command = Command::TimePassed { account: world.account.id() };
    loop {
        let is_due = world.account.next_due().is_some_and(|due| due <= now);
        let decided = matches!(world.decide(&command, now), Verdict::Decided(Outcome::Applied(_)));
        assert_eq!(decided, is_due, "at {now}");
        if !decided {
            break;
        }
        model.note(&command);
    }
    let lots = world.account.purses().values().flat_map(|purse| purse.lots.iter());
    let dues = lots.flat_map(|lot| [lot.key.expires_at.0, lot.pending.then_some(lot.key.available_from)]);
    let holds = world.account.burns().iter().filter_map(|(_, burn)| burn.held_until());
    assert_eq!(world.account.next_due(), dues.flatten().chain(holds).min());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn decisions_are_those_of_the_model(steps in steps()) {
        let (mut world, mut model) = (World::new(PROGRAMMES), Model::default());
        // The whole run lies within these ages; forgetting has tests of its own.
        let age = Span::from_days(500);
        world.registry.evolve(&RegistryEvent::SettingsChanged(Settings { max_event_age: age, max_request_age: age }));
        let mut now = super::script::instant("1997-01-01");
        let mut commands: Vec<(Command, usize)> = Vec::new();
        for (hours, step) in steps {
            now = now.plus(Span::from_secs(hours * 3_600));
            let command = match step {
                Step::Say(line, ago) => {
                    let at = now.minus(Span::from_secs(ago * 3_600));
                    Line::new(&format!("{now} {line} at={at}")).command()
                }
                Step::Settle(what, nth, points) => {
                    let burns: Vec<_> = world.account.burns().iter().rev().take(nth + 1).collect();
                    let name = burns.last().map_or(BurnId(7), |(id, _)| **id);
                    let number = world.journal.len();
                    Line::new(&format!("{now} {what} {number} {name}{points}")).command()
                }
                Step::Repeat(which) if !commands.is_empty() => commands[which % commands.len()].0.clone(),
                Step::Repeat(_) => continue,
                Step::Reload => {
                    world.account = reload(&world.account);
                    continue;
                }
                Step::TimePasses => {
                    pass(&mut world, &mut model, now);
                    check_balances(&world, &model, now);
                    continue;
                }
            };
            settle(&mut world, &mut model, now, &mut commands);
            let expected = model.decide(&command, now);
            let verdict = world.decide(&command, now);
            prop_assert_eq!(said(&verdict), expected, "{:?}", command);
            if let Verdict::Decided(_) = verdict {
                commands.push((command, world.journal.len() - 1));
            }
            settle(&mut world, &mut model, now, &mut commands);
            check_balances(&world, &model, now);
        }
        for (command, activity) in &commands {
            prop_assert_eq!(said(&world.decide(command, now)), Said::Repeat(*activity));
        }
        let mut replayed = Account::new(world.account.id());
        for (decision, at) in &world.journal {
            replayed.evolve(decision, at);
        }
        prop_assert_eq!(replayed.activities() as usize, world.journal.len());
        prop_assert_eq!(reload(&replayed), reload(&world.account));
        prop_assert_eq!(replayed.changed(), world.journal.len() as u64);
    }
}
