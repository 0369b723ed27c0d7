//! A network with members who have points to spend, of as many in each shard.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::feed::{Feed, To};
use crate::network::Served;
use crate::place::Place;
use crate::workload::{Purchase, Shape};

/// Members in each shard.
const MEMBERS: usize = 100;
/// What each of them has.
const POINTS: i64 = 1_000_000;
/// Between two looks at a balance that is on its way.
const LOOK: Duration = Duration::from_millis(2);

/// The network, and who calls it.
pub(crate) struct Stage {
    pub(crate) served: Served,
    pub(crate) shape: Shape,
    /// The names of the members, by shard.
    pub(crate) members: Vec<Vec<String>>,
    /// Purchases from this number on are yet to come.
    pub(crate) next_purchase: u32,
    /// Of the callers.
    pub(crate) runtime: Runtime,
}

impl Stage {
    pub(crate) fn start(place: &Place, folder: &Path, shape: &Shape) -> Result<Self> {
        let mut served = Served::start(place, folder, shape.shards)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let credits = credits(shape.shards)?;
        let members = runtime.block_on(enrol(&served, &credits))?;
        let mut feed = Feed::new(&*served.log, To::Partner)?;
        for credit in credits.iter().flatten() {
            feed.push(credit)?;
        }
        feed.flush()?;
        served.take_in()?;
        runtime.block_on(async {
            let caller = Caller::connect(&served).await?;
            for member in members.iter().flatten() {
                until_balance(&caller, member, POINTS).await?;
            }
            anyhow::Ok(())
        })?;
        let next_purchase = u32::try_from(credits.iter().flatten().count())?;
        Ok(Self { served, shape: *shape, members, next_purchase, runtime })
    }

    pub(crate) fn stop(self) -> Result<()> {
        self.served.stop()
    }
}

/// Asks for a balance until it is there.
pub(crate) async fn until_balance(caller: &Caller, member: &str, points: i64) -> Result<()> {
    while caller.balance(member).await? != points {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// The first purchase of each member, by shard.
fn credits(shards: u32) -> Result<Vec<Vec<Purchase>>> {
    let mut credits: Vec<Vec<Purchase>> = (0..shards).map(|_| Vec::new()).collect();
    let mut number = 0;
    for token in 0_u32.. {
        let credit = Purchase::of(number, format!("member-{token:010}"), POINTS);
        let shard = &mut credits[credit.identifier()?.account().shard(shards) as usize];
        if shard.len() < MEMBERS {
            shard.push(credit);
            number += 1;
        }
        if credits.iter().all(|shard| shard.len() == MEMBERS) {
            break;
        }
    }
    Ok(credits)
}

async fn enrol(served: &Served, credits: &[Vec<Purchase>]) -> Result<Vec<Vec<String>>> {
    let mut enrolling = JoinSet::new();
    for (shard, credits) in credits.iter().enumerate() {
        let caller = Caller::connect(served).await?;
        let tokens: Vec<String> = credits.iter().map(|credit| credit.token().to_owned()).collect();
        enrolling.spawn(async move {
            let mut members = Vec::new();
            for token in tokens {
                members.push(caller.enrol(&token).await?);
            }
            anyhow::Ok((shard, members))
        });
    }
    let mut members = vec![Vec::new(); credits.len()];
    while let Some(enrolled) = enrolling.join_next().await {
        let (shard, names) = enrolled??;
        members[shard] = names;
    }
    Ok(members)
}
