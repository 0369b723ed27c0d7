//! What brokers say to one who may not do what is asked: it is not asked again.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::failed;
use crate::log::Error;

const DENIALS: [RDKafkaErrorCode; 3] = [
    RDKafkaErrorCode::TopicAuthorizationFailed,
    RDKafkaErrorCode::ClusterAuthorizationFailed,
    RDKafkaErrorCode::GroupAuthorizationFailed,
];

pub(super) fn is_denial(code: RDKafkaErrorCode) -> bool {
    DENIALS.contains(&code)
}

pub(super) fn is_denied(error: &KafkaError) -> bool {
    // rdkafka doesn't give the code of this kind of error.
    let code = if let KafkaError::AdminOp(code) = error { Some(*code) } else { error.rdkafka_error_code() };
    code.is_some_and(is_denial)
}

pub(super) fn denied(doing: String, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Denied { doing, source: source.into() }
}

/// What an error that brokers answered means for what was being done.
pub(super) fn answered(doing: String, error: KafkaError) -> Error {
    if is_denied(&error) { denied(doing, error) } else { failed(doing, error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asked_what_is_not_allowed_is_denied() {
        use KafkaError as It;
        for code in DENIALS {
            for error in
                [It::AdminOp(code), It::OffsetFetch(code), It::MetadataFetch(code), It::ConsumerCommit(code)]
            {
                assert!(matches!(answered("ask".to_owned(), error), Error::Denied { .. }), "{code}");
            }
        }
        let away = RDKafkaErrorCode::BrokerTransportFailure;
        for error in [It::AdminOp(away), It::OffsetFetch(away), It::Canceled] {
            assert!(matches!(answered("ask".to_owned(), error), Error::Backend { .. }));
        }
    }
}
