//! Each limit at its boundary and beyond it.

use std::ops::Range;
use std::time::{Duration, Instant};

use coalition_gateway::Settings;
use coalition_intake::Quota;
use coalition_proto::r#type::v1::ErrorReason;
use tonic::Code;
use tonic_types::StatusExt;

use crate::client::{event, read, reason};
use crate::faulty::Fault;
use crate::network::{Network, until};
use crate::raw;
use crate::wire::{ACK, Frame, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, Wire};

const LIST_PARTNERS: &str = "coalition.partner.v1.PartnerService/ListPartners";

/// A request of this many bytes: a field of bytes that no message has, which is passed over.
fn padded(bytes: usize) -> Vec<u8> {
    // Field 15, length-delimited: a byte of tag, four of length, as a varint that is as long as it has to be.
    const HEAD: usize = 5;
    let length = bytes - HEAD;
    assert!((1 << 21..1 << 28).contains(&length), "the length takes four bytes");
    let mut request = vec![15 << 3 | 2];
    for at in 0..4 {
        let more = if at < 3 { 0x80 } else { 0 };
        request.push(u8::try_from(length >> (7 * at) & 0x7f).unwrap() | more);
    }
    request.resize(bytes, 0);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_at_most_4_mib() {
    let network = Network::start().await;
    let operator = network.operator().await;
    let max = 4 * 1024 * 1024;
    raw::call(&operator, LIST_PARTNERS, padded(max)).await.unwrap();
    let status = raw::call(&operator, LIST_PARTNERS, padded(max + 1)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_all_connections_are_bounded() {
    let network = Network::start_with(Settings { requests_max: 1, ..Settings::default() }).await;
    let (first, second) = (network.operator().await, network.operator().await);
    network.log.fail("coalition.journal.", Fault::Hold);
    let held = tokio::spawn(async move { first.create_partner("first", "").await });
    until("the append", async || network.log.held() > 0).await;
    let status = raw::call(&second, LIST_PARTNERS, Vec::new()).await.unwrap_err();
    assert_eq!((reason(&status), status.code()), (ErrorReason::Overloaded, Code::ResourceExhausted));
    assert!(status.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
    network.log.heal();
    held.await.unwrap().unwrap();
    raw::call(&second, LIST_PARTNERS, Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_publishes_too_fast_waits_and_then_is_told_for_how_long() {
    let (partner_quota, deadline_default) = (Quota::of(100), Duration::from_secs(3));
    let settings = Settings { partner_quota, deadline_default, ..Settings::default() };
    let network = Network::furnished_with(settings).await;
    let operator = network.operator().await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    let events = |numbers: Range<u32>| {
        numbers
            .map(|number| event("a", &format!("e{number}"), read(&format!("m{number}"))))
            .collect::<Vec<_>>()
    };
    let began = Instant::now();
    shop.publish_events("shop", events(0..40)).await.unwrap();
    // 10 may come at once: this waits until 40 are 10 and what a partner may send meanwhile.
    shop.publish_events("shop", events(40..1_000)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    // Its own key is told before the request is read, an operator's after it: it says then whose events they are.
    for by in [&shop, &operator] {
        let status = by.publish_events("shop", events(0..1)).await.unwrap_err();
        assert_eq!((reason(&status), status.code()), (ErrorReason::Overloaded, Code::ResourceExhausted));
        assert!(status.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::from_secs(1));
        assert_eq!(status.get_details_error_info().unwrap().metadata["events_per_second"], "100");
    }
    operator.publish_events("airline", events(0..1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_and_a_seat_that_is_left_is_free_again() {
    let network = Network::start_with(Settings { connections_max: 2, ..Settings::default() }).await;
    let first = network.operator().await;
    let mut second = Wire::connect(network.address).await;
    assert!(second.is_served().await);
    let mut third = Wire::connect(network.address).await;
    assert!(third.rest().await.is_empty(), "it is closed without a word");
    raw::call(&first, LIST_PARTNERS, Vec::new()).await.unwrap();
    drop(second);
    until("the seat", async || Wire::connect(network.address).await.is_served().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_in_time_what_it_speaks_is_hung_up_on() {
    let handshake_max = Duration::from_millis(200);
    let network = Network::start_with(Settings { handshake_max, ..Settings::default() }).await;
    let mut whole = Wire::connect(network.address).await;
    whole.send(PREFACE).await;
    for said in [&[][..], &PREFACE[..12], &PREFACE[..23], b"POST /a"] {
        let mut wire = Wire::connect(network.address).await;
        wire.send(said).await;
        wire.rest().await;
    }
    // The one that was there before them has all the time that it wants.
    whole.send(&Frame::new(SETTINGS, 0, 0, &[]).bytes()).await;
    whole.send(&Frame::new(PING, 0, 0, b"12345678").bytes()).await;
    assert_eq!(whole.frame_of(PING).await, Frame::new(PING, ACK, 0, b"12345678"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_where_nobody_is_any_more_is_closed() {
    let short = Duration::from_millis(50);
    let settings = Settings { keepalive_interval: short, keepalive_timeout: short, ..Settings::default() };
    let network = Network::start_with(settings).await;
    let mut wire = Wire::connect(network.address).await;
    wire.send(PREFACE).await;
    wire.send(&Frame::new(SETTINGS, 0, 0, &[]).bytes()).await;
    let asked = wire.frame_of(PING).await;
    assert_eq!(asked.flags, 0);
    // An answer keeps it.
    wire.send(&Frame::new(PING, ACK, 0, &asked.payload).bytes()).await;
    assert_eq!(wire.frame_of(PING).await.flags, 0);
    wire.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_one_connection_are_bounded() {
    let network = Network::start_with(Settings { streams_max: 2, ..Settings::default() }).await;
    let mut wire = Wire::connect(network.address).await;
    wire.send(PREFACE).await;
    wire.send(&Frame::new(SETTINGS, 0, 0, &[]).bytes()).await;
    // SETTINGS_MAX_CONCURRENT_STREAMS is number 3.
    let settings = wire.frame_of(SETTINGS).await.payload;
    assert!(settings.chunks(6).any(|setting| setting == [0, 3, 0, 0, 0, 2]), "{settings:?}");
    // Reflection answers for as long as it is asked, so these three are under way at once.
    for stream in [1, 3, 5] {
        let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        wire.send(&Frame::new(HEADERS, 4, stream, &post(path)).bytes()).await;
    }
    let mut answered = Vec::new();
    let refused = loop {
        let frame = wire.frame().await;
        match frame.kind {
            HEADERS => answered.push(frame.stream),
            RST_STREAM => break frame,
            _ => {}
        }
    };
    // REFUSED_STREAM is number 7.
    assert_eq!(refused, Frame::new(RST_STREAM, 0, 5, &[0, 0, 0, 7]));
    assert!(!answered.contains(&5), "{answered:?}");
}

/// The headers of a call, by names and values in plain text (RFC 7541, 6.2.2).
fn post(path: &str) -> Vec<u8> {
    let headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "gateway"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.bytes());
        }
    }
    block
}
