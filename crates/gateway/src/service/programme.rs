//! Programmes and their versions.

use std::cmp::Reverse;

use coalition_domain::decide::RegistryChange;
use coalition_domain::programme::{DOCUMENT_MAX_BYTES, Fault, parse};
use coalition_domain::registry::{ProgrammeVersion, RegistryEvent};
use coalition_domain::{ProgrammeId, Rejection};
use coalition_proto::programme::v1::programme_service_server::ProgrammeService;
use coalition_proto::programme::v1::{self as proto, ProgrammeVersionState};
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Request, Response, Status};

use super::{Gateway, accepted};
use crate::call::Call;
use crate::convert::programme::{fault_to_proto, to_proto, version_to_proto};
use crate::convert::{name, position, request};
use crate::forward::{blocking, now};
use crate::page::Page;
use crate::status::Failure;

/// Faults of a document that an error lists: headers of an answer have to stay small.
const FAULTS_SHOWN: usize = 20;

#[tonic::async_trait]
impl ProgrammeService for Gateway {
    async fn validate_programme(
        &self,
        request: Request<proto::ValidateProgrammeRequest>,
    ) -> Result<Response<proto::ValidateProgrammeResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        check_length(&request.document)?;
        let faults = blocking(&call, move || Ok(parse(&request.document).err().unwrap_or_default())).await?;
        let faults = faults.into_iter().map(fault_to_proto).collect();
        Ok(Response::new(proto::ValidateProgrammeResponse { faults }))
    }

    async fn publish_programme_version(
        &self,
        request: Request<proto::PublishProgrammeVersionRequest>,
    ) -> Result<Response<proto::ProgrammeVersion>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = request::request_id(&request.request_id)?;
        if request.document.is_empty() {
            return Err(Failure::missing("document").into());
        }
        check_length(&request.document)?;
        let document = request.document.clone();
        blocking(&call, move || parse(&document).map(drop).map_err(|faults| invalid(&faults))).await?;
        let change = RegistryChange::PublishProgramme { document: request.document.into() };
        let reply = self.change(&call, id, change).await?;
        let published = accepted(&reply.decision.outcome)?.iter().find_map(|event| {
            if let RegistryEvent::ProgrammePublished { version, .. } = event { Some(*version) } else { None }
        });
        let registry = self.ledger.registry();
        let version = published.zip(registry.as_ref()).and_then(|(published, registry)| {
            registry.versions(&published.programme).iter().find(|version| version.number == published.number)
        });
        let version =
            version.ok_or_else(|| Failure::internal(&"a version that was published is not there"))?;
        Ok(Response::new(version_to_proto(version, self.state(version), reply.position)))
    }

    async fn get_programme(
        &self,
        request: Request<proto::GetProgrammeRequest>,
    ) -> Result<Response<proto::Programme>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::programme("name", &request.name)?;
        let view = self.registry(&call, &self.min(request.min_position.as_ref())?).await?;
        let programme = to_proto(&id, view.registry.versions(&id), now(), view.status.position);
        Ok(Response::new(programme.ok_or_else(|| Failure::from(&Rejection::UnknownProgramme(id)))?))
    }

    async fn list_programmes(
        &self,
        request: Request<proto::ListProgrammesRequest>,
    ) -> Result<Response<proto::ListProgrammesResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let page = Page::<ProgrammeId>::of(&call, request.page_size, &request.page_token, &[])?;
        let view = self.registry(&call, &self.min(request.min_position.as_ref())?).await?;
        let (now, at) = (now(), view.status.position);
        let (programmes, next_page_token) = page.cut(view.registry.programmes(), |(id, _)| **id);
        let programmes = programmes.into_iter().filter_map(|(id, versions)| to_proto(id, versions, now, at));
        Ok(Response::new(proto::ListProgrammesResponse {
            programmes: programmes.collect(),
            next_page_token,
            position: Some(position::to_proto(at)),
        }))
    }

    async fn get_programme_version(
        &self,
        request: Request<proto::GetProgrammeVersionRequest>,
    ) -> Result<Response<proto::ProgrammeVersion>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, number) = name::version("name", &request.name)?;
        let view = self.registry(&call, &self.min(request.min_position.as_ref())?).await?;
        super::account::check_programme(&view.registry, &id)?;
        let version = view.registry.versions(&id).iter().find(|version| version.number == number);
        let missing = || Failure::new(ErrorReason::NotFound, "the programme has no version of this number");
        let version = version.ok_or_else(missing)?;
        Ok(Response::new(version_to_proto(version, self.state(version), view.status.position)))
    }

    async fn list_programme_versions(
        &self,
        request: Request<proto::ListProgrammeVersionsRequest>,
    ) -> Result<Response<proto::ListProgrammeVersionsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::programme("programme", &request.programme)?;
        let page =
            Page::<Reverse<u32>>::of(&call, request.page_size, &request.page_token, &[&request.programme])?;
        let view = self.registry(&call, &self.min(request.min_position.as_ref())?).await?;
        super::account::check_programme(&view.registry, &id)?;
        let at = view.status.position;
        let newest_first = view.registry.versions(&id).iter().rev();
        let (versions, next_page_token) = page.cut(newest_first, |version| Reverse(version.number));
        let write = |version| proto::ProgrammeVersion {
            document: String::new(),
            ..version_to_proto(version, self.state(version), at)
        };
        Ok(Response::new(proto::ListProgrammeVersionsResponse {
            versions: versions.into_iter().map(write).collect(),
            next_page_token,
            position: Some(position::to_proto(at)),
        }))
    }
}

impl Gateway {
    /// Whether every shard has heard of a version.
    fn state(&self, version: &ProgrammeVersion) -> ProgrammeVersionState {
        let heard = |shard| {
            self.ledger.status(shard).is_some_and(|status| {
                status.registry.versions(&version.programme.id).len() as u64 >= u64::from(version.number)
            })
        };
        if self.shards().all(heard) { ProgrammeVersionState::InForce } else { ProgrammeVersionState::Pending }
    }
}

fn check_length(document: &str) -> Result<(), Failure> {
    if document.len() > DOCUMENT_MAX_BYTES {
        let message = format!("is longer than {DOCUMENT_MAX_BYTES} bytes");
        return Err(Failure::of_field(ErrorReason::FieldTooLong, "document", message));
    }
    Ok(())
}

fn invalid(faults: &[Fault]) -> Failure {
    let message = "the document has faults; ValidateProgramme lists all of them";
    let failure = Failure::new(ErrorReason::ProgrammeInvalid, message).with("faults", faults.len());
    faults
        .iter()
        .take(FAULTS_SHOWN)
        .fold(failure, |failure, fault| failure.violating("document", fault.to_string()))
}
