//! A served network that scenarios are played in. All cases share one: each has programmes and people of its own.

use std::collections::BTreeMap;
use std::convert::Infallible;

use coalition_domain::{
    EventBody, Identifier, OrderLine, PartnerId, Points, ProgrammeId, Reference, Returned, ReturnedLine,
    RewardId, Scheme, Timestamp, UnitPrice,
};
use coalition_intake::convert::{identifier_to_proto, money_from_proto, money_to_proto, timestamp_to_proto};
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::account::v1::{Activity, GetBalanceRequest, ListActivitiesRequest};
use coalition_proto::event::v1 as event;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::publish_event_result::Outcome;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::member::v1::{CreateIdentifierRequest, LookupMemberRequest};
use coalition_proto::partner::v1::create_api_key_request::Holder;
use coalition_proto::partner::v1::partner_service_client::PartnerServiceClient;
use coalition_proto::partner::v1::{CreateApiKeyRequest, CreatePartnerContractRequest, CreatePartnerRequest};
use coalition_proto::programme::v1::PublishProgrammeVersionRequest;
use coalition_proto::programme::v1::programme_service_client::ProgrammeServiceClient;
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use coalition_proto::redemption::v1::{
    CaptureHoldRequest, CreateHoldRequest, CreateRedemptionRequest, RefundRedemptionRequest,
    ReleaseHoldRequest,
};
use coalition_proto::settlement::v1::settlement_service_client::SettlementServiceClient;
use coalition_proto::settlement::v1::{GetBurnMatrixRequest, GetSettlementStatementRequest, SettlementKind};
use coalition_proto::r#type::v1 as shared;
use coalition_proto::r#type::v1::bought::What;
use coalition_scenario::{Action, Balance, Became, Document, Network, Statement, Step};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::time::{Duration, Instant};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::{Served, signed};

/// How long the network may take for what it is waited for, on a machine that has other things to do: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// A member who isn't there.
const NOBODY: &str = "members/00000000-0000-4000-8000-000000000000";

/// The network, for one case.
pub(crate) struct Stack<'a> {
    served: &'a Served,
    channel: Channel,
    handle: Handle,
    /// Behind each name of a programme and a person: no other case has it.
    suffix: String,
    /// The programme of a partner's events that name none.
    programmes: BTreeMap<PartnerId, ProgrammeId>,
    events: u32,
    /// Holds and redemptions, by the names that steps give them.
    named: BTreeMap<String, String>,
}

impl<'a> Stack<'a> {
    /// Sets up what the `number`th case begins with.
    pub(crate) fn new(
        served: &'a Served,
        channel: Channel,
        handle: Handle,
        document: &Document,
        number: u32,
    ) -> Self {
        let programmes =
            document.partners.iter().filter_map(|partner| Some((partner.id, partner.programme?)));
        let suffix = format!("-{number}");
        let stack = Self {
            served,
            channel,
            handle,
            suffix,
            programmes: programmes.collect(),
            events: 0,
            named: BTreeMap::new(),
        };
        stack.set_up(document);
        stack
    }

    fn set_up(&self, document: &Document) {
        for partner in &document.partners {
            let id = partner.id.as_str();
            // Cases share partners: whoever comes first makes one.
            let request = CreatePartnerRequest {
                partner_id: id.to_owned(),
                display_name: id.to_owned(),
                request_id: request_id(),
                ..CreatePartnerRequest::default()
            };
            let mut client = PartnerServiceClient::new(self.channel.clone());
            match self.handle.block_on(client.create_partner(self.served.operator(request))) {
                Ok(_) => {}
                Err(status) => assert_eq!(status.code(), Code::AlreadyExists, "{status}"),
            }
        }
        for document in &document.documents {
            // The first id of a document is the programme's.
            let (head, rest) = document.split_once("id = \"").expect("a programme has an id");
            let (id, rest) = rest.split_once('"').expect("an id ends");
            let document = format!("{head}id = \"{id}{}\"{rest}", self.suffix);
            let request = PublishProgrammeVersionRequest { document, request_id: request_id() };
            let mut client = ProgrammeServiceClient::new(self.channel.clone());
            let published = client.publish_programme_version(self.served.operator(request));
            self.handle.block_on(published).expect("the network takes the programme");
        }
        for partner in &document.partners {
            for (programme, prices) in &partner.prices {
                let price = |price: UnitPrice| shared::UnitPrice {
                    currency_code: price.currency().code().to_owned(),
                    micros: price.micros(),
                };
                let request = CreatePartnerContractRequest {
                    partner: format!("partners/{}", partner.id),
                    programme: self.programme(programme),
                    accrual_unit_price: prices.accrual.map(price),
                    redemption_unit_price: prices.redemption.map(price),
                    start_time: Some(prost_types::Timestamp { seconds: 820_454_400, nanos: 0 }), // 1996-01-01
                    request_id: request_id(),
                };
                let mut client = PartnerServiceClient::new(self.channel.clone());
                let agreed = client.create_partner_contract(self.served.operator(request));
                self.handle.block_on(agreed).expect("the network takes the contract");
            }
        }
    }

    fn programme(&self, id: &ProgrammeId) -> String {
        format!("programmes/{id}{}", self.suffix)
    }

    /// The same person, in this case.
    fn identifier(&self, of: &Identifier) -> Option<shared::Identifier> {
        let value = format!("{}{}", of.value(), self.suffix);
        let value = match of.scheme() {
            Scheme::EmailHash => Sha256::digest(value).iter().map(|byte| format!("{byte:02x}")).collect(),
            Scheme::CardToken | Scheme::CustomerNumber(_) => value,
            // It names nobody but its order.
            Scheme::Order(_) => return None,
        };
        Some(identifier_to_proto(&Identifier::new(of.scheme(), &value).expect("of the same form")))
    }

    fn publish(&mut self, step: &Step, body: &EventBody, at: Timestamp) -> Became {
        self.events += 1;
        let partner = step.partner.expect("a step is checked as it is read");
        let programme = step.programme.or(self.programmes.get(&partner).copied());
        let identifier = step.who.identifier(step.partner).expect("a step is checked as it is read");
        let event = event::PartnerEvent {
            event_id: step.event.clone().unwrap_or_else(|| format!("event {}", self.events)),
            programme: programme.map(|id| self.programme(&id)).unwrap_or_default(),
            identifier: self.identifier(&identifier),
            event_time: Some(timestamp_to_proto(step.happened.unwrap_or(at))),
            channel: step.channel.map(|channel| channel.to_string()).unwrap_or_default(),
            revision: i32::try_from(step.revision).expect("a small number"),
            body: Some(written(body, &self.suffix)),
            ..event::PartnerEvent::default()
        };
        let ask = event::GetPartnerEventRequest {
            partner: format!("partners/{partner}"),
            event_id: event.event_id.clone(),
            identifier: event.identifier.clone(),
            order_id: if event.identifier.is_none() { order_of(&event) } else { String::new() },
            ..event::GetPartnerEventRequest::default()
        };
        let request = event::PublishEventsRequest {
            partner: ask.partner.clone(),
            events: vec![event],
            validate_only: false,
        };
        let mut client = PartnerEventServiceClient::new(self.channel.clone());
        self.handle.block_on(async {
            let published = client.publish_events(self.served.operator(request)).await;
            let [result] = published.expect("it is judged").into_inner().results.try_into().expect("one");
            match result.outcome.expect("it is accepted or refused") {
                Outcome::Accepted(_) => became(&decided(self.served, &mut client, ask, step.waits).await),
                Outcome::Refused(refusal) => refused(&refusal),
            }
        })
    }

    /// Has a step happen that is a call of the redemption service.
    fn call(&mut self, step: &Step, action: Action) -> Became {
        let identifier = step.who.identifier(step.partner).expect("a step is checked as it is read");
        let member = self.member(&identifier).expect("whoever has points to burn is enrolled");
        let holder = match step.partner {
            Some(partner) => Holder::Partner(format!("partners/{partner}")),
            None => Holder::Member(member.clone()),
        };
        let key = CreateApiKeyRequest { holder: Some(holder), request_id: request_id() };
        let reward = |reward: RewardId| {
            let programme = self.programme(&step.programme.expect("a step is checked as it is read"));
            format!("{programme}/rewards/{reward}")
        };
        let quantity = |quantity: u32| i32::try_from(quantity).expect("a small number");
        let named = |name: &String| self.named[name].clone();
        let request_id = request_id();
        let mut client = RedemptionServiceClient::new(self.channel.clone());
        let made = self.handle.block_on(async {
            let mut keys = PartnerServiceClient::new(self.channel.clone());
            let key =
                keys.create_api_key(self.served.operator(key)).await.expect("a key").into_inner().secret;
            let key = key.as_str();
            Ok::<(String, Option<String>), Status>(match action {
                Action::Event(_) => unreachable!("an event is published"),
                Action::Link { .. } => unreachable!("a link is of another service"),
                Action::Redeem { reward: of, quantity: of_it } => {
                    let (reward, quantity) = (reward(of), quantity(of_it));
                    let request = CreateRedemptionRequest { member, reward, quantity, request_id };
                    named_and_bought!(client.create_redemption(signed(request, key)).await?.into_inner())
                }
                Action::Hold { reward: of, quantity: of_it, ttl } => {
                    let ttl = prost_types::Duration { seconds: ttl.as_millis() / 1_000, nanos: 0 };
                    let (reward, quantity, ttl) = (reward(of), quantity(of_it), Some(ttl));
                    let request = CreateHoldRequest { member, reward, quantity, ttl, request_id };
                    named_and_bought!(client.create_hold(signed(request, key)).await?.into_inner())
                }
                Action::Capture { hold, points } => {
                    let points = points.map_or(0, Points::signed);
                    let request = CaptureHoldRequest { name: named(&hold), points, request_id };
                    named_and_bought!(client.capture_hold(signed(request, key)).await?.into_inner())
                }
                Action::Release { hold } => {
                    let request = ReleaseHoldRequest { name: named(&hold), request_id };
                    named_and_bought!(client.release_hold(signed(request, key)).await?.into_inner())
                }
                Action::Refund { redemption } => {
                    let request = RefundRedemptionRequest { name: named(&redemption), request_id };
                    named_and_bought!(client.refund_redemption(signed(request, key)).await?.into_inner())
                }
            })
        });
        match made {
            Ok((name, bought)) => {
                self.named.extend(step.name.clone().map(|called| (called, name)));
                Became::Applied { points: BTreeMap::new(), bought }
            }
            Err(status) => refused_call(&status),
        }
    }

    /// Has an identifier linked to a member.
    fn link(&self, step: &Step, other: &Identifier) -> Became {
        let identifier = step.who.identifier(step.partner).expect("a step is checked as it is read");
        let parent = self.member(&identifier).unwrap_or_else(|| NOBODY.to_owned());
        let identifier = self.identifier(other);
        let request = CreateIdentifierRequest { parent, identifier, request_id: request_id() };
        let mut client = MemberServiceClient::new(self.channel.clone());
        match self.handle.block_on(client.create_identifier(self.served.operator(request))) {
            Ok(_) => Became::Applied { points: BTreeMap::new(), bought: None },
            Err(status) => refused_call(&status),
        }
    }

    /// The name of the member who is enrolled on it, or to whom it is linked.
    fn member(&self, of: &Identifier) -> Option<String> {
        let identifier = self.identifier(of);
        let request = LookupMemberRequest { identifier, ..LookupMemberRequest::default() };
        let mut client = MemberServiceClient::new(self.channel.clone());
        match self.handle.block_on(client.lookup_member(self.served.operator(request))) {
            Ok(found) => Some(found.into_inner().name),
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => panic!("look a member up: {status}"),
        }
    }

    /// What is said, without what only this network has.
    fn plain(&self, said: &str) -> String {
        said.replace(&self.suffix, "")
    }
}

impl Network for Stack<'_> {
    type Error = Infallible;

    fn tell(&mut self, step: &Step, at: Timestamp) -> Result<Became, Infallible> {
        let became = match step.action().expect("a step is checked as it is read") {
            Action::Event(body) => self.publish(step, &body, at),
            Action::Link { identifier } => self.link(step, &identifier),
            action @ (Action::Redeem { .. }
            | Action::Hold { .. }
            | Action::Capture { .. }
            | Action::Release { .. }
            | Action::Refund { .. }) => self.call(step, action),
        };
        Ok(match became {
            Became::Refused { code, says } => Became::Refused { code, says: self.plain(&says) },
            became @ (Became::Applied { .. } | Became::Waits) => became,
        })
    }

    fn balance(&mut self, of: &Identifier, programme: &ProgrammeId) -> Result<Balance, Infallible> {
        let programme = self.programme(programme);
        // Nobody can see what is not a member's.
        let Some(member) = self.member(of) else {
            return Ok(Balance {
                available: Points::ZERO,
                pending: Points::ZERO,
                held: Points::ZERO,
                debt: Points::ZERO,
                to_next_reward: 0,
            });
        };
        let request = GetBalanceRequest { member, programme, ..GetBalanceRequest::default() };
        let mut client = AccountServiceClient::new(self.channel.clone());
        let balance = self.handle.block_on(client.get_balance(self.served.operator(request)));
        let balance = balance.expect("a member has a balance").into_inner();
        let points = |points: i64| Points::new(points.unsigned_abs()).expect("points");
        Ok(Balance {
            available: points(balance.available),
            pending: points(balance.pending),
            held: points(balance.held),
            debt: points(balance.debt),
            to_next_reward: balance.points_to_next_reward,
        })
    }

    fn history(&mut self, of: &Identifier) -> Result<Vec<String>, Infallible> {
        let Some(member) = self.member(of) else { return Ok(Vec::new()) };
        let mut client = AccountServiceClient::new(self.channel.clone());
        let mut request = ListActivitiesRequest { member, page_size: 2, ..ListActivitiesRequest::default() };
        let mut entries = Vec::new();
        loop {
            let page = client.list_activities(self.served.operator(request.clone()));
            let page = self.handle.block_on(page).expect("a member has a history").into_inner();
            assert!(page.activities.len() <= 2, "a page holds what was asked for");
            entries.extend(page.activities.iter().map(entry));
            if page.next_page_token.is_empty() {
                return Ok(entries);
            }
            request.page_token = page.next_page_token;
        }
    }

    fn statement(&mut self, of: &PartnerId, programme: &ProgrammeId) -> Result<Statement, Infallible> {
        let request = GetSettlementStatementRequest {
            partner: format!("partners/{of}"),
            programme: self.programme(programme),
            ..GetSettlementStatementRequest::default()
        };
        let mut client = SettlementServiceClient::new(self.channel.clone());
        let statement = self.handle.block_on(client.get_settlement_statement(self.served.operator(request)));
        let statement = statement.expect("a partner has a statement").into_inner();
        let points = |kind: SettlementKind| {
            let lines = statement.lines.iter().filter(|line| line.kind() == kind);
            lines.map(|line| line.points).sum()
        };
        let net = statement.net_amounts.iter().map(|net| money_from_proto(net, "").expect("an amount"));
        Ok(Statement {
            issued: points(SettlementKind::Issued),
            clawed_back: points(SettlementKind::ClawedBack),
            redeemed: points(SettlementKind::Redeemed),
            net: net.collect(),
        })
    }

    fn burnt(
        &mut self,
        programme: &ProgrammeId,
        issuer: &PartnerId,
        redeemer: &PartnerId,
    ) -> Result<i64, Infallible> {
        let programme = self.programme(programme);
        let request = GetBurnMatrixRequest { programme, ..GetBurnMatrixRequest::default() };
        let mut client = SettlementServiceClient::new(self.channel.clone());
        let matrix = self.handle.block_on(client.get_burn_matrix(self.served.operator(request)));
        let (issuer, redeemer) = (format!("partners/{issuer}"), format!("partners/{redeemer}"));
        let cells = matrix.expect("there is a matrix").into_inner().cells.into_iter();
        Ok(cells
            .filter(|cell| cell.issuer == issuer && cell.redeemer == redeemer)
            .map(|cell| cell.points)
            .sum())
    }
}

/// What a call of the redemption service made, and what its points buy.
macro_rules! named_and_bought {
    ($made:expr) => {{
        let made = $made;
        (made.name, made.bought.as_ref().map(bought))
    }};
}
use named_and_bought;

/// As the domain writes it.
fn bought(bought: &shared::Bought) -> String {
    match bought.what.as_ref().expect("something was bought") {
        What::Units(units) => format!("{} {}", units.count, units.unit),
        What::Money(money) => money_from_proto(money, "").expect("an amount").to_string(),
    }
}

/// An entry of a history, as scenarios write it.
fn entry(activity: &Activity) -> String {
    let kind = activity.r#type().as_str_name().trim_start_matches("ACTIVITY_TYPE_").to_lowercase();
    match activity.state() {
        shared::EventState::Waiting => format!("{kind} waits"),
        shared::EventState::Refused => {
            let refusal = activity.refusal.as_ref().expect("a refusal has its reason");
            format!("{kind} refused {}", refusal.reason().reason())
        }
        shared::EventState::Applied | shared::EventState::Received | shared::EventState::Unspecified => {
            format!("{kind} {:+}", activity.points)
        }
    }
}

/// An event's record, once it is decided; and not to wait, unless that is what it `waits` for.
async fn decided(
    served: &Served,
    client: &mut PartnerEventServiceClient<Channel>,
    ask: event::GetPartnerEventRequest,
    waits: bool,
) -> event::PartnerEventRecord {
    let until = Instant::now() + PATIENCE;
    loop {
        match client.get_partner_event(served.operator(ask.clone())).await {
            Ok(found) => {
                let found = found.into_inner();
                let waiting = found.state() == shared::EventState::Waiting;
                if waits || !waiting || Instant::now() >= until {
                    return found;
                }
            }
            Err(status) if status.code() == Code::NotFound && Instant::now() < until => {}
            Err(status) => panic!("{} is not decided: {status}", ask.event_id),
        }
        tokio::task::yield_now().await;
    }
}

fn became(record: &event::PartnerEventRecord) -> Became {
    match record.state() {
        shared::EventState::Applied => {
            let mut points = BTreeMap::new();
            for grant in &record.grants {
                let sum: &mut Points = points.entry(grant.rule.parse().expect("a rule's id")).or_default();
                let granted = Points::new(grant.points.unsigned_abs()).expect("points");
                *sum = sum.plus(granted).expect("points");
            }
            Became::Applied { points, bought: None }
        }
        shared::EventState::Refused => refused(record.refusal.as_ref().expect("a refusal has its reason")),
        shared::EventState::Waiting => Became::Waits,
        shared::EventState::Received | shared::EventState::Unspecified => {
            unreachable!("it is decided")
        }
    }
}

fn refused(refusal: &shared::Refusal) -> Became {
    Became::Refused { code: refusal.reason().reason().to_owned(), says: refusal.message.clone() }
}

fn refused_call(status: &Status) -> Became {
    let reason = status.get_details_error_info().expect("every error has a reason").reason;
    Became::Refused { code: reason, says: status.message().to_owned() }
}

/// As a partner writes it.
/// The order that an event names. Ids of events are not unique across cases, but their orders are.
fn order_of(event: &event::PartnerEvent) -> String {
    match &event.body {
        Some(event::partner_event::Body::OrderReturn(it)) => it.order_id.clone(),
        _ => String::new(),
    }
}

/// Orders are found whoever returns them, so each case has its own.
fn written(body: &EventBody, suffix: &str) -> event::partner_event::Body {
    use event::partner_event::Body;
    let text = |reference: &Reference| format!("{reference}{suffix}");
    match body {
        EventBody::SignUp { consents } => {
            let consent_purposes = consents.iter().map(ToString::to_string).collect();
            Body::SignUp(event::SignUp { consent_purposes })
        }
        EventBody::ConsentGiven { purpose } => {
            Body::ConsentGiven(event::ConsentGiven { purpose: purpose.to_string() })
        }
        EventBody::ConsentWithdrawn { purpose } => {
            Body::ConsentWithdrawn(event::ConsentWithdrawn { purpose: purpose.to_string() })
        }
        EventBody::Purchase { order, amount } => Body::Purchase(event::Purchase {
            order_id: text(order),
            amount: Some(money_to_proto(amount)),
            lines: Vec::new(),
        }),
        EventBody::Basket { order, amount, lines } => {
            let line = |line: &OrderLine| event::OrderLine {
                line_id: text(&line.line),
                amount: Some(money_to_proto(&line.amount)),
            };
            Body::Purchase(event::Purchase {
                order_id: text(order),
                amount: Some(money_to_proto(amount)),
                lines: lines.iter().map(line).collect(),
            })
        }
        EventBody::Return { order, what } => {
            let line = |line: &ReturnedLine| event::ReturnedLine {
                line_id: text(&line.line),
                amount: line.amount.as_ref().map(money_to_proto),
            };
            let (amount, lines) = match what {
                Returned::Whole => (None, Vec::new()),
                Returned::Amount(amount) => (Some(money_to_proto(amount)), Vec::new()),
                Returned::Lines(lines) => (None, lines.iter().map(line).collect()),
            };
            Body::OrderReturn(event::OrderReturn { order_id: text(order), amount, lines })
        }
        EventBody::AccountClosing { reference } => {
            Body::AccountClosing(event::AccountClosing { reference: text(reference) })
        }
        EventBody::EmailRead { message } => Body::EmailRead(event::EmailRead { message_id: text(message) }),
        EventBody::AccountOpening { reference } => Body::AccountOpening(event::AccountOpening {
            reference: reference.as_ref().map(text).unwrap_or_default(),
        }),
        EventBody::Engagement { kind, reference } => Body::Engagement(event::Engagement {
            kind: kind.to_string(),
            reference: reference.as_ref().map(text).unwrap_or_default(),
        }),
    }
}

fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
