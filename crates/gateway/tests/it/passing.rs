//! What time alone brings about, as members and operators see it.

use coalition_domain::Span;
use coalition_proto::account::v1::{Activity, ActivityType, ListActivitiesRequest};
use coalition_proto::operator::v1::GetConservationReportRequest;
use coalition_proto::r#type::v1::EventState;

use crate::client::{event, read};
use crate::network::{DOCUMENT, Network, now, until};

#[tokio::test(flavor = "multi_thread")]
async fn points_that_lapse_are_an_entry_of_their_own() {
    let network = Network::start().await;
    let operator = network.operator().await;
    for partner in ["shop", "airline"] {
        operator.create_partner(partner, "programmes/miles").await.unwrap();
    }
    let lapsing = DOCUMENT.replace("points = 10\n", "points = 10\nexpires_after_days = 1\n");
    operator.publish(&lapsing).await.unwrap();
    operator.create_contract("shop", "miles", Some(9_000), None).await.unwrap();
    let member = operator.enrol("a").await.unwrap();
    let shop = network.with(&operator.partner_key("shop").await).await;

    // Of a letter that was read almost a day ago. Where that takes longer than its points live, none are given.
    for left in [1, 2, 4, 8, 16] {
        let (id, read_at) = (format!("e{left}"), now().minus(Span::from_secs(86_400 - left)));
        let (seconds, nanos) = (read_at.as_millis().div_euclid(1_000), 0);
        let mut letter = event("a", &id, read(&id));
        letter.event_time = Some(prost_types::Timestamp { seconds, nanos });
        shop.publish_events("shop", vec![letter]).await.unwrap();
        if shop.decided("shop", "a", &id).await.points > 0 {
            break;
        }
    }

    let newest = async || {
        let (member, programme) = (member.clone(), "programmes/miles".to_owned());
        let request = ListActivitiesRequest { member, programme, ..ListActivitiesRequest::default() };
        operator.accounts().list_activities(request).await.unwrap().into_inner().activities.swap_remove(0)
    };
    until("the points to lapse", async || newest().await.r#type() == ActivityType::Expiry).await;
    let Activity { programme, partner, source, points, grants, .. } = newest().await;
    assert_eq!((programme.as_str(), partner.as_str(), source, points), ("programmes/miles", "", None, -10));
    assert_eq!((newest().await.state(), grants.len()), (EventState::Applied, 0));

    let report = GetConservationReportRequest::default();
    let rows = operator.operators().get_conservation_report(report).await.unwrap().into_inner().rows;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.issued, row.expired, row.available, row.difference), (10, 10, 0, 0));
}
