//! This process among those of its network: who it is, where it is reached, and the ways to the others' shards.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use coalition_intake::Share;
use coalition_journal::log::Log;
use coalition_ledger::group::{Directory, Formats, GROUP, MemberId};
use coalition_ledger::runtime::{Ledger, MemberSettings, Membership, Taking};
use coalition_ledger::wire::VERSIONS;
use coalition_peer::{Listening, Owner, Secret, Tls, Ways, reach};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::config::Config;
use crate::config::peers::roles;
use crate::folder::write_durably;

/// Where a process keeps which member it is.
const MEMBER: &str = "member";

/// How long answers that are under way are waited for at the end.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Between two tries to reach this process as others would.
const REACH_PAUSE: Duration = Duration::from_secs(1);

/// A process among others, before it answers them.
pub(crate) struct Peers {
    pub(crate) membership: Arc<Membership>,
    /// What follows the group and the others' shards; none where this process is the only one.
    ways: Option<Following>,
}

struct Following {
    ways: Ways,
    directory: JoinHandle<()>,
    listening: Option<(TcpListener, Secret, Option<Tls>)>,
    slots: watch::Receiver<Arc<[bool]>>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.directory.abort();
    }
}

impl Peers {
    /// Joins the group, if the configuration says that there is one.
    pub(crate) async fn join(data: &Path, config: &Config, log: &Arc<dyn Log>, shards: u32) -> Result<Self> {
        let Some(listen) = config.peers.listen else {
            let membership = Arc::new(Membership::start(log, shards, Taking::Alone)?);
            return Ok(Self { membership, ways: None });
        };
        let (trust, tls) = (config.peers.trust()?, config.peers.tls()?);
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("listen on {listen} for other processes (peers.listen)"))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = match &config.peers.advertise {
            Some(address) => address.clone(),
            None => listener.local_addr()?.to_string(),
        };
        let (me, endpoint) = (member(data)?, format!("{scheme}://{address}"));
        if roles(&config.roles).ledger {
            reachable(&listener, tls.as_ref(), &endpoint, trust.ca_pem.as_deref()).await;
        }
        let (lowest, highest) = (*VERSIONS.start(), *VERSIONS.end());
        let version = |version: u32| u16::try_from(version).context("versions are few");
        let settings = MemberSettings {
            formats: Formats { lowest: version(lowest)?, highest: version(highest)? },
            heartbeat: config.peers.heartbeat(),
            session_timeout: config.peers.session_timeout(),
            standby_replicas: config.peers.standby_replicas,
            ..MemberSettings::new(me, endpoint, roles(&config.roles))
        };
        crate::log::patiently(|| log.create_topic(GROUP, 1))
            .map_err(crate::log::advise)
            .context("prepare the topic of the group")?;
        let taking = Taking::Member(settings);
        let log = Arc::clone(log);
        let membership =
            tokio::task::spawn_blocking(move || Membership::start(&log, shards, taking)).await??;
        let mut directory = membership.directory();
        let (owners, following) = watch::channel(owners(&directory.borrow_and_update(), me, shards));
        let (share, slots) = watch::channel(slots(&directory.borrow(), me));
        let directory = tokio::spawn(async move {
            while directory.changed().await.is_ok() {
                let now = Arc::clone(&directory.borrow_and_update());
                update(&owners, self::owners(&now, me, shards));
                update(&share, self::slots(&now, me));
            }
        });
        let secret = trust.secret.clone();
        let ways = Ways::start(&following, trust);
        let ways = Following { ways, directory, listening: Some((listener, secret, tls)), slots };
        Ok(Self { membership: Arc::new(membership), ways: Some(ways) })
    }

    /// The way to every shard: those of this process, if it runs any, and those of others.
    pub(crate) fn ledger(&self, own: Option<Ledger>) -> Result<Ledger> {
        match (own, &self.ways) {
            (Some(own), None) => Ok(own),
            (Some(own), Some(following)) => Ok(own.beside(following.ways.distant())),
            (None, Some(following)) => Ok(Ledger::of_others(following.ways.distant())),
            (None, None) => Err(anyhow!("a process without shards needs others: set peers.listen")),
        }
    }

    /// Which partitions of partners' topics are read here.
    pub(crate) fn share(&self) -> Share {
        self.ways.as_ref().map_or(Share::ALL, |following| Share::of(following.slots.clone()))
    }

    /// Answers the others from now on.
    pub(crate) fn answer(&mut self, ledger: &Ledger) -> Option<Answering> {
        let (listener, secret, tls) = self.ways.as_mut()?.listening.take()?;
        let (end, ended) = oneshot::channel::<()>();
        let listening = Listening { listener, secret, tls };
        let shutdown = async move { drop(ended.await) };
        let serving = coalition_peer::serve(listening, ledger.clone(), shutdown);
        let serving = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(
                    error = format!("{:#}", anyhow!(error)),
                    "other processes are answered no more"
                );
            }
        });
        Some(Answering { end, serving })
    }
}

/// Waits until others can reach this process: shards that it was given before could be asked by nobody, as long as it lives.
async fn reachable(listener: &TcpListener, tls: Option<&Tls>, endpoint: &str, ca_pem: Option<&str>) {
    let mut told = String::new();
    while let Err(why) = reach(listener, tls, endpoint, ca_pem).await {
        if why != told {
            tracing::error!(
                endpoint,
                why,
                "others can't reach this process by the address that it gives them, and it takes no part before they can; see peers.advertise, peers.tls_cert and peers.tls_ca"
            );
            told = why;
        }
        tokio::time::sleep(REACH_PAUSE).await;
    }
}

/// The answering of others.
pub(crate) struct Answering {
    end: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Answering {
    pub(crate) async fn stop(self) {
        drop(self.end);
        let abort = self.serving.abort_handle();
        if tokio::time::timeout(DRAIN_MAX, self.serving).await.is_err() {
            abort.abort();
        }
    }
}

fn update<T: PartialEq>(channel: &watch::Sender<T>, value: T) {
    channel.send_if_modified(|known| {
        let news = *known != value;
        *known = value;
        news
    });
}

/// Who runs the shards that this process doesn't.
fn owners(directory: &Directory, me: MemberId, shards: u32) -> Arc<[Option<Owner>]> {
    let owner = |shard: u32| {
        let holder = directory.shards.get(shard as usize)?.as_ref().filter(|holder| holder.member != me)?;
        let versions = u32::from(holder.formats.lowest)..=u32::from(holder.formats.highest);
        Some(Owner { endpoint: holder.endpoint.clone(), versions })
    };
    (0..shards).map(owner).collect()
}

/// The slots of intake that are this process's.
fn slots(directory: &Directory, me: MemberId) -> Arc<[bool]> {
    directory.intake.iter().map(|member| *member == Some(me)).collect()
}

/// Which member the process of this folder is: drawn at its first start.
fn member(data: &Path) -> Result<MemberId> {
    let path = data.join(MEMBER);
    if !path.exists() {
        write_durably(&path, format!("{}\n", Uuid::new_v4()).as_bytes(), 0o644)?;
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let id = text.trim().parse().with_context(|| format!("read the member's id in {}", path.display()))?;
    Ok(MemberId(id))
}
