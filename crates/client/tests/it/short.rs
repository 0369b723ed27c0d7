//! A gateway that takes short messages only.

use coalition_client::Client;
use coalition_client::producer::{Grpc, Transport, Trouble};
use coalition_client::proto::event::v1::PartnerEvent;

use crate::network::{Network, purchase};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_for_one_message_goes_in_several() {
    let short = coalition_gateway::Settings { message_bytes_max: 2_000, ..Default::default() };
    let network = Network::start_with(short).await;
    network.furnish().await;
    let (member, key) = (network.enrol().await, network.partner_key().await);
    let mut shop = Grpc::new(Client::connect(&network.settings(&key)).await.unwrap());

    let mut events: Vec<_> = (0..101).map(purchase).collect();
    for place in [3, 60, 100] {
        events[place].event_time = None;
    }
    let refused = shop.publish(&events).await.unwrap();
    let places: Vec<_> = refused.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [3, 60, 100], "{refused:?}");
    network.has_points(&member, 98).await;

    // Of no use in pieces: an event is one.
    let long = PartnerEvent { channel: "c".repeat(3_000), ..purchase(200) };
    let ended = shop.publish(&[purchase(201), long]).await.unwrap_err();
    assert!(matches!(&ended, Trouble::Ended(why) if why.contains("too large")), "{ended:?}");
    network.has_points(&member, 99).await;
}
