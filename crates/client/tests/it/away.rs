//! A producer whose network goes away and comes back.

use std::time::Duration;

use coalition_client::producer::{Counts, Grpc, SendError, Settings, SpoolSettings, Unfinished};
use coalition_client::proto::partner::v1::RevokeApiKeyRequest;
use coalition_client::{Client, Producer};

use crate::network::{Network, purchase};

const PATIENCE: Duration = Duration::from_secs(60);

async fn producer(network: &Network, key: &str, settings: Settings) -> Producer {
    let client = Client::connect_later(&network.settings(key)).unwrap();
    Producer::start(Grpc::new(client), settings).await.unwrap()
}

async fn send(producer: &Producer, numbers: std::ops::Range<u32>) {
    for number in numbers {
        producer.send(purchase(number)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_while_the_network_is_away_arrives_when_it_is_back() {
    let mut network = Network::start().await;
    let (member, key) = (network.enrol().await, network.partner_key().await);
    let folder = tempfile::tempdir().unwrap();
    let on_disk = || Settings { spool: Some(SpoolSettings::new(folder.path())), ..Settings::default() };

    // Away from the start, away in the middle, and away at the end.
    network.go_away().await;
    let first = producer(&network, &key, on_disk()).await;
    send(&first, 0..100).await;
    network.come().await;
    first.flush(PATIENCE).await.unwrap();
    network.has_points(&member, 100).await;
    network.go_away().await;
    send(&first, 100..1_300).await;
    network.come().await;
    send(&first, 1_300..1_400).await;
    first.flush(PATIENCE).await.unwrap();
    network.go_away().await;
    send(&first, 1_400..1_500).await;
    let late = first.close(Duration::ZERO).await.unwrap_err();
    assert!(matches!(late, Unfinished::Late { waiting: 100 }), "{late}");
    network.come().await;

    let second = producer(&network, &key, on_disk()).await;
    // What was published before is sent again, as a partner would who is not sure.
    send(&second, 1_300..1_600).await;
    let Counts { published, refused, .. } = second.close(PATIENCE).await.unwrap();
    assert_eq!((published, refused), (400, 0));
    network.has_points(&member, 1_600).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_ends_the_producer_and_another_key_goes_on() {
    let network = Network::start().await;
    let (member, key) = (network.enrol().await, network.partner_key().await);
    let folder = tempfile::tempdir().unwrap();
    let on_disk = || Settings { spool: Some(SpoolSettings::new(folder.path())), ..Settings::default() };
    let first = producer(&network, &key, on_disk()).await;
    send(&first, 0..10).await;
    first.flush(PATIENCE).await.unwrap();
    // ck_{name}_{secret}
    let name = format!("apiKeys/{}", key.split('_').nth(1).unwrap());
    network.operator().await.call(RevokeApiKeyRequest { name, ..Default::default() }).await.unwrap();
    send(&first, 10..11).await;
    let ended = first.flush(PATIENCE).await.unwrap_err();
    let Unfinished::Failed(SendError::Ended(why)) = &ended else { panic!("{ended:?}") };
    assert!(why.ends_with("(KEY_REVOKED)"), "{why}");
    first.close(PATIENCE).await.unwrap_err();
    let second = producer(&network, &network.partner_key().await, on_disk()).await;
    second.close(PATIENCE).await.unwrap();
    network.has_points(&member, 11).await;
}
