//! What operators and members ask for besides rewards: adjustments, and words on consents.

use coalition_domain::adjustment::{Adjustment, AdjustmentReason, Entry, Note};
use coalition_domain::programme::Category;
use coalition_domain::{
    AccountId, AdjustmentChange, AdjustmentId, Command, PartnerId, Points, Purpose, Span, Timestamp,
};

use super::{Random, boss, member, partner, programme, request, root, till};

/// More than this many points need the word of a second operator.
pub(crate) const ADJUSTMENT_LIMIT: u64 = 300;

/// Points that are given or taken by hand, or a word on what was proposed.
pub(crate) fn adjust(
    random: &mut Random,
    account: AccountId,
    newest: &[AdjustmentId],
    now: Timestamp,
) -> Command {
    let caller = *random.pick(&[root(), root(), boss(), boss(), boss(), till(), member()]);
    let request = request(random, now);
    let change = if newest.is_empty() || random.happens(4_000) {
        AdjustmentChange::Create(adjustment(random, now))
    } else {
        // Now and then one that there is not.
        let last = newest.last().map_or(0, |id| id.0);
        let unknown = AdjustmentId(last + 1);
        let adjustment = if random.happens(300) { unknown } else { *random.pick(newest) };
        if random.happens(7_000) {
            AdjustmentChange::Approve { adjustment }
        } else {
            AdjustmentChange::Reject { adjustment }
        }
    };
    Command::Adjust { caller, request, account, change }
}

fn adjustment(random: &mut Random, now: Timestamp) -> Adjustment {
    let limit = i64::try_from(ADJUSTMENT_LIMIT).expect("a small number");
    let points = match random.below(20) {
        0 => 0,
        1 => limit,
        2 => limit + 1,
        3..8 => random.between(limit, 2 * limit),
        _ => random.between(1, limit),
    };
    let points = Points::new(points.cast_unsigned()).expect("few");
    let payer = |random: &mut Random| -> PartnerId {
        partner(random.pick::<&str>(&["shop", "shop", "bank", "mail", "air", "stray", "ghost"]))
    };
    let entry = if random.happens(4_000) {
        let owed_to = random.happens(5_000).then(|| payer(random));
        Entry::Take { owed_to }
    } else {
        let category = *random.pick(&[
            Category::Adjustment,
            Category::Adjustment,
            Category::Base,
            Category::Bonus,
            Category::Promotional,
            Category::Purchased,
        ]);
        let life = *random.pick(&[-1_000, 60_000, 3_600_000, 86_400_000]);
        let expires_at = random.happens(5_000).then(|| now.plus(Span::from_millis(life)));
        Entry::Grant { funder: payer(random), category, expires_at }
    };
    let reasons = [
        AdjustmentReason::Goodwill,
        AdjustmentReason::MissingEvent,
        AdjustmentReason::Correction,
        AdjustmentReason::Fraud,
    ];
    let note = random.happens(2_000).then(|| Note::new("as agreed").expect("a good note"));
    Adjustment { programme: programme(), points, entry, reason: *random.pick(&reasons), note }
}

/// A word on a consent by request; one that nobody may give so is among them.
pub(crate) fn consent(random: &mut Random, account: AccountId, now: Timestamp) -> Command {
    let mine = member();
    let caller = *random.pick(&[root(), root(), mine, till()]);
    // Mostly of the one account whose member has a key.
    let account = match caller.role {
        coalition_domain::Role::Member(own) if random.happens(9_000) => own,
        coalition_domain::Role::Member(_)
        | coalition_domain::Role::Operator
        | coalition_domain::Role::Partner(_) => account,
    };
    let sign_in = random.happens(500);
    let name = if sign_in { "sign-in" } else { "marketing" };
    let purpose = Purpose::new(name).expect("a good name");
    let (request, given) = (request(random, now), sign_in || random.happens(6_000));
    Command::Consent { caller, request, account, purpose, given }
}
