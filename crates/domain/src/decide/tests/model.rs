//! What the programmes of the random test mean, said again as plainly as possible.

use crate::adjustment::{Adjustment, Entry};
use crate::{AdjustmentChange, Command, EventBody, PartnerEvent, Points, RewardChange, Span, Timestamp};

/// The first number is the decision that granted a lot, the second which of its lots it was.
type Name = (u64, u32);

/// What becomes of a command.
#[derive(PartialEq, Debug)]
pub(super) enum Said {
    /// What the decision of this number said.
    Repeat(usize),
    /// Refused with this code.
    Refused(&'static str),
    /// It came too early.
    Waits,
    /// Done; what was burnt of which lots.
    Applied(Vec<(Name, u64)>),
}

struct Lot {
    name: Name,
    programme: &'static str,
    granted: u64,
    left: u64,
    rank: u8,
    from: Timestamp,
    until: Timestamp,
}

/// One member of the network.
#[derive(Default)]
pub(super) struct Model {
    /// Each with whether it took effect or waited.
    decided: Vec<(Command, bool)>,
    /// Each with when its time is over.
    waiting: Vec<(Command, Timestamp)>,
    enrolled: bool,
    joined: bool,
    permits: Option<(bool, Timestamp)>,
    read: Vec<String>,
    lots: Vec<Lot>,
    burns: Vec<Burn>,
}

/// A hold or redemption, named by the number of its decision.
struct Burn {
    number: u32,
    /// When a hold times out.
    until: Option<Timestamp>,
    /// It was captured, released, timed out or refunded: the code for whoever comes after.
    over: Option<&'static str>,
    slices: Vec<(Name, u64)>,
}

impl Model {
    /// What can be spent at an instant, and what can be spent later.
    pub(super) fn balance(&self, programme: &str, at: Timestamp) -> (u64, u64) {
        let live = self.lots.iter().filter(|lot| lot.programme == programme && at < lot.until);
        let (now, later): (Vec<&Lot>, Vec<_>) = live.partition(|lot| lot.from <= at);
        let sum = |lots: Vec<&Lot>| lots.iter().map(|lot| lot.left).sum::<u64>();
        let of = |programme: &str| if programme == "mypoints" { self.burns.as_slice() } else { &[] };
        let over = of(programme).iter().filter(|burn| burn.until.is_some_and(|until| until <= at));
        let slices = over.filter(|burn| burn.over.is_none()).flat_map(|burn| &burn.slices);
        let live = slices.filter(|(name, _)| at < self.lots[self.lot(*name)].until);
        (sum(now) + live.map(|(_, points)| points).sum::<u64>(), sum(later))
    }

    /// What is held at an instant.
    pub(super) fn held(&self, at: Timestamp) -> u64 {
        let open =
            self.burns.iter().filter(|burn| burn.over.is_none() && burn.until.is_some_and(|it| at < it));
        open.flat_map(|burn| &burn.slices).map(|(_, points)| points).sum()
    }

    fn lot(&self, name: Name) -> usize {
        self.lots.iter().position(|lot| lot.name == name).expect("no lot is forgotten")
    }

    /// All points that were ever granted.
    pub(super) fn issued(&self, programme: &str) -> i64 {
        let lots = self.lots.iter().filter(|lot| lot.programme == programme);
        lots.map(|lot| lot.granted as i64).sum()
    }

    pub(super) fn decide(&mut self, command: &Command, now: Timestamp) -> Said {
        let of_id = |(known, _): &&(Command, bool)| known.key() == command.key();
        if let Some(last) = self.decided.iter().rposition(|(known, _)| known == command) {
            return Said::Repeat(last);
        }
        let is_request = !matches!(command, Command::PartnerEvent(_));
        let used = self.decided.iter().filter(of_id).any(|(_, applied)| *applied || is_request)
            || self.waiting.iter().any(|(known, _)| known.key() == command.key());
        let said = match command {
            _ if used => Said::Refused("ID_REUSED"),
            Command::PartnerEvent(event) => {
                let said = self.event(event, now);
                if said == Said::Refused("CONSENT_MISSING") && self.waiting.len() < 16 {
                    self.waiting.push((command.clone(), now.plus(Span::from_secs(86_400))));
                    Said::Waits
                } else {
                    said
                }
            }
            Command::Enrol { .. } if self.enrolled => Said::Refused("ALREADY_ENROLLED"),
            Command::Enrol { .. } => {
                self.enrolled = true;
                Said::Applied(vec![])
            }
            Command::Redeem { quantity, .. } => self.take(u64::from(*quantity) * 20, None, now),
            Command::Reward { change, .. } => self.reward(change, now),
            Command::Adjust { change, .. } => self.adjust(change, now),
            Command::TimePassed { .. } => panic!("a balance knows the time by itself"),
            Command::Link { .. }
            | Command::Consent { .. }
            | Command::Unlink { .. }
            | Command::AcceptLinks { .. }
            | Command::Adopt(_)
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. }
            | Command::Forwarded { .. } => {
                panic!("links are between two accounts")
            }
        };
        self.decided.push((command.clone(), matches!(said, Said::Applied(_))));
        said
    }

    /// Notes a decision that changes nothing of what is known here.
    pub(super) fn note(&mut self, command: &Command) {
        self.decided.push((command.clone(), true));
    }

    /// Decides the first event that need not wait any longer.
    pub(super) fn settle(&mut self, now: Timestamp) -> Option<(Command, Said)> {
        let permits = self.permits.is_some_and(|(given, _)| given);
        let first = self.waiting.iter().position(|(_, until)| permits || *until <= now)?;
        let (command, _) = self.waiting.remove(first);
        let Command::PartnerEvent(event) = &command else { panic!("only events wait") };
        let said = self.event(event, now);
        self.decided.push((command.clone(), matches!(said, Said::Applied(_))));
        Some((command, said))
    }

    /// Points of holds that are over at an instant are back in their lots.
    fn time_out(&mut self, now: Timestamp) {
        for nth in 0..self.burns.len() {
            if self.burns[nth].over.is_none() && self.burns[nth].until.is_some_and(|until| until <= now) {
                self.give_back(nth, 0, "HOLD_EXPIRED");
            }
        }
    }

    /// All but the first `kept` points go back; the slices of those that don't.
    fn give_back(&mut self, nth: usize, mut kept: u64, over: &'static str) -> Vec<(Name, u64)> {
        self.burns[nth].over = Some(over);
        let mut stay = Vec::new();
        for (name, points) in self.burns[nth].slices.clone() {
            let of_it = points.min(kept);
            kept -= of_it;
            if of_it > 0 {
                stay.push((name, of_it));
            }
            let lot = self.lot(name);
            self.lots[lot].left += points - of_it;
        }
        stay
    }

    fn reward(&mut self, change: &RewardChange, now: Timestamp) -> Said {
        self.time_out(now);
        let (id, is_hold) = match change {
            RewardChange::Hold { quantity, ttl, .. } => {
                return self.take(u64::from(*quantity) * 20, Some(now.plus(*ttl)), now);
            }
            RewardChange::Capture { hold, .. } | RewardChange::Release { hold } => (hold, true),
            RewardChange::Refund { redemption } => (redemption, false),
        };
        let number = self.decided.len() as u32;
        let nth = self.burns.iter().position(|burn| burn.number == id.0 && burn.until.is_some() == is_hold);
        let Some(nth) = nth else {
            return Said::Refused(if is_hold { "UNKNOWN_HOLD" } else { "UNKNOWN_REDEMPTION" });
        };
        if let Some(over) = self.burns[nth].over {
            return Said::Refused(over);
        }
        let slices = self.burns[nth].slices.clone();
        let held: u64 = slices.iter().map(|(_, points)| points).sum();
        match change {
            RewardChange::Capture { points, .. } => {
                let wanted = points.map_or(held, Points::get);
                if wanted == 0 {
                    return Said::Refused("INVALID_ARGUMENT");
                } else if wanted > held {
                    return Said::Refused("CAPTURE_TOO_LARGE");
                }
                let slices = self.give_back(nth, wanted, "HOLD_NOT_OPEN");
                self.burns.push(Burn { number, until: None, over: None, slices: slices.clone() });
                Said::Applied(slices)
            }
            RewardChange::Refund { .. } => {
                self.give_back(nth, 0, "REDEMPTION_REFUNDED");
                Said::Applied(slices)
            }
            RewardChange::Hold { .. } | RewardChange::Release { .. } => {
                self.give_back(nth, 0, "HOLD_NOT_OPEN");
                Said::Applied(vec![])
            }
        }
    }

    /// Gives points to spend, or takes some.
    fn adjust(&mut self, change: &AdjustmentChange, now: Timestamp) -> Said {
        let AdjustmentChange::Create(Adjustment { points, entry, .. }) = change else {
            panic!("nothing needs a second word here");
        };
        let Entry::Grant { .. } = entry else { return self.spend(points.get(), now) };
        if !self.enrolled {
            return Said::Refused("NOT_ENROLLED");
        } else if points.is_zero() {
            return Said::Refused("INVALID_ARGUMENT");
        }
        let (name, points) = ((self.decided.len() as u64 + 1, 0), points.get());
        let (from, until) = (now, Timestamp::MAX);
        let (programme, granted, left) = ("mypoints", points, points);
        self.lots.push(Lot { name, programme, granted, left, rank: 3, from, until });
        Said::Applied(vec![])
    }

    /// Burns points, or holds them until an instant.
    fn take(&mut self, points: u64, until: Option<Timestamp>, now: Timestamp) -> Said {
        let said = self.spend(points, now);
        if let Said::Applied(slices) = &said {
            let number = self.decided.len() as u32;
            self.burns.push(Burn { number, until, over: None, slices: slices.clone() });
        }
        said
    }

    fn spend(&mut self, mut points: u64, now: Timestamp) -> Said {
        self.time_out(now);
        if !self.enrolled {
            return Said::Refused("NOT_ENROLLED");
        } else if points == 0 {
            return Said::Refused("INVALID_ARGUMENT");
        } else if self.balance("mypoints", now).0 < points {
            return Said::Refused("POINTS_SHORT");
        }
        self.lots.sort_by_key(|lot| (lot.until, lot.rank, lot.from, lot.name));
        let mut burnt = Vec::new();
        for lot in self.lots.iter_mut().filter(|lot| lot.programme == "mypoints") {
            let taken = if lot.from <= now && now < lot.until { lot.left.min(points) } else { 0 };
            if taken > 0 {
                lot.left -= taken;
                points -= taken;
                burnt.push((lot.name, taken));
            }
        }
        Said::Applied(burnt)
    }

    fn event(&mut self, event: &PartnerEvent, now: Timestamp) -> Said {
        let says = |given| Some((given, event.event_time));
        let newest = self.permits.is_none_or(|(_, since)| since <= event.event_time);
        let mut nth = 0;
        let days = |days| now.plus(Span::from_days(days));
        let name = self.decided.len() as u64 + 1;
        let mut grant = |programme, points, rank, from, until| {
            if points > 0 && from < until {
                let left = points;
                self.lots.push(Lot {
                    name: (name, nth),
                    programme,
                    granted: points,
                    left,
                    rank,
                    from,
                    until,
                });
                nth += 1;
            }
        };
        match &event.body {
            EventBody::SignUp { consents } => {
                if !self.joined {
                    grant("mypoints", 15, 2, now, Timestamp::MAX);
                }
                (self.joined, self.enrolled) = (true, true);
                if newest && !consents.is_empty() {
                    self.permits = says(true);
                }
            }
            EventBody::ConsentGiven { .. } if newest => self.permits = says(true),
            EventBody::ConsentWithdrawn { .. } if newest => self.permits = says(false),
            EventBody::Purchase { amount, .. } => {
                let dollars = u64::try_from(amount.micros / 1_000_000).unwrap();
                if amount.currency.code() != "USD" {
                    return Said::Refused("CURRENCY_NOT_ACCEPTED");
                } else if event.programme.is_some() {
                    grant("other", dollars, 2, now, Timestamp::MAX);
                } else {
                    let until = event.event_time.plus(Span::from_days(30));
                    grant("mypoints", dollars, 2, days(3), until);
                    grant("mypoints", if event.channel.is_some() { 7 } else { 0 }, 1, now, until);
                }
            }
            EventBody::EmailRead { message } => {
                if self.permits.is_none_or(|(given, _)| !given) {
                    return Said::Refused("CONSENT_MISSING");
                }
                if !self.read.contains(&message.to_string()) {
                    grant("mypoints", 10, 0, days(5), Timestamp::MAX);
                    self.read.push(message.to_string());
                }
            }
            EventBody::ConsentGiven { .. }
            | EventBody::ConsentWithdrawn { .. }
            | EventBody::AccountOpening { .. }
            | EventBody::Engagement { .. }
            | EventBody::Basket { .. }
            | EventBody::Return { .. }
            | EventBody::AccountClosing { .. } => {}
        }
        Said::Applied(vec![])
    }
}
