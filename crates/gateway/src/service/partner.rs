//! Partners and their contracts; keys are next door.

use coalition_domain::decide::RegistryChange;
use coalition_domain::registry::{Contract, Partner, Registry, RegistryEvent};
use coalition_domain::{Label, NoLabel, PartnerId, ProgrammeId, Rejection, Timestamp};
use coalition_intake::convert::{name_from_proto, timestamp_from_proto};
use coalition_ledger::view::Position;
use coalition_proto::partner::v1 as proto;
use coalition_proto::partner::v1::partner_service_server::PartnerService;
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Request, Response, Status};

use super::{Gateway, accepted, update};
use crate::call::Call;
use crate::convert::partner::{contract_to_proto, to_proto};
use crate::convert::{name, position, request};
use crate::page::Page;
use crate::status::Failure;

#[tonic::async_trait]
impl PartnerService for Gateway {
    async fn create_partner(
        &self,
        request: Request<proto::CreatePartnerRequest>,
    ) -> Result<Response<proto::Partner>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name_from_proto(&request.partner_id, "partner_id").map_err(Failure::from)?;
        let display_name = label("display_name", request.display_name)?;
        let default_programme = match request.default_programme.as_str() {
            "" => None,
            programme => Some(name::programme("default_programme", programme)?),
        };
        let request = request::request_id(&request.request_id)?;
        let change = RegistryChange::CreatePartner { id, display_name, default_programme };
        let reply = self.change(&call, request, change).await?;
        let created = accepted(&reply.decision.outcome)?.iter().find_map(|event| {
            if let RegistryEvent::PartnerCreated(partner) = event { Some(partner) } else { None }
        });
        let created =
            created.ok_or_else(|| Failure::internal(&"a partner that was created and is not there"))?;
        Ok(Response::new(to_proto(created, None, reply.position)))
    }

    async fn get_partner(
        &self,
        request: Request<proto::GetPartnerRequest>,
    ) -> Result<Response<proto::Partner>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::partner("name", &request.name)?;
        call.check_partner(&id)?;
        let view = self.registry(&call, &self.min(request.min_position.as_ref())?).await?;
        Ok(Response::new(find(&view.registry, &id, view.status.position)?))
    }

    async fn list_partners(
        &self,
        request: Request<proto::ListPartnersRequest>,
    ) -> Result<Response<proto::ListPartnersResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let page = Page::<PartnerId>::of(&call, request.page_size, &request.page_token, &[])?;
        let view = self.registry(&call, &self.min(request.min_position.as_ref())?).await?;
        let at = view.status.position;
        let (partners, next_page_token) = page.cut(view.registry.partners(), |partner| partner.id);
        let write = |partner: &Partner| to_proto(partner, view.registry.suspended(&partner.id), at);
        Ok(Response::new(proto::ListPartnersResponse {
            partners: partners.into_iter().map(write).collect(),
            next_page_token,
            position: Some(position::to_proto(at)),
        }))
    }

    async fn update_partner(
        &self,
        request: Request<proto::UpdatePartnerRequest>,
    ) -> Result<Response<proto::Partner>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, change) = update::read(request.partner, request.update_mask)?;
        Ok(Response::new(self.change_partner(&call, id, &request.request_id, change).await?))
    }

    async fn suspend_partner(
        &self,
        request: Request<proto::SuspendPartnerRequest>,
    ) -> Result<Response<proto::Partner>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::partner("name", &request.name)?;
        let change = RegistryChange::SuspendPartner { id };
        Ok(Response::new(self.change_partner(&call, id, &request.request_id, change).await?))
    }

    async fn resume_partner(
        &self,
        request: Request<proto::ResumePartnerRequest>,
    ) -> Result<Response<proto::Partner>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::partner("name", &request.name)?;
        let change = RegistryChange::ResumePartner { id };
        Ok(Response::new(self.change_partner(&call, id, &request.request_id, change).await?))
    }

    async fn create_partner_contract(
        &self,
        request: Request<proto::CreatePartnerContractRequest>,
    ) -> Result<Response<proto::PartnerContract>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let partner = name::partner("partner", &request.partner)?;
        let programme = name::programme("programme", &request.programme)?;
        let price = |field, price: Option<_>| {
            price.as_ref().map(|price| request::unit_price(field, price)).transpose()
        };
        let accrual = price("accrual_unit_price", request.accrual_unit_price)?;
        let redemption = price("redemption_unit_price", request.redemption_unit_price)?;
        let start = request.start_time.ok_or_else(|| Failure::missing("start_time"))?;
        let from = timestamp_from_proto(&start, "start_time").map_err(Failure::from)?;
        let request = request::request_id(&request.request_id)?;
        let change = RegistryChange::CreateContract { partner, programme, from, accrual, redemption };
        let reply = self.change(&call, request, change).await?;
        accepted(&reply.decision.outcome)?;
        // Contracts of a partner in a programme have different starts, and the change has been heard of everywhere.
        let registry = self.ledger.registry();
        let contracts = registry.iter().flat_map(|registry| numbered(registry, &programme, &partner));
        let agreed = contracts.into_iter().find(|(_, contract)| contract.from == from);
        let written = agreed.map(|(number, contract)| contract_to_proto(contract, number, reply.position));
        let lost = || Failure::internal(&"a contract that was agreed and is not there");
        Ok(Response::new(written.ok_or_else(lost)?))
    }

    async fn list_partner_contracts(
        &self,
        request: Request<proto::ListPartnerContractsRequest>,
    ) -> Result<Response<proto::ListPartnerContractsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let partner = call.partner_named("partner", &request.partner)?;
        let page = Page::<(ProgrammeId, Timestamp)>::of(
            &call,
            request.page_size,
            &request.page_token,
            &[partner.as_str()],
        )?;
        let view = self.registry(&call, &self.min(request.min_position.as_ref())?).await?;
        check_partner(&view.registry, &partner)?;
        let at = view.status.position;
        let programmes = view.registry.programmes();
        let contracts = programmes.flat_map(|(programme, _)| numbered(&view.registry, programme, &partner));
        let (contracts, next_page_token) =
            page.cut(contracts, |(_, contract)| (contract.programme, contract.from));
        let write = |(number, contract)| contract_to_proto(contract, number, at);
        Ok(Response::new(proto::ListPartnerContractsResponse {
            contracts: contracts.into_iter().map(write).collect(),
            next_page_token,
            position: Some(position::to_proto(at)),
        }))
    }

    async fn create_api_key(
        &self,
        request: Request<proto::CreateApiKeyRequest>,
    ) -> Result<Response<proto::ApiKey>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.create_key(&call, request).await?))
    }

    async fn revoke_api_key(
        &self,
        request: Request<proto::RevokeApiKeyRequest>,
    ) -> Result<Response<proto::ApiKey>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.revoke_key(&call, request).await?))
    }

    async fn list_api_keys(
        &self,
        request: Request<proto::ListApiKeysRequest>,
    ) -> Result<Response<proto::ListApiKeysResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.keys(&call, &request).await?))
    }
}

impl Gateway {
    /// Has a change of a partner decided: the partner as every shard knows it by then.
    async fn change_partner(
        &self,
        call: &Call,
        id: PartnerId,
        request_id: &str,
        change: RegistryChange,
    ) -> Result<proto::Partner, Failure> {
        let reply = self.change(call, request::request_id(request_id)?, change).await?;
        accepted(&reply.decision.outcome)?;
        let registry = self.ledger.registry();
        let registry =
            registry.ok_or_else(|| Failure::internal(&"a registry that changed and is not there"))?;
        find(&registry, &id, reply.position)
    }
}

fn find(registry: &Registry, id: &PartnerId, at: Position) -> Result<proto::Partner, Failure> {
    let partner = registry.partner(id).ok_or_else(|| Failure::from(&Rejection::UnknownPartner(*id)))?;
    Ok(to_proto(partner, registry.suspended(id), at))
}

/// Reads a text for people; it has to be judged here, so that no shard has to take up one of any length.
pub(super) fn label(field: &str, text: String) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(Failure::missing(field));
    }
    Label::new(text).map(Label::into_string).map_err(|why| match why {
        NoLabel::TooLong(_) => Failure::of_field(ErrorReason::FieldTooLong, field, why.to_string()),
        NoLabel::Blank | NoLabel::Control | NoLabel::Direction => Failure::invalid(field, why.to_string()),
    })
}

/// Whether there is such a partner.
pub(super) fn check_partner(registry: &Registry, partner: &PartnerId) -> Result<(), Failure> {
    match registry.partner(partner) {
        Some(_) => Ok(()),
        None => Err(Failure::from(&Rejection::UnknownPartner(*partner))),
    }
}

/// The contracts of a partner in a programme, oldest first, with their numbers.
fn numbered<'a>(
    registry: &'a Registry,
    programme: &ProgrammeId,
    partner: &PartnerId,
) -> impl Iterator<Item = (usize, &'a Contract)> + use<'a> {
    (1..).zip(registry.contracts(programme, partner))
}
