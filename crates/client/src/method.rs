//! Which method of which service each request stands for.

use std::future::Future;

use coalition_proto as proto;
use proto::account::v1::{self as account, account_service_client::AccountServiceClient};
use proto::auth::v1::{self as auth, token_service_client::TokenServiceClient};
use proto::catalogue::v1::{self as catalogue, catalogue_service_client::CatalogueServiceClient};
use proto::event::v1::{self as event, partner_event_service_client::PartnerEventServiceClient};
use proto::member::v1::{self as member, member_service_client::MemberServiceClient};
use proto::operator::v1::{self as operator, operator_service_client::OperatorServiceClient};
use proto::partner::v1::{self as partner, partner_service_client::PartnerServiceClient};
use proto::programme::v1::{self as programme, programme_service_client::ProgrammeServiceClient};
use proto::redemption::v1::{self as redemption, redemption_service_client::RedemptionServiceClient};
use proto::settlement::v1::{self as settlement, settlement_service_client::SettlementServiceClient};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use crate::{Key, List};

/// A connection that shows a key with each call.
pub type Service = InterceptedService<Channel, Key>;

/// The largest answer, in bytes. A statement in one message has a line for each pair of partners, kind of event and unit price, and
/// each line a range for each shard: with many of both it is beyond the 4 MiB that a client takes unless it says so.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request of the API: its type says which method is called.
pub trait Call: Clone + Send + Sync + 'static {
    /// What the method answers.
    type Answer;

    /// Where a request that changes something carries its id.
    fn request_id(&mut self) -> Option<&mut String> {
        None
    }

    /// Sends it, once.
    fn send(
        service: Service,
        request: Request<Self>,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;
}

/// A line for each method: its name, request and answer; with `request_id` if the request carries one; with the item and
/// its field in the answer if that is a page of a list.
macro_rules! methods {
    ($($client:ident in $package:ident {
        $($method:ident($request:ident) -> $answer:ident $(, $id:ident)? $([$item:ident in $field:ident])?;)*
    })*) => {
        $($(
            impl Call for $package::$request {
                type Answer = $package::$answer;

                $(
                    fn request_id(&mut self) -> Option<&mut String> {
                        Some(&mut self.$id)
                    }
                )?

                async fn send(
                    service: Service,
                    request: Request<Self>,
                ) -> Result<Response<Self::Answer>, Status> {
                    let client = $client::new(service).max_decoding_message_size(ANSWER_BYTES_MAX);
                    { client }.$method(request).await
                }
            }

            $(
                impl List for $package::$request {
                    type Item = $package::$item;

                    fn page_token(&mut self) -> &mut String {
                        &mut self.page_token
                    }

                    fn items(page: Self::Answer) -> (Vec<Self::Item>, String) {
                        (page.$field, page.next_page_token)
                    }
                }
            )?
        )*)*
    };
}

methods! {
    AccountServiceClient in account {
        get_balance(GetBalanceRequest) -> Balance;
        list_activities(ListActivitiesRequest) -> ListActivitiesResponse [Activity in activities];
        get_activity(GetActivityRequest) -> Activity;
        list_lots(ListLotsRequest) -> ListLotsResponse [Lot in lots];
    }
    TokenServiceClient in auth {
        create_member_token(CreateMemberTokenRequest) -> MemberToken;
    }
    CatalogueServiceClient in catalogue {
        get_reward(GetRewardRequest) -> Reward;
        list_rewards(ListRewardsRequest) -> ListRewardsResponse [Reward in rewards];
    }
    PartnerEventServiceClient in event {
        publish_events(PublishEventsRequest) -> PublishEventsResponse;
        get_partner_event(GetPartnerEventRequest) -> PartnerEventRecord;
        list_partner_events(ListPartnerEventsRequest) -> ListPartnerEventsResponse
            [PartnerEventRecord in partner_events];
        get_rejected_event(GetRejectedEventRequest) -> RejectedEvent;
        list_rejected_events(ListRejectedEventsRequest) -> ListRejectedEventsResponse
            [RejectedEvent in rejected_events];
    }
    MemberServiceClient in member {
        create_member(CreateMemberRequest) -> Member, request_id;
        get_member(GetMemberRequest) -> Member;
        lookup_member(LookupMemberRequest) -> Member;
        create_identifier(CreateIdentifierRequest) -> MemberIdentifier, request_id;
        list_identifiers(ListIdentifiersRequest) -> ListIdentifiersResponse [MemberIdentifier in identifiers];
        delete_identifier(DeleteIdentifierRequest) -> MemberIdentifier, request_id;
        get_consent(GetConsentRequest) -> Consent;
        update_consent(UpdateConsentRequest) -> Consent, request_id;
    }
    OperatorServiceClient in operator {
        get_conservation_report(GetConservationReportRequest) -> ConservationReport;
        list_shards(ListShardsRequest) -> ListShardsResponse [Shard in shards];
        create_adjustment(CreateAdjustmentRequest) -> Adjustment, request_id;
        approve_adjustment(ApproveAdjustmentRequest) -> Adjustment, request_id;
        reject_adjustment(RejectAdjustmentRequest) -> Adjustment, request_id;
        get_adjustment(GetAdjustmentRequest) -> Adjustment;
        list_adjustments(ListAdjustmentsRequest) -> ListAdjustmentsResponse [Adjustment in adjustments];
    }
    PartnerServiceClient in partner {
        create_partner(CreatePartnerRequest) -> Partner, request_id;
        get_partner(GetPartnerRequest) -> Partner;
        list_partners(ListPartnersRequest) -> ListPartnersResponse [Partner in partners];
        update_partner(UpdatePartnerRequest) -> Partner, request_id;
        suspend_partner(SuspendPartnerRequest) -> Partner, request_id;
        resume_partner(ResumePartnerRequest) -> Partner, request_id;
        create_partner_contract(CreatePartnerContractRequest) -> PartnerContract, request_id;
        list_partner_contracts(ListPartnerContractsRequest) -> ListPartnerContractsResponse
            [PartnerContract in contracts];
        create_api_key(CreateApiKeyRequest) -> ApiKey, request_id;
        revoke_api_key(RevokeApiKeyRequest) -> ApiKey, request_id;
        list_api_keys(ListApiKeysRequest) -> ListApiKeysResponse [ApiKey in api_keys];
    }
    ProgrammeServiceClient in programme {
        validate_programme(ValidateProgrammeRequest) -> ValidateProgrammeResponse;
        publish_programme_version(PublishProgrammeVersionRequest) -> ProgrammeVersion, request_id;
        get_programme(GetProgrammeRequest) -> Programme;
        list_programmes(ListProgrammesRequest) -> ListProgrammesResponse [Programme in programmes];
        get_programme_version(GetProgrammeVersionRequest) -> ProgrammeVersion;
        list_programme_versions(ListProgrammeVersionsRequest) -> ListProgrammeVersionsResponse
            [ProgrammeVersion in versions];
    }
    RedemptionServiceClient in redemption {
        create_redemption(CreateRedemptionRequest) -> Redemption, request_id;
        get_redemption(GetRedemptionRequest) -> Redemption;
        list_redemptions(ListRedemptionsRequest) -> ListRedemptionsResponse [Redemption in redemptions];
        refund_redemption(RefundRedemptionRequest) -> Redemption, request_id;
        create_hold(CreateHoldRequest) -> Hold, request_id;
        get_hold(GetHoldRequest) -> Hold;
        list_holds(ListHoldsRequest) -> ListHoldsResponse [Hold in holds];
        capture_hold(CaptureHoldRequest) -> Redemption, request_id;
        release_hold(ReleaseHoldRequest) -> Hold, request_id;
    }
    SettlementServiceClient in settlement {
        get_settlement_statement(GetSettlementStatementRequest) -> SettlementStatement;
        list_settlement_statements(ListSettlementStatementsRequest) -> ListSettlementStatementsResponse
            [SettlementStatement in statements];
        get_net_position(GetNetPositionRequest) -> NetPosition;
        get_burn_matrix(GetBurnMatrixRequest) -> BurnMatrix;
        list_settlement_lines(ListSettlementLinesRequest) -> ListSettlementLinesResponse
            [SettlementLine in lines];
        list_line_events(ListLineEventsRequest) -> ListLineEventsResponse
            [LineEvent in line_events];
    }
}

/// A line for each method that answers with a stream: service, method, request, and what comes one after another.
macro_rules! streams {
    ($($client:ident in $package:ident $method:ident($request:ident) -> $part:ident;)*) => {$(
        impl Call for $package::$request {
            type Answer = Streaming<$package::$part>;

            async fn send(
                service: Service,
                request: Request<Self>,
            ) -> Result<Response<Self::Answer>, Status> {
                $client::new(service).$method(request).await
            }
        }
    )*};
}

streams! {
    SettlementServiceClient in settlement
        stream_settlement_lines(StreamSettlementLinesRequest) -> StreamSettlementLinesResponse;
    SettlementServiceClient in settlement
        export_settlement_statement(ExportSettlementStatementRequest) -> ExportSettlementStatementResponse;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message;
    use prost_types::{DescriptorProto, FileDescriptorSet};

    /// The lines of the tables above: service, method, request, and whether it has a request id, whether it is a list.
    fn table() -> BTreeSet<(String, String, String, bool, bool)> {
        let table = |begin: &str| {
            let (_, table) = include_str!("method.rs").split_once(begin).unwrap();
            table.split_once("\n}\n").unwrap().0
        };
        // A stream has its service in its own line, where the other table has it once for all.
        let streams = table("\nstreams! {\n").replace("in settlement\n", "in settlement {");
        let tables = format!("{};{streams}", table("\nmethods! {\n"));
        let mut rows = BTreeSet::new();
        let mut service = "";
        for part in tables.split([';', '{']) {
            if let Some((client, _)) = part.split_once("Client in ") {
                service = client.trim_matches(|it: char| !it.is_alphabetic());
            } else if let Some((method, rest)) = part.split_once('(') {
                let (request, rest) = rest.split_once(')').unwrap();
                let (id, list) = (rest.contains(", request_id"), rest.contains(" in "));
                let method = method.trim().replace('_', "");
                rows.insert((service.to_owned(), method, request.to_owned(), id, list));
            }
        }
        rows
    }

    /// The same, as proto/ has it.
    fn api() -> BTreeSet<(String, String, String, bool, bool)> {
        let files = FileDescriptorSet::decode(coalition_proto::FILE_DESCRIPTOR_SET).unwrap().file;
        let messages: Vec<DescriptorProto> =
            files.iter().flat_map(|file| file.message_type.clone()).collect();
        let has = |message: &str, field: &str| {
            let found = messages.iter().find(|it| it.name() == message).unwrap();
            found.field.iter().any(|it| it.name() == field)
        };
        let services = files.iter().flat_map(|file| &file.service);
        let rows = services.flat_map(|service| service.method.iter().map(move |method| (service, method)));
        rows.map(|(service, method)| {
            let request = method.input_type().rsplit('.').next().unwrap().to_owned();
            let (id, list) = (has(&request, "request_id"), has(&request, "page_token"));
            (service.name().to_owned(), method.name().to_lowercase(), request, id, list)
        })
        .collect()
    }

    #[test]
    fn every_method_has_its_line() {
        assert_eq!(table(), api());
    }
}
