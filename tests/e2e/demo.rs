//! The demo's figures, right to the point and the cent, against figures from elsewhere.

use std::path::Path;

use coalition_proto::account::v1::GetBalanceRequest;
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::event::v1::GetPartnerEventRequest;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::member::v1::LookupMemberRequest;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::r#type::v1::{EventState, Identifier, IdentifierScheme, RuleVerdict};
use serde_json::json;

use crate::guides::blocks;
use crate::harness::{Served, demo, demo_command, run};
use crate::log::{dollars, email_hash, lines};

/// What the partners publish.
pub(crate) const EVENTS: u64 = 116_846;

/// Points that the member of the demo burns.
const BURNT: (&str, i64) = ("07592", 12_000);

/// The figures that the demo has to give: points counted with awk from the file, amounts by hand.
pub(crate) fn assert_figures(result: &serde_json::Value) {
    assert_eq!(result["events"], EVENTS);
    assert_eq!(result["members"], 23_570);
    assert_eq!(result["base_points"], 2_453_159);
    assert_eq!(result["total_points"], 7_399_359);
    assert_eq!(result["redeemed_points"], 12_000);
    // Payable less receivable. 12,000 points are burnt at 0.007; whichever issuers they come from, 84.00.
    let net = json!({
        "mypoints": "33940.80", "cdnow": "22078.43", "bank": "9400.00", "airline": "-84.00", "operator": "-65335.23",
    });
    assert_eq!(result["net_positions"], net);
    // 500 for a purchase; 200 of 300 that were held are burnt; 400 of 500 dollars go back, with 300 points and 100 that are
    // owed; of the next 150, these are repaid. A card had bought for 70.
    let traveller = &result["traveller"];
    let sums =
        ["burnt", "taken_back", "owed", "repaid", "linked", "available"].map(|key| traveller[key].as_i64());
    assert_eq!(sums, [200, 400, 100, 100, 70, 120].map(Some), "{traveller}");
    let steps = json!([
        ["sign up", 0],
        ["purchase traveller-1", 500],
        ["hold", -300],
        ["capture", 100],
        ["return traveller-1", -300],
        ["purchase traveller-2", 50],
        ["link", 70],
    ]);
    assert_eq!(traveller["steps"], steps);
}

fn identifier(customer: &str) -> Option<Identifier> {
    let scheme = IdentifierScheme::EmailHash.into();
    Some(Identifier { scheme, scope: String::new(), value: email_hash(customer) })
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_balances_and_reasons_are_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let first = demo(&data);
    assert_figures(&first);
    assert!(first["events_per_s"].as_u64().is_some_and(|rate| rate > 0), "{first}");
    assert_eq!((&first["already_here"], &first["replayed"]), (&json!(0), &json!(EVENTS)));
    // Everything is published a second time, and counts once.
    let second = demo(&data);
    assert_figures(&second);
    assert_eq!((&second["already_here"], &second["replayed"]), (&json!(EVENTS), &json!(0)));
    assert_eq!(second["events_per_s"], json!(null));
    check_story(&data);
    let verified = run(&["journal", "verify", "--data", &data.display().to_string()]);
    assert_eq!(verified.matches("equal").count(), 4, "{verified}");

    let served = Served::start(&data);
    check_balances(&served).await;
    check_reasons(&served).await;
    check_complaints(&served);
    check_statements(&served, folder.path());
}

/// docs/guides/pull-a-statement.md
fn check_statements(served: &Served, folder: &Path) {
    let program = blocks("pull-a-statement.md", "sh").concat();
    let said = served.shell(&format!("cd {}\n{program}", folder.display()));
    let events = said.lines().filter(|line| line.contains("cdnow") && line.contains(" USD"));
    assert_eq!(events.count(), 5, "{said}");
}

/// docs/guides/answer-a-complaint.md
fn check_complaints(served: &Served) {
    let said = served.shell(&blocks("answer-a-complaint.md", "sh").concat());
    for words in [
        "applied, 0 points: rule purchase: the amount is below what earns a point\n",
        "order-01549  order-01549  1997-",
        "nothing was refused\n",
        "marketing given since 199",
        "opening-00500             +25,000  mypoints v1\n      rule account-opening\n",
        // 150 + 10 + 25,000 and its purchases.
        "available  25,181\n",
        "net  22,078.43 USD, to be paid to the operator\n",
        // Nothing was recorded in 1997, and all of it had happened by then.
        "available  0\n",
    ] {
        assert!(said.contains(words), "\"{words}\" is not in:\n{said}");
    }
}

/// What a person reads, the third time.
fn check_story(data: &Path) {
    let text = run(&["demo", "--exit", "--listen", "127.0.0.1:0", "--data", &data.display().to_string()]);
    for words in [
        "Already here: 116,846; sent again, they count once. Replayed now: 0.\n",
        "12,000 points for \"paris-return\" at airline (it was made earlier), taken from:\n",
        "  mypoints  33,940.80 USD",
        "-65,335.23 USD\n",
        "A hold, a return, a debt and a card\n",
        "400 taken back, 100 of them owed\n",
        "earned before the card was known\n",
        "120 points are left, and nothing is owed.\n",
        "The points add up:\n",
    ] {
        assert!(text.contains(words), "\"{words}\" is not in:\n{text}");
    }
    let widest = text.lines().max_by_key(|line| line.chars().count()).expect("it says something");
    assert!(widest.chars().count() <= 81, "{widest}");
    // Whoever has seen enough goes away, and the demo ends without complaint.
    let (read, written) = std::io::pipe().expect("a pipe");
    drop(read);
    let mut demo = demo_command(data, false);
    let ended = demo.stdout(written).output().expect("the binary starts");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && !told.contains("panicked"), "{}: {told}", ended.status);
}

/// Each of the 23,570 balances.
pub(crate) async fn check_balances(served: &Served) {
    let channel = served.connect().await;
    let mut members = MemberServiceClient::new(channel.clone());
    let mut accounts = AccountServiceClient::new(channel);
    let expected = dollars();
    assert_eq!(expected.len(), 23_570);
    let mut wrong = Vec::new();
    for (customer, dollars) in &expected {
        let request =
            LookupMemberRequest { identifier: identifier(customer), ..LookupMemberRequest::default() };
        let member =
            members.lookup_member(served.operator(request)).await.expect("everybody signed up").into_inner();
        let programme = "programmes/mypoints".to_owned();
        let request = GetBalanceRequest { member: member.name, programme, ..GetBalanceRequest::default() };
        let balance = accounts.get_balance(served.operator(request)).await.expect("a balance").into_inner();
        let number: i64 = customer.parse().expect("a customer number");
        let bank = if number % 500 == 0 { 25_000 } else { 0 };
        let burnt = if customer == BURNT.0 { BURNT.1 } else { 0 };
        if balance.available != 150 + 10 + dollars + bank - burnt {
            wrong.push((customer.clone(), balance.available));
        }
    }
    assert!(wrong.is_empty(), "{} balances are wrong, such as {:?}", wrong.len(), wrong.first());
}

/// "Why did this customer get no points?"
async fn check_reasons(served: &Served) {
    let (line, columns) =
        lines().into_iter().enumerate().find(|(_, columns)| columns[3] == "0.00").expect("there are 80");
    let mut events = PartnerEventServiceClient::new(served.connect().await);
    let request = |event_id: String| GetPartnerEventRequest {
        partner: "partners/cdnow".to_owned(),
        event_id,
        identifier: identifier(&columns[0]),
        ..GetPartnerEventRequest::default()
    };
    let state = events.get_partner_event(served.operator(request(format!("order-{:05}", line + 1)))).await;
    let state = state.expect("the event is known").into_inner();
    assert_eq!((state.state(), state.points), (EventState::Applied, 0));
    assert_eq!(state.rule_outcomes.len(), 1, "{state:?}");
    assert_eq!(state.rule_outcomes[0].rule, "purchase");
    assert_eq!(state.rule_outcomes[0].verdict(), RuleVerdict::AmountTooSmall);
    assert!(state.rule_outcomes[0].message.contains("below what earns a point"), "{state:?}");

    let unknown = events.get_partner_event(served.operator(request("order-99999".to_owned()))).await;
    assert_eq!(unknown.expect_err("there is no such event").code(), tonic::Code::NotFound);
}
