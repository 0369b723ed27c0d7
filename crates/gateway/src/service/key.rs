//! The keys that callers show.

use coalition_domain::decide::RegistryChange;
use coalition_domain::registry::{ApiKey, RegistryEvent};
use coalition_domain::{KeyId, Role};
use coalition_ledger::view::Position;
use coalition_proto::partner::v1 as proto;

use super::partner::check_partner;
use super::{Gateway, accepted};
use crate::auth::NewKey;
use crate::call::Call;
use crate::convert::partner::key_to_proto;
use crate::convert::position::MinPositions;
use crate::convert::{member, name, position, request};
use crate::page::Page;
use crate::status::Failure;

impl Gateway {
    /// Makes a key; its secret is in this answer only.
    pub(super) async fn create_key(
        &self,
        call: &Call,
        request: proto::CreateApiKeyRequest,
    ) -> Result<proto::ApiKey, Failure> {
        use proto::create_api_key_request::Holder;
        let role = match request.holder.ok_or_else(|| Failure::missing("holder"))? {
            Holder::Operator(proto::OperatorHolder {}) => Role::Operator,
            Holder::Partner(partner) => Role::Partner(name::partner("partner", &partner)?),
            Holder::Member(member) => Role::Member(name::member("member", &member)?),
        };
        let request = request::request_id(&request.request_id)?;
        if let Role::Member(id) = role {
            // The registry knows no members: theirs is the account's shard.
            member::enrolled(self.account(call, id, &MinPositions::default()).await?)?;
        }
        let new = NewKey::draw().map_err(|error| Failure::internal(&error))?;
        let reply = self.change(call, request, new.create(role)).await?;
        // A repeat is answered with the first request's key, whose secret nobody knows here any more.
        let created = accepted(&reply.decision.outcome)?
            .iter()
            .find_map(|event| if let RegistryEvent::KeyCreated(key) = event { Some(key.id) } else { None });
        let id = created.ok_or_else(|| Failure::internal(&"a key that was made and is not there"))?;
        let mut written = self.key(id, reply.position)?;
        if id == new.id {
            new.secret.reveal().clone_into(&mut written.secret);
        }
        Ok(written)
    }

    /// Takes a key's force.
    pub(super) async fn revoke_key(
        &self,
        call: &Call,
        request: proto::RevokeApiKeyRequest,
    ) -> Result<proto::ApiKey, Failure> {
        let id = name::key("name", &request.name)?;
        let request = request::request_id(&request.request_id)?;
        let reply = self.change(call, request, RegistryChange::RevokeKey { id }).await?;
        accepted(&reply.decision.outcome)?;
        self.key(id, reply.position)
    }

    /// A page of a partner's keys, or of all of the network.
    pub(super) async fn keys(
        &self,
        call: &Call,
        request: &proto::ListApiKeysRequest,
    ) -> Result<proto::ListApiKeysResponse, Failure> {
        let partner = match (request.partner.as_str(), call.partner()) {
            ("", None) => None,
            (partner, _) => Some(call.partner_named("partner", partner)?),
        };
        let page = Page::<KeyId>::of(call, request.page_size, &request.page_token, &[&request.partner])?;
        let view = self.registry(call, &self.min(request.min_position.as_ref())?).await?;
        if let Some(partner) = &partner {
            check_partner(&view.registry, partner)?;
        }
        let wanted = |key: &&ApiKey| partner.is_none_or(|partner| key.role == Role::Partner(partner));
        let (keys, next_page_token) = page.cut(view.registry.keys().filter(wanted), |key| key.id);
        let at = view.status.position;
        Ok(proto::ListApiKeysResponse {
            api_keys: keys.into_iter().map(|key| key_to_proto(key, at)).collect(),
            next_page_token,
            position: Some(position::to_proto(at)),
        })
    }

    /// A key of which every shard has heard.
    fn key(&self, id: KeyId, at: Position) -> Result<proto::ApiKey, Failure> {
        let registry = self.ledger.registry();
        let key = registry.as_ref().and_then(|registry| registry.key(&id));
        key.map(|key| key_to_proto(key, at)).ok_or_else(|| Failure::internal(&"a key that is not there"))
    }
}
