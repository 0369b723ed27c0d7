//! A partner's till: can this customer afford the reward? Then burn the points.
//!
//! ```sh
//! cargo run -p coalition-client --example till -- http://127.0.0.1:7300 airline.key cdnow:00001 \
//!     programmes/mypoints/rewards/paris-return
//! ```

use std::error::Error;

use coalition_client::proto::catalogue::v1::GetRewardRequest;
use coalition_client::proto::member::v1::LookupMemberRequest;
use coalition_client::proto::redemption::v1::{CreateRedemptionRequest, Redemption};
use coalition_client::proto::r#type::v1::{ErrorReason, Identifier, IdentifierScheme};
use coalition_client::{Client, Settings, request_id};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, key_file, customer, reward] = &arguments[..] else {
        return Err("usage: till SERVER KEY_FILE PARTNER:CUSTOMER_NUMBER REWARD".into());
    };
    let (partner, number) = customer.split_once(':').ok_or("write the customer as PARTNER:NUMBER")?;
    let key = std::fs::read_to_string(key_file)?.parse()?;
    let client = Client::connect(&Settings::new(server.parse()?, key)).await?;
    match redeem(&client, partner, number, reward).await? {
        Some(redemption) => println!("{} points burnt: {}", redemption.points, redemption.name),
        None => println!("nothing was burnt"),
    }
    Ok(())
}

/// Burns the points of one reward; nothing if there are too few.
///
/// # Errors
/// A customer or a reward that the network doesn't know, and every other no.
pub(crate) async fn redeem(
    client: &Client,
    partner: &str,
    number: &str,
    reward: &str,
) -> Result<Option<Redemption>, coalition_client::Error> {
    let identifier = Identifier {
        scheme: IdentifierScheme::CustomerNumber.into(),
        scope: format!("partners/{partner}"),
        value: number.to_owned(),
    };
    let lookup = LookupMemberRequest { identifier: Some(identifier), ..LookupMemberRequest::default() };
    let member = client.call(lookup).await?.name;

    let query =
        GetRewardRequest { name: reward.to_owned(), member: member.clone(), ..GetRewardRequest::default() };
    let found = client.call(query).await?;
    // Not said of a reward that somebody else delivers.
    if let Some(missing) = found.points_missing.filter(|missing| *missing > 0) {
        println!("{} costs {} points; {missing} are missing", found.display_name, found.points);
        return Ok(None);
    }

    let burn = CreateRedemptionRequest {
        member,
        reward: reward.to_owned(),
        quantity: 1,
        // The call is repeated under this id while the network is not ready, and burns once.
        request_id: request_id().to_string(),
    };
    match client.call(burn).await {
        Ok(redemption) => Ok(Some(redemption)),
        // Somebody else was quicker, between the question and the burn.
        Err(error) if error.reason() == Some(ErrorReason::PointsShort) => Ok(None),
        Err(error) => Err(error),
    }
}
