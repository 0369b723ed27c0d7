//! A decision in words. Identifiers of members stay out of them: accounts are told by their ids.

use coalition_domain::adjustment::{Adjustment, Entry};
use coalition_domain::decide::{RegistryChange, RegistryDecision};
use coalition_domain::event::{
    Applied, Clawback, Event, Exchange, ExchangeState, Hold, OrderReturn, Redemption, Release, Reversal, Wait,
};
use coalition_domain::handover::Piece;
use coalition_domain::{
    AccountId, AdjustmentChange, AdjustmentId, BurnId, Command, Decision, Outcome, Rejection, RewardChange,
    Role,
};
use coalition_ledger::body::Item;

use crate::client::text::points;

/// A decision, told.
pub(super) struct Told {
    /// What was asked: a kind of event, "enrol", "redeem", "hold", "capture", "release", "refund",
    /// "grant", "take", "approve", "reject", "link", "adopt", "registry" or "relayed".
    pub(super) kind: &'static str,
    /// Whose account it concerns.
    pub(super) account: Option<AccountId>,
    /// The partner's id of its event.
    pub(super) event_id: Option<String>,
    /// The caller's id of its request.
    pub(super) request_id: Option<String>,
    /// "applied", "refused", "waiting" or "forwarded".
    pub(super) state: &'static str,
    /// Why it was refused, or what it waits for, out of the closed list.
    pub(super) reason: Option<&'static str>,
    /// What it did to the points of the account.
    pub(super) points: i64,
    /// All of it, for a person.
    pub(super) text: String,
}

/// Tells what an item of a batch says.
pub(super) fn tell(item: &Item) -> Told {
    match item {
        Item::Account(decision, _) => account(decision),
        Item::Registry(decision) => registry(decision),
        Item::Relayed(run) => {
            let text = match run.commands.len() as u64 {
                0 | 1 => format!("from shard {}: command {}", run.source, run.first),
                count => {
                    format!("from shard {}: commands {} to {}", run.source, run.first, run.first + count - 1)
                }
            };
            Told::applied("relayed", text)
        }
        Item::Taken(source, upto) => Told::applied(
            "relayed",
            format!("from shard {source}: commands to accounts decided up to {upto}"),
        ),
        Item::Asked { asker, until, .. } => {
            Told::applied("relayed", format!("account {asker} waits for an order until {until}"))
        }
    }
}

impl Told {
    fn applied(kind: &'static str, text: String) -> Self {
        Self {
            kind,
            account: None,
            event_id: None,
            request_id: None,
            state: "applied",
            reason: None,
            points: 0,
            text,
        }
    }

    fn refused(mut self, why: &Rejection) -> Self {
        self.state = "refused";
        self.reason = Some(why.code());
        self.text.push_str(&format!(": refused: {why} ({})", why.code()));
        self
    }

    fn waiting(mut self, wait: &Wait) -> Self {
        let why = wait.waits_for.missed();
        self.state = "waiting";
        self.reason = Some(why.code());
        self.text.push_str(&format!(": waits until {}: {why} ({})", wait.until, why.code()));
        self
    }
}

fn account(decision: &Decision) -> Told {
    let command = &decision.command;
    let id = command.account();
    let (kind, asked) = match command {
        Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
            let about = event.body.reference().map(|about| format!(" of {about}")).unwrap_or_default();
            let kind = event.body.kind();
            (kind, format!("{kind}{about} at {}, event {}", event.partner, event.event_id))
        }
        Command::Enrol { caller, .. } => ("enrol", format!("enrol, asked by {}", who(caller.role))),
        Command::Redeem { caller, programme, reward, quantity, .. } => {
            let asked = format!("redeem {quantity} {reward} of {programme}, asked by {}", who(caller.role));
            ("redeem", asked)
        }
        Command::TimePassed { .. } => ("time_passed", "time passed".to_owned()),
        Command::Reward { caller, change, .. } => {
            let (kind, asked) = reward(change);
            (kind, format!("{asked}, asked by {}", who(caller.role)))
        }
        Command::Adjust { caller, change, .. } => {
            let (kind, asked) = adjustment(change);
            (kind, format!("{asked}, asked with key {}", caller.key))
        }
        Command::Link { caller, member, .. } => {
            ("link", format!("link to account {member}, asked by {}", who(caller.role)))
        }
        Command::Adopt(handover) => ("adopt", format!("handover of account {}", handover.from)),
        Command::Consent { caller, purpose, given, .. } => {
            let said = if *given { "gives" } else { "withdraws" };
            ("consent", format!("{said} the consent for {purpose}, asked by {}", who(caller.role)))
        }
        Command::Unlink { caller, .. } => ("unlink", format!("unlink, asked by {}", who(caller.role))),
        Command::AcceptLinks { caller, .. } => {
            ("accept-links", format!("stay for links, asked by {}", who(caller.role)))
        }
        Command::FindOrder { asker, .. } => ("find-order", format!("an order for account {asker}")),
        Command::LocateOrder { asker, .. } => ("locate-order", format!("an order for account {asker}")),
        Command::OrderLocated { at, .. } => ("order-located", format!("an order on account {at}")),
    };
    let mut told = Told::applied(kind, format!("account {id}: {asked}"));
    told.account = Some(id);
    told.event_id = command.event().map(|event| event.event_id.to_string());
    told.request_id = command.request().map(|(_, request)| request.to_string());
    match &decision.outcome {
        Outcome::Refused(why) => told.refused(why),
        Outcome::Waiting(wait) => told.waiting(wait),
        Outcome::Forwarded(to) => {
            told.state = "forwarded";
            told.text.push_str(&format!(": for account {to} to decide"));
            told
        }
        Outcome::Applied(applied) => {
            told.points = applied.events.iter().map(change).sum();
            told.text.push_str(": ");
            told.text.push_str(&outcome(applied));
            told
        }
    }
}

fn reward(change: &RewardChange) -> (&'static str, String) {
    match change {
        RewardChange::Hold { programme, reward, quantity, .. } => {
            ("hold", format!("hold points for {quantity} {reward} of {programme}"))
        }
        RewardChange::Capture { hold, points: Some(points) } => {
            ("capture", format!("capture {points} of hold {}", number(*hold)))
        }
        RewardChange::Capture { hold, points: None } => {
            ("capture", format!("capture hold {}", number(*hold)))
        }
        RewardChange::Release { hold } => ("release", format!("release hold {}", number(*hold))),
        RewardChange::Refund { redemption } => {
            ("refund", format!("refund redemption {}", number(*redemption)))
        }
    }
}

/// Without the note: who reads a journal need not know what operators write to each other.
fn adjustment(change: &AdjustmentChange) -> (&'static str, String) {
    let number = |adjustment: &AdjustmentId| u64::from(adjustment.0) + 1;
    match change {
        AdjustmentChange::Create(Adjustment { programme, points: of, entry, .. }) => match entry {
            Entry::Grant { funder, .. } => {
                ("grant", format!("give {} of {programme} at {funder}'s cost", points(of.signed())))
            }
            Entry::Take { .. } => ("take", format!("take {} of {programme}", points(of.signed()))),
        },
        AdjustmentChange::Approve { adjustment } => {
            ("approve", format!("approve adjustment {}", number(adjustment)))
        }
        AdjustmentChange::Reject { adjustment } => {
            ("reject", format!("reject adjustment {}", number(adjustment)))
        }
    }
}

/// A hold or redemption as the API numbers it, from 1.
fn number(burn: BurnId) -> u64 {
    u64::from(burn.0) + 1
}

fn outcome(applied: &Applied) -> String {
    let events: Vec<String> = applied.events.iter().map(event).collect();
    let events = if events.is_empty() { "nothing changed".to_owned() } else { events.join("; ") };
    match applied.version {
        Some(version) => format!("{events} ({} v{})", version.programme, version.number),
        None => events,
    }
}

fn event(event: &Event) -> String {
    match event {
        Event::MemberEnrolled => "enrolled".to_owned(),
        Event::ConsentGiven { purpose } => format!("consent to {purpose} given"),
        Event::ConsentWithdrawn { purpose } => format!("consent to {purpose} withdrawn"),
        Event::PointsAccrued(accrual) => {
            format!("{} by rule {}", points(accrual.points.signed()), accrual.rule)
        }
        Event::NothingEarned { rule: Some(rule), why } => {
            format!("nothing by rule {rule}: {}", why.explain())
        }
        Event::NothingEarned { rule: None, why } => format!("nothing: {}", why.explain()),
        Event::LotActivated { points: of, .. } => format!("{} can be spent now", points(of.signed())),
        Event::LotExpired { points: of, .. } => format!("{} lapsed", points(of.signed())),
        Event::RewardRedeemed(redemption) => {
            format!("{} burnt at {}", points(redemption.points.signed()), redemption.redeemer)
        }
        Event::HoldCreated(hold) => {
            format!("{} held for {} until {}", points(hold.points.signed()), hold.redeemer, hold.until)
        }
        Event::HoldCaptured { redemption, released, .. } => {
            let (burnt, back) = (points(redemption.points.signed()), points(released.signed()));
            format!("{burnt} burnt at {}, {back} given back", redemption.redeemer)
        }
        Event::HoldReleased { points: of, why: Release::Asked, .. } => {
            format!("{} given back", points(of.signed()))
        }
        Event::HoldReleased { points: of, why: Release::TimedOut, .. } => {
            format!("{} given back by time", points(of.signed()))
        }
        Event::RedemptionRefunded { redemption, .. } => {
            format!("{} of {} given back", points(redemption.points.signed()), redemption.redeemer)
        }
        Event::OrderReturned(OrderReturn { amount: Some(amount), .. }) => format!("{amount} returned"),
        Event::OrderReturned(OrderReturn { amount: None, .. }) => "closed".to_owned(),
        Event::PointsClawedBack(Clawback { rule, points: of, debt, .. }) => {
            let debt = match debt.signed() {
                0 => String::new(),
                debt => format!(", {} of them owed", points(debt)),
            };
            format!("{} of rule {rule} taken back{debt}", points(of.signed()))
        }
        Event::DebtRepaid { .. } => format!("{} of debt repaid", points(-change(event))),
        Event::PointsExchanged(Exchange { bought, state, .. }) => match state {
            ExchangeState::Promised => format!("for {bought}"),
            ExchangeState::Bought => format!("{bought} bought"),
            ExchangeState::Undone => format!("{bought} not bought after all"),
        },
        Event::AdjustmentCreated { until: None, .. } => "adjusted".to_owned(),
        Event::AdjustmentCreated { until: Some(until), .. } => format!("proposed until {until}"),
        Event::AdjustmentApproved { .. } => "approved".to_owned(),
        Event::AdjustmentRejected { .. } => "rejected".to_owned(),
        Event::PointsTaken(taking) => {
            let owed =
                taking.owed.as_ref().map(|debt| format!(", {} of them owed", points(debt.points.signed())));
            format!("{} taken{}", points(taking.points.signed()), owed.unwrap_or_default())
        }
        Event::AccountLinked { to } => format!("follows account {to}"),
        Event::HandedOver { piece, .. } => match piece {
            Piece::Identifier { .. } => "its identifier handed over".to_owned(),
            Piece::Orders { orders, .. } => format!("{} orders handed over", orders.len()),
            Piece::Points { .. } => format!("{} handed over", points(-change(event))),
            Piece::Claims { claims, .. } => format!("{} once-limits handed over", claims.len()),
            Piece::Unlinked => "which is told".to_owned(),
        },
        Event::RecordsAdopted { .. } => "taken in".to_owned(),
        Event::PointsAdopted { .. } => format!("{} taken in", points(change(event))),
        Event::PointsSuspended { points: of, .. } => format!("{} to suspense", points(*of)),
        Event::GrantReversed(Reversal { rule, .. }) => {
            format!("{} of rule {rule} taken back, granted before", points(-change(event)))
        }
        Event::LinksAccepted => "stays for good".to_owned(),
        Event::AccountUnlinked { from } => format!("no longer follows account {from}"),
        Event::OrderKnown { asker, .. } => format!("knows the order, account {asker} hears of it"),
        Event::OrderLocated { at, .. } => format!("account {at} knows the order"),
    }
}

/// What an event does to the points of its account, spendable or not.
fn change(event: &Event) -> i64 {
    match event {
        Event::PointsAccrued(accrual) => accrual.points.signed(),
        Event::LotExpired { points, .. }
        | Event::RewardRedeemed(Redemption { points, .. })
        | Event::HoldCreated(Hold { points, .. }) => -points.signed(),
        Event::HoldCaptured { released: points, .. }
        | Event::HoldReleased { points, .. }
        | Event::RedemptionRefunded { redemption: Redemption { points, .. }, .. } => points.signed(),
        Event::PointsClawedBack(clawback) => clawback.debt.signed() - clawback.points.signed(),
        Event::DebtRepaid { debts, .. } => -debts.iter().map(|debt| debt.points.signed()).sum::<i64>(),
        Event::PointsTaken(taking) => {
            taking.owed.as_ref().map_or(0, |debt| debt.points.signed()) - taking.points.signed()
        }
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::OrderReturned(_)
        | Event::PointsExchanged(_)
        | Event::AdjustmentCreated { .. }
        | Event::AdjustmentApproved { .. }
        | Event::AdjustmentRejected { .. }
        | Event::AccountLinked { .. }
        | Event::HandedOver {
            piece: Piece::Identifier { .. } | Piece::Orders { .. } | Piece::Claims { .. } | Piece::Unlinked,
            ..
        }
        | Event::RecordsAdopted { .. }
        | Event::LinksAccepted
        | Event::AccountUnlinked { .. }
        | Event::OrderKnown { .. }
        | Event::OrderLocated { .. }
        | Event::PointsSuspended { .. } => 0,
        Event::HandedOver { piece: Piece::Points { lots, debts, .. }, .. } => {
            let lots = lots.iter().map(|lot| lot.left.signed()).sum::<i64>();
            debts.iter().map(|debt| debt.points.signed()).sum::<i64>() - lots
        }
        Event::PointsAdopted { available, pending, debt, .. } => {
            available.signed() + pending.signed() - debt.signed()
        }
        Event::GrantReversed(reversal) => -reversal.allocation.points.signed(),
    }
}

fn registry(decision: &RegistryDecision) -> Told {
    let asked = match &decision.command.change {
        RegistryChange::SetUp { .. }
        | RegistryChange::SetUpWaiting { .. }
        | RegistryChange::SetUpWhole { .. } => "set the network up".to_owned(),
        RegistryChange::CreatePartner { id, .. } => format!("register partner {id}"),
        RegistryChange::UpdatePartner { id, .. } => format!("update partner {id}"),
        RegistryChange::SuspendPartner { id } => format!("suspend partner {id}"),
        RegistryChange::ResumePartner { id } => format!("resume partner {id}"),
        RegistryChange::CreateContract { partner, programme, from, .. } => {
            format!("agree on prices with {partner} in {programme} from {from}")
        }
        RegistryChange::CreateKey { id, role, .. } => format!("make key {id} for {}", who(*role)),
        RegistryChange::RevokeKey { id } => format!("revoke key {id}"),
        RegistryChange::PublishProgramme { .. } => "publish a programme version".to_owned(),
        RegistryChange::RegisterTokenKey { .. } => "sign tokens of members".to_owned(),
    };
    let mut told = Told::applied("registry", format!("registry: {asked}"));
    told.request_id = Some(decision.command.request.to_string());
    match &decision.outcome {
        Ok(_) => {
            told.text.push_str(": done");
            told
        }
        Err(why) => told.refused(why),
    }
}

fn who(role: Role) -> String {
    match role {
        Role::Operator => "the operator".to_owned(),
        Role::Partner(partner) => format!("partner {partner}"),
        Role::Member(id) => format!("member {id}"),
    }
}

#[cfg(test)]
mod tests {
    use coalition_domain::event::{Nothing, VersionId};
    use coalition_domain::{
        EventBody, Identifier, Money, PartnerEvent, PartnerId, ProgrammeId, Reference, RuleId, Scheme,
        Timestamp,
    };

    use super::*;

    fn purchase() -> Command {
        let cdnow = PartnerId::new("cdnow").unwrap();
        Command::PartnerEvent(PartnerEvent {
            partner: cdnow,
            event_id: Reference::new("e1").unwrap(),
            programme: None,
            identifier: Identifier::new(Scheme::CustomerNumber(cdnow), "secret-00001").unwrap(),
            event_time: Timestamp::from_millis(0),
            channel: None,
            revision: 0,
            body: EventBody::Purchase {
                order: Reference::new("o1").unwrap(),
                amount: Money { currency: "USD".parse().unwrap(), micros: 500_000 },
            },
        })
    }

    #[test]
    fn a_decision_is_told_without_the_identifier() {
        let programme = ProgrammeId::new("mypoints").unwrap();
        let nothing = Event::NothingEarned {
            rule: Some(RuleId::new("purchase").unwrap()),
            why: Nothing::AmountTooSmall,
        };
        let applied = Applied { version: Some(VersionId { programme, number: 1 }), events: vec![nothing] };
        let decision = Decision { command: purchase(), outcome: Outcome::Applied(applied) };
        let told = tell(&Item::Account(decision, None));
        let id = purchase().account();
        assert_eq!(
            told.text,
            format!(
                "account {id}: purchase of o1 at cdnow, event e1: nothing by rule purchase: the amount is below what earns a point (mypoints v1)"
            )
        );
        assert_eq!((told.kind, told.state, told.points), ("purchase", "applied", 0));
        assert!(!told.text.contains("secret"));
    }

    #[test]
    fn what_waits_is_told_with_what_for_and_how_long() {
        let waits_for = coalition_domain::WaitsFor::Consent("marketing".parse().unwrap());
        let wait = Wait { until: Timestamp::from_millis(86_400_000), waits_for };
        let decision = Decision { command: purchase(), outcome: Outcome::Waiting(wait) };
        let told = tell(&Item::Account(decision, None));
        assert_eq!((told.state, told.reason, told.points), ("waiting", Some("CONSENT_MISSING"), 0));
        let end = "waits until 1970-01-02T00:00:00Z: the member has given no consent for marketing (CONSENT_MISSING)";
        assert!(told.text.ends_with(end), "{}", told.text);
    }

    #[test]
    fn a_refusal_is_told_with_its_code() {
        let decision = Decision { command: purchase(), outcome: Outcome::Refused(Rejection::IdReused) };
        let told = tell(&Item::Account(decision, None));
        assert_eq!((told.state, told.reason), ("refused", Some("ID_REUSED")));
        assert!(
            told.text.ends_with("refused: this id was used before for something else (ID_REUSED)"),
            "{}",
            told.text
        );
    }
}
