//! Names of resources. What the caller wrote is never repeated: it may be what must not be kept.

use std::fmt::Display;
use std::str::FromStr;

use coalition_domain::{AccountId, Fingerprint, KeyId, NoSlug, PartnerId, ProgrammeId, Purpose, RewardId};
use coalition_intake::convert::{name_from_proto, resource_from_proto};

use crate::status::Failure;

/// `partners/{partner}`.
pub(crate) fn partner(field: &str, name: &str) -> Result<PartnerId, Failure> {
    Ok(resource_from_proto(name, "partners/", field)?)
}

/// `programmes/{programme}`.
pub(crate) fn programme(field: &str, name: &str) -> Result<ProgrammeId, Failure> {
    Ok(resource_from_proto(name, "programmes/", field)?)
}

/// `apiKeys/{key}`.
pub(crate) fn key(field: &str, name: &str) -> Result<KeyId, Failure> {
    Ok(resource_from_proto(name, "apiKeys/", field)?)
}

/// `programmes/{programme}/rewards/{reward}`.
pub(crate) fn reward(field: &str, name: &str) -> Result<(ProgrammeId, RewardId), Failure> {
    let (programme, reward) = two(field, name, "programmes/", "/rewards/")?;
    Ok((slug(field, programme)?, slug(field, reward)?))
}

/// `programmes/{programme}/versions/{number}`.
pub(crate) fn version(field: &str, name: &str) -> Result<(ProgrammeId, u32), Failure> {
    let (programme, version) = two(field, name, "programmes/", "/versions/")?;
    Ok((slug(field, programme)?, number(field, version)?))
}

/// `members/{uuid}`.
pub(crate) fn member(field: &str, name: &str) -> Result<AccountId, Failure> {
    if name.is_empty() {
        return Err(Failure::missing(field));
    }
    let id = name.strip_prefix("members/").ok_or_else(|| Failure::invalid(field, "is not members/{uuid}"))?;
    account(field, id)
}

/// `members/{uuid}/activities/{number}`: the account, and the activity's number, counted from 1.
pub(crate) fn activity(field: &str, name: &str) -> Result<(AccountId, u32), Failure> {
    let (member, activity) = two(field, name, "members/", "/activities/")?;
    Ok((account(field, member)?, number(field, activity)?))
}

/// `members/{uuid}/identifiers/{number}`: the account, and the identifier's number, counted from 0.
pub(crate) fn identifier(field: &str, name: &str) -> Result<(AccountId, u32), Failure> {
    let (member, identifier) = two(field, name, "members/", "/identifiers/")?;
    let id = account(field, member)?;
    Ok((id, if identifier == "0" { 0 } else { number(field, identifier)? }))
}

/// `members/{uuid}/redemptions/{number}`: the account, and the activity's number, counted from 1.
pub(crate) fn redemption(field: &str, name: &str) -> Result<(AccountId, u32), Failure> {
    let (member, redemption) = two(field, name, "members/", "/redemptions/")?;
    Ok((account(field, member)?, number(field, redemption)?))
}

/// `members/{uuid}/holds/{number}`: the account, and the activity's number, counted from 1.
pub(crate) fn hold(field: &str, name: &str) -> Result<(AccountId, u32), Failure> {
    let (member, hold) = two(field, name, "members/", "/holds/")?;
    Ok((account(field, member)?, number(field, hold)?))
}

/// `members/{uuid}/adjustments/{number}`: the account, and the activity's number, counted from 1.
pub(crate) fn adjustment(field: &str, name: &str) -> Result<(AccountId, u32), Failure> {
    let (member, adjustment) = two(field, name, "members/", "/adjustments/")?;
    Ok((account(field, member)?, number(field, adjustment)?))
}

/// `members/{uuid}/consents/{purpose}`.
pub(crate) fn consent(field: &str, name: &str) -> Result<(AccountId, Purpose), Failure> {
    let (member, purpose) = two(field, name, "members/", "/consents/")?;
    Ok((account(field, member)?, slug(field, purpose)?))
}

/// `partners/{partner}/rejectedEvents/{partition}-{offset}`.
pub(crate) fn rejected_event(field: &str, name: &str) -> Result<(PartnerId, (u32, u64)), Failure> {
    let (partner, place) = two(field, name, "partners/", "/rejectedEvents/")?;
    let place = place
        .split_once('-')
        .and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)));
    let partner = slug(field, partner)?;
    // One spelling only, as of members.
    let place = place.filter(|(partition, offset)| of_rejected_event(partner, *partition, *offset) == name);
    Ok((partner, place.ok_or_else(|| Failure::invalid(field, "ends in no {partition}-{offset}"))?))
}

/// `partners/{partner}/settlementLines/{line}`: the partner, and what the line's name ends in.
pub(crate) fn line<'a>(field: &str, name: &'a str) -> Result<(PartnerId, &'a str), Failure> {
    let (partner, line) = two(field, name, "partners/", "/settlementLines/")?;
    Ok((slug(field, partner)?, line))
}

/// The name of a line of a partner's statements.
pub(crate) fn of_line(partner: &PartnerId, line: Fingerprint) -> String {
    format!("partners/{partner}/settlementLines/{line:?}")
}

/// The name of a partner.
pub(crate) fn of_partner(id: impl Display) -> String {
    format!("partners/{id}")
}

/// The name of a rejected event.
pub(crate) fn of_rejected_event(partner: PartnerId, partition: u32, offset: u64) -> String {
    format!("partners/{partner}/rejectedEvents/{partition}-{offset}")
}

/// The name of a key.
pub(crate) fn of_key(id: impl Display) -> String {
    format!("apiKeys/{id}")
}

/// The name of a programme.
pub(crate) fn of_programme(id: impl Display) -> String {
    format!("programmes/{id}")
}

/// The name of a member.
pub(crate) fn of_member(id: impl Display) -> String {
    format!("members/{id}")
}

/// The name of a consent.
pub(crate) fn of_consent(member: AccountId, purpose: &Purpose) -> String {
    format!("members/{member}/consents/{purpose}")
}

/// The name of a reward.
pub(crate) fn of_reward(programme: impl Display, reward: impl Display) -> String {
    format!("programmes/{programme}/rewards/{reward}")
}

fn two<'a>(field: &str, name: &'a str, collection: &str, below: &str) -> Result<(&'a str, &'a str), Failure> {
    if name.is_empty() {
        return Err(Failure::missing(field));
    }
    let parts = name.strip_prefix(collection).and_then(|rest| rest.split_once(below));
    parts.ok_or_else(|| Failure::invalid(field, format!("is not {collection}...{below}...")))
}

fn slug<T: FromStr<Err = NoSlug>>(field: &str, text: &str) -> Result<T, Failure> {
    Ok(name_from_proto(text, field)?)
}

fn account(field: &str, text: &str) -> Result<AccountId, Failure> {
    // One spelling only: names are compared as text by those who hold them.
    let id = text.parse().map(AccountId).ok().filter(|id| id.to_string() == text);
    id.ok_or_else(|| Failure::invalid(field, "names no member: a member's id is a uuid in lower case"))
}

fn number(field: &str, text: &str) -> Result<u32, Failure> {
    let number = text.parse().ok().filter(|number: &u32| *number > 0 && number.to_string() == text);
    number.ok_or_else(|| Failure::invalid(field, "ends in no number from 1 on"))
}

#[cfg(test)]
mod tests {
    use coalition_proto::r#type::v1::ErrorReason;

    use super::*;

    const MEMBER: &str = "718a7b8a-3ce7-5ce3-a2b4-a6ff562afd4b";

    #[test]
    fn names_lead_back() {
        let id = member("name", &format!("members/{MEMBER}")).unwrap();
        assert_eq!(of_member(id), format!("members/{MEMBER}"));
        assert_eq!(activity("name", &format!("members/{MEMBER}/activities/12")).unwrap(), (id, 12));
        assert_eq!(redemption("name", &format!("members/{MEMBER}/redemptions/1")).unwrap(), (id, 1));
        assert_eq!(hold("name", &format!("members/{MEMBER}/holds/1")).unwrap(), (id, 1));
        assert_eq!(adjustment("name", &format!("members/{MEMBER}/adjustments/1")).unwrap(), (id, 1));
        let (of, purpose) = consent("name", &format!("members/{MEMBER}/consents/sign-in")).unwrap();
        assert_eq!(of_consent(of, &purpose), format!("members/{MEMBER}/consents/sign-in"));
        assert_eq!(identifier("name", &format!("members/{MEMBER}/identifiers/0")).unwrap(), (id, 0));
        assert_eq!(identifier("name", &format!("members/{MEMBER}/identifiers/32")).unwrap(), (id, 32));
        let (programme, paris) = reward("name", "programmes/a/rewards/paris-1").unwrap();
        assert_eq!(of_reward(programme, paris), "programmes/a/rewards/paris-1");
        assert_eq!(version("name", "programmes/a/versions/3").unwrap(), (programme, 3));
        let cdnow = partner("p", "partners/cdnow").unwrap();
        assert_eq!(of_partner(cdnow), "partners/cdnow");
        let rejected = "partners/cdnow/rejectedEvents/3-0";
        assert_eq!(rejected_event("name", rejected).unwrap(), (cdnow, (3, 0)));
        assert_eq!(of_rejected_event(cdnow, 3, 0), rejected);
    }

    #[test]
    fn what_is_no_name_is_refused_without_repeating_it() {
        let upper = format!("members/{}", MEMBER.to_uppercase());
        for name in ["x", "members/", "members/4111111111111111", &upper, "partners/a"] {
            let failure = member("name", name).unwrap_err();
            assert_eq!(failure.reason, ErrorReason::InvalidArgument, "{name}");
            assert!(!failure.message.contains(name), "{}", failure.message);
        }
        assert_eq!(member("name", "").unwrap_err().reason, ErrorReason::FieldMissing);
        for number in ["0", "01", "-1", "4294967296", "", "1/2"] {
            assert!(version("name", &format!("programmes/a/versions/{number}")).is_err(), "{number}");
        }
        for place in ["", "3", "3-", "-3", "03-1", "3-01", "+3-1", "4294967296-0"] {
            assert!(
                rejected_event("name", &format!("partners/a/rejectedEvents/{place}")).is_err(),
                "{place}"
            );
        }
        assert!(reward("name", "programmes/a").is_err());
        assert!(reward("name", "programmes//rewards/b").is_err());
    }
}
