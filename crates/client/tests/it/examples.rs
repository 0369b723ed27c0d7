//! The examples do what they say.

use std::time::Duration;

use coalition_client::Client;
use coalition_client::producer::Grpc;

use crate::network::Network;

#[path = "../../examples/purchases/mod.rs"]
mod purchases;
#[allow(dead_code, reason = "its main function reads the command line")]
#[path = "../../examples/till.rs"]
mod till;

const REWARD: &str = "programmes/miles/rewards/upgrade";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purchases_are_emitted_and_the_till_burns_their_points() {
    let network = Network::start().await;
    let member = network.enrol().await;
    let shop = Client::connect(&network.settings(&network.partner_key().await)).await.unwrap();
    let spool = tempfile::tempdir().unwrap();
    let emit = async |lines: &str| {
        let published = purchases::publish(Grpc::new(shop.clone()), spool.path(), lines.as_bytes());
        tokio::time::timeout(Duration::from_secs(60), published).await.unwrap().unwrap()
    };
    emit("1,4711,77.96,2026-01-12T09:30:00Z\n").await;
    network.has_points(&member, 77).await;
    assert_eq!(till::redeem(&shop, "shop", "1", REWARD).await.unwrap(), None, "23 are missing");
    // A line that was emitted before is the same event.
    emit("1,4711,77.96,2026-01-12T09:30:00Z\n1,4712,23.00,2026-01-13T09:30:00Z\n").await;
    network.has_points(&member, 100).await;
    let redemption = till::redeem(&shop, "shop", "1", REWARD).await.unwrap().unwrap();
    assert_eq!((redemption.points, redemption.reward.as_str()), (100, REWARD));
    let wrong = purchases::publish(Grpc::new(shop.clone()), spool.path(), "1,4713,1.5\n".as_bytes()).await;
    assert_eq!(wrong.unwrap_err().to_string(), "`1,4713,1.5` is not customer,order,amount,instant");
}
