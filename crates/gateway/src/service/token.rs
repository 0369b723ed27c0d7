//! Tokens by which members call the network themselves.

use coalition_domain::decide::RegistryChange;
use coalition_domain::{Caller, KeyId, RequestId, Role, Span};
use coalition_intake::convert::timestamp_to_proto;
use coalition_proto::auth::v1 as proto;
use coalition_proto::auth::v1::token_service_server::TokenService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::account::check_signer;
use super::{Gateway, accepted};
use crate::auth::{MemberToken, Secret, TOKEN_TTL, secret, token_key};
use crate::call::Call;
use crate::convert::name;
use crate::convert::position::MinPositions;
use crate::forward::now;
use crate::status::Failure;

/// How long a token is good that states nothing.
const TTL_DEFAULT: Span = Span::from_secs(15 * 60);

#[tonic::async_trait]
impl TokenService for Gateway {
    async fn create_member_token(
        &self,
        request: Request<proto::CreateMemberTokenRequest>,
    ) -> Result<Response<proto::MemberToken>, Status> {
        let call = Call::of(&request)?;
        let secret = secret(request.metadata().as_ref());
        let request = request.into_inner();
        let id = name::member("member", &request.member)?;
        let ttl = request.ttl.map_or(Ok(TTL_DEFAULT), |ttl| read_ttl(&ttl))?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        let key = call.caller.key;
        check_signer(&view, &Caller { key, role: Role::Member(id) })?;
        let secret = secret.ok_or_else(|| Failure::denied("a token signs no tokens; use a key"))?;
        view.registry.check_begins(&call.caller).map_err(|why| Failure::from(&why))?;
        self.register_token_key(&call, key, &secret).await?;
        let expires_at = now().plus(ttl);
        Ok(Response::new(proto::MemberToken {
            member: name::of_member(id),
            token: MemberToken { key, member: id, expires_at }.sign(&secret),
            expire_time: Some(timestamp_to_proto(expires_at)),
        }))
    }
}

impl Gateway {
    /// Has every gateway know by what to verify what the holder of a key signs. Once in a key's life.
    async fn register_token_key(&self, call: &Call, key: KeyId, secret: &Secret) -> Result<(), Failure> {
        let registry = self.registry(call, &MinPositions::default()).await?.registry;
        if registry.token_key(&key).is_none() {
            let request = RequestId::new(Uuid::now_v7()).expect("is of version 7");
            let change = RegistryChange::RegisterTokenKey { token_key: token_key(secret) };
            accepted(&self.change(call, request, change).await?.decision.outcome)?;
        }
        Ok(())
    }
}

fn read_ttl(ttl: &prost_types::Duration) -> Result<Span, Failure> {
    let millis =
        ttl.seconds.checked_mul(1_000).and_then(|of| of.checked_add(i64::from(ttl.nanos / 1_000_000)));
    let ttl = millis.map(Span::from_millis).filter(|ttl| TOKEN_TTL.contains(ttl));
    ttl.ok_or_else(|| Failure::invalid("ttl", "lies between 1 minute and 24 hours"))
}
