//! The one conversion that every user of the error reasons needs.

use crate::r#type::v1::ErrorReason;

impl ErrorReason {
    /// The name as `google.rpc.ErrorInfo.reason` and the headers of rejected events carry it: without the prefix that
    /// protobuf asks of enum values, for example `MEMBER_NOT_FOUND`.
    pub fn reason(self) -> &'static str {
        let name = self.as_str_name();
        name.strip_prefix("ERROR_REASON_").unwrap_or(name)
    }

    /// The reason of such a name; `None` when the list has none, as with a peer that knows more of them.
    pub fn from_reason(reason: &str) -> Option<Self> {
        Self::from_str_name(&format!("ERROR_REASON_{reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_no_prefix_and_lead_back() {
        assert_eq!(ErrorReason::MemberNotFound.reason(), "MEMBER_NOT_FOUND");
        assert_eq!(ErrorReason::from_reason("MEMBER_NOT_FOUND"), Some(ErrorReason::MemberNotFound));
        assert_eq!(ErrorReason::from_reason("ERROR_REASON_MEMBER_NOT_FOUND"), None);
    }
}
