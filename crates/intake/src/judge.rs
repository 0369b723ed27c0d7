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

#[cfg(test)]
mod tests {
    use coalition_domain::Timestamp;
    use coalition_journal::log::Offset;
    use coalition_proto::event::v1::PartnerEvent;
    use coalition_proto::event::v1::partner_event::Body;
    use coalition_proto::r#type::v1::{ErrorReason, Identifier, IdentifierScheme};
    use prost::Message;

    use super::*;

    #[test]
    fn an_event_is_judged_by_the_time_at_which_the_log_took_it() {
        let event = PartnerEvent {
            event_id: "1".to_owned(),
            identifier: Some(Identifier {
                scheme: IdentifierScheme::CardToken.into(),
                value: "token".to_owned(),
                ..Identifier::default()
            }),
            event_time: Some(prost_types::Timestamp { seconds: 1_000, nanos: 0 }),
            body: Some(Body::SignUp(Default::default())),
            ..PartnerEvent::default()
        };
        let judged = |taken_millis| {
            let append_time = Timestamp::from_millis(taken_millis);
            let record = Record::of(event.encode_to_vec());
            judge(PartnerId::new("a").unwrap(), &Stored { offset: Offset(0), append_time, record })
        };
        assert!(judged(700_000).is_ok());
        let (stage, refusal) = judged(699_999).err().unwrap();
        assert_eq!((stage, refusal.reason), (Stage::Translate, ErrorReason::EventInFuture));
    }
}
