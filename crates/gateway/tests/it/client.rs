//! A caller with a key.

use std::net::SocketAddr;

use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::account::v1::{Balance, GetBalanceRequest};
use coalition_proto::auth::v1::token_service_client::TokenServiceClient;
use coalition_proto::auth::v1::{CreateMemberTokenRequest, MemberToken};
use coalition_proto::catalogue::v1::catalogue_service_client::CatalogueServiceClient;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::{
    ConsentGiven, EmailRead, Engagement, GetPartnerEventRequest, PartnerEvent, PartnerEventRecord,
    PublishEventResult, PublishEventsRequest, Purchase, SignUp,
};
use coalition_proto::google::r#type::Money;
use coalition_proto::member::v1::CreateMemberRequest;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::operator::v1::operator_service_client::OperatorServiceClient;
use coalition_proto::partner::v1::partner_service_client::PartnerServiceClient;
use coalition_proto::partner::v1::{
    ApiKey, CreateApiKeyRequest, CreatePartnerContractRequest, CreatePartnerRequest, Partner,
    PartnerContract, create_api_key_request::Holder,
};
use coalition_proto::programme::v1::programme_service_client::ProgrammeServiceClient;
use coalition_proto::programme::v1::{ProgrammeVersion, PublishProgrammeVersionRequest};
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use coalition_proto::settlement::v1::settlement_service_client::SettlementServiceClient;
use coalition_proto::r#type::v1::{ErrorReason, Identifier, IdentifierScheme, Position, UnitPrice};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::network::{request_id, until};

/// A key that is put into every call.
#[derive(Clone)]
pub(crate) struct Key(Option<MetadataValue<Ascii>>);

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}

pub(crate) type Keyed = InterceptedService<Channel, Key>;

/// A connection with a key.
#[derive(Clone)]
pub(crate) struct Client {
    channel: Channel,
    key: Key,
}

macro_rules! services {
    ($($method:ident $client:ident)*) => {$(
        pub(crate) fn $method(&self) -> $client<Keyed> {
            $client::with_interceptor(self.channel.clone(), self.key.clone())
        }
    )*};
}

impl Client {
    pub(crate) async fn new(address: SocketAddr, key: Option<&str>) -> Self {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { channel, key: Key(key.map(|key| format!("Bearer {key}").parse().unwrap())) }
    }

    pub(crate) fn channel(&self) -> Keyed {
        InterceptedService::new(self.channel.clone(), self.key.clone())
    }

    services! {
        accounts AccountServiceClient
        catalogue CatalogueServiceClient
        events PartnerEventServiceClient
        members MemberServiceClient
        operators OperatorServiceClient
        partners PartnerServiceClient
        programmes ProgrammeServiceClient
        redemptions RedemptionServiceClient
        settlements SettlementServiceClient
        tokens TokenServiceClient
    }

    pub(crate) async fn create_partner(&self, id: &str, default_programme: &str) -> Result<Partner, Status> {
        let request = CreatePartnerRequest {
            partner_id: id.to_owned(),
            display_name: id.to_uppercase(),
            default_programme: default_programme.to_owned(),
            request_id: request_id(),
        };
        Ok(self.partners().create_partner(request).await?.into_inner())
    }

    pub(crate) async fn publish(&self, document: &str) -> Result<ProgrammeVersion, Status> {
        let request =
            PublishProgrammeVersionRequest { document: document.to_owned(), request_id: request_id() };
        Ok(self.programmes().publish_programme_version(request).await?.into_inner())
    }

    pub(crate) async fn create_contract(
        &self,
        partner: &str,
        programme: &str,
        accrual: Option<i64>,
        redemption: Option<i64>,
    ) -> Result<PartnerContract, Status> {
        let price = |micros| UnitPrice { currency_code: "USD".to_owned(), micros };
        let request = CreatePartnerContractRequest {
            partner: format!("partners/{partner}"),
            programme: format!("programmes/{programme}"),
            accrual_unit_price: accrual.map(price),
            redemption_unit_price: redemption.map(price),
            start_time: Some(prost_types::Timestamp { seconds: 820_454_400, nanos: 0 }),
            request_id: request_id(),
        };
        Ok(self.partners().create_partner_contract(request).await?.into_inner())
    }

    pub(crate) async fn create_key(&self, holder: Holder) -> Result<ApiKey, Status> {
        let request = CreateApiKeyRequest { holder: Some(holder), request_id: request_id() };
        Ok(self.partners().create_api_key(request).await?.into_inner())
    }

    pub(crate) async fn partner_key(&self, partner: &str) -> String {
        self.create_key(Holder::Partner(format!("partners/{partner}"))).await.unwrap().secret
    }

    pub(crate) async fn member_key(&self, member: &str) -> String {
        self.create_key(Holder::Member(member.to_owned())).await.unwrap().secret
    }

    /// Signs a token of the member that is good for so long, or for the usual time.
    pub(crate) async fn token(&self, member: &str, seconds: Option<i64>) -> Result<MemberToken, Status> {
        let ttl = seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
        let request = CreateMemberTokenRequest { member: member.to_owned(), ttl, min_position: None };
        Ok(self.tokens().create_member_token(request).await?.into_inner())
    }

    /// Enrols on the e-mail hash of `who`; the member's name.
    pub(crate) async fn enrol(&self, who: &str) -> Result<String, Status> {
        let request = CreateMemberRequest { identifier: Some(email(who)), request_id: request_id() };
        Ok(self.members().create_member(request).await?.into_inner().name)
    }

    /// Publishes an event and waits until it was decided.
    pub(crate) async fn tell(&self, partner: &str, who: &str, id: &str, body: Body) -> PartnerEventRecord {
        let results = self.publish_events(partner, vec![event(who, id, body)]).await.unwrap();
        assert!(
            matches!(
                results[0].outcome,
                Some(coalition_proto::event::v1::publish_event_result::Outcome::Accepted(_))
            ),
            "{results:?}"
        );
        self.decided(partner, who, id).await
    }

    pub(crate) async fn publish_events(
        &self,
        partner: &str,
        events: Vec<PartnerEvent>,
    ) -> Result<Vec<PublishEventResult>, Status> {
        let partner = format!("partners/{partner}");
        let request = PublishEventsRequest { partner, events, validate_only: false };
        Ok(self.events().publish_events(request).await?.into_inner().results)
    }

    /// Asks for an event until it was decided.
    pub(crate) async fn decided(&self, partner: &str, who: &str, id: &str) -> PartnerEventRecord {
        let mut found = None;
        until("the decision", async || {
            found = match self.get_event(partner, who, id).await {
                Ok(record) => Some(record),
                Err(status) => {
                    assert_eq!(reason(&status), ErrorReason::EventNotFound, "{status:?}");
                    None
                }
            };
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    pub(crate) async fn get_event(
        &self,
        partner: &str,
        who: &str,
        id: &str,
    ) -> Result<PartnerEventRecord, Status> {
        let request = GetPartnerEventRequest {
            partner: format!("partners/{partner}"),
            event_id: id.to_owned(),
            identifier: Some(email(who)),
            ..GetPartnerEventRequest::default()
        };
        Ok(self.events().get_partner_event(request).await?.into_inner())
    }

    pub(crate) async fn balance(&self, member: &str, min: Option<Position>) -> Result<Balance, Status> {
        let request = GetBalanceRequest {
            member: member.to_owned(),
            programme: "programmes/miles".to_owned(),
            min_position: min,
            ..GetBalanceRequest::default()
        };
        Ok(self.accounts().get_balance(request).await?.into_inner())
    }
}

/// An e-mail hash that stands for `who`; every letter is one of the hexadecimal digits already.
pub(crate) fn email(who: &str) -> Identifier {
    let value = format!("{who:0>64}");
    Identifier { scheme: IdentifierScheme::EmailHash.into(), scope: String::new(), value }
}

/// An event of 1997-01-31.
pub(crate) fn event(who: &str, id: &str, body: Body) -> PartnerEvent {
    PartnerEvent {
        event_id: id.to_owned(),
        identifier: Some(email(who)),
        event_time: Some(prost_types::Timestamp { seconds: 854_668_800, nanos: 0 }),
        body: Some(body),
        ..PartnerEvent::default()
    }
}

/// A purchase of this many units and 99 hundredths, or of nothing.
pub(crate) fn purchase(order: &str, currency: &str, units: i64) -> Body {
    let nanos = if units == 0 { 0 } else { 990_000_000 };
    let amount = Money { currency_code: currency.to_owned(), units, nanos };
    Body::Purchase(Purchase { order_id: order.to_owned(), amount: Some(amount), lines: Vec::new() })
}

/// An e-mail was read.
pub(crate) fn read(message: &str) -> Body {
    Body::EmailRead(EmailRead { message_id: message.to_owned() })
}

/// Something else was done.
pub(crate) fn engaged(kind: &str) -> Body {
    Body::Engagement(Engagement { kind: kind.to_owned(), reference: String::new() })
}

/// Something is permitted from now on.
pub(crate) fn consent_given(purpose: &str) -> Body {
    Body::ConsentGiven(ConsentGiven { purpose: purpose.to_owned() })
}

/// Somebody joined, with these consents.
pub(crate) fn sign_up(purposes: &[&str]) -> Body {
    Body::SignUp(SignUp { consent_purposes: purposes.iter().map(|purpose| (*purpose).to_owned()).collect() })
}

/// The reason that a status gives.
pub(crate) fn reason(status: &Status) -> ErrorReason {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("a status without ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "coalition");
    ErrorReason::from_reason(&info.reason).unwrap()
}

/// The reason for which a call failed.
pub(crate) fn why<T: std::fmt::Debug>(answer: Result<T, Status>) -> ErrorReason {
    reason(&answer.expect_err("the call fails"))
}
