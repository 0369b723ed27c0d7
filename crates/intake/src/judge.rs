//! What becomes of one record of a partner's topic.

use bytes::Bytes;
use coalition_domain::{AccountId, Command, PartnerId};
use coalition_journal::log::{Record, Stored};
use coalition_ledger::inbox::Request;

use crate::{Refusal, decode, translate};

/// Where a record failed, as Kafka Connect names the stages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Its bytes are no message.
    Decode,
    /// The message can't be accepted.
    Translate,
}

/// A record for the inbox, and the account that places it there.
pub(crate) struct Accepted {
    pub(crate) account: AccountId,
    pub(crate) record: Record,
}

/// Judges a record by the time at which the log took it: whenever it is read again, it gets the same answer.
pub(crate) fn judge(partner: PartnerId, stored: &Stored) -> Result<Accepted, (Stage, Refusal)> {
    let event = decode(&stored.record.value).map_err(|refusal| (Stage::Decode, refusal))?;
    let event =
        translate(partner, &event, stored.append_time).map_err(|refusal| (Stage::Translate, refusal))?;
    let account = event.identifier.account();
    let record = Record {
        key: Some(Bytes::copy_from_slice(account.0.as_bytes())),
        headers: Vec::new(),
        value: Request::Command(Command::PartnerEvent(event)).encode(),
    };
    Ok(Accepted { account, record })
}
