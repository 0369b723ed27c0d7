//! How arguments name partners, programmes, members and instants.

use clap::Args;
use coalition_domain::{AccountId, Identifier, PartnerId, ProgrammeId, Scheme, Timestamp};
use coalition_proto::r#type::v1::{Identifier as ProtoIdentifier, IdentifierScheme};

const EMAIL_HASH: &str =
    "SHA-256 of the member's normalised e-mail address: 64 lower-case hexadecimal digits.";
const CARD_TOKEN: &str = "Token of the member's card, never its number.";
const CUSTOMER: &str = "The member's customer number at a partner.";

/// An identifier that stands for a member.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct IdentifierArgs {
    #[arg(long, value_name = "HEX", value_parser = email_hash, help = EMAIL_HASH)]
    email_hash: Option<Identifier>,
    #[arg(long, value_name = "TOKEN", value_parser = card_token, help = CARD_TOKEN)]
    card_token: Option<Identifier>,
    #[arg(long, value_name = "PARTNER:NUMBER", value_parser = customer, help = CUSTOMER)]
    customer: Option<Identifier>,
}

/// An identifier, if one is given.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct OptionalIdentifierArgs {
    #[arg(long, value_name = "HEX", value_parser = email_hash, help = EMAIL_HASH)]
    email_hash: Option<Identifier>,
    #[arg(long, value_name = "TOKEN", value_parser = card_token, help = CARD_TOKEN)]
    card_token: Option<Identifier>,
    #[arg(long, value_name = "PARTNER:NUMBER", value_parser = customer, help = CUSTOMER)]
    customer: Option<Identifier>,
}

/// A member, by name or by an identifier.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct MemberArgs {
    /// The member: members/UUID, or the UUID alone.
    #[arg(value_parser = member)]
    pub(crate) member: Option<AccountId>,
    #[arg(long, value_name = "HEX", value_parser = email_hash, help = EMAIL_HASH)]
    email_hash: Option<Identifier>,
    #[arg(long, value_name = "TOKEN", value_parser = card_token, help = CARD_TOKEN)]
    card_token: Option<Identifier>,
    #[arg(long, value_name = "PARTNER:NUMBER", value_parser = customer, help = CUSTOMER)]
    customer: Option<Identifier>,
}

impl IdentifierArgs {
    /// The identifier, as calls carry it.
    pub(crate) fn identifier(&self) -> ProtoIdentifier {
        let given = [&self.email_hash, &self.card_token, &self.customer];
        given.into_iter().flatten().map(proto).next().unwrap_or_default()
    }
}

impl OptionalIdentifierArgs {
    /// The identifier, as calls carry it.
    pub(crate) fn identifier(&self) -> Option<ProtoIdentifier> {
        [&self.email_hash, &self.card_token, &self.customer].into_iter().flatten().map(proto).next()
    }
}

impl MemberArgs {
    /// The identifier, where the member is not named.
    pub(crate) fn identifier(&self) -> Option<ProtoIdentifier> {
        [&self.email_hash, &self.card_token, &self.customer].into_iter().flatten().map(proto).next()
    }
}

fn proto(identifier: &Identifier) -> ProtoIdentifier {
    let (scheme, scope) = match identifier.scheme() {
        Scheme::EmailHash => (IdentifierScheme::EmailHash, String::new()),
        Scheme::CardToken => (IdentifierScheme::CardToken, String::new()),
        Scheme::CustomerNumber(partner) => (IdentifierScheme::CustomerNumber, partner_name(&partner)),
        Scheme::Order(partner) => (IdentifierScheme::Unspecified, partner_name(&partner)),
    };
    ProtoIdentifier { scheme: scheme.into(), scope, value: identifier.value().to_owned() }
}

fn email_hash(text: &str) -> Result<Identifier, String> {
    Identifier::new(Scheme::EmailHash, text).map_err(|error| error.to_string())
}

fn card_token(text: &str) -> Result<Identifier, String> {
    Identifier::new(Scheme::CardToken, text).map_err(|error| error.to_string())
}

fn customer(text: &str) -> Result<Identifier, String> {
    let (partner, number) = text.split_once(':').ok_or("write it as PARTNER:NUMBER, such as cdnow:00001")?;
    Identifier::new(Scheme::CustomerNumber(self::partner(partner)?), number)
        .map_err(|error| error.to_string())
}

/// The member `UUID` or `members/UUID`.
pub(crate) fn member(text: &str) -> Result<AccountId, String> {
    let id = text.strip_prefix("members/").unwrap_or(text);
    id.parse().map(AccountId).map_err(|_| {
        "write it as members/UUID, or give --email-hash, --card-token or --customer instead".to_owned()
    })
}

/// The name that the API has for a member.
pub(crate) fn member_name(id: &AccountId) -> String {
    format!("members/{id}")
}

/// The partner `ID` or `partners/ID`.
pub(crate) fn partner(text: &str) -> Result<PartnerId, String> {
    PartnerId::new(short(text)).map_err(|error| error.to_string())
}

/// The programme `ID` or `programmes/ID`.
pub(crate) fn programme(text: &str) -> Result<ProgrammeId, String> {
    ProgrammeId::new(short(text)).map_err(|error| error.to_string())
}

/// An instant, or a day, which stands for its first moment in UTC.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    let whole = if text.contains(['T', 't', ' ']) { text.to_owned() } else { format!("{text}T00:00:00Z") };
    whole.parse().map_err(|_| "write it like 1997-01-31 or 1997-01-31T15:00:00Z".to_owned())
}

/// A full hour, or a day.
pub(crate) fn hour(text: &str) -> Result<Timestamp, String> {
    let instant = instant(text)?;
    if instant.as_millis() % 3_600_000 == 0 {
        Ok(instant)
    } else {
        Err("write a full hour or a day, like 1997-01-31T15:00:00Z or 1997-01-31".to_owned())
    }
}

/// How many entries are wanted.
pub(crate) fn limit(text: &str) -> Result<u32, String> {
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| format!("write a number from 1 to {}", u32::MAX))
}

/// What a partner is called.
pub(crate) fn label(text: &str) -> Result<String, String> {
    coalition_domain::Label::new(text).map(|label| label.to_string()).map_err(|error| error.to_string())
}

/// `partners/{id}`.
pub(crate) fn partner_name(id: &PartnerId) -> String {
    format!("partners/{id}")
}

/// `programmes/{id}`.
pub(crate) fn programme_name(id: &ProgrammeId) -> String {
    format!("programmes/{id}")
}

/// The last part of a resource's name, which is what people call it.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, id)| id)
}

/// An instant as calls carry it.
pub(crate) fn proto_time(time: Timestamp) -> prost_types::Timestamp {
    let millis = time.as_millis();
    let nanos = i32::try_from(millis.rem_euclid(1_000) * 1_000_000).expect("below a billion");
    prost_types::Timestamp { seconds: millis.div_euclid(1_000), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";

    #[test]
    fn members_are_named_with_or_without_their_collection() {
        let id = "718a7b8a-3ce7-5ce3-a2b4-a6ff562afd4b";
        assert_eq!(member(id), member(&format!("members/{id}")));
        assert!(member("cdnow:1").unwrap_err().contains("--customer"));
    }

    #[test]
    fn identifiers_are_checked_before_they_are_sent() {
        assert_eq!(
            proto(&customer("cdnow:00001").unwrap()),
            ProtoIdentifier { scheme: 3, scope: "partners/cdnow".to_owned(), value: "00001".to_owned() }
        );
        assert_eq!(proto(&email_hash(HASH).unwrap()).scope, "");
        for bad in ["00001", "CDNOW:1", "cdnow:", "cdnow:4111111111111111"] {
            assert!(customer(bad).is_err(), "{bad}");
        }
        assert!(!email_hash("someone@example.com").unwrap_err().contains("someone"));
    }

    #[test]
    fn days_begin_at_midnight_utc() {
        assert_eq!(instant("1997-01-12").unwrap(), instant("1997-01-12T01:00:00+01:00").unwrap());
        assert!(instant("yesterday").is_err());
        let early = proto_time(Timestamp::from_millis(-1));
        assert_eq!((early.seconds, early.nanos), (-1, 999_000_000));
    }
}
