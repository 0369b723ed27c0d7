//! Between the types of the API and those of the domain, as far as intake does not have them already.

pub(crate) mod activity;
pub(crate) mod adjustment;
pub(crate) mod bought;
pub(crate) mod event;
pub(crate) mod hold;
pub(crate) mod lot;
pub(crate) mod member;
pub(crate) mod name;
pub(crate) mod partner;
pub(crate) mod position;
pub(crate) mod programme;
pub(crate) mod redemption;
pub(crate) mod request;
pub(crate) mod settlement;
pub(crate) mod statement_csv;

use coalition_intake::Refusal;

use crate::status::Failure;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { reason, field, message } = refusal;
        let failure = Failure::new(reason, message.clone());
        if field.is_empty() { failure } else { failure.violating(&field, message) }
    }
}
