//! Programmes, their versions and rewards.

use coalition_domain::account::Balance;
use coalition_domain::programme::{Fault, Reward};
use coalition_domain::registry::ProgrammeVersion;
use coalition_domain::{Points, ProgrammeId, Registry, Timestamp};
use coalition_intake::convert::timestamp_to_proto;
use coalition_ledger::view::Position;
use coalition_proto::catalogue::v1 as catalogue;
use coalition_proto::programme::v1::{self as proto, ProgrammeVersionState};
use sha2::{Digest, Sha256};

use super::{bought, name, position};

/// A programme as its `versions` say at `now`; `None` without any.
pub(crate) fn to_proto(
    id: &ProgrammeId,
    versions: &[ProgrammeVersion],
    now: Timestamp,
    at: Position,
) -> Option<proto::Programme> {
    let in_force = versions.iter().rev().find(|version| version.programme.effective_from <= now);
    let (first, shown) = (versions.first()?, in_force.or(versions.last())?);
    Some(proto::Programme {
        name: name::of_programme(id),
        display_name: shown.programme.name.clone(),
        version_in_force: in_force.map_or(0, |version| version.number),
        create_time: Some(timestamp_to_proto(first.published_at)),
        position: Some(position::to_proto(at)),
    })
}

/// A version, with its document.
pub(crate) fn version_to_proto(
    version: &ProgrammeVersion,
    state: ProgrammeVersionState,
    at: Position,
) -> proto::ProgrammeVersion {
    proto::ProgrammeVersion {
        name: format!("programmes/{}/versions/{}", version.programme.id, version.number),
        state: state.into(),
        effective_time: Some(timestamp_to_proto(version.programme.effective_from)),
        document: version.document.to_string(),
        document_hash: Sha256::digest(version.document.as_bytes()).to_vec(),
        create_time: Some(timestamp_to_proto(version.published_at)),
        position: Some(position::to_proto(at)),
    }
}

/// A fault of a document.
pub(crate) fn fault_to_proto(fault: Fault) -> proto::ProgrammeFault {
    let Fault { line, column, path, message } = fault;
    proto::ProgrammeFault { line, column, path, message }
}

/// A reward of a version; `balance`: that of the member to compare with, who pays what they owe first.
pub(crate) fn reward_to_proto(
    registry: &Registry,
    version: &ProgrammeVersion,
    reward: &Reward,
    balance: Option<(Balance, Position)>,
) -> catalogue::Reward {
    let missing = balance.as_ref().map(|(balance, _)| {
        let needed = reward.least().signed().saturating_add(balance.debt.signed());
        needed.saturating_sub(balance.available.signed()).max(0)
    });
    let limit = |points: Option<Points>| points.map_or(0, Points::signed);
    catalogue::Reward {
        name: name::of_reward(version.programme.id, reward.id),
        display_name: reward.name.clone(),
        redeemer: name::of_partner(reward.redeemer),
        points: reward.points.signed(),
        programme_version: version.number,
        start_time: reward.from.map(timestamp_to_proto),
        end_time: reward.until.map(timestamp_to_proto),
        affordable: missing.map(|missing| missing == 0),
        points_missing: missing,
        position: balance.map(|(_, at)| position::to_proto(at)),
        buys: reward.buys.as_ref().map(bought::to_proto),
        min_points: limit(reward.limits.min),
        max_points: limit(reward.limits.max),
        max_points_per_year: limit(reward.limits.max_a_year),
        suspended: registry.suspended(&reward.redeemer).is_some(),
    }
}
