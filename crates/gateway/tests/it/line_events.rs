//! What lines sum up, and statements as they were at a position.

use coalition_proto::settlement::v1::line_event::Source;
use coalition_proto::settlement::v1::{
    ExportSettlementStatementRequest, GetBurnMatrixRequest, GetNetPositionRequest,
    GetSettlementStatementRequest, ListLineEventsRequest, ListLineEventsResponse, SettlementStatement,
};
use coalition_proto::r#type::v1::{ErrorReason, Position};

use crate::client::{Client, purchase, why};
use crate::settlements::{csv, traded};

const MILES: &str = "programmes/miles";

async fn statement(client: &Client, partner: &str, positions: &[Position]) -> SettlementStatement {
    let request = GetSettlementStatementRequest {
        partner: format!("partners/{partner}"),
        programme: MILES.to_owned(),
        positions: positions.to_vec(),
        ..Default::default()
    };
    client.settlements().get_settlement_statement(request).await.unwrap().into_inner()
}

async fn page(
    client: &Client,
    line: &str,
    size: i32,
    token: &str,
) -> Result<ListLineEventsResponse, tonic::Status> {
    let request = ListLineEventsRequest {
        name: line.to_owned(),
        programme: MILES.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
        ..Default::default()
    };
    Ok(client.settlements().list_line_events(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_the_sum_of_its_events() {
    let (network, operator) = traded().await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    let before = statement(&shop, "shop", &[]).await;
    let line = &before.lines[0].name;
    let (mut events, mut token) = (Vec::new(), String::new());
    loop {
        let page = page(&shop, line, 5, &token).await.unwrap();
        // What comes in between is on none of the pages.
        operator.tell("shop", "0", &format!("later{}", events.len()), purchase("o2", "USD", 10)).await;
        assert_eq!(page.positions, before.positions);
        events.extend(page.line_events);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(events.len(), 12);
    assert!(events.iter().all(|event| event.points == 1_111 && event.member.is_empty()));
    // 1,111 x 0.009 = 9.999, twelve of which are 119.988, which the line rounds to 119.99.
    assert!(events.iter().all(|event| event.amount.as_ref().is_some_and(|it| it.nanos == 999_000_000)));
    let mut ids: Vec<_> = events.iter().map(|event| event.source.clone().unwrap()).collect();
    ids.sort_by_key(|id| format!("{id:?}"));
    let mut expected: Vec<_> = (0..12).map(|number| Source::EventId(format!("e{number}"))).collect();
    expected.sort_by_key(|id| format!("{id:?}"));
    assert_eq!(ids, expected);
    for (event, whose) in events.iter().map(|event| (event, "partners/shop")) {
        assert_eq!(event.partner, whose);
        let range = before.lines[0].ranges.iter().find(|range| range.shard == event.position.unwrap().shard);
        let (range, at) = (range.unwrap(), event.position.unwrap().seq);
        assert!(range.first_seq <= at && at <= range.last_seq);
    }

    let of_operator = page(&operator, line, 1_000, "").await.unwrap().line_events;
    assert!(of_operator.iter().all(|event| event.member.starts_with("members/")));
    assert_eq!(of_operator.len(), 12 + 3, "and those that came later");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_what_anothers_line_sums_up() {
    let (network, operator) = traded().await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    let airline = network.with(&operator.partner_key("airline").await).await;
    let lines = statement(&operator, "airline", &[]).await.lines;
    let redeemed = &lines[0].name;
    assert_eq!(why(page(&shop, redeemed, 0, "").await), ErrorReason::PermissionDenied);
    let burnt = page(&airline, redeemed, 0, "").await.unwrap().line_events;
    assert_eq!(burnt.iter().map(|event| event.points).collect::<Vec<_>>(), [100, 100, 100]);
    assert!(burnt.iter().all(|event| event.member.is_empty()));
    // A line of another partner's is none of one's own by another name.
    let other = redeemed.replace("airline", "shop");
    assert_eq!(why(page(&shop, &other, 0, "").await), ErrorReason::NotFound);
    let (first, second) =
        (page(&airline, redeemed, 1, "").await.unwrap(), "partners/airline/settlementLines/0");
    assert_eq!(
        why(page(&operator, redeemed, 1, &first.next_page_token).await),
        ErrorReason::InvalidPageToken
    );
    assert_eq!(why(page(&airline, second, 1, "").await), ErrorReason::NotFound);
    assert_eq!(why(page(&airline, "partners/airline", 1, "").await), ErrorReason::InvalidArgument);
}

async fn export(client: &Client, positions: &[Position]) -> String {
    let request = ExportSettlementStatementRequest {
        partner: "partners/shop".to_owned(),
        programme: MILES.to_owned(),
        positions: positions.to_vec(),
        ..Default::default()
    };
    csv(client, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_positions_give_the_same_statement_whatever_comes_later() {
    let (network, operator) = traded().await;
    let (before, document) = (statement(&operator, "shop", &[]).await, export(&operator, &[]).await);
    let at = before.positions.clone();
    for number in 0..40 {
        let who = format!("{:x}", number % 12);
        operator.tell("shop", &who, &format!("later{number}"), purchase("o2", "USD", 10)).await;
    }
    assert_ne!(statement(&operator, "shop", &[]).await.lines, before.lines);
    assert_eq!(statement(&operator, "shop", &at).await, before);
    assert_eq!(export(&operator, &at).await, document);
    let net =
        GetNetPositionRequest { programme: MILES.to_owned(), positions: at.clone(), ..Default::default() };
    let net = operator.settlements().get_net_position(net).await.unwrap().into_inner();
    assert_eq!((net.rows.len(), &net.positions), (3, &at));
    let burnt =
        GetBurnMatrixRequest { programme: MILES.to_owned(), positions: at.clone(), ..Default::default() };
    let burnt = operator.settlements().get_burn_matrix(burnt).await.unwrap().into_inner();
    assert_eq!((burnt.cells[0].points, &burnt.positions), (300, &at));

    let network = network.rebuilt().await;
    let operator = network.operator().await;
    assert_eq!(statement(&operator, "shop", &at).await, before);
    assert_eq!(export(&operator, &at).await, document);

    let ask = async |positions: &[Position], min_positions: &[Position]| {
        let request = GetSettlementStatementRequest {
            partner: "partners/shop".to_owned(),
            programme: MILES.to_owned(),
            positions: positions.to_vec(),
            min_positions: min_positions.to_vec(),
            ..Default::default()
        };
        why(operator.settlements().get_settlement_statement(request).await)
    };
    assert_eq!(ask(&at[..1], &[]).await, ErrorReason::InvalidArgument, "not every shard");
    assert_eq!(ask(&[at[0], at[0]], &[]).await, ErrorReason::InvalidArgument, "one twice");
    assert_eq!(ask(&at, &at).await, ErrorReason::InvalidArgument, "both");
}
