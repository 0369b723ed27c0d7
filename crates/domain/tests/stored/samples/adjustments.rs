//! What operators give and take by hand.

use coalition_domain::adjustment::{Adjustment, AdjustmentReason, Entry, Note};
use coalition_domain::debt::Debt;
use coalition_domain::event::Taking;
use coalition_domain::programme::Category;
use coalition_domain::{AdjustmentChange, AdjustmentId, Caller, Command, Event, Role};

use super::{LATER, account, points, price, read, redemption, request};

pub(crate) const REASONS: [AdjustmentReason; 4] = [
    AdjustmentReason::Goodwill,
    AdjustmentReason::MissingEvent,
    AdjustmentReason::Correction,
    AdjustmentReason::Fraud,
];

fn grant() -> Adjustment {
    Adjustment {
        programme: read("mypoints"),
        points: points(10_001),
        entry: Entry::Grant { funder: read("bank"), category: Category::Adjustment, expires_at: Some(LATER) },
        reason: AdjustmentReason::Goodwill,
        note: Some(Note::new("été").unwrap()),
    }
}

fn taking() -> Adjustment {
    Adjustment {
        entry: Entry::Take { owed_to: Some(read("bank")) },
        reason: AdjustmentReason::Fraud,
        note: None,
        ..grant()
    }
}

pub(crate) fn changes() -> [AdjustmentChange; 4] {
    [
        AdjustmentChange::Create(grant()),
        AdjustmentChange::Create(taking()),
        AdjustmentChange::Approve { adjustment: AdjustmentId(300) },
        AdjustmentChange::Reject { adjustment: AdjustmentId(300) },
    ]
}

pub(super) fn commands() -> [Command; 4] {
    let caller = Caller { key: read("operator"), role: Role::Operator };
    changes().map(|change| Command::Adjust { caller, request: request(), account: account(), change })
}

pub(super) fn events() -> [Event; 6] {
    let (adjustment, by) = (AdjustmentId(300), read("deputy"));
    let taken = Taking {
        programme: read("mypoints"),
        points: points(500),
        allocations: redemption().allocations,
        owed: None,
    };
    let debt =
        Debt { issuer: read("bank"), funder: read("bank"), unit_price: price(9_000), points: points(20) };
    let owed = Taking { points: points(520), owed: Some(debt), ..taken.clone() };
    [
        Event::AdjustmentCreated { adjustment: taking(), by, until: None },
        Event::AdjustmentCreated { adjustment: grant(), by, until: Some(LATER) },
        Event::AdjustmentApproved { adjustment, by, reason: AdjustmentReason::Correction },
        Event::AdjustmentRejected { adjustment, by },
        Event::PointsTaken(taken),
        Event::PointsTaken(owed),
    ]
}
