//! Why a record is not accepted.

use coalition_proto::r#type::v1::ErrorReason;

/// Why a record, or a value in a request, is not accepted. `coalition.type.v1.Refusal` says the same on the wire.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// From the closed list.
    pub reason: ErrorReason,
    /// Path of the field at fault in the message that was judged, such as `purchase.amount.currency_code`; empty when no
    /// single field is.
    pub field: String,
    /// In words for a person. It never repeats a value: that may be what must not be kept.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(reason: ErrorReason, field: &str, message: impl Into<String>) -> Self {
        Self { reason, field: field.to_owned(), message: message.into() }
    }

    /// A required field is not there.
    pub(crate) fn missing(field: &str) -> Self {
        Self::new(ErrorReason::FieldMissing, field, format!("{field} is required"))
    }

    /// Whether what was refused must not be stored anywhere: it may hold a card number or an address.
    pub fn hides_value(&self) -> bool {
        self.reason == ErrorReason::IdentifierRefused
    }
}
