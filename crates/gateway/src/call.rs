//! A call that was let in: whose it is, what the key opens, until when it has to be answered.

use coalition_domain::{AccountId, Caller, PartnerId, Role};
use coalition_ledger::trace::TraceParent;
use coalition_proto::r#type::v1::ErrorReason;
use tokio::time::Instant;
use tonic::Request;

use crate::auth::{Row, Whose};
use crate::convert::name;
use crate::status::Failure;

/// A call. The guard puts it into the request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) row: &'static Row,
    /// When the answer has to be on its way.
    pub(crate) deadline: Instant,
    /// The trace that the caller named, if it did.
    pub(crate) trace: Option<TraceParent>,
}

impl Call {
    /// The call of a request. A service that was put up without guard lets nobody in.
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Failure> {
        let call = request.extensions().get::<Self>().copied();
        call.ok_or_else(|| Failure::new(ErrorReason::Unauthenticated, "the call was not authenticated"))
    }

    /// What the key opens in this method; [`Whose::Everybodys`] for an operator.
    pub(crate) fn opens(&self) -> Whose {
        match self.caller.role {
            Role::Operator => Whose::Everybodys,
            Role::Partner(_) => self.row.partner,
            Role::Member(_) => self.row.member,
        }
    }

    /// The partner that the key speaks for, if it speaks for one.
    pub(crate) fn partner(&self) -> Option<PartnerId> {
        match self.caller.role {
            Role::Partner(partner) => Some(partner),
            Role::Operator | Role::Member(_) => None,
        }
    }

    /// The partner that `field` names, which a partner may leave out and means itself.
    pub(crate) fn partner_named(&self, field: &str, name: &str) -> Result<PartnerId, Failure> {
        let partner = match self.partner() {
            Some(partner) if name.is_empty() => partner,
            Some(_) | None => name::partner(field, name)?,
        };
        self.check_partner(&partner)?;
        Ok(partner)
    }

    /// Whether the key opens the things of `partner`.
    pub(crate) fn check_partner(&self, partner: &PartnerId) -> Result<(), Failure> {
        match (self.opens(), self.caller.role) {
            (Whose::Everybodys, _) => Ok(()),
            (Whose::Own | Whose::OwnPart, Role::Partner(own)) if own == *partner => Ok(()),
            (Whose::Own | Whose::OwnPart | Whose::Consented | Whose::Entrusted | Whose::Nobodys, _) => {
                Err(Failure::denied("the key is not for this partner"))
            }
        }
    }

    /// Whether the key opens the things of a member, or may do so in part or with consent, which is judged with the account.
    pub(crate) fn check_member(&self, member: &AccountId) -> Result<(), Failure> {
        match (self.opens(), self.caller.role) {
            (Whose::Everybodys, _) => Ok(()),
            (Whose::Own, Role::Member(own)) if own == *member => Ok(()),
            (Whose::OwnPart | Whose::Consented | Whose::Entrusted, Role::Partner(_)) => Ok(()),
            (Whose::Own | Whose::OwnPart | Whose::Consented | Whose::Entrusted | Whose::Nobodys, _) => {
                Err(Failure::denied("the key is not for this member"))
            }
        }
    }
}
