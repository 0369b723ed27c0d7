//! Take-over: of two processes with warm stores one falls silent under load; how long until the other answers for all of its
//! shards.
//!
//! Only one process can open the embedded log, so in its place both share a log in memory; on Kafka each has a client of its
//! own. Both run in this process: to the other a process that is cut off from the log is one that was killed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use coalition_domain::{Caller, Command, Identifier, KeyId, RequestId, Role, Scheme};
use coalition_journal::entry::ShardId;
use coalition_journal::log::Log;
use coalition_journal::memory::Memory;
use coalition_ledger::group::{Directory, Duty, MemberId, Roles};
use coalition_ledger::runtime::{Ledger, MemberSettings, Membership, Node, Taking};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::cut::Cut;
use crate::feed::{Stream, To, fill};
use crate::ledger::inbox_ends;
use crate::network::{set_up, start};
use crate::place::Place;
use crate::report::Report;
use crate::workload::Shape;

/// Events that stream in meanwhile.
const PER_SECOND: f64 = 5_000.0;
/// How many of them are decided before the owner falls silent.
const WARM: u64 = 10_000;

/// One of the processes.
struct Process {
    id: MemberId,
    way: Arc<Cut>,
    log: Arc<dyn Log>,
    membership: Membership,
    node: Node,
}

impl Process {
    fn start(
        number: u128,
        way: Cut,
        folder: &Path,
        (shards, session_timeout): (u32, Duration),
    ) -> Result<Self> {
        let id = MemberId(Uuid::from_u128(number));
        let settings = MemberSettings {
            heartbeat: session_timeout / 10,
            session_timeout,
            ..MemberSettings::new(id, format!("process-{number}:1"), Roles::ALL)
        };
        let way = Arc::new(way);
        let log: Arc<dyn Log> = Arc::clone(&way) as _;
        let membership = Membership::start(&log, shards, Taking::Member(settings))?;
        let node = start(&folder.join(number.to_string()), &log, shards, &membership)?;
        Ok(Self { id, way, log, membership, node })
    }

    async fn sees(&self, until: impl Fn(&Directory) -> bool) -> Result<Arc<Directory>> {
        let mut directory = self.membership.directory();
        Ok(Arc::clone(&*directory.wait_for(|directory| until(directory)).await?))
    }
}

pub(crate) fn run(
    place: &Place,
    folder: &Path,
    shape: &Shape,
    session_timeout: Duration,
    report: &mut Report,
) -> Result<()> {
    let memory = Arc::new(Memory::new());
    let way = || match place {
        Place::Folder => Ok(Cut::to_memory(&memory)),
        Place::Brokers(_) => place.open(folder).map(Cut::new),
    };
    let shards = shape.shards;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let first = Process::start(1, way()?, folder, (shards, session_timeout))?;
    report.note("session_timeout_ms", millis(session_timeout));
    let key = runtime.block_on(async {
        first.sees(|directory| has(directory, first.id, Duty::Own).len() == shards as usize).await?;
        set_up(&first.node.ledger()).await
    })?;
    let second = Process::start(2, way()?, folder, (shards, session_timeout))?;
    let lost = runtime.block_on(warm(&first, &second, shards))?;
    fill(&*second.log, To::Inbox { shards }, shape)?;
    let both = [&first, &second];
    runtime.block_on(decided(&both, inbox_ends(&*second.log, shards)?))?;
    let stream =
        Stream::start(&second.log, To::Inbox { shards }, PER_SECOND, (shape.events, shape.accounts))?;
    let each = WARM / u64::from(shards);
    let ends = inbox_ends(&*second.log, shards)?.into_iter().map(|(shard, end)| (shard, end.plus(each)));
    runtime.block_on(decided(&both, ends.collect()))?;

    let killed = Instant::now();
    first.way.cut();
    let answers = runtime.block_on(answers(&second.node.ledger(), key.id, lost, killed))?;
    report.note("takeover_ms", millis(answers));
    stream.stop()?;
    for process in [second, first] {
        let Process { membership, node, .. } = process;
        node.stop();
        drop(membership);
    }
    Ok(())
}

/// Waits until each of both owns its share and follows the other's, and is in office; what the first one owns.
async fn warm(first: &Process, second: &Process, shards: u32) -> Result<Vec<ShardId>> {
    let shares = |directory: &Directory| {
        [first.id, second.id].into_iter().all(|member| {
            let own = has(directory, member, Duty::Own).len();
            own > 0 && own + has(directory, member, Duty::Follow).len() == shards as usize
        })
    };
    let mut lost = Vec::new();
    for process in [first, second] {
        let directory = process.sees(shares).await?;
        for shard in has(&directory, process.id, Duty::Own) {
            process.node.ledger().wait(shard, |status| status.in_office).await?;
        }
        if process.id == first.id {
            lost = has(&directory, first.id, Duty::Own);
        }
    }
    Ok(lost)
}

fn has(directory: &Directory, member: MemberId, duty: Duty) -> Vec<ShardId> {
    let shards = (0_u32..).map(ShardId).take(directory.shards.len());
    shards.filter(|shard| directory.duty(member, *shard) == duty).collect()
}

/// Waits until both have folded the inbox up to there.
async fn decided(processes: &[&Process], ends: Vec<(ShardId, coalition_journal::log::Offset)>) -> Result<()> {
    for process in processes {
        for (shard, end) in &ends {
            process.node.ledger().wait(*shard, |status| status.inbox_next >= *end).await?;
        }
    }
    Ok(())
}

/// How long after `since` each of the shards has answered.
async fn answers(ledger: &Ledger, key: KeyId, shards: Vec<ShardId>, since: Instant) -> Result<Duration> {
    let mut asking = JoinSet::new();
    for shard in shards {
        let (ledger, command) = (ledger.clone(), enrolment(shard, ledger.shards(), key)?);
        asking.spawn(async move {
            loop {
                ledger.wait(shard, |status| status.in_office).await?;
                // One that is not answered is repeated, as callers do.
                if ledger.command(command.clone()).await.is_ok() {
                    return anyhow::Ok(since.elapsed());
                }
            }
        });
    }
    let mut last = Duration::ZERO;
    while let Some(answered) = asking.join_next().await {
        last = last.max(answered??);
    }
    Ok(last)
}

/// Somebody enrols whose account is in the shard.
fn enrolment(shard: ShardId, shards: u32, key: KeyId) -> Result<Command> {
    let caller = Caller { key, role: Role::Operator };
    let mut tokens =
        (0_u32..).map(|number| Identifier::new(Scheme::CardToken, &format!("newcomer-{number}")));
    let identifier = tokens
        .find(|token| token.as_ref().map_or(true, |token| ShardId(token.account().shard(shards)) == shard));
    let identifier = identifier.context("tokens never end")??;
    Ok(Command::Enrol { caller, request: RequestId::new(Uuid::now_v7())?, identifier })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
