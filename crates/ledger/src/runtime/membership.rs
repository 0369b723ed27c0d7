//! This process in its group: how it learns what it has to run, and tells others that it lives.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log::{Log, Partition, Watching};
use tokio::sync::watch;
use uuid::Uuid;

use super::Error;
use super::seat::{Ask, Seat};
use super::wake::Waker;
use crate::group::{Directory, Formats, GROUP, MemberId, Roles, Rules};

/// How long [`Membership::leave`] waits for others.
const LEAVE_MAX: Duration = Duration::from_secs(15);

/// How long who takes itself for the only process keeps away from a shard that another one has taken over.
const DEPOSED_PAUSE: Duration = Duration::from_secs(5);

/// How a process takes part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Taking {
    /// There is no other: the log is this process's, and everything is run here at once.
    Alone,
    /// One of several over one log.
    Member(MemberSettings),
    /// Sees who runs what, and runs nothing.
    Onlooker,
}

/// How a member of a group behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberSettings {
    /// Its id, the same after a restart.
    pub id: MemberId,
    /// Where it listens for other processes, as `HOST:PORT`; empty if it doesn't.
    pub endpoint: String,
    /// What it does.
    pub roles: Roles,
    /// What it speaks.
    pub formats: Formats,
    /// How often it says that it lives; the same for all members.
    pub heartbeat: Duration,
    /// After how much time of the log without a word a member is taken for dead; three heartbeats at least, and the same for
    /// all members.
    pub session_timeout: Duration,
    /// Followers of each shard, as far as there are members.
    pub standby_replicas: u32,
}

impl MemberSettings {
    /// A member with the usual times.
    #[must_use]
    pub fn new(id: MemberId, endpoint: String, roles: Roles) -> Self {
        Self {
            id,
            endpoint,
            roles,
            formats: Formats::default(),
            heartbeat: Duration::from_millis(500),
            session_timeout: Duration::from_secs(5),
            standby_replicas: 1,
        }
    }
}

/// What a shard of this process shows to the group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// Everything up to here is folded.
    At(Seq),
    /// It can't be run here: it has stopped for good, or was given up not long ago.
    Unable,
    /// It is owned and can't be run; everything up to here is folded, if it is known. It is better left to a follower that is warm.
    Failing(Option<Seq>),
}

/// The shards of this process, as the group sees them.
pub(super) trait Shell: Send {
    /// Tells them who runs what, and as which member they are to read it.
    fn told(&mut self, directory: &Directory, me: Option<MemberId>);

    /// How each stands that is run here. For how long an owner may be out of office before it is failing; `None` while this
    /// process is cut off from the log, and no shard can be blamed.
    fn standing(&mut self, patience: Option<Duration>) -> Vec<(ShardId, Standing)>;
}

/// What the thread, the shards and the handle share.
pub(super) struct Shared {
    directory: watch::Sender<Arc<Directory>>,
    shell: Mutex<Option<Box<dyn Shell>>>,
    me: Option<MemberId>,
    /// To the thread; nobody's if there is no group.
    asks: Option<Sender<Ask>>,
    contact: Contact,
}

/// When the log was last seen to take and give back a word of this process.
struct Contact {
    /// For how long that says that others leave its shards to it; for ever if there is no group.
    holds: Option<Duration>,
    /// When a word was said that was read since.
    said: Mutex<Option<Instant>>,
}

impl Contact {
    fn said(&self) -> MutexGuard<'_, Option<Instant>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self) -> bool {
        self.holds.is_none_or(|holds| self.said().is_some_and(|said| said.elapsed() < holds))
    }
}

impl Shared {
    fn shell(&self) -> MutexGuard<'_, Option<Box<dyn Shell>>> {
        self.shell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the shards of this process told of every directory from now on, beginning with the one that is.
    pub(super) fn attach(&self, mut shell: Box<dyn Shell>) {
        let mut held = self.shell();
        let now = Arc::clone(&self.directory.borrow());
        shell.told(&now, self.me.filter(|_| now.outdated.is_none()));
        *held = Some(shell);
    }

    /// Shows a directory; the shards here have in it what `me` has.
    pub(super) fn publish(&self, directory: Directory, me: Option<MemberId>) {
        let directory = Arc::new(directory);
        let mut shell = self.shell();
        self.directory.send_replace(Arc::clone(&directory));
        if let Some(shell) = &mut *shell {
            shell.told(&directory, me);
        }
    }

    /// A word of this process that was said at `when` has been read: others count it as living since then at least.
    pub(super) fn was_heard(&self, when: Instant) {
        *self.contact.said() = Some(when);
    }

    /// Whether a word of this process that was said within the session time-out has been read. While none has, others may have
    /// been given what it owns, and it could not know. Asked by the shards themselves, as the thread may be the one that is stuck.
    pub(super) fn is_in_contact(&self) -> bool {
        self.contact.holds()
    }

    pub(super) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.borrow())
    }

    /// For how long an owner may get nowhere: it takes a few session time-outs to be in office after a move. `None` if there
    /// is no group, and nobody who could do better.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.contact.holds.map(|holds| holds.saturating_mul(2))
    }

    /// How the shards here stand.
    pub(super) fn standing(&self) -> Vec<(ShardId, Standing)> {
        let patience = self.patience().filter(|_| self.is_in_contact());
        self.shell().as_mut().map_or_else(Vec::new, |shell| shell.standing(patience))
    }

    /// Calls `confirmed` once the group has confirmed, later than now, that `shard` is this process's; never if it isn't. `held`: it
    /// was in office since it was opened.
    pub(super) fn confirm(&self, shard: ShardId, held: bool, confirmed: Box<dyn FnOnce() + Send>) {
        match &self.asks {
            // What it has read are terms of its own earlier lives: the lock of a log in the folder is the assignment.
            None if !held => confirmed(),
            // That of somebody else's while it was in office: a second process on the same brokers without a group, unless it is a
            // word of its own that came late. At once two would depose each other again and again, and neither decide anything.
            None => {
                tracing::error!(
                    %shard,
                    "another process seems to run this shard of the network, too, and each takes itself for the only one: stop one of them, or set peers.listen for both"
                );
                let wait = move || {
                    std::thread::sleep(DEPOSED_PAUSE);
                    confirmed();
                };
                if let Err(error) = std::thread::Builder::new().name("deposed".to_owned()).spawn(wait) {
                    tracing::error!(%shard, %error, "no thread can be had; the shard stays with the other process");
                }
            }
            // A thread that has ended confirms nothing any more.
            Some(asks) => drop(asks.send(Ask::Confirm(shard, confirmed))),
        }
    }
}

/// This process in its group. Whoever runs shards keeps it until they have stopped: when it is dropped, the process falls
/// silent, and others take it for dead after the session time-out unless it has [left](Self::leave).
pub struct Membership {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Of the group's topic, if there is a group.
    _watching: Option<Watching>,
}

impl Membership {
    /// Takes part in the group of a network of so many shards.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn start(log: &Arc<dyn Log>, shards: u32, taking: Taking) -> Result<Self, Error> {
        let member = match taking {
            Taking::Alone => {
                let me = MemberId(Uuid::new_v4());
                let (shared, _) = shared(Directory::alone(me, shards), Some(me), None);
                return Ok(Self { shared: Arc::new(shared), thread: None, _watching: None });
            }
            Taking::Member(member) => Some(member),
            Taking::Onlooker => None,
        };
        // One word may be lost and one late; time that passes between words counts up to one and a half heartbeats.
        let short = |member: &MemberSettings| {
            member.heartbeat < Duration::from_millis(1)
                || member.session_timeout < member.heartbeat.saturating_mul(3)
        };
        if member.as_ref().is_some_and(short) {
            return Err(Error::Times);
        }
        log.create_topic(GROUP, 1)?;
        let topic = Partition::new(GROUP, 0);
        // An onlooker judges nobody, but has to see the same.
        let usual = MemberSettings::new(MemberId(Uuid::nil()), String::new(), Roles::default());
        let times = member.as_ref().unwrap_or(&usual);
        let rules = Rules {
            shards,
            heartbeat: times.heartbeat,
            session_timeout: times.session_timeout,
            standby_replicas: times.standby_replicas,
        };
        let me = member.as_ref().map(|member| member.id);
        let (shared, asked) = shared(Directory::empty(shards), me, Some(rules.session_timeout));
        let shared = Arc::new(shared);
        let watching = if let Some(asks) = shared.asks.clone() {
            let waker = Waker::default();
            // A wake that finds nobody comes after the end.
            let wake = move || drop(waker.wake().map(|wake| asks.send(Ask::Wake(wake))));
            Some(log.watch(&topic, Arc::new(wake))?)
        } else {
            None
        };
        let seat = Seat::new(Arc::clone(log), topic, rules, member, Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("group".to_owned()).spawn(move || seat.run(&asked))?;
        Ok(Self { shared, thread: Some(thread), _watching: watching })
    }

    /// Which member this process is; `None` for an onlooker.
    pub fn me(&self) -> Option<MemberId> {
        self.shared.me
    }

    /// Who runs what, now and from now on.
    pub fn directory(&self) -> watch::Receiver<Arc<Directory>> {
        self.shared.directory.subscribe()
    }

    /// Says that this process is going, and waits until others have been given what it runs, there is nobody who could have
    /// it, or 15 s have passed. Blocks; the shards go on meanwhile, and let go of what is given away.
    pub fn leave(&self) {
        let (relieved, wait) = channel();
        if let Some(asks) = &self.shared.asks
            && asks.send(Ask::Leave(relieved)).is_ok()
            && wait.recv_timeout(LEAVE_MAX).is_err()
        {
            tracing::warn!("nobody has taken over what this process ran; it goes all the same");
        }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(asks) = &self.shared.asks {
            drop(asks.send(Ask::Stop));
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the group's thread panicked");
        }
        // It refers to the shards, which refer to this.
        *self.shared.shell() = None;
    }
}

pub(super) fn shared(
    directory: Directory,
    me: Option<MemberId>,
    group: Option<Duration>,
) -> (Shared, Receiver<Ask>) {
    let (asks, asked) = channel();
    let shared = Shared {
        directory: watch::Sender::new(Arc::new(directory)),
        shell: Mutex::new(None),
        me,
        asks: group.map(|_| asks),
        contact: Contact { holds: group, said: Mutex::new(None) },
    };
    (shared, asked)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Whether a process that is alone is confirmed at once.
    fn is_confirmed(held: bool) -> bool {
        let (shared, _asked) = shared(Directory::default(), None, None);
        let confirmed = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&confirmed);
        shared.confirm(ShardId(0), held, Box::new(move || tell.store(true, Ordering::SeqCst)));
        confirmed.load(Ordering::SeqCst)
    }

    /// Terms that it reads before it was in office are its own, of earlier lives: each start with an older store comes upon some.
    #[test]
    fn who_is_alone_waits_only_after_it_was_deposed() {
        assert!(is_confirmed(false));
        assert!(!is_confirmed(true));
    }
}
