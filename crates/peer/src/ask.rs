//! Asking the owners of shards, and following each shard from owner to owner.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coalition_domain::Registry;
use coalition_journal::entry::ShardId;
use coalition_ledger::runtime::{Asked, Distant, Status as ShardStatus, Unavailable};
use coalition_ledger::trace::{self, TraceParent};
use coalition_ledger::wire::{self, Answer, Question, StatusWire, VERSIONS};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::MESSAGE_BYTES_MAX;
use crate::message::{Asking, Following, ShardServiceClient};
use crate::secret::Secret;

/// A process that does not take a connection in this time is not there.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// Silence after which a connection is asked whether anybody is there, and in which that has to be answered.
const KEEPALIVE: Duration = Duration::from_secs(2);

/// Before an owner that could not be reached is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Who runs a shard, if it is not this process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// `http://host:port`, or `https://` where it speaks TLS.
    pub endpoint: String,
    /// Versions of the ledger's messages that it speaks.
    pub versions: RangeInclusive<u32>,
}

/// Who runs which shard, by number, as it was heard last.
pub type Owners = watch::Receiver<Arc<[Option<Owner>]>>;

/// By what owners are known and believed.
#[derive(Clone)]
pub struct Trust {
    /// What they have to be shown.
    pub secret: Secret,
    /// With https: certificates in PEM, one of which has to vouch for each of them.
    pub ca_pem: Option<String>,
}

/// The ways to all shards; each ends when this is dropped.
pub struct Ways {
    ways: Vec<Arc<Way>>,
    following: Vec<JoinHandle<()>>,
}

impl Ways {
    /// Follows `owners` from now on. Within a tokio runtime.
    #[must_use]
    pub fn start(owners: &Owners, trust: Trust) -> Self {
        let channels = Arc::new(Channels { trust, open: Mutex::default() });
        let shards = u32::try_from(owners.borrow().len()).expect("a network has 1,024 shards at most");
        let (ways, following) = (0..shards)
            .map(|shard| {
                let way = Arc::new(Way {
                    shard: ShardId(shard),
                    channels: Arc::clone(&channels),
                    owners: owners.clone(),
                    status: watch::channel(None).0,
                });
                let following = tokio::spawn(Arc::clone(&way).follow());
                (way, following)
            })
            .unzip();
        Self { ways, following }
    }

    /// The ways, by the number of the shard.
    #[must_use]
    pub fn distant(&self) -> Vec<Arc<dyn Distant>> {
        self.ways.iter().map(|way| Arc::clone(way) as Arc<dyn Distant>).collect()
    }
}

impl Drop for Ways {
    fn drop(&mut self) {
        self.following.iter().for_each(JoinHandle::abort);
    }
}

/// Connections, one for each process, made when they are needed and made anew when they were lost.
struct Channels {
    trust: Trust,
    open: Mutex<BTreeMap<String, Channel>>,
}

impl Channels {
    fn client(&self, endpoint: &str) -> Result<ShardServiceClient<Channel>, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = match open.get(endpoint) {
            Some(channel) => channel.clone(),
            None => {
                let channel = self.connect(endpoint)?;
                open.insert(endpoint.to_owned(), channel.clone());
                channel
            }
        };
        Ok(ShardServiceClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX))
    }

    fn connect(&self, endpoint: &str) -> Result<Channel, String> {
        let encrypted = endpoint.starts_with("https://");
        if self.trust.ca_pem.is_some() && !encrypted {
            return Err("it is reached in plain text, and processes of this network speak TLS".to_owned());
        }
        let failed = |error: tonic::transport::Error| error.to_string();
        let endpoint = Endpoint::from_shared(endpoint.to_owned())
            .map_err(failed)?
            .connect_timeout(CONNECT_MAX)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE)
            .keep_alive_while_idle(true);
        let tls = self.trust.ca_pem.as_ref().filter(|_| encrypted);
        let endpoint = match tls {
            Some(pem) => {
                let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
                endpoint.tls_config(tls).map_err(failed)?
            }
            None => endpoint,
        };
        Ok(endpoint.connect_lazy())
    }
}

/// Asks whoever answers at `endpoint` something, to see whether anybody does.
pub(crate) async fn asked_once(endpoint: &str, trust: Trust) -> Result<(), Status> {
    let channels = Channels { trust, open: Mutex::default() };
    let mut client = channels.client(endpoint).map_err(Status::unavailable)?;
    let question = wire::encode(&Question::Changes(0)).into();
    let mut request = Request::new(Asking { version: *VERSIONS.end(), shard: 0, question });
    channels.trust.secret.show(request.metadata_mut());
    client.ask(request).await.map(drop)
}

/// The way to one shard.
struct Way {
    shard: ShardId,
    channels: Arc<Channels>,
    owners: Owners,
    status: watch::Sender<Option<ShardStatus>>,
}

/// The version in which to speak with an owner: the highest of both.
fn version(owner: &Owner) -> u32 {
    *VERSIONS.end().min(owner.versions.end())
}

impl Way {
    fn owner(&self) -> Option<Owner> {
        self.owners.borrow().get(self.shard.0 as usize).cloned().flatten()
    }

    /// Comes back when somebody else is said to run the shard.
    async fn moved(&self, from: Option<&Owner>) {
        let mut owners = self.owners.clone();
        let other = |owners: &Arc<[Option<Owner>]>| {
            owners.get(self.shard.0 as usize).and_then(Option::as_ref) != from
        };
        if owners.wait_for(other).await.is_err() {
            // Nobody says any more who runs what.
            std::future::pending::<()>().await;
        }
    }

    async fn follow(self: Arc<Self>) {
        let mut registry = Arc::<Registry>::default();
        let mut told: Option<Owner> = None;
        loop {
            let owner = self.owner();
            let Some(to) = &owner else {
                self.moved(None).await;
                continue;
            };
            let ended = tokio::select! {
                ended = self.follow_owner(to, &mut registry) => ended,
                () = self.moved(owner.as_ref()) => Ok(()),
            };
            self.status.send_if_modified(|status| match status {
                Some(status) => std::mem::replace(&mut status.in_office, false),
                None => false,
            });
            if let Err(why) = ended {
                if told.as_ref() != owner.as_ref() {
                    tracing::warn!(shard = %self.shard, owner = to.endpoint, why, "the process that runs a shard can't be followed; it is tried again");
                    told.clone_from(&owner);
                }
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = self.moved(owner.as_ref()) => {}
                }
            }
        }
    }

    /// Shows what the owner says of the shard, as long as it says anything.
    async fn follow_owner(&self, owner: &Owner, registry: &mut Arc<Registry>) -> Result<(), String> {
        let mut client = self.channels.client(&owner.endpoint)?;
        let request = self.request(Following { version: version(owner), shard: self.shard.0 });
        let news = client.follow(request).await.map_err(|status| status.to_string())?;
        let mut news = news.into_inner();
        while let Some(piece) = news.message().await.map_err(|status| status.to_string())? {
            let said: StatusWire = wire::status(&piece.status).map_err(|error| error.to_string())?;
            while registry.changes() < said.changes {
                let asked = self.ask_owner(owner, &Question::Changes(registry.changes()), None).await;
                let Ok(Answer::Changes(changes)) = asked else {
                    return Err("the changes of the registry can't be had".to_owned());
                };
                if changes.is_empty() {
                    return Err("changes of the registry are missing".to_owned());
                }
                let registry = Arc::make_mut(registry);
                changes.iter().for_each(|change| registry.evolve(change));
            }
            self.status.send_replace(Some(ShardStatus::of_wire(self.shard, said, Arc::clone(registry))));
        }
        Ok(())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        self.channels.trust.secret.show(request.metadata_mut());
        request
    }

    async fn ask_owner(
        &self,
        owner: &Owner,
        question: &Question,
        trace: Option<TraceParent>,
    ) -> Result<Answer, Unavailable> {
        let mut client =
            self.channels.client(&owner.endpoint).map_err(|_| Unavailable::NotOwner(self.shard))?;
        let question = wire::encode(question).into();
        let mut request = self.request(Asking { version: version(owner), shard: self.shard.0, question });
        if let Some(trace) = trace.and_then(|trace| trace.as_str().parse().ok()) {
            request.metadata_mut().insert(trace::HEADER, trace);
        }
        let answered = client.ask(request).await.map_err(|status| {
            tracing::debug!(shard = %self.shard, owner = owner.endpoint, %status, "a question to another process has no answer");
            Unavailable::OutcomeUnknown
        })?;
        wire::answer(&answered.get_ref().answer).map_err(|error| {
            tracing::error!(shard = %self.shard, owner = owner.endpoint, %error, "another process answers what can't be read");
            Unavailable::OutcomeUnknown
        })?
    }
}

impl Distant for Way {
    fn status(&self) -> watch::Receiver<Option<ShardStatus>> {
        self.status.subscribe()
    }

    fn ask(&self, question: Question) -> Asked {
        let Some(owner) = self.owner() else {
            let shard = self.shard;
            return Box::pin(async move { Err(Unavailable::NotOwner(shard)) });
        };
        // A way of its own: what is asked outlives who asked for the way.
        let way = Self {
            shard: self.shard,
            channels: Arc::clone(&self.channels),
            owners: self.owners.clone(),
            status: self.status.clone(),
        };
        let trace = trace::carried();
        Box::pin(async move {
            tokio::select! {
                answer = way.ask_owner(&owner, &question, trace) => answer,
                // It may be that it stands still, and will never answer.
                () = way.moved(Some(&owner)) => Err(Unavailable::OutcomeUnknown),
            }
        })
    }
}
