//! Partners, programme, contracts and keys, made by the operator over gRPC. What is there already stays.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use coalition_proto::partner::v1::partner_service_client::PartnerServiceClient;
use coalition_proto::partner::v1::{
    CreateApiKeyRequest, CreatePartnerContractRequest, CreatePartnerRequest, ListPartnerContractsRequest,
    create_api_key_request::Holder,
};
use coalition_proto::programme::v1::programme_service_client::ProgrammeServiceClient;
use coalition_proto::programme::v1::{ListProgrammeVersionsRequest, PublishProgrammeVersionRequest};
use coalition_proto::r#type::v1::UnitPrice;
use tonic::{Code, Status};

use super::wire::{Wire, request_id, signed};

pub(crate) const PROGRAMME: &str = "programmes/mypoints";
/// The programme of the member who has turns of their own.
pub(crate) const TRAVELLER: &str = "programmes/traveller";
/// Each programme with its document.
const PROGRAMMES: [(&str, &str); 2] = [
    (PROGRAMME, include_str!("../../data/programme.toml")),
    (TRAVELLER, include_str!("../../data/traveller.toml")),
];

/// A partner of the demo and its prices in millionths of a dollar.
struct Party {
    id: &'static str,
    display_name: &'static str,
    accrual: Option<i64>,
    redemption: Option<i64>,
}

const PARTIES: [Party; 4] = [
    Party { id: "mypoints", display_name: "MyPoints", accrual: Some(9_000), redemption: None },
    Party { id: "cdnow", display_name: "CDNOW", accrual: Some(9_000), redemption: None },
    Party { id: "bank", display_name: "Bank", accrual: Some(8_000), redemption: None },
    Party { id: "airline", display_name: "Airline", accrual: None, redemption: Some(7_000) },
];

/// The partners of the demo, by name.
pub(crate) fn partners() -> impl Iterator<Item = (&'static str, &'static str)> {
    PARTIES.iter().map(|party| (party.id, party.display_name))
}

/// The keys of the demo's parties.
pub(crate) struct Keys {
    pub(crate) operator: String,
    pub(crate) partners: BTreeMap<&'static str, String>,
}

pub(crate) async fn arrange(wire: &Wire, operator: &str, data: &Path) -> Result<Keys> {
    let mut client = PartnerServiceClient::new(wire.channel.clone());
    for party in &PARTIES {
        let request = CreatePartnerRequest {
            partner_id: party.id.to_owned(),
            display_name: party.display_name.to_owned(),
            default_programme: PROGRAMME.to_owned(),
            request_id: request_id(),
        };
        let created = client.create_partner(signed(request, operator)?).await;
        unless_there(created).with_context(|| format!("register partner {}", party.id))?;
    }
    for (programme, document) in PROGRAMMES {
        publish(wire, operator, programme, document).await.with_context(|| format!("publish {programme}"))?;
    }
    let mut partners = BTreeMap::new();
    for party in &PARTIES {
        agree(&mut client, operator, party)
            .await
            .with_context(|| format!("agree on prices with {}", party.id))?;
        let key = key(&mut client, operator, party, data)
            .await
            .with_context(|| format!("make a key for {}", party.id))?;
        partners.insert(party.id, key);
    }
    Ok(Keys { operator: operator.to_owned(), partners })
}

async fn publish(wire: &Wire, operator: &str, programme: &str, document: &str) -> Result<()> {
    let mut client = ProgrammeServiceClient::new(wire.channel.clone());
    let list = ListProgrammeVersionsRequest {
        programme: programme.to_owned(),
        ..ListProgrammeVersionsRequest::default()
    };
    let there = match client.list_programme_versions(signed(list, operator)?).await {
        Ok(listed) => !listed.into_inner().versions.is_empty(),
        Err(status) if status.code() == Code::NotFound => false,
        Err(status) => return Err(status.into()),
    };
    if !there {
        let request =
            PublishProgrammeVersionRequest { document: document.to_owned(), request_id: request_id() };
        client.publish_programme_version(signed(request, operator)?).await?;
    }
    Ok(())
}

async fn agree(
    client: &mut PartnerServiceClient<tonic::transport::Channel>,
    operator: &str,
    party: &Party,
) -> Result<()> {
    let partner = format!("partners/{}", party.id);
    let list =
        ListPartnerContractsRequest { partner: partner.clone(), ..ListPartnerContractsRequest::default() };
    let contracts = client.list_partner_contracts(signed(list, operator)?).await?.into_inner().contracts;
    let price = |micros| UnitPrice { currency_code: "USD".to_owned(), micros };
    let agreed = |programme: &str| contracts.iter().any(|contract| contract.programme == programme);
    for (programme, _) in PROGRAMMES.into_iter().filter(|(programme, _)| !agreed(programme)) {
        let request = CreatePartnerContractRequest {
            partner: partner.clone(),
            programme: programme.to_owned(),
            accrual_unit_price: party.accrual.map(price),
            redemption_unit_price: party.redemption.map(price),
            start_time: Some(prost_types::Timestamp { seconds: 820_454_400, nanos: 0 }), // 1996-01-01
            request_id: request_id(),
        };
        client.create_partner_contract(signed(request, operator)?).await?;
    }
    Ok(())
}

/// The partner's key, kept in the data folder: its secret is said once and never again.
async fn key(
    client: &mut PartnerServiceClient<tonic::transport::Channel>,
    operator: &str,
    party: &Party,
    data: &Path,
) -> Result<String> {
    let path = data.join(format!("{}.key", party.id));
    if path.exists() {
        let key = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        return Ok(key.trim().to_owned());
    }
    let holder = Some(Holder::Partner(format!("partners/{}", party.id)));
    let request = CreateApiKeyRequest { holder, request_id: request_id() };
    let key = client.create_api_key(signed(request, operator)?).await?.into_inner().secret;
    crate::folder::write_durably(&path, format!("{key}\n").as_bytes(), 0o600)?;
    Ok(key)
}

/// Done, or done before.
pub(crate) fn unless_there<T>(done: Result<T, Status>) -> Result<(), Status> {
    match done {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(status),
    }
}
