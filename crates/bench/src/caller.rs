//! Who calls the gateway: a real client over TCP, with the operator's key.

use anyhow::{Context, Result};
use coalition_proto::account::v1::GetBalanceRequest;
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::member::v1::CreateMemberRequest;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::redemption::v1::CreateRedemptionRequest;
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use uuid::Uuid;

use crate::network::{PROGRAMME, REWARD, Served};
use crate::workload::card;

/// A connection.
#[derive(Clone)]
pub(crate) struct Caller {
    channel: Channel,
    key: MetadataValue<Ascii>,
}

impl Caller {
    pub(crate) async fn connect(served: &Served) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{}", served.address))?;
        let key = format!("Bearer {}", served.key.secret.reveal()).parse()?;
        Ok(Self { channel: endpoint.connect().await?, key })
    }

    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.key.clone());
        request
    }

    /// Enrols on a card; the member's name.
    pub(crate) async fn enrol(&self, token: &str) -> Result<String> {
        let message =
            CreateMemberRequest { identifier: Some(card(token)), request_id: Uuid::now_v7().to_string() };
        let mut client = MemberServiceClient::new(self.channel.clone());
        let answer = client.create_member(self.request(message)).await.context("enrol a member")?;
        Ok(answer.into_inner().name)
    }

    /// What a member can spend, in points.
    pub(crate) async fn balance(&self, member: &str) -> Result<i64> {
        let message = GetBalanceRequest {
            member: member.to_owned(),
            programme: format!("programmes/{PROGRAMME}"),
            ..GetBalanceRequest::default()
        };
        let mut client = AccountServiceClient::new(self.channel.clone());
        let answer = client.get_balance(self.request(message)).await.context("ask for a balance")?;
        Ok(answer.into_inner().available)
    }

    /// Burns a point of a member.
    pub(crate) async fn redeem(&self, member: &str) -> Result<()> {
        let message = CreateRedemptionRequest {
            member: member.to_owned(),
            reward: format!("programmes/{PROGRAMME}/rewards/{REWARD}"),
            quantity: 1,
            request_id: Uuid::now_v7().to_string(),
        };
        let mut client = RedemptionServiceClient::new(self.channel.clone());
        client.create_redemption(self.request(message)).await.context("redeem")?;
        Ok(())
    }

    /// Asks for as little as the server can be asked for: whether it is well, which it answers of what it has in memory, with
    /// no guard before it.
    pub(crate) async fn nothing(&self) -> Result<()> {
        let mut client = HealthClient::new(self.channel.clone());
        let message = HealthCheckRequest { service: String::new() };
        client.check(self.request(message)).await.context("ask for nothing")?;
        Ok(())
    }
}
