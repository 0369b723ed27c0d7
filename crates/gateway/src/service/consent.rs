//! Consents of members: who may know of one, and the word of the member or an operator on it.

use coalition_domain::account::SIGN_IN;
use coalition_domain::{Command, PartnerId, Purpose, Registry, Timestamp};
use coalition_ledger::view::AccountView;
use coalition_proto::member::v1 as proto;

use super::account::{SHARE_BALANCE, read_time};
use super::{Gateway, applied};
use crate::call::Call;
use crate::convert::{member, name, position, request};
use crate::status::Failure;

impl Gateway {
    pub(super) async fn consent(
        &self,
        call: &Call,
        request: proto::GetConsentRequest,
    ) -> Result<proto::Consent, Failure> {
        let (id, purpose) = name::consent("name", &request.name)?;
        let view = self.member(call, id, request.min_position.as_ref()).await?;
        let consent = tell(&view, &purpose);
        let Some(partner) = call.partner() else { return Ok(consent) };
        let denied = || Failure::denied("no rule in force asks for this consent at this partner");
        shown(&view, &partner, consent).ok_or_else(denied)
    }

    pub(super) async fn change_consent(
        &self,
        call: &Call,
        request: proto::UpdateConsentRequest,
    ) -> Result<proto::Consent, Failure> {
        let mask = request.update_mask.unwrap_or_default();
        if !mask.paths.iter().all(|path| ["given", "*"].contains(&path.as_str())) {
            return Err(Failure::invalid("update_mask", "names another field than given"));
        }
        let proto::Consent { name, given, .. } =
            request.consent.ok_or_else(|| Failure::missing("consent"))?;
        let (account, purpose) = name::consent("consent.name", &name)?;
        let request = request::request_id(&request.request_id)?;
        self.member(call, account, None).await?;
        if given && purpose.as_str() == SIGN_IN {
            let message = "is given by an event of the partner that is to sign the member in";
            return Err(Failure::invalid("consent.given", message));
        }
        let command = Command::Consent { caller: call.caller, request, account, purpose, given };
        let reply = self.command(call, command).await?;
        applied(&reply)?;
        let view = self.after(call, account, reply.position).await?;
        Ok(tell(&view, &purpose))
    }
}

/// A purpose on which the member has said nothing is one that they don't permit.
fn tell(view: &AccountView, purpose: &Purpose) -> proto::Consent {
    let account = view.account();
    let said = account.consents().get(purpose);
    let nothing = || proto::Consent {
        name: name::of_consent(account.id(), purpose),
        purpose: purpose.to_string(),
        ..proto::Consent::default()
    };
    let consent = said.map_or_else(nothing, |said| member::consent_to_proto(account.id(), purpose, said));
    proto::Consent { position: Some(position::to_proto(view.position)), ..consent }
}

/// A consent as a partner may see it; `None`: not at all.
pub(super) fn shown(
    view: &AccountView,
    partner: &PartnerId,
    consent: proto::Consent,
) -> Option<proto::Consent> {
    if consent.purpose == SIGN_IN {
        // Which others may sign the member in, and since when, is not this one's to know.
        let given = view.account().sign_in().contains(partner);
        return Some(proto::Consent { given, update_time: None, ..consent });
    }
    let needed = consent.purpose == SHARE_BALANCE || {
        let purpose = Purpose::new(&consent.purpose).ok();
        purpose.is_some_and(|purpose| asks(&view.registry, partner, &purpose, read_time(view)))
    };
    needed.then_some(consent)
}

/// Whether a rule in force needs the consent for events of the partner.
fn asks(registry: &Registry, partner: &PartnerId, purpose: &Purpose, now: Timestamp) -> bool {
    let versions = registry.programmes().filter_map(|(id, _)| registry.version(id, now).ok());
    versions.flat_map(|version| &version.programme.rules).any(|rule| {
        rule.consent == Some(*purpose)
            && rule.partners.as_ref().is_none_or(|partners| partners.contains(partner))
    })
}
