//! Lots.

use coalition_domain::event::{Accrual, Applied, Event};
use coalition_domain::lot::Lot;
use coalition_domain::programme::Category;
use coalition_domain::{Outcome, Points};
use coalition_intake::convert::timestamp_to_proto;
use coalition_journal::entry::{Seq, ShardId};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::Position;
use coalition_proto::account::v1 as account;
use coalition_proto::r#type::v1 as proto;

use super::{name, position};
use crate::status::Failure;

/// The grants of a decision, in order.
pub(crate) fn grants(applied: &Applied) -> Vec<proto::LotGrant> {
    accruals(applied).map(|accrual| grant(accrual, applied)).collect()
}

/// The points of all grants of a decision.
pub(crate) fn granted(applied: &Applied) -> i64 {
    accruals(applied).map(|accrual| accrual.points.signed()).sum()
}

/// A lot as it stands, with what is held of it; `None` if `activity` is not the one that granted it.
pub(crate) fn to_proto(lot: &Lot, held: Points, activity: &Activity, shard: ShardId) -> Option<account::Lot> {
    let Outcome::Applied(applied) = &activity.decision.outcome else { return None };
    let (_, nth) = lot.key.origin();
    let accrual = accruals(applied).nth(usize::try_from(nth).ok()?)?;
    Some(account::Lot {
        grant: Some(grant(accrual, applied)),
        points_left: lot.left.signed() + held.signed(),
        points_held: held.signed(),
        create_time: Some(timestamp_to_proto(activity.decided_at)),
        position: Some(position::to_proto(Position { shard, seq: Seq(lot.key.granted.seq) })),
        number: nth,
    })
}

fn accruals(applied: &Applied) -> impl Iterator<Item = &Accrual> {
    applied.events.iter().filter_map(Event::accrual)
}

/// Reads a category; what is not set is `unset`.
pub(super) fn category_from_proto(field: &str, category: i32, unset: Category) -> Result<Category, Failure> {
    use proto::LotCategory as Said;
    match Said::try_from(category) {
        Ok(Said::Unspecified) => Ok(unset),
        Ok(Said::Base) => Ok(Category::Base),
        Ok(Said::Bonus) => Ok(Category::Bonus),
        Ok(Said::Promotional) => Ok(Category::Promotional),
        Ok(Said::Purchased) => Ok(Category::Purchased),
        Ok(Said::Adjustment) => Ok(Category::Adjustment),
        Err(_) => Err(Failure::invalid(field, "is no category")),
    }
}

fn grant(accrual: &Accrual, applied: &Applied) -> proto::LotGrant {
    proto::LotGrant {
        rule: accrual.rule.to_string(),
        programme: name::of_programme(accrual.programme),
        programme_version: applied.version.map_or(0, |version| version.number),
        points: accrual.points.signed(),
        category: category(accrual.category).into(),
        issuer: name::of_partner(accrual.issuer),
        funder: name::of_partner(accrual.funder),
        available_time: accrual.pending.then(|| timestamp_to_proto(accrual.available_from)),
        expire_time: accrual.expires_at.0.map(timestamp_to_proto),
    }
}

pub(super) fn category(category: Category) -> proto::LotCategory {
    match category {
        Category::Promotional => proto::LotCategory::Promotional,
        Category::Bonus => proto::LotCategory::Bonus,
        Category::Base => proto::LotCategory::Base,
        Category::Adjustment => proto::LotCategory::Adjustment,
        Category::Purchased => proto::LotCategory::Purchased,
    }
}
