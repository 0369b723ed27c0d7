//! Calls to a running network: shown a key, bounded in time, repeated while the network is not ready.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use coalition_domain::RequestId;
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::catalogue::v1::catalogue_service_client::CatalogueServiceClient;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::member::v1::LookupMemberRequest;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::partner::v1::partner_service_client::PartnerServiceClient;
use coalition_proto::programme::v1::programme_service_client::ProgrammeServiceClient;
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use coalition_proto::settlement::v1::settlement_service_client::SettlementServiceClient;
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use super::failure::{CallFailed, Trouble};
use super::{MemberArgs, Options};

/// The first pause before a call is repeated; each further one may be twice as long, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A channel that shows the key with each call.
pub(crate) type Service = InterceptedService<Channel, Key>;

/// Shows a key.
#[derive(Clone)]
pub(crate) struct Key(MetadataValue<Ascii>);

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A connection, for as long as one command may take.
pub(crate) struct Session {
    service: Service,
    deadline: Instant,
}

/// Connects as `options` say and runs a command's calls.
pub(crate) fn run<F: Future<Output = Result<ExitCode>>>(
    options: &Options,
    command: impl FnOnce(Session) -> F,
) -> Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("start a runtime")?;
    runtime.block_on(async { command(Session::connect(options).await?).await })
}

impl Session {
    async fn connect(options: &Options) -> Result<Self> {
        let key = Key(options.authorization()?);
        let deadline = Instant::now() + options.timeout();
        let server = options.server()?;
        let endpoint = Endpoint::from(server.clone()).connect_timeout(options.timeout());
        let channel = endpoint.connect().await.map_err(|error| {
            // The innermost cause is the system's word; the layers around it only say that they failed.
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            Trouble::NoServer { server: server.to_string(), why: cause.to_string() }
        })?;
        Ok(Self { service: InterceptedService::new(channel, key), deadline })
    }

    /// Asks for something. `send` may be called several times.
    pub(crate) async fn ask<Q: Clone, A>(
        &self,
        doing: &str,
        query: Q,
        send: impl AsyncFn(Request<Q>) -> Result<Response<A>, Status>,
    ) -> Result<A> {
        Ok(self.repeat(doing, None, &query, send).await?)
    }

    /// Asks for a change, whose id `query` carries too: however often it is sent, it is done once.
    pub(crate) async fn change<Q: Clone, A>(
        &self,
        doing: &str,
        id: RequestId,
        query: Q,
        send: impl AsyncFn(Request<Q>) -> Result<Response<A>, Status>,
    ) -> Result<A> {
        Ok(self.repeat(doing, Some(id), &query, send).await?)
    }

    async fn repeat<Q: Clone, A>(
        &self,
        doing: &str,
        id: Option<RequestId>,
        query: &Q,
        send: impl AsyncFn(Request<Q>) -> Result<Response<A>, Status>,
    ) -> Result<A, CallFailed> {
        let mut pause_max = PAUSE;
        loop {
            let mut request = Request::new(query.clone());
            request.set_timeout(self.deadline.saturating_duration_since(Instant::now()));
            let status = match send(request).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => status,
            };
            let pause = pause(&status, pause_max, Uuid::new_v4());
            match pause.filter(|pause| Instant::now() + *pause < self.deadline) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    return Err(CallFailed {
                        doing: doing.to_owned(),
                        status: Box::new(status),
                        request: id,
                    });
                }
            }
            pause_max = (pause_max * 2).min(PAUSE_MAX);
        }
    }

    /// The name of the member that the arguments stand for.
    pub(crate) async fn member_name(&self, args: &MemberArgs) -> Result<String> {
        match (&args.member, args.identifier()) {
            (None, Some(identifier)) => {
                let query = LookupMemberRequest { identifier: Some(identifier), min_position: None };
                let send = async |request| self.members().lookup_member(request).await;
                Ok(self.ask("look the member up", query, send).await?.name)
            }
            (member, _) => Ok(member.map(|id| format!("members/{id}")).unwrap_or_default()),
        }
    }

    pub(crate) fn accounts(&self) -> AccountServiceClient<Service> {
        AccountServiceClient::new(self.service.clone())
    }

    pub(crate) fn catalogue(&self) -> CatalogueServiceClient<Service> {
        CatalogueServiceClient::new(self.service.clone())
    }

    pub(crate) fn events(&self) -> PartnerEventServiceClient<Service> {
        PartnerEventServiceClient::new(self.service.clone())
    }

    pub(crate) fn members(&self) -> MemberServiceClient<Service> {
        MemberServiceClient::new(self.service.clone())
    }

    pub(crate) fn partners(&self) -> PartnerServiceClient<Service> {
        PartnerServiceClient::new(self.service.clone())
    }

    pub(crate) fn programmes(&self) -> ProgrammeServiceClient<Service> {
        ProgrammeServiceClient::new(self.service.clone())
    }

    pub(crate) fn redemptions(&self) -> RedemptionServiceClient<Service> {
        RedemptionServiceClient::new(self.service.clone())
    }

    pub(crate) fn settlement(&self) -> SettlementServiceClient<Service> {
        SettlementServiceClient::new(self.service.clone())
    }
}

/// All of a list, page by page: `get` is given a page token and answers with items and the token of the next page.
pub(crate) async fn pages<T>(get: impl AsyncFn(String) -> Result<(Vec<T>, String)>) -> Result<Vec<T>> {
    let (mut items, mut token) = get(String::new()).await?;
    while !token.is_empty() {
        let (more, next) = get(token).await?;
        items.extend(more);
        token = next;
    }
    Ok(items)
}

/// How long to wait before the call is repeated, if that may help: as long as the network asks for, and a part of `max`
/// that `random` picks, so that callers who failed together don't come back together.
fn pause(status: &Status, max: Duration, random: Uuid) -> Option<Duration> {
    let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let passing = status.code() == Code::Unavailable;
    if !passing && (status.code() != Code::ResourceExhausted || asked.is_none()) {
        return None;
    }
    let max_ms = u64::try_from(max.as_millis()).unwrap_or(u64::MAX).max(1);
    let part = Duration::from_millis(random.as_u64_pair().1 % max_ms);
    Some(asked.unwrap_or_default() + part)
}

/// A new request id, or the one that was given.
pub(crate) fn request_id(given: Option<RequestId>) -> RequestId {
    given.unwrap_or_else(|| RequestId::new(Uuid::now_v7()).expect("a uuid of version 7 is one"))
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let max = Duration::from_millis(100);
        let of = |code| pause(&Status::new(code, ""), max, Uuid::from_u128(u128::MAX));
        assert!(of(Code::Unavailable).is_some_and(|pause| pause < max));
        for code in
            [Code::ResourceExhausted, Code::FailedPrecondition, Code::DeadlineExceeded, Code::Internal]
        {
            assert_eq!(of(code), None, "{code}");
        }
    }

    #[test]
    fn the_networks_own_pause_is_kept() {
        let asked = Duration::from_millis(200);
        let details = ErrorDetails::with_retry_info(Some(asked));
        let status = Status::with_error_details(Code::ResourceExhausted, "", details);
        let found = pause(&status, Duration::from_millis(100), Uuid::from_u128(7)).unwrap();
        assert_eq!(found, asked + Duration::from_millis(7));
    }
}
