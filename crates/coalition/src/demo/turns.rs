//! What else happens to points: some are held and burnt in part, a purchase is returned when its points are spent, the debt
//! is repaid, and a card that has bought before turns out to be the member's. It happens to a member and
//! in a programme of their own, beside the purchase log.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::account::v1::{
    Activity, ActivityType, Balance, GetBalanceRequest, ListActivitiesRequest,
};
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::{GetPartnerEventRequest, OrderReturn, PartnerEvent, Purchase, SignUp};
use coalition_proto::google::r#type::Money;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::member::v1::{CreateIdentifierRequest, LookupMemberRequest};
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use coalition_proto::redemption::v1::{
    CaptureHoldRequest, CreateHoldRequest, HoldState, ListHoldsRequest, ListRedemptionsRequest,
};
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use tonic::Code;

use super::PATIENCE;
use super::arrange::{Keys, TRAVELLER, unless_there};
use super::events::{event, identifier};
use super::replay::publish_chunk;
use super::wire::{Wire, request_id, signed};

/// A customer whom the purchase log doesn't have.
pub(crate) const TRAVELLING: u32 = 0;
const REWARD: &str = "programmes/traveller/rewards/city-hotel";
/// Nobody knows whose it is as it buys first.
const CARD: &str = "tok_traveller";
/// Of the 300 points that are held.
const CAPTURED: i64 = 200;

/// What happened, as the member's history tells it.
pub(crate) struct Turns {
    /// In the order in which it happened.
    pub(crate) activities: Vec<Activity>,
    pub(crate) balance: Balance,
}

/// Has it happen; what an earlier run has done is not done again.
pub(crate) async fn play(wire: &Wire, keys: &Keys) -> Result<Turns> {
    let purchase = |order: &str, dollars| {
        let (order_id, amount) = (order.to_owned(), Some(self::dollars(dollars)));
        Body::Purchase(Purchase { order_id, amount, lines: Vec::new() })
    };
    let who = || identifier(TRAVELLING);
    let card = || Identifier {
        scheme: IdentifierScheme::CardToken.into(),
        scope: String::new(),
        value: CARD.to_owned(),
    };
    tell(wire, keys, "cdnow", "card-buys", (card(), 19_980_630), purchase("card-1", 70)).await?;
    tell(wire, keys, "mypoints", "traveller-joins", (who(), 19_980_701), Body::SignUp(SignUp::default()))
        .await?;
    tell(wire, keys, "cdnow", "traveller-buys", (who(), 19_980_702), purchase("traveller-1", 500)).await?;

    let lookup = LookupMemberRequest { identifier: Some(who()), ..LookupMemberRequest::default() };
    let mut members = MemberServiceClient::new(wire.channel.clone());
    let member = members.lookup_member(signed(lookup, &keys.operator)?).await?.into_inner().name;
    stay(wire, &keys.partners["airline"], &member).await.context("hold points and burn some of them")?;

    let back =
        OrderReturn { order_id: "traveller-1".to_owned(), amount: Some(dollars(400)), lines: Vec::new() };
    tell(wire, keys, "cdnow", "traveller-returns", (who(), 19_980_703), Body::OrderReturn(back)).await?;
    tell(wire, keys, "cdnow", "traveller-buys-again", (who(), 19_980_704), purchase("traveller-2", 150))
        .await?;
    let link = CreateIdentifierRequest {
        parent: member.clone(),
        identifier: Some(card()),
        request_id: request_id(),
    };
    unless_there(members.create_identifier(signed(link, &keys.operator)?).await).context("link a card")?;

    let mut accounts = AccountServiceClient::new(wire.channel.clone());
    let (member, programme) = (member, TRAVELLER.to_owned());
    let balance = GetBalanceRequest {
        member: member.clone(),
        programme: programme.clone(),
        ..GetBalanceRequest::default()
    };
    let balance = accounts.get_balance(signed(balance, &keys.operator)?).await?.into_inner();
    let list = ListActivitiesRequest { member, programme, ..ListActivitiesRequest::default() };
    let mut activities =
        accounts.list_activities(signed(list, &keys.operator)?).await?.into_inner().activities;
    activities.reverse();
    Ok(Turns { activities, balance })
}

fn dollars(units: i64) -> Money {
    Money { currency_code: "USD".to_owned(), units, nanos: 0 }
}

/// Publishes an event, and waits until it is decided.
async fn tell(
    wire: &Wire,
    keys: &Keys,
    partner: &'static str,
    event_id: &str,
    (who, date): (Identifier, u32),
    body: Body,
) -> Result<()> {
    let told = PartnerEvent {
        programme: TRAVELLER.to_owned(),
        identifier: Some(who.clone()),
        ..event(event_id.to_owned(), TRAVELLING, date, body)
    };
    let mut client = PartnerEventServiceClient::new(wire.channel.clone());
    publish_chunk(&mut client, &keys.partners[partner], partner, &[told]).await?;
    let ask = GetPartnerEventRequest {
        partner: format!("partners/{partner}"),
        event_id: event_id.to_owned(),
        identifier: Some(who),
        ..GetPartnerEventRequest::default()
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        match client.get_partner_event(signed(ask.clone(), &keys.operator)?).await {
            Ok(_) => return Ok(()),
            Err(status) if matches!(status.code(), Code::NotFound | Code::Unavailable) => {
                ensure!(Instant::now() < deadline, "event {event_id} is not decided: {}", status.message());
            }
            Err(status) => return Err(status.into()),
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Points for a hotel are held, and some of them burnt; a hold that a run has left open is gone on with.
async fn stay(wire: &Wire, airline: &str, member: &str) -> Result<()> {
    let mut client = RedemptionServiceClient::new(wire.channel.clone());
    let list = ListRedemptionsRequest { member: member.to_owned(), ..ListRedemptionsRequest::default() };
    if !client.list_redemptions(signed(list, airline)?).await?.into_inner().redemptions.is_empty() {
        return Ok(());
    }
    let list = ListHoldsRequest { member: member.to_owned(), ..ListHoldsRequest::default() };
    let holds = client.list_holds(signed(list, airline)?).await?.into_inner().holds;
    let name = match holds.into_iter().find(|hold| hold.state() == HoldState::Open) {
        Some(hold) => hold.name,
        None => {
            let (member, reward, request_id) = (member.to_owned(), REWARD.to_owned(), request_id());
            let request = CreateHoldRequest { member, reward, quantity: 1, ttl: None, request_id };
            client.create_hold(signed(request, airline)?).await?.into_inner().name
        }
    };
    let capture = CaptureHoldRequest { name, points: CAPTURED, request_id: request_id() };
    client.capture_hold(signed(capture, airline)?).await?;
    Ok(())
}

impl Turns {
    /// The result for programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        let taken_back = || self.activities.iter().flat_map(|activity| &activity.taken_back);
        serde_json::json!({
            "member": self.balance.member,
            "steps": self.activities.iter().map(|it| (super::show::what(it), it.points)).collect::<Vec<_>>(),
            "burnt": self.activities.iter().flat_map(|it| &it.burnt).map(|burnt| burnt.points).sum::<i64>(),
            "taken_back": taken_back().map(|taken| taken.points).sum::<i64>(),
            "owed": taken_back().map(|taken| taken.debt).sum::<i64>(),
            "repaid": self.activities.iter().map(|activity| activity.debt_repaid).sum::<i64>(),
            "linked": self.activities.iter().filter(|it| it.r#type() == ActivityType::Link).map(|it| it.points).sum::<i64>(),
            "available": self.balance.available,
        })
    }
}
