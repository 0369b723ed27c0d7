//! What became of an event or a command, in words and as JSON.

use coalition_proto::r#type::v1::{
    ErrorReason, EventState, LotCategory, LotGrant, Refusal, RuleOutcome, RuleVerdict,
};
use serde_json::{Value, json};

use super::json;
use super::names::short;
use super::text::points;

/// A state as JSON has it and sentences begin with it.
pub(crate) fn state(state: EventState) -> &'static str {
    match state {
        EventState::Unspecified => "unknown",
        EventState::Received => "received",
        EventState::Waiting => "waiting",
        EventState::Applied => "applied",
        EventState::Refused => "refused",
    }
}

/// Everything about an outcome in one line: `applied, 11 points: rule purchase: 11 points`, or why there are none.
pub(crate) fn sentence(
    of: EventState,
    total: i64,
    outcomes: &[RuleOutcome],
    refusal: Option<&Refusal>,
) -> String {
    let why = refusal.map(refused).unwrap_or_default();
    match of {
        EventState::Applied if outcomes.is_empty() => format!("applied, {}", points(total)),
        EventState::Applied => format!("applied, {}: {}", points(total), rules(outcomes)),
        EventState::Received => "received, not decided yet".to_owned(),
        EventState::Waiting | EventState::Refused | EventState::Unspecified if why.is_empty() => {
            state(of).to_owned()
        }
        EventState::Waiting => format!("waiting: {why}"),
        EventState::Refused => format!("refused: {why}"),
        EventState::Unspecified => format!("unknown: {why}"),
    }
}

/// Rule by rule, what each gave or why it gave nothing.
pub(crate) fn rules(outcomes: &[RuleOutcome]) -> String {
    let one = |outcome: &RuleOutcome| {
        let what = match outcome.verdict() {
            RuleVerdict::Granted => points(outcome.points),
            RuleVerdict::TakenBack => points(-outcome.points),
            RuleVerdict::Unspecified
            | RuleVerdict::NoRule
            | RuleVerdict::GrantedBefore
            | RuleVerdict::OtherChannel
            | RuleVerdict::OutsideWindow
            | RuleVerdict::OtherCurrency
            | RuleVerdict::AmountTooSmall
            | RuleVerdict::ConsentMissing
            | RuleVerdict::NoReference
            | RuleVerdict::LapsedAlready
            | RuleVerdict::KeptOnClosing
            | RuleVerdict::OpenLongEnough => outcome.message.clone(),
        };
        if outcome.rule.is_empty() { what } else { format!("rule {}: {what}", outcome.rule) }
    };
    outcomes.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Why not, with the reason's name.
pub(crate) fn refused(refusal: &Refusal) -> String {
    // Many messages begin with it.
    let told = refusal.field.is_empty() || refusal.message.starts_with(&refusal.field);
    let field = if told { String::new() } else { format!("{}: ", refusal.field) };
    format!("{field}{} ({})", refusal.message, refusal.reason().reason())
}

/// A refusal; none is null.
pub(crate) fn refusal_json(refusal: Option<&Refusal>) -> Value {
    refusal.map_or(Value::Null, |refusal| {
        json!({
            "reason": ErrorReason::reason(refusal.reason()),
            "message": refusal.message,
            "field": json::name(&refusal.field),
        })
    })
}

/// What the rules said.
pub(crate) fn rules_json(outcomes: &[RuleOutcome]) -> Value {
    let one = |outcome: &RuleOutcome| {
        let verdict = outcome.verdict().as_str_name();
        json!({
            "rule": json::name(&outcome.rule),
            "verdict": verdict.strip_prefix("RULE_VERDICT_").unwrap_or(verdict).to_lowercase(),
            "points": outcome.points,
            "message": outcome.message,
        })
    };
    outcomes.iter().map(one).collect()
}

/// The lots that came of it.
pub(crate) fn grants_json(grants: &[LotGrant]) -> Value {
    let category = |category| match category {
        LotCategory::Unspecified => Value::Null,
        LotCategory::Base => "base".into(),
        LotCategory::Bonus => "bonus".into(),
        LotCategory::Promotional => "promotional".into(),
        LotCategory::Purchased => "purchased".into(),
        LotCategory::Adjustment => "adjustment".into(),
    };
    let one = |grant: &LotGrant| {
        json!({
            "rule": grant.rule,
            "programme": grant.programme,
            "programme_version": grant.programme_version,
            "points": grant.points,
            "category": category(grant.category()),
            "issuer": grant.issuer,
            "funder": json::name(&grant.funder),
            "available_time": json::time(grant.available_time.as_ref()),
            "expire_time": json::time(grant.expire_time.as_ref()),
        })
    };
    grants.iter().map(one).collect()
}

/// `mypoints v1`; nothing where no version decided.
pub(crate) fn version(programme: &str, number: u32) -> String {
    match (short(programme), number) {
        (programme, 0) => programme.to_owned(),
        (programme, number) => format!("{programme} v{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(rule: &str, verdict: RuleVerdict, points: i64, message: &str) -> RuleOutcome {
        RuleOutcome { rule: rule.to_owned(), verdict: verdict.into(), points, message: message.to_owned() }
    }

    #[test]
    fn a_sentence_says_why() {
        let small = "the amount is below what earns a point";
        let nothing = [outcome("purchase", RuleVerdict::AmountTooSmall, 0, small)];
        assert_eq!(
            sentence(EventState::Applied, 0, &nothing, None),
            "applied, 0 points: rule purchase: the amount is below what earns a point"
        );
        let both =
            [outcome("base", RuleVerdict::Granted, 1, ""), outcome("web", RuleVerdict::Granted, 2, "")];
        assert_eq!(
            sentence(EventState::Applied, 3, &both, None),
            "applied, 3 points: rule base: 1 point; rule web: 2 points"
        );
        let none = [outcome("", RuleVerdict::NoRule, 0, "no rule looks at it")];
        assert_eq!(sentence(EventState::Applied, 0, &none, None), "applied, 0 points: no rule looks at it");
        let refusal = Refusal {
            reason: ErrorReason::EventTooOld.into(),
            message: "the event is too old".to_owned(),
            field: String::new(),
        };
        assert_eq!(
            sentence(EventState::Refused, 0, &[], Some(&refusal)),
            "refused: the event is too old (EVENT_TOO_OLD)"
        );
        assert_eq!(sentence(EventState::Waiting, 0, &[], None), "waiting");
    }

    #[test]
    fn a_refusal_names_its_field_once() {
        let told = |field: &str, message: &str| {
            let reason = ErrorReason::FieldMissing.into();
            refused(&Refusal { reason, message: message.to_owned(), field: field.to_owned() })
        };
        assert_eq!(told("event_id", "event_id is required"), "event_id is required (FIELD_MISSING)");
        assert_eq!(told("body", "the event says nothing"), "body: the event says nothing (FIELD_MISSING)");
        assert_eq!(told("", "not there"), "not there (FIELD_MISSING)");
    }
}
