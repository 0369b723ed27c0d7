//! What a call costs at the gateway: calls per second and how long each takes, of the health check, which does nothing,
//! and of `GetBalance`, over many connections with one call under way on each.
//!
//! `cargo run --release --example load -p coalition-gateway -- URL KEY_FILE MEMBER PROGRAMME CONNECTIONS SECONDS`, where
//! `MEMBER` and `PROGRAMME` are resource names of the network that serves at `URL`.

use std::error::Error;
use std::time::{Duration, Instant};

use coalition_proto::account::v1::GetBalanceRequest;
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use tokio::task::JoinSet;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const USAGE: &str = "arguments: URL KEY_FILE MEMBER PROGRAMME CONNECTIONS SECONDS";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, key_file, member, programme, connections, seconds] = args.as_slice() else {
        return Err(USAGE.into());
    };
    let authorization = format!("Bearer {}", std::fs::read_to_string(key_file)?.trim()).parse()?;
    let query = GetBalanceRequest {
        member: member.clone(),
        programme: programme.clone(),
        ..GetBalanceRequest::default()
    };
    let span = Duration::from_secs(seconds.parse()?);
    let mut channels = Vec::new();
    for _ in 0..connections.parse()? {
        channels.push(Endpoint::from_shared(url.clone())?.connect().await?);
    }
    measure("Check", &channels, span, &Call::Check).await?;
    measure("GetBalance", &channels, span, &Call::GetBalance(query, authorization)).await
}

/// What is called.
#[derive(Clone)]
enum Call {
    Check,
    GetBalance(GetBalanceRequest, MetadataValue<Ascii>),
}

impl Call {
    async fn send(&self, channel: Channel) -> Result<(), Status> {
        match self {
            Self::Check => {
                let query = HealthCheckRequest { service: String::new() };
                HealthClient::new(channel).check(query).await.map(drop)
            }
            Self::GetBalance(query, authorization) => {
                let mut request = Request::new(query.clone());
                request.metadata_mut().insert("authorization", authorization.clone());
                AccountServiceClient::new(channel).get_balance(request).await.map(drop)
            }
        }
    }
}

/// Calls over every channel, one after the other on each, for `span`, and prints what was seen.
async fn measure(
    name: &str,
    channels: &[Channel],
    span: Duration,
    call: &Call,
) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for channel in channels {
        let (call, channel) = (call.clone(), channel.clone());
        callers.spawn(async move {
            let mut took = Vec::new();
            while begin.elapsed() < span {
                let sent = Instant::now();
                call.send(channel.clone()).await?;
                took.push(sent.elapsed());
            }
            Ok::<_, Status>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(caller) = callers.join_next().await {
        took.extend(caller??);
    }
    let whole = begin.elapsed();
    took.sort_unstable();
    let percentile = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
    let calls_per_s = took.len() as u128 * 1_000 / whole.as_millis().max(1);
    println!("{name:>10}: {calls_per_s} calls/s, p50 {:?}, p99 {:?}", percentile(50), percentile(99));
    Ok(())
}
