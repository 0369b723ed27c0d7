//! Statements, net positions and the proof that no point is lost.

use coalition_proto::google::r#type::Money;
use coalition_proto::operator::v1::{GetConservationReportRequest, ListShardsRequest, ShardRole};
use coalition_proto::redemption::v1::CreateRedemptionRequest;
use coalition_proto::settlement::v1::{
    ExportSettlementStatementRequest, GetBurnMatrixRequest, GetNetPositionRequest,
    GetSettlementStatementRequest, ListSettlementLinesRequest, ListSettlementStatementsRequest,
    NetPositionRow, SettlementDirection, SettlementKind, SettlementStatement, SettlementStatementState,
    StreamSettlementLinesRequest,
};
use coalition_proto::r#type::v1::{ErrorReason, Position};

use crate::client::{Client, purchase, why};
use crate::network::{Network, now, request_id};

/// Twelve members in both shards: 1,111 points each of the shop, 13,332 in all; three of them burn 100 at the airline.
/// By hand: 13,332 x 0.009 = 119.988, so 119.99 USD; 300 x 0.007 = 2.10 USD.
pub(crate) async fn traded() -> (Network, Client) {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let mut shards = std::collections::BTreeSet::new();
    for number in 0..12 {
        let who = format!("{number:x}");
        let member = operator.enrol(&who).await.unwrap();
        let record = operator.tell("shop", &who, &format!("e{number}"), purchase("o", "USD", 1_111)).await;
        shards.insert(record.position.unwrap().shard);
        if number < 3 {
            let order = CreateRedemptionRequest {
                member,
                reward: "programmes/miles/rewards/upgrade".to_owned(),
                quantity: 1,
                request_id: request_id(),
            };
            operator.redemptions().create_redemption(order).await.unwrap();
        }
    }
    assert_eq!(shards.len(), 2, "the members live in both shards");
    (network, operator)
}

fn dollars(amount: Option<&Money>) -> String {
    let amount = amount.unwrap();
    assert_eq!(amount.currency_code, "USD");
    let sign = if amount.units < 0 || amount.nanos < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", amount.units.abs(), amount.nanos.abs() / 10_000_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_rounded_once_over_all_shards() {
    let (network, operator) = traded().await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    let request =
        GetSettlementStatementRequest { programme: "programmes/miles".to_owned(), ..Default::default() };
    let statement = shop.settlements().get_settlement_statement(request.clone()).await.unwrap().into_inner();
    assert_eq!((statement.partner.as_str(), statement.positions.len()), ("partners/shop", 2));
    let [line] = statement.lines.as_slice() else { panic!("{:?}", statement.lines) };
    assert_eq!((line.kind(), line.direction()), (SettlementKind::Issued, SettlementDirection::Payable));
    assert_eq!((line.points, line.event_count, line.ranges.len()), (13_332, 12, 2));
    assert_eq!(dollars(line.amount.as_ref()), "119.99");
    assert_eq!(dollars(statement.net_amounts.first()), "119.99");

    let airline = GetSettlementStatementRequest { partner: "partners/airline".to_owned(), ..request };
    let statement =
        operator.settlements().get_settlement_statement(airline.clone()).await.unwrap().into_inner();
    let [line] = statement.lines.as_slice() else { panic!("{:?}", statement.lines) };
    assert_eq!((line.kind(), line.direction()), (SettlementKind::Redeemed, SettlementDirection::Receivable));
    assert_eq!((line.points, line.counterparty.as_str()), (300, "partners/shop"));
    assert_eq!(dollars(line.amount.as_ref()), "2.10");
    assert_eq!(dollars(statement.net_amounts.first()), "-2.10");
    assert_eq!(
        why(shop.settlements().get_settlement_statement(airline).await),
        ErrorReason::PermissionDenied
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_parties_owe_comes_to_nothing() {
    let (network, operator) = traded().await;
    let request = GetNetPositionRequest { programme: "programmes/miles".to_owned(), ..Default::default() };
    let all = operator.settlements().get_net_position(request.clone()).await.unwrap().into_inner();
    let row = |row: &NetPositionRow| {
        let [payable, receivable, net] =
            [&row.payable, &row.receivable, &row.net].map(|amount| dollars(amount.as_ref()));
        format!("{}: pays {payable}, is paid {receivable}, net {net}", row.party)
    };
    let rows: Vec<_> = all.rows.iter().map(row).collect();
    let expected = [
        "operator: pays 2.10, is paid 119.99, net -117.89",
        "partners/airline: pays 0.00, is paid 2.10, net -2.10",
        "partners/shop: pays 119.99, is paid 0.00, net 119.99",
    ];
    assert_eq!(rows, expected);
    let airline = network.with(&operator.partner_key("airline").await).await;
    let own = airline.settlements().get_net_position(request).await.unwrap().into_inner();
    assert_eq!(own.rows.iter().map(row).collect::<Vec<_>>(), &expected[1..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_shows_each_party_its_own_row_and_column() {
    let (network, operator) = traded().await;
    let request = || GetBurnMatrixRequest { programme: "programmes/miles".to_owned(), ..Default::default() };
    let cells = operator.settlements().get_burn_matrix(request()).await.unwrap().into_inner().cells;
    let [cell] = cells.as_slice() else { panic!("{cells:?}") };
    assert_eq!((cell.issuer.as_str(), cell.redeemer.as_str()), ("partners/shop", "partners/airline"));
    assert_eq!((cell.points, dollars(cell.amount.as_ref()).as_str()), (300, "2.10"));
    operator.create_partner("other", "").await.unwrap();
    for (partner, seen) in [("shop", 1), ("airline", 1), ("other", 0)] {
        let client = network.with(&operator.partner_key(partner).await).await;
        let matrix = client.settlements().get_burn_matrix(request()).await.unwrap().into_inner();
        assert_eq!(matrix.cells.len(), seen, "{partner}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_counts_by_the_hour() {
    let (_network, operator) = traded().await;
    let hour = now().as_millis().div_euclid(3_600_000) * 3_600;
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let points = async |start_time, end_time| {
        let request = GetSettlementStatementRequest {
            partner: "partners/shop".to_owned(),
            programme: "programmes/miles".to_owned(),
            start_time,
            end_time,
            ..Default::default()
        };
        let answer = operator.settlements().get_settlement_statement(request).await?;
        Ok::<_, tonic::Status>(answer.into_inner().lines.iter().map(|line| line.points).sum::<i64>())
    };
    // The hour before counts, too: one may have begun meanwhile.
    assert_eq!(points(time(hour - 3_600), time(hour + 7_200)).await.unwrap(), 13_332);
    assert_eq!(points(None, time(hour - 3_600)).await.unwrap(), 0);
    assert_eq!(points(time(hour + 7_200), None).await.unwrap(), 0);
    for (start_time, rows, cells) in [(time(hour - 3_600), 3, 1), (time(hour + 7_200), 0, 0)] {
        let programme = "programmes/miles".to_owned();
        let net = GetNetPositionRequest { programme: programme.clone(), start_time, ..Default::default() };
        let net = operator.settlements().get_net_position(net).await.unwrap().into_inner();
        assert_eq!((net.rows.len(), net.start_time), (rows, start_time));
        let matrix = GetBurnMatrixRequest { programme, start_time, ..Default::default() };
        let matrix = operator.settlements().get_burn_matrix(matrix).await.unwrap().into_inner();
        assert_eq!((matrix.cells.len(), matrix.start_time), (cells, start_time));
    }
    assert_eq!(why(points(time(hour + 1), None).await), ErrorReason::InvalidArgument);
    assert_eq!(why(points(time(hour), time(hour - 3_600)).await), ErrorReason::InvalidArgument);
    let finer = Some(prost_types::Timestamp { seconds: hour, nanos: 1 });
    assert_eq!(why(points(finer, None).await), ErrorReason::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_point_is_lost_and_every_shard_says_where_it_stands() {
    let (_network, operator) = traded().await;
    let report = GetConservationReportRequest::default();
    let rows = operator.operators().get_conservation_report(report).await.unwrap().into_inner().rows;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.issued, row.redeemed, row.available, row.difference), (13_332, 300, 13_032, 0));
    let shards = operator.operators().list_shards(ListShardsRequest::default()).await.unwrap().into_inner();
    for (number, shard) in (0_u32..).zip(&shards.shards) {
        assert_eq!((shard.position.unwrap().shard, shard.role()), (number, ShardRole::Owner));
        assert_eq!((shard.term, shard.head_hash.len()), (1, 32));
    }
    assert_eq!(shards.shards.len(), 2);
    let twice = GetConservationReportRequest {
        min_positions: vec![Position { shard: 0, seq: 1 }, Position { shard: 0, seq: 2 }],
        ..GetConservationReportRequest::default()
    };
    assert_eq!(why(operator.operators().get_conservation_report(twice).await), ErrorReason::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_listed_streamed_and_exported_alike() {
    let (network, operator) = traded().await;
    let mut settlements = operator.settlements();
    let ask = GetSettlementStatementRequest {
        partner: "partners/airline".to_owned(),
        programme: "programmes/miles".to_owned(),
        ..Default::default()
    };
    let statement = settlements.get_settlement_statement(ask.clone()).await.unwrap().into_inner();
    let [line] = statement.lines.as_slice() else { panic!("{:?}", statement.lines) };
    assert!(line.name.starts_with("partners/airline/settlementLines/"), "{}", line.name);

    let list = ListSettlementLinesRequest {
        partner: ask.partner.clone(),
        programme: ask.programme.clone(),
        page_size: 1,
        ..Default::default()
    };
    let page = settlements.list_settlement_lines(list).await.unwrap().into_inner();
    assert_eq!((page.lines.as_slice(), page.next_page_token.as_str()), (statement.lines.as_slice(), ""));
    assert_eq!(page.positions, statement.positions);

    let mut stream = StreamSettlementLinesRequest {
        partner: ask.partner.clone(),
        programme: ask.programme.clone(),
        min_positions: statement.positions.clone(),
        ..Default::default()
    };
    let mut lines = settlements.stream_settlement_lines(stream.clone()).await.unwrap().into_inner();
    let first = lines.message().await.unwrap().unwrap();
    assert_eq!(first.line.as_ref(), Some(line));
    assert_eq!(lines.message().await.unwrap(), None);
    stream.resume_token = first.resume_token;
    let mut rest = settlements.stream_settlement_lines(stream.clone()).await.unwrap().into_inner();
    assert_eq!(rest.message().await.unwrap(), None, "nothing comes after the last line");
    stream.partner = "partners/shop".to_owned();
    let refused = settlements.stream_settlement_lines(stream).await;
    assert_eq!(why(refused.map(drop)), ErrorReason::InvalidPageToken);

    let export = ExportSettlementStatementRequest {
        partner: ask.partner,
        programme: ask.programme,
        ..Default::default()
    };
    let first = csv(&operator, export.clone()).await;
    let (header, row) = first.trim_end().split_once("\r\n").unwrap();
    assert!(header.starts_with("line,partner,programme,start_time,end_time,kind,"), "{header}");
    let expected = format!("{},airline,miles,,,redeemed,receivable,shop,300,0.007,2.10,USD,3,", line.name);
    assert!(row.starts_with(&expected), "{row}");
    // What is decided meanwhile for others leaves the document as it is, byte by byte.
    operator.tell("shop", "0", "later", purchase("o2", "USD", 10)).await;
    assert_eq!(csv(&operator, export).await, first);
    drop(network);
}

pub(crate) async fn csv(client: &Client, request: ExportSettlementStatementRequest) -> String {
    let mut parts = client.settlements().export_settlement_statement(request).await.unwrap().into_inner();
    let mut document = Vec::new();
    while let Some(part) = parts.message().await.unwrap() {
        document.extend(part.content);
    }
    String::from_utf8(document).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_listed_by_month() {
    let (network, operator) = traded().await;
    let list = async |client: &Client, partner: &str, time_zone: &str| {
        let request = ListSettlementStatementsRequest {
            partner: partner.to_owned(),
            programme: "programmes/miles".to_owned(),
            time_zone: time_zone.to_owned(),
            ..ListSettlementStatementsRequest::default()
        };
        client.settlements().list_settlement_statements(request).await.map(tonic::Response::into_inner)
    };
    for partner in ["partners/shop", "partners/airline"] {
        let listed = list(&operator, partner, "Europe/Paris").await.unwrap();
        // What this test traded it has just traded.
        assert_eq!(listed.statements[0].state(), SettlementStatementState::Open);
        for statement in listed.statements {
            let request = GetSettlementStatementRequest {
                partner: partner.to_owned(),
                programme: "programmes/miles".to_owned(),
                start_time: statement.start_time,
                end_time: statement.end_time,
                positions: listed.positions.clone(),
                ..GetSettlementStatementRequest::default()
            };
            let whole = operator.settlements().get_settlement_statement(request).await.unwrap().into_inner();
            assert!(!whole.lines.is_empty() && whole.totals.len() == 1);
            assert_eq!(statement, SettlementStatement { lines: Vec::new(), ..whole });
        }
    }
    let shop = network.with(&operator.partner_key("shop").await).await;
    let own = list(&shop, "", "").await.unwrap();
    assert_eq!(own, list(&operator, "partners/shop", "UTC").await.unwrap());
    operator.create_partner("new", "").await.unwrap();
    assert!(list(&operator, "partners/new", "").await.unwrap().statements.is_empty());
    for (partner, zone, expected) in [
        ("partners/nobody", "", ErrorReason::UnknownPartner),
        ("partners/shop", "Europe/Nowhere", ErrorReason::InvalidArgument),
        ("partners/shop", "Asia/Kolkata", ErrorReason::InvalidArgument),
        ("", "", ErrorReason::FieldMissing),
    ] {
        assert_eq!(why(list(&operator, partner, zone).await), expected, "{partner} {zone}");
    }
}
