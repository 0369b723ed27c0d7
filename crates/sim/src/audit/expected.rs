//! What a command should come to: the programme of the workload, in the auditor's own words.

use coalition_domain::event::Accrual;
use coalition_domain::lot::LotKey;
use coalition_domain::programme::Category;
use coalition_domain::{
    Bought, Command, EventBody, Fingerprint, Money, PartnerEvent, PartnerId, RequestId, RewardChange, Role,
    Span, Timestamp, UnitId,
};

use super::account::{Account, At};
use super::burn::lasts;
use super::lot::Lot;
use super::order::{Granted, taken_back};
use super::registry::Registry;
use super::same;
use super::sums::Sums;
use super::waiting::begins;

const DAY: Span = Span::from_days(1);

/// An accrual that a rule should bring.
pub(super) struct Grant {
    pub(super) rule: &'static str,
    pub(super) points: u64,
    pub(super) funder: PartnerId,
    pub(super) category: Category,
    pub(super) waits: Span,
    pub(super) expires: Option<Timestamp>,
    pub(super) claim: Option<Fingerprint>,
}

impl Account {
    /// What a partner's event should earn, or the code of its refusal.
    pub(super) fn earns(
        &self,
        event: &PartnerEvent,
        at: At,
        registry: &Registry,
    ) -> Result<Vec<Grant>, &'static str> {
        let default = registry.partner(&event.partner).ok_or("UNKNOWN_PARTNER")?;
        if begins(event) {
            registry.takes_part(&event.partner)?;
        }
        if taken_back(event).is_some() {
            return self.may_return(event, at, registry).map(|()| Vec::new());
        }
        event.programme.or(default).ok_or("NO_PROGRAMME")?;
        let rate = registry.version(event.event_time)?;
        let grant = |rule, points, category| Grant {
            rule,
            points,
            funder: event.partner,
            category,
            waits: Span::ZERO,
            expires: None,
            claim: None,
        };
        let grant = match &event.body {
            EventBody::SignUp { .. } => {
                Grant { claim: Some(once("sign-up", &[])), ..grant("sign-up", 150, Category::Base) }
            }
            EventBody::ConsentGiven { .. }
            | EventBody::ConsentWithdrawn { .. }
            | EventBody::Return { .. }
            | EventBody::AccountClosing { .. } => return Ok(Vec::new()),
            EventBody::Purchase { amount, .. } | EventBody::Basket { amount, .. } => {
                if amount.currency.code() != "USD" {
                    return Err("CURRENCY_NOT_ACCEPTED");
                }
                let points = amount.micros.cast_unsigned() * rate / 1_000_000;
                let web = event.channel.is_some().then(|| Grant {
                    funder: PartnerId::new("bank").expect("a good name"),
                    expires: Some(event.event_time.plus(DAY)),
                    ..grant("web", 30, Category::Bonus)
                });
                return self.given([Some(grant("purchase", points, Category::Base)), web], at, registry);
            }
            EventBody::EmailRead { message } => {
                if self.consent.is_none_or(|(given, _)| !given) {
                    return Err("CONSENT_MISSING");
                }
                let claim = Some(once("letter", &[event.partner.as_str(), message.as_str()]));
                Grant { claim, ..grant("letter", 10, Category::Base) }
            }
            EventBody::AccountOpening { .. } => {
                let claim = Some(once("opening", &[event.partner.as_str()]));
                let expires = Some(event.event_time.plus(DAY));
                Grant { claim, expires, ..grant("opening", 250, Category::Bonus) }
            }
            EventBody::Engagement { kind, .. } => match kind.as_str() {
                "review" => {
                    let expires = Some(event.event_time.plus(Span::from_days(2)));
                    Grant { expires, ..grant("review", 7, Category::Promotional) }
                }
                "survey" => {
                    let funder = PartnerId::new("bank").expect("a good name");
                    Grant { waits: DAY, funder, ..grant("survey", 20, Category::Base) }
                }
                _ => return Ok(Vec::new()),
            },
        };
        self.given([Some(grant), None], at, registry)
    }

    /// Of what the rules say, what comes of it.
    fn given(
        &self,
        grants: [Option<Grant>; 2],
        at: At,
        registry: &Registry,
    ) -> Result<Vec<Grant>, &'static str> {
        let mut given = Vec::new();
        for grant in grants.into_iter().flatten() {
            let claimed = grant.claim.as_ref().is_some_and(|claim| self.claims.contains(claim));
            // Points that are gone before anybody could spend them are not given, and nobody has to pay for them.
            let spendable = at.decided_at.as_millis() + grant.waits.as_millis();
            let lapsed = grant.expires.is_some_and(|last| last.as_millis() <= spendable);
            if !claimed && !lapsed && grant.points > 0 {
                registry.accrual(&grant.funder, at.decided_at).ok_or("NO_CONTRACT")?;
                given.push(grant);
            }
        }
        Ok(given)
    }

    /// Judges an accrual, and takes it in.
    pub(super) fn accrue(
        &mut self,
        command: &Command,
        accrual: &Accrual,
        grant: Grant,
        (at, nth): (At, u32),
        registry: &Registry,
        sums: &mut Sums,
    ) -> Result<Granted, String> {
        let event = command.event().ok_or("a request earns points")?;
        same("the rule", &accrual.rule.as_str(), &grant.rule)?;
        same("the points", &accrual.points.get(), &grant.points)?;
        same("issuer and funder", &(accrual.issuer, accrual.funder), &(event.partner, grant.funder))?;
        same("the category", &accrual.category, &grant.category)?;
        same("the expiry", &accrual.expires_at.0, &grant.expires)?;
        same("when it can be spent", &accrual.available_from, &at.decided_at.plus(grant.waits))?;
        same("whether it waits", &accrual.pending, &(grant.waits != Span::ZERO))?;
        let price = registry.accrual(&grant.funder, at.decided_at);
        same("the price", &Some(accrual.unit_price), &price)?;
        let sum = sums.issued.entry((event.partner, grant.funder, accrual.unit_price)).or_default();
        *sum = (sum.0 + accrual.points.signed(), sum.1 + 1);
        same("the once-limit", &accrual.claim, &grant.claim)?;
        self.claims.extend(grant.claim);
        let key = LotKey {
            expires_at: accrual.expires_at,
            category: accrual.category,
            available_from: accrual.available_from,
            granted: at.place,
            nth,
        };
        let (pending, issuer) = (accrual.pending, event.partner);
        let paid = (accrual.funder, accrual.unit_price);
        self.lots.push(Lot { key, left: grant.points, pending, issuer, paid });
        let version = registry.version(event.event_time)?;
        let Accrual { rule, funder, unit_price, .. } = *accrual;
        let (points, taken, lapsed) = (grant.points, 0, 0);
        Ok(Granted { lot: key, version, rule, issuer, funder, unit_price, points, taken, lapsed })
    }

    /// Whether a request may be granted, or the code of its refusal.
    pub(super) fn may(&self, command: &Command, at: At, registry: &Registry) -> Result<(), &'static str> {
        let (Command::Enrol { caller, request, .. }
        | Command::Redeem { caller, request, .. }
        | Command::Link { caller, request, .. }
        | Command::Consent { caller, request, .. }
        | Command::Unlink { caller, request, .. }
        | Command::AcceptLinks { caller, request, .. }
        | Command::Adjust { caller, request, .. }
        | Command::Reward { caller, request, .. }) = command
        else {
            return Ok(());
        };
        registry.check(caller)?;
        if says_more(command) {
            registry.begins(caller)?;
        }
        check_age(*request, at.decided_at)?;
        if self.forward.is_some() && has_points(command) {
            return Err("ACCOUNT_LINKED");
        }
        let (account, reward, quantity, ttl) = match command {
            Command::Redeem { account, reward, quantity, .. } => (account, reward, quantity, None),
            Command::Reward { account, change: RewardChange::Hold { reward, quantity, ttl, .. }, .. } => {
                (account, reward, quantity, Some(*ttl))
            }
            Command::Reward { change, .. } => return self.may_settle(caller.role, change, at, registry),
            Command::AcceptLinks { .. } => return self.may_stay(caller.role),
            Command::Unlink { identifier, member, .. } => {
                return self.may_leave(caller.role, identifier, *member);
            }
            Command::Adjust { caller, change, .. } => return self.may_adjust(caller, change, at, registry),
            Command::Consent { account, purpose, given, .. } => {
                return self.may_consent(caller.role, *account, purpose, *given);
            }
            Command::Enrol { .. }
            | Command::Link { .. }
            | Command::PartnerEvent(_)
            | Command::TimePassed { .. }
            | Command::Adopt(_)
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. }
            | Command::Forwarded { .. } => return self.may_belong(caller.role, command),
        };
        registry.version(at.decided_at)?;
        let (price, redeemer) = price(reward.as_str()).ok_or("UNKNOWN_REWARD")?;
        match caller.role {
            Role::Operator => {}
            Role::Partner(partner) if partner == redeemer => {}
            Role::Member(member) if member == *account => {}
            Role::Partner(_) | Role::Member(_) => return Err("PERMISSION_DENIED"),
        }
        registry.begins(caller)?;
        registry.takes_part(&redeemer)?;
        if !self.enrolled {
            return Err("NOT_ENROLLED");
        }
        if *quantity == 0 || *quantity > 1_000 {
            return Err("INVALID_ARGUMENT");
        }
        registry.redemption(&redeemer, at.decided_at).ok_or("NO_CONTRACT")?;
        self.is_within_limits(reward.as_str(), price * u64::from(*quantity), at)?;
        if self.balance(at.decided_at).0 < price * u64::from(*quantity) {
            return Err("POINTS_SHORT");
        }
        if ttl.is_some_and(|ttl| !lasts(ttl)) {
            return Err("INVALID_ARGUMENT");
        }
        Ok(())
    }
}

/// What a rule that grants once remembers: the programme, the rule, and what it grants once for.
fn once(rule: &str, of: &[&str]) -> Fingerprint {
    let feed = Fingerprint::of("once").field(1, b"miles").field(2, rule.as_bytes());
    (3..).zip(of).fold(feed, |feed, (number, part)| feed.field(number, part.as_bytes())).done()
}

/// What a reward costs, and at whom it is to be had.
pub(super) fn price(reward: &str) -> Option<(u64, PartnerId)> {
    let (price, redeemer) = match reward {
        "mug" => (60, "shop"),
        "pin" => (5, "shop"),
        "trip" => (700, "air"),
        "flight" => (40, "air"),
        "cash" => (20, "shop"),
        _ => return None,
    };
    Some((price, PartnerId::new(redeemer).expect("a good name")))
}

/// What so many of a reward buy, if it is no thing.
pub(super) fn buys(reward: &str, times: u64) -> Option<Bought> {
    match reward {
        "flight" => {
            let unit = UnitId::new("sky").expect("a good name");
            Some(Bought::Units { unit, count: 500 * times })
        }
        "cash" => {
            let micros = 100_000 * times.cast_signed();
            Some(Bought::Money(Money { currency: "USD".parse().expect("a currency"), micros }))
        }
        _ => None,
    }
}

/// Whether the request begins something, which a suspended partner's key can't ask for.
fn says_more(command: &Command) -> bool {
    matches!(
        command,
        Command::Enrol { .. }
            | Command::Link { .. }
            | Command::AcceptLinks { .. }
            | Command::Consent { given: true, .. }
    )
}

/// Whether the request is about what a member has, which is not here once the account follows another one.
fn has_points(command: &Command) -> bool {
    matches!(
        command,
        Command::Redeem { .. } | Command::Reward { .. } | Command::Adjust { .. } | Command::Consent { .. }
    )
}

/// Whether a request is of the time in which it is decided, or the code of the refusal.
pub(super) fn check_age(request: RequestId, decided_at: Timestamp) -> Result<(), &'static str> {
    if request.issued() > decided_at.plus(Span::from_secs(300)) {
        Err("REQUEST_IN_FUTURE")
    } else if request.issued() < decided_at.minus(Span::from_days(30)) {
        Err("REQUEST_TOO_OLD")
    } else {
        Ok(())
    }
}
