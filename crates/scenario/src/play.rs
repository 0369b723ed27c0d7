//! A case, played: each step happens in a network, and what comes of it is held against what has to come of it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use coalition_domain::{Identifier, Money, PartnerId, Points, ProgrammeId, RuleId, Timestamp};

use crate::document::{BEGINNING, Case, Step, Then};

/// What came of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Became {
    /// It took effect.
    Applied {
        /// The points that rules granted.
        points: BTreeMap<RuleId, Points>,
        /// What its points buy, or had bought.
        bought: Option<String>,
    },
    /// It was refused.
    Refused {
        /// With which code.
        code: String,
        /// What was said.
        says: String,
    },
    /// It waits for what has to come first.
    Waits,
}

/// What a member has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Balance {
    /// Can be spent.
    pub available: Points,
    /// Can be spent later.
    pub pending: Points,
    /// Held for rewards.
    pub held: Points,
    /// Owed, and repaid by what comes next.
    pub debt: Points,
    /// What the next reward takes beyond those available; 0: there is none.
    pub to_next_reward: i64,
}

/// What a partner's statement says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// Points that it funded, also those that were clawed back.
    pub issued: i64,
    /// Points that it was given back.
    pub clawed_back: i64,
    /// Points that were burnt at it.
    pub redeemed: i64,
    /// What it owes, by currency; below zero: is owed.
    pub net: Vec<Money>,
}

/// Where a case can happen.
pub trait Network {
    /// What may go wrong apart from what is played.
    type Error;

    /// Has a step happen at `at`.
    ///
    /// # Errors
    /// It can't be told what came of it.
    fn tell(&mut self, step: &Step, at: Timestamp) -> Result<Became, Self::Error>;

    /// What somebody has now.
    ///
    /// # Errors
    /// It can't be told.
    fn balance(&mut self, of: &Identifier, programme: &ProgrammeId) -> Result<Balance, Self::Error>;

    /// What somebody can see of what has happened to them, newest first; empty: nobody has enrolled.
    ///
    /// # Errors
    /// It can't be told.
    fn history(&mut self, of: &Identifier) -> Result<Vec<String>, Self::Error>;

    /// A partner's statement.
    ///
    /// # Errors
    /// It can't be told.
    fn statement(&mut self, of: &PartnerId, programme: &ProgrammeId) -> Result<Statement, Self::Error>;

    /// Points of `issuer` burnt at `redeemer`.
    ///
    /// # Errors
    /// It can't be told.
    fn burnt(
        &mut self,
        programme: &ProgrammeId,
        issuer: &PartnerId,
        redeemer: &PartnerId,
    ) -> Result<i64, Self::Error>;
}

/// Where a case came to something else than it has to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Where, such as "when, step 2".
    pub place: String,
    /// What has to come of it.
    pub expected: String,
    /// What came of it.
    pub found: String,
}

/// Has a case happen in a network in which nothing has happened yet. Where it differs; nowhere: it holds.
///
/// # Errors
/// The network's own.
pub fn play<N: Network>(case: &Case, network: &mut N) -> Result<Vec<Difference>, N::Error> {
    let mut differences = Vec::new();
    let mut now = None;
    for (list, steps) in [("given", &case.given), ("when", &case.when)] {
        for (number, step) in (1..).zip(steps) {
            let next = now.map_or(BEGINNING, |now: Timestamp| now.plus(coalition_domain::Span::from_secs(1)));
            let at = step.at.unwrap_or(next);
            now = Some(at);
            let became = network.tell(step, at)?;
            let place = format!("{list}, step {number}");
            differences.extend(difference(step, &became).map(|expected| Difference {
                place,
                expected,
                found: told(&became),
            }));
        }
    }
    hold(&case.then, network, &mut differences)?;
    Ok(differences)
}

/// What should have come of a step instead.
fn difference(step: &Step, became: &Became) -> Option<String> {
    let refused = step.refused.as_ref();
    let as_expected = match became {
        Became::Applied { points, bought } => {
            let as_said = step.gives.as_ref().is_none_or(|gives| gives == points)
                && step.bought.as_ref().is_none_or(|said| Some(said) == bought.as_ref());
            refused.is_none() && !step.waits && as_said
        }
        Became::Refused { code, says } => {
            refused == Some(code) && step.says.as_ref().is_none_or(|part| says.contains(part))
        }
        Became::Waits => step.waits,
    };
    if as_expected {
        return None;
    }
    Some(match (refused, step.waits, &step.gives, &step.bought) {
        (Some(code), ..) => {
            format!("refused {code}{}", step.says.as_ref().map_or(String::new(), |says| format!(": {says}")))
        }
        (None, true, ..) => told(&Became::Waits),
        (None, false, None, None) => "applied".to_owned(),
        (None, false, gives, bought) => {
            told(&Became::Applied { points: gives.clone().unwrap_or_default(), bought: bought.clone() })
        }
    })
}

fn told(became: &Became) -> String {
    match became {
        Became::Applied { bought: Some(bought), .. } => format!("applied, for {bought}"),
        Became::Applied { points, .. } if points.is_empty() => "applied, no points".to_owned(),
        Became::Applied { points, .. } => {
            let points: Vec<_> = points.iter().map(|(rule, points)| format!("{points} by {rule}")).collect();
            format!("applied, {}", points.join(", "))
        }
        Became::Refused { code, says } => format!("refused {code}: {says}"),
        Became::Waits => "waits".to_owned(),
    }
}

fn hold<N: Network>(then: &Then, network: &mut N, differences: &mut Vec<Difference>) -> Result<(), N::Error> {
    let mut check = |what: String, expected: Option<String>, found: String| {
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            differences.push(Difference { place: format!("then, {what}"), expected, found });
        }
    };
    for balance in &then.balances {
        let of =
            balance.who.identifier(balance.partner).expect("a document's names are checked as it is read");
        let found = network.balance(&of, &balance.programme)?;
        let what = |amount| format!("{amount} {} of {}", balance.programme, balance.who);
        check(what("available"), text(balance.available), found.available.to_string());
        check(what("pending"), text(balance.pending), found.pending.to_string());
        check(what("held"), text(balance.held), found.held.to_string());
        check(what("debt"), text(balance.debt), found.debt.to_string());
        check(what("missing for a reward"), text(balance.to_next_reward), found.to_next_reward.to_string());
    }
    for history in &then.histories {
        let of =
            history.who.identifier(history.partner).expect("a document's names are checked as it is read");
        let found = network.history(&of)?;
        let what = format!("history of {}", history.who);
        check(what, Some(history.entries.join(", ")), found.join(", "));
    }
    for statement in &then.statements {
        let found = network.statement(&statement.partner, &statement.programme)?;
        let what = |amount| format!("{amount} of {}", statement.partner);
        check(what("points issued"), text(statement.issued), found.issued.to_string());
        check(what("points clawed back"), text(statement.clawed_back), found.clawed_back.to_string());
        check(what("points redeemed"), text(statement.redeemed), found.redeemed.to_string());
        let net: Vec<_> = found.net.iter().map(ToString::to_string).collect();
        check(what("net"), text(statement.net), net.join(" and "));
    }
    for burnt in &then.burnt {
        let found = network.burnt(&burnt.programme, &burnt.issuer, &burnt.redeemer)?;
        let what = format!("points of {} burnt at {}", burnt.issuer, burnt.redeemer);
        check(what, Some(burnt.points.to_string()), found.to_string());
    }
    Ok(())
}

fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}
