//! What callers and operators can see of a call: its trace, its count, how fresh the shards are.

use coalition_gateway::{Metrics, Settings};
use coalition_journal::log::{Log, Offset, Partition};
use coalition_ledger::trace::TraceParent;
use coalition_proto::event::v1::PublishEventsRequest;
use coalition_proto::operator::v1::ListShardsRequest;
use prometheus::{Encoder, Registry, TextEncoder};
use tonic::Request;

use crate::client::{event, sign_up};
use crate::network::{Network, until};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn traced<T>(message: T, trace: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("traceparent", trace.parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_trace() {
    let network = Network::start().await;
    let operator = network.operator().await;
    let list = |trace: &str| traced(ListShardsRequest::default(), trace);
    let named = |metadata: &tonic::metadata::MetadataMap| {
        let text = metadata.get("traceparent").unwrap();
        TraceParent::read(text.as_bytes()).unwrap()
    };
    let answer = operator.operators().list_shards(list(TRACE)).await.unwrap();
    assert_eq!(named(answer.metadata()).as_str(), TRACE);
    // One that is none is passed over, and each call without one gets its own.
    let first = operator.operators().list_shards(list("00-1-2-3")).await.unwrap();
    let second = operator.operators().list_shards(ListShardsRequest::default()).await.unwrap();
    assert_ne!(named(first.metadata()), named(second.metadata()));
    // A refusal has it, too.
    let stranger = network.with("ck_nobody").await;
    let refused = stranger.operators().list_shards(list(TRACE)).await.unwrap_err();
    assert_eq!(named(refused.metadata()).as_str(), TRACE);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_in_the_trace_of_the_call_that_publishes_them() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let publish = |id: &str| PublishEventsRequest {
        partner: "partners/shop".to_owned(),
        events: vec![event("a", id, sign_up(&[]))],
        validate_only: false,
    };
    operator.events().publish_events(traced(publish("1"), TRACE)).await.unwrap();
    operator.events().publish_events(publish("2")).await.unwrap();
    operator.decided("shop", "a", "2").await;
    let traces = |topic: &str| -> Vec<Option<String>> {
        let (number, _) = (0..2)
            .map(|number| (number, network.log.memory.bounds(&Partition::new(topic, number))))
            .filter_map(|(number, bounds)| Some((number, bounds.ok()?.1)))
            .max_by_key(|(_, end)| *end)
            .unwrap();
        let read = network.log.memory.read(&Partition::new(topic, number), Offset(0), 1 << 20).unwrap();
        let trace = |record| TraceParent::of(record).map(|trace| trace.to_string());
        read.iter().map(|stored| trace(&stored.record)).collect()
    };
    assert_eq!(traces("coalition.partner.shop.events.v1"), [Some(TRACE.to_owned()), None]);
    // The inbox has them at its end, behind what the registry told the shard.
    let inbox = traces("coalition.inbox.v1");
    assert!(inbox.ends_with(&[Some(TRACE.to_owned()), None]), "{inbox:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_by_method_and_code() {
    let (metrics, registry) = (Metrics::default(), Registry::new());
    metrics.register(&registry).unwrap();
    let network = Network::start_with(Settings { metrics, ..Settings::default() }).await;
    let (operator, stranger) = (network.operator().await, network.with("ck_nobody").await);
    for _ in 0..2 {
        operator.operators().list_shards(ListShardsRequest::default()).await.unwrap();
    }
    stranger.operators().list_shards(ListShardsRequest::default()).await.unwrap_err();
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let method = "method=\"coalition.operator.v1.OperatorService/ListShards\"";
    for line in [
        format!("gateway_requests_total{{code=\"OK\",{method}}} 2"),
        format!("gateway_requests_total{{code=\"UNAUTHENTICATED\",{method}}} 1"),
        format!("gateway_request_duration_seconds_count{{{method}}} 3"),
        "gateway_requests_in_flight 0".to_owned(),
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_with_nothing_to_decide_is_fresh() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    operator.tell("shop", "a", "1", sign_up(&[])).await;
    // How far a shard of another process is, is heard a moment later.
    until("nothing is left to decide", async || {
        let shards = operator.operators().list_shards(ListShardsRequest::default()).await.unwrap();
        shards.into_inner().shards.iter().all(|shard| {
            let age = shard.balance_age.unwrap();
            (shard.inbox_lag, age.seconds, age.nanos) == (0, 0, 0)
        })
    })
    .await;
}
