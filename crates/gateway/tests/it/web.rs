//! gRPC-Web over HTTP/1.1, as a browser's page speaks it.

use coalition_gateway::Settings;
use coalition_proto::partner::v1::ListPartnersResponse;
use prost::Message;

use crate::network::Network;
use crate::wire::Wire;

const LIST_PARTNERS: &str = "/coalition.partner.v1.PartnerService/ListPartners";

/// Sends a request with these lines in its head and gives the head and the body of the answer.
async fn send(network: &Network, method: &str, lines: &[&str], body: &[u8]) -> (String, Vec<u8>) {
    let mut wire = Wire::connect(network.address).await;
    let mut request = format!("{method} {LIST_PARTNERS} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n");
    for line in lines {
        request.push_str(line);
        request.push_str("\r\n");
    }
    request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    wire.send(request.as_bytes()).await;
    wire.send(body).await;
    let answer = wire.rest().await;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_ascii_lowercase();
    let body = &answer[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") { whole(body) } else { body.to_vec() };
    (head, body)
}

/// A body out of its chunks (RFC 9112, 7.1).
fn whole(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend(&chunks[end + 2..end + 2 + length]);
        chunks = &chunks[end + 2 + length + 2..];
    }
}

/// The messages of a body by their flag, 0 for one and 128 for the trailers.
fn messages(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut messages = Vec::new();
    while let [flag, a, b, c, d, rest @ ..] = body {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        messages.push((*flag, rest[..length].to_vec()));
        body = &rest[length..];
    }
    messages
}

/// Whether a line of a head lists all of these.
fn listed(head: &str, name: &str, values: &[&str]) -> bool {
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let listed: Vec<_> = line.unwrap_or_default().split(',').collect();
    values.iter().all(|value| listed.contains(value))
}

const EMPTY: &[u8] = &[0, 0, 0, 0, 0];

#[tokio::test(flavor = "multi_thread")]
async fn a_page_calls_over_http_1() {
    let network = Network::furnished().await;
    let key = format!("authorization: Bearer {}", network.operator);
    let (head, body) =
        send(&network, "POST", &["content-type: application/grpc-web+proto", &key], EMPTY).await;
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    assert!(head.contains("content-type: application/grpc-web+proto"), "{head}");
    let answer = messages(&body);
    let [(0, message), (128, trailers)] = answer.as_slice() else { panic!("{answer:?}") };
    let partners = ListPartnersResponse::decode(message.as_slice()).unwrap().partners;
    let names: Vec<_> = partners.iter().map(|partner| partner.name.as_str()).collect();
    assert_eq!(names, ["partners/airline", "partners/shop"]);
    assert!(String::from_utf8_lossy(trailers).contains("grpc-status:0"), "{trailers:?}");

    let (head, _) = send(&network, "POST", &["content-type: application/grpc-web+proto"], EMPTY).await;
    assert!(head.contains("\r\ngrpc-status: 16"), "no key: {head}");
    let (head, _) = send(&network, "POST", &["content-type: application/grpc", &key], EMPTY).await;
    assert!(head.starts_with("http/1.1 400 "), "gRPC itself needs HTTP/2: {head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_an_answer_if_its_origin_may() {
    let may = vec!["https://shop.example".parse().unwrap()];
    let nobodys = Network::start().await;
    let network = Network::start_with(Settings { web_origins: may, ..Settings::default() }).await;
    let (shop, other) = ("origin: https://shop.example", "origin: https://shop.example.org");
    let wants = [
        "access-control-request-method: POST",
        "access-control-request-headers: authorization,x-grpc-web,traceparent",
    ];
    for (network, origin, opened) in
        [(&network, shop, true), (&network, other, false), (&nobodys, shop, false)]
    {
        let (head, _) = send(network, "OPTIONS", &[origin, wants[0], wants[1]], &[]).await;
        let allowed = "access-control-allow-origin: https://shop.example";
        assert_eq!(head.lines().any(|line| line == allowed), opened, "{origin}: {head}");
        assert!(!opened || listed(&head, "access-control-allow-headers", &["authorization", "traceparent"]));
        let key = format!("authorization: Bearer {}", network.operator);
        let (head, _) =
            send(network, "POST", &["content-type: application/grpc-web", &key, origin], EMPTY).await;
        assert_eq!(head.lines().any(|line| line == allowed), opened, "{origin}: {head}");
        assert_eq!(head.contains("access-control-allow-origin"), opened, "{origin}: {head}");
        assert!(!opened || listed(&head, "access-control-expose-headers", &["grpc-status", "traceparent"]));
    }
}
