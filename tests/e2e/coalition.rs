//! A small coalition: a shop where a dollar is a point.

use std::path::Path;

use coalition_proto::account::v1::GetBalanceRequest;
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::{GetPartnerEventRequest, PartnerEventRecord};
use coalition_proto::member::v1::LookupMemberRequest;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};
use tonic::Code;
use tonic::transport::Channel;

use crate::harness::Served;

const PROGRAMME: &str = r#"
[programme]
id = "club"
name = "The club"
effective_from = 2026-01-01T00:00:00Z

[[rule]]
id = "purchase"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }
"#;

/// How long the network may take for what it is waited for, on a machine that has other things to do: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// Publishes the programme, and registers partners with prices in it.
pub(crate) fn set_up(served: &Served, folder: &Path, partners: &[&str]) {
    let document = folder.join("club.toml");
    std::fs::write(&document, PROGRAMME).expect("room for a programme");
    served.command(&["programme", "publish", &document.display().to_string()]);
    for partner in partners {
        served.command(&["partner", "create", partner, "--name", partner, "--programme", "club"]);
        served.command(&["partner", "contract", partner, "--programme", "club", "--accrual", "0.009"]);
    }
}

/// Publishes a programme `club`, and registers a shop that gives its points and takes them.
pub(crate) fn set_up_shop(served: &Served, folder: &Path, programme: &str) {
    let document = folder.join("club.toml");
    std::fs::write(&document, programme).expect("room for a programme");
    served.command(&["partner", "create", "shop", "--name", "Shop", "--programme", "club"]);
    served.command(&["programme", "publish", &document.display().to_string()]);
    let prices = ["--accrual", "0.009", "--redemption", "0.007"];
    served.command(&[["partner", "contract", "shop", "--programme", "club"].as_slice(), &prices].concat());
}

/// What the operator asks for.
pub(crate) struct Asking<'a> {
    served: &'a Served,
    channel: Channel,
}

impl<'a> Asking<'a> {
    pub(crate) async fn of(served: &'a Served) -> Self {
        Self { served, channel: served.connect().await }
    }

    /// What became of an event, once it is decided.
    pub(crate) async fn decided(&self, partner: &str, event: &str, customer: &str) -> PartnerEventRecord {
        let mut client = PartnerEventServiceClient::new(self.channel.clone());
        let until = Instant::now() + PATIENCE;
        let mut ticks = interval(Duration::from_millis(2));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A shard that has just moved may do so once more.
        let waits = [Code::NotFound, Code::Unavailable];
        loop {
            let request = GetPartnerEventRequest {
                partner: format!("partners/{partner}"),
                event_id: event.to_owned(),
                identifier: Some(customer_number(partner, customer)),
                ..GetPartnerEventRequest::default()
            };
            match client.get_partner_event(self.served.operator(request)).await {
                Ok(found) => return found.into_inner(),
                Err(status) if waits.contains(&status.code()) && Instant::now() < until => {}
                Err(status) => panic!("{event} of {partner} is not decided: {status}"),
            }
            ticks.tick().await;
        }
    }

    /// The points that a customer of a partner has.
    pub(crate) async fn points(&self, partner: &str, customer: &str) -> i64 {
        let identifier = Some(customer_number(partner, customer));
        let request = LookupMemberRequest { identifier, ..LookupMemberRequest::default() };
        let mut members = MemberServiceClient::new(self.channel.clone());
        let member = members.lookup_member(self.served.operator(request)).await;
        let member = member.expect("an enrolled customer").into_inner().name;
        let programme = "programmes/club".to_owned();
        let request = GetBalanceRequest { member, programme, ..GetBalanceRequest::default() };
        let mut accounts = AccountServiceClient::new(self.channel.clone());
        let balance = accounts.get_balance(self.served.operator(request)).await;
        balance.expect("a balance").into_inner().available
    }
}

/// What a partner calls its customer.
pub(crate) fn customer_number(partner: &str, customer: &str) -> Identifier {
    Identifier {
        scheme: IdentifierScheme::CustomerNumber.into(),
        scope: format!("partners/{partner}"),
        value: customer.to_owned(),
    }
}
