//! A request of every method, for things of the shop's or a member's.

use coalition_proto::{
    account::v1 as account, auth::v1 as auth, catalogue::v1 as catalogue, event::v1 as events,
    member::v1 as member, operator::v1 as operator, partner::v1 as partner, programme::v1 as programme,
    redemption::v1 as redemption, settlement::v1 as settlement,
};
use prost::Message;

use crate::client::{email, event, read};
use crate::network::{DOCUMENT, request_id};

/// What a call with somebody else's key comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// PERMISSION_DENIED.
    Denied,
    /// NOT_FOUND, as if it were not there.
    NotFound,
    /// An answer with nothing of the other's in it.
    Nothing,
    /// An answer.
    Answer,
}

/// A method, a request for things of the shop or the member, and what comes of it with the key of another partner and of
/// another member.
pub(crate) type Case = (&'static str, Vec<u8>, Then, Then);

/// Every method once; `of` is the member's name.
pub(crate) fn cases(of: &str) -> Vec<Case> {
    use Then::{Answer, Denied, NotFound, Nothing};
    let member = || of.to_owned();
    let shop = || "partners/shop".to_owned();
    let miles = || "programmes/miles".to_owned();
    let adjustment = || format!("{of}/adjustments/5");
    let upgrade = || "programmes/miles/rewards/upgrade".to_owned();
    let (draw, request_id) = (request_id, request_id());
    let accounts = [
        (
            "coalition.account.v1.AccountService/GetBalance",
            account::GetBalanceRequest { member: member(), programme: miles(), ..Default::default() }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.account.v1.AccountService/ListActivities",
            account::ListActivitiesRequest { member: member(), ..Default::default() }.encode_to_vec(),
            Nothing,
            Denied,
        ),
        (
            "coalition.account.v1.AccountService/GetActivity",
            account::GetActivityRequest { name: format!("{of}/activities/2"), min_position: None }
                .encode_to_vec(),
            NotFound,
            Denied,
        ),
        (
            "coalition.account.v1.AccountService/ListLots",
            account::ListLotsRequest { member: member(), programme: miles(), ..Default::default() }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.catalogue.v1.CatalogueService/GetReward",
            catalogue::GetRewardRequest { name: upgrade(), member: member(), min_position: None }
                .encode_to_vec(),
            Answer,
            Denied,
        ),
        (
            "coalition.catalogue.v1.CatalogueService/ListRewards",
            catalogue::ListRewardsRequest { programme: miles(), member: member(), ..Default::default() }
                .encode_to_vec(),
            Answer,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/CreateRedemption",
            redemption::CreateRedemptionRequest {
                member: member(),
                reward: upgrade(),
                quantity: 1,
                request_id: request_id.clone(),
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/GetRedemption",
            redemption::GetRedemptionRequest { name: format!("{of}/redemptions/3"), min_position: None }
                .encode_to_vec(),
            NotFound,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/ListRedemptions",
            redemption::ListRedemptionsRequest { member: member(), ..Default::default() }.encode_to_vec(),
            Nothing,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/RefundRedemption",
            redemption::RefundRedemptionRequest {
                name: format!("{of}/redemptions/3"),
                request_id: request_id.clone(),
            }
            .encode_to_vec(),
            NotFound,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/CreateHold",
            redemption::CreateHoldRequest {
                member: member(),
                reward: upgrade(),
                quantity: 1,
                ttl: None,
                request_id: request_id.clone(),
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/GetHold",
            redemption::GetHoldRequest { name: format!("{of}/holds/4"), min_position: None }.encode_to_vec(),
            NotFound,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/ListHolds",
            redemption::ListHoldsRequest { member: member(), ..Default::default() }.encode_to_vec(),
            Nothing,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/CaptureHold",
            redemption::CaptureHoldRequest { name: format!("{of}/holds/4"), points: 0, request_id: draw() }
                .encode_to_vec(),
            NotFound,
            Denied,
        ),
        (
            "coalition.redemption.v1.RedemptionService/ReleaseHold",
            redemption::ReleaseHoldRequest { name: format!("{of}/holds/4"), request_id: draw() }
                .encode_to_vec(),
            NotFound,
            Denied,
        ),
    ];
    let of_members = [
        (
            "coalition.auth.v1.TokenService/CreateMemberToken",
            auth::CreateMemberTokenRequest { member: member(), ..Default::default() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.member.v1.MemberService/CreateMember",
            // A customer number of the shop's.
            member::CreateMemberRequest { identifier: Some(number()), request_id: request_id.clone() }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.member.v1.MemberService/GetMember",
            member::GetMemberRequest { name: member(), min_position: None }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.member.v1.MemberService/LookupMember",
            member::LookupMemberRequest { identifier: Some(number()), min_position: None }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.member.v1.MemberService/CreateIdentifier",
            member::CreateIdentifierRequest {
                parent: member(),
                identifier: Some(number()),
                request_id: request_id.clone(),
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.member.v1.MemberService/ListIdentifiers",
            member::ListIdentifiersRequest { parent: member(), ..Default::default() }.encode_to_vec(),
            Nothing,
            Denied,
        ),
        (
            "coalition.member.v1.MemberService/DeleteIdentifier",
            // What is not the partner's own is not there for it.
            member::DeleteIdentifierRequest {
                name: format!("{}/identifiers/0", member()),
                request_id: request_id.clone(),
            }
            .encode_to_vec(),
            NotFound,
            Denied,
        ),
        (
            "coalition.member.v1.MemberService/GetConsent",
            // Of no rule's.
            member::GetConsentRequest { name: format!("{of}/consents/letters"), min_position: None }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.member.v1.MemberService/UpdateConsent",
            member::UpdateConsentRequest {
                consent: Some(member::Consent {
                    name: format!("{of}/consents/surveys"),
                    given: true,
                    ..Default::default()
                }),
                update_mask: None,
                request_id: draw(),
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
    ];
    let of_partners = [
        (
            "coalition.event.v1.PartnerEventService/PublishEvents",
            events::PublishEventsRequest {
                partner: shop(),
                events: vec![event("a", "x", read("m"))],
                validate_only: false,
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.event.v1.PartnerEventService/GetPartnerEvent",
            events::GetPartnerEventRequest {
                partner: shop(),
                event_id: "e1".to_owned(),
                identifier: Some(email("a")),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.event.v1.PartnerEventService/ListPartnerEvents",
            events::ListPartnerEventsRequest {
                partner: shop(),
                identifier: Some(email("a")),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.event.v1.PartnerEventService/GetRejectedEvent",
            events::GetRejectedEventRequest { name: format!("{}/rejectedEvents/0-0", shop()) }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.event.v1.PartnerEventService/ListRejectedEvents",
            events::ListRejectedEventsRequest { partner: shop(), ..Default::default() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/CreatePartner",
            partner::CreatePartnerRequest {
                partner_id: "new".to_owned(),
                display_name: "New".to_owned(),
                request_id: request_id.clone(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/GetPartner",
            partner::GetPartnerRequest { name: shop(), min_position: None }.encode_to_vec(),
            Denied,
            Denied,
        ),
        ("coalition.partner.v1.PartnerService/ListPartners", Vec::new(), Denied, Denied),
        (
            "coalition.partner.v1.PartnerService/UpdatePartner",
            partner::UpdatePartnerRequest {
                partner: Some(partner::Partner {
                    name: shop(),
                    display_name: "New".to_owned(),
                    ..Default::default()
                }),
                update_mask: None,
                request_id: request_id.clone(),
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/SuspendPartner",
            partner::SuspendPartnerRequest { name: shop(), request_id: request_id.clone() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/ResumePartner",
            partner::ResumePartnerRequest { name: shop(), request_id: request_id.clone() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/ListApiKeys",
            partner::ListApiKeysRequest { partner: shop(), ..Default::default() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/CreatePartnerContract",
            partner::CreatePartnerContractRequest {
                partner: shop(),
                programme: miles(),
                request_id: request_id.clone(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/ListPartnerContracts",
            partner::ListPartnerContractsRequest { partner: shop(), ..Default::default() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/CreateApiKey",
            partner::CreateApiKeyRequest {
                holder: Some(partner::create_api_key_request::Holder::Operator(partner::OperatorHolder {})),
                request_id: request_id.clone(),
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.partner.v1.PartnerService/RevokeApiKey",
            partner::RevokeApiKeyRequest { name: "apiKeys/x".to_owned(), request_id: request_id.clone() }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
    ];
    let of_network = [
        (
            "coalition.operator.v1.OperatorService/GetConservationReport",
            operator::GetConservationReportRequest::default().encode_to_vec(),
            Denied,
            Denied,
        ),
        ("coalition.operator.v1.OperatorService/ListShards", Vec::new(), Denied, Denied),
        (
            "coalition.operator.v1.OperatorService/CreateAdjustment",
            operator::CreateAdjustmentRequest {
                member: member(),
                programme: miles(),
                points: 1,
                entry: Some(operator::create_adjustment_request::Entry::Taking(Default::default())),
                reason: coalition_proto::r#type::v1::AdjustmentReason::Goodwill.into(),
                request_id: draw(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.operator.v1.OperatorService/ApproveAdjustment",
            operator::ApproveAdjustmentRequest { name: adjustment(), request_id: draw() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.operator.v1.OperatorService/RejectAdjustment",
            operator::RejectAdjustmentRequest { name: adjustment(), request_id: draw() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.operator.v1.OperatorService/GetAdjustment",
            operator::GetAdjustmentRequest { name: adjustment(), min_position: None }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.operator.v1.OperatorService/ListAdjustments",
            operator::ListAdjustmentsRequest { member: member(), ..Default::default() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.programme.v1.ProgrammeService/ValidateProgramme",
            programme::ValidateProgrammeRequest { document: DOCUMENT.to_owned() }.encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.programme.v1.ProgrammeService/PublishProgrammeVersion",
            programme::PublishProgrammeVersionRequest { document: DOCUMENT.to_owned(), request_id }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.programme.v1.ProgrammeService/GetProgramme",
            programme::GetProgrammeRequest { name: miles(), min_position: None }.encode_to_vec(),
            Answer,
            Answer,
        ),
        ("coalition.programme.v1.ProgrammeService/ListProgrammes", Vec::new(), Answer, Answer),
        (
            "coalition.programme.v1.ProgrammeService/GetProgrammeVersion",
            programme::GetProgrammeVersionRequest {
                name: format!("{}/versions/1", miles()),
                min_position: None,
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.programme.v1.ProgrammeService/ListProgrammeVersions",
            programme::ListProgrammeVersionsRequest { programme: miles(), ..Default::default() }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.settlement.v1.SettlementService/GetSettlementStatement",
            settlement::GetSettlementStatementRequest {
                partner: shop(),
                programme: miles(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.settlement.v1.SettlementService/ListSettlementStatements",
            settlement::ListSettlementStatementsRequest {
                partner: shop(),
                programme: miles(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.settlement.v1.SettlementService/ListSettlementLines",
            settlement::ListSettlementLinesRequest {
                partner: shop(),
                programme: miles(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.settlement.v1.SettlementService/StreamSettlementLines",
            settlement::StreamSettlementLinesRequest {
                partner: shop(),
                programme: miles(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.settlement.v1.SettlementService/ExportSettlementStatement",
            settlement::ExportSettlementStatementRequest {
                partner: shop(),
                programme: miles(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.settlement.v1.SettlementService/ListLineEvents",
            settlement::ListLineEventsRequest {
                name: format!("{}/settlementLines/{}", shop(), "0".repeat(32)),
                programme: miles(),
                ..Default::default()
            }
            .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.settlement.v1.SettlementService/GetNetPosition",
            settlement::GetNetPositionRequest { partner: shop(), programme: miles(), ..Default::default() }
                .encode_to_vec(),
            Denied,
            Denied,
        ),
        (
            "coalition.settlement.v1.SettlementService/GetBurnMatrix",
            settlement::GetBurnMatrixRequest { programme: miles(), ..Default::default() }.encode_to_vec(),
            Nothing,
            Denied,
        ),
    ];
    [accounts.to_vec(), of_members.to_vec(), of_partners.to_vec(), of_network.to_vec()].concat()
}

fn number() -> coalition_proto::r#type::v1::Identifier {
    coalition_proto::r#type::v1::Identifier {
        scheme: coalition_proto::r#type::v1::IdentifierScheme::CustomerNumber.into(),
        scope: "partners/shop".to_owned(),
        value: "7".to_owned(),
    }
}
