//! What came of it, asked over gRPC like everything else, and whether it adds up.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::account::v1::{Activity, Balance, GetBalanceRequest, ListActivitiesRequest};
use coalition_proto::google::r#type::Money;
use coalition_proto::member::v1::LookupMemberRequest;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::operator::v1::operator_service_client::OperatorServiceClient;
use coalition_proto::operator::v1::{ConservationReport, GetConservationReportRequest};
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use coalition_proto::redemption::v1::{CreateRedemptionRequest, ListRedemptionsRequest, Redemption};
use coalition_proto::settlement::v1::settlement_service_client::SettlementServiceClient;
use coalition_proto::settlement::v1::{
    BurnMatrix, GetBurnMatrixRequest, GetNetPositionRequest, GetSettlementStatementRequest, NetPosition,
    SettlementKind, SettlementStatement,
};

use super::arrange::{Keys, PROGRAMME, partners};
use super::events::identifier;
use super::purchases::Purchase;
use super::replay::Replayed;
use super::turns::Turns;
use super::wire::{Wire, request_id, signed};
use crate::node::Running;

/// The customer with the most purchases in dollars.
pub(crate) const CUSTOMER: u32 = 7_592;
const REWARD: &str = "programmes/mypoints/rewards/paris-return";

/// Everything that the demo shows.
pub(crate) struct Outcome {
    pub(crate) events: u64,
    /// Those that an earlier run has had decided.
    pub(crate) already: u64,
    pub(crate) seconds: f64,
    pub(crate) members: u64,
    pub(crate) shards: u32,
    pub(crate) before: Balance,
    pub(crate) activities: Vec<Activity>,
    pub(crate) redemption: Redemption,
    pub(crate) turns: Turns,
    /// Whether an earlier run has made the redemption.
    pub(crate) redeemed_before: bool,
    pub(crate) after: Balance,
    pub(crate) statements: Vec<SettlementStatement>,
    pub(crate) net: NetPosition,
    pub(crate) matrix: BurnMatrix,
    pub(crate) conservation: ConservationReport,
}

pub(crate) async fn gather(
    wire: &Wire,
    keys: &Keys,
    network: &Running,
    purchases: &[Purchase],
    replayed: &Replayed,
    turns: Turns,
) -> Result<Outcome> {
    let operator = keys.operator.as_str();
    let lookup =
        LookupMemberRequest { identifier: Some(identifier(CUSTOMER)), ..LookupMemberRequest::default() };
    let mut members = MemberServiceClient::new(wire.channel.clone());
    let member = members
        .lookup_member(signed(lookup, operator)?)
        .await
        .context("look the member up")?
        .into_inner()
        .name;

    let mut accounts = AccountServiceClient::new(wire.channel.clone());
    let balance = GetBalanceRequest {
        member: member.clone(),
        programme: PROGRAMME.to_owned(),
        ..GetBalanceRequest::default()
    };
    let list = ListActivitiesRequest {
        member: member.clone(),
        programme: PROGRAMME.to_owned(),
        page_size: 6,
        ..ListActivitiesRequest::default()
    };
    let listed = redemptions(wire, operator, &member).await?;
    let before = accounts.get_balance(signed(balance.clone(), operator)?).await?.into_inner();
    let activities = accounts.list_activities(signed(list, operator)?).await?.into_inner().activities;
    // An earlier run may have redeemed.
    let redeemed_before = listed.is_some();
    let redemption = match listed {
        Some(redemption) => redemption,
        None => redeem(wire, &keys.partners["airline"], &member).await.context("redeem")?,
    };
    let balance = GetBalanceRequest { min_position: redemption.position, ..balance };
    let after = accounts.get_balance(signed(balance, operator)?).await?.into_inner();

    let positions: Vec<_> = redemption.position.into_iter().collect();
    let mut settlement = SettlementServiceClient::new(wire.channel.clone());
    let mut statements = Vec::new();
    for (partner, _) in partners() {
        let request = GetSettlementStatementRequest {
            partner: format!("partners/{partner}"),
            programme: PROGRAMME.to_owned(),
            min_positions: positions.clone(),
            ..GetSettlementStatementRequest::default()
        };
        // Each pulls its own, with its own key.
        let statement = settlement.get_settlement_statement(signed(request, &keys.partners[partner])?).await;
        statements.push(statement.with_context(|| format!("pull the statement of {partner}"))?.into_inner());
    }
    let request = GetNetPositionRequest {
        programme: PROGRAMME.to_owned(),
        min_positions: positions.clone(),
        ..GetNetPositionRequest::default()
    };
    let net = settlement.get_net_position(signed(request, operator)?).await?.into_inner();
    let request = GetBurnMatrixRequest {
        programme: PROGRAMME.to_owned(),
        min_positions: positions,
        ..GetBurnMatrixRequest::default()
    };
    let matrix = settlement.get_burn_matrix(signed(request, operator)?).await?.into_inner();
    let request = GetConservationReportRequest {
        programme: PROGRAMME.to_owned(),
        ..GetConservationReportRequest::default()
    };
    let conservation = OperatorServiceClient::new(wire.channel.clone())
        .get_conservation_report(signed(request, operator)?)
        .await?
        .into_inner();
    let customers: std::collections::BTreeSet<u32> =
        purchases.iter().map(|purchase| purchase.customer).collect();
    Ok(Outcome {
        events: replayed.events,
        already: replayed.already,
        seconds: replayed.took.as_secs_f64(),
        members: customers.len() as u64,
        shards: network.ledger.shards(),
        before,
        activities,
        redemption,
        turns,
        redeemed_before,
        after,
        statements,
        net,
        matrix,
        conservation,
    })
}

async fn redemptions(wire: &Wire, operator: &str, member: &str) -> Result<Option<Redemption>> {
    let request = ListRedemptionsRequest { member: member.to_owned(), ..ListRedemptionsRequest::default() };
    let mut client = RedemptionServiceClient::new(wire.channel.clone());
    let listed =
        client.list_redemptions(signed(request, operator)?).await.context("list the member's redemptions")?;
    Ok(listed.into_inner().redemptions.into_iter().next())
}

async fn redeem(wire: &Wire, airline: &str, member: &str) -> Result<Redemption> {
    let request = CreateRedemptionRequest {
        member: member.to_owned(),
        reward: REWARD.to_owned(),
        quantity: 1,
        request_id: request_id(),
    };
    let mut client = RedemptionServiceClient::new(wire.channel.clone());
    Ok(client.create_redemption(signed(request, airline)?).await?.into_inner())
}

/// Micros of an amount.
pub(crate) fn micros(money: Option<&Money>) -> i64 {
    money.map_or(0, |money| money.units * 1_000_000 + i64::from(money.nanos) / 1_000)
}

impl Outcome {
    /// Points issued, by issuer.
    pub(crate) fn issued(&self) -> BTreeMap<String, i64> {
        let mut issued = BTreeMap::new();
        for statement in &self.statements {
            for line in statement.lines.iter().filter(|line| line.kind() == SettlementKind::Issued) {
                *issued.entry(line.counterparty.clone()).or_default() += line.points;
            }
        }
        issued
    }

    /// Whether it adds up.
    pub(crate) fn check(&self) -> Result<()> {
        let net: i64 = self.net.rows.iter().map(|row| micros(row.net.as_ref())).sum();
        ensure!(net == 0, "net positions sum to {net} millionths, not to zero");
        let report =
            self.conservation.rows.first().context("the conservation report has no row for the programme")?;
        ensure!(report.difference == 0, "the points do not add up: the difference is {}", report.difference);
        let matrix: i64 = self.matrix.cells.iter().map(|cell| micros(cell.amount.as_ref())).sum();
        let burnt = |statement: &SettlementStatement| -> i64 {
            let lines = statement.lines.iter().filter(|line| line.kind() == SettlementKind::Redeemed);
            lines.map(|line| micros(line.amount.as_ref())).sum()
        };
        let redeemers: i64 = self.statements.iter().map(burnt).sum();
        ensure!(
            matrix == redeemers,
            "the burn matrix comes to {matrix}, the redeemers' lines to {redeemers} millionths"
        );
        Ok(())
    }

    /// Events that this run has had decided.
    pub(crate) fn replayed(&self) -> u64 {
        self.events - self.already
    }

    /// Of these, in whole events for each second; none without any.
    #[expect(clippy::float_arithmetic, reason = "a rate for people, not an amount")]
    pub(crate) fn events_per_s(&self) -> Option<u64> {
        (self.replayed() > 0).then(|| (self.replayed() as f64 / self.seconds).round() as u64)
    }

    /// The result for programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        let issued = self.issued();
        let net: BTreeMap<_, _> = self
            .net
            .rows
            .iter()
            .map(|row| (short(&row.party).to_owned(), decimal(row.net.as_ref())))
            .collect();
        serde_json::json!({
            "events": self.events,
            "already_here": self.already,
            "replayed": self.replayed(),
            "events_per_s": self.events_per_s(),
            "seconds": self.seconds,
            "members": self.members,
            "base_points": issued.get("partners/cdnow").copied().unwrap_or(0),
            "total_points": issued.values().sum::<i64>(),
            "redeemed_points": self.redemption.points,
            "net_positions": net,
            "member": {
                "name": self.redemption.member,
                "available": self.after.available,
            },
            "traveller": self.turns.json(),
        })
    }
}

/// The last part of a resource name.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// An amount in decimal, to the cent.
pub(crate) fn decimal(money: Option<&Money>) -> String {
    let micros = micros(money);
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", micros.abs() / 1_000_000, micros.abs() / 10_000 % 100)
}
