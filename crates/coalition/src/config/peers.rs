//! How this process takes part in a network of several (docs/operating/processes.md).

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use coalition_ledger::group::Roles;
use coalition_peer::{Secret, Tls, Trust};
use serde::Deserialize;

/// What a process does in its network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Brings partners' events to the shards.
    Intake,
    /// Runs shards.
    Ledger,
    /// Answers members, partners and operators.
    Gateway,
}

/// All of these.
pub(crate) fn roles(roles: &[Role]) -> Roles {
    let has = |role| roles.contains(&role);
    Roles { intake: has(Role::Intake), ledger: has(Role::Ledger), gateway: has(Role::Gateway) }
}

/// Other processes of the network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PeersConfig {
    /// Where this process answers others; without it, it is the only one.
    pub(crate) listen: Option<SocketAddr>,
    /// `HOST:PORT` by which others reach it, where that is not `listen`.
    pub(crate) advertise: Option<String>,
    /// One line of 32 signs or more that all processes of the network have, and nobody else.
    pub(crate) secret_file: Option<PathBuf>,
    /// Its certificate, in PEM; goes with `tls_key` and `tls_ca`.
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its key, in PEM.
    pub(crate) tls_key: Option<PathBuf>,
    /// Certificates in PEM of which one vouches for each of the others.
    pub(crate) tls_ca: Option<PathBuf>,
    /// How often each process says that it lives, 50 to 10,000 ms; the same for all.
    pub(crate) heartbeat_ms: u64,
    /// After how long a process that says nothing is taken for dead, at least four heartbeats, 300,000 ms at most; the same
    /// for all.
    pub(crate) session_timeout_ms: u64,
    /// Processes that follow each shard with a warm store, 0 to 16; the same for all.
    pub(crate) standby_replicas: u32,
}

impl Default for PeersConfig {
    fn default() -> Self {
        Self {
            listen: None,
            advertise: None,
            secret_file: None,
            tls_cert: None,
            tls_key: None,
            tls_ca: None,
            heartbeat_ms: 500,
            session_timeout_ms: 5_000,
            standby_replicas: 1,
        }
    }
}

impl PeersConfig {
    pub(crate) fn check(&self) -> Result<()> {
        let Some(listen) = self.listen else { return Ok(()) };
        ensure!(
            self.secret_file.is_some(),
            "peers.secret_file is missing: the processes of a network know each other by what is in it, one line of 32 signs or more, as `openssl rand -hex 32` draws it"
        );
        let files = [&self.tls_cert, &self.tls_key, &self.tls_ca].map(Option::is_some);
        ensure!(
            files == [true; 3] || files == [false; 3],
            "peers.tls_cert, peers.tls_key and peers.tls_ca go together: set all of them, or none"
        );
        ensure!(
            listen.ip().is_loopback() || files[0],
            "refuse to answer other processes at {listen} in plain text, where others could read the secret: set peers.tls_cert, peers.tls_key and peers.tls_ca, or listen on a loopback address"
        );
        ensure!(
            self.advertise.is_some() || !listen.ip().is_unspecified(),
            "peers.advertise is missing: nobody can reach {listen}, so say by which HOST:PORT others reach this process"
        );
        let local = |address: &str| {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
        };
        ensure!(
            files[0] || self.advertise.as_deref().is_none_or(local),
            "refuse to be reached at {} in plain text: set peers.tls_cert, peers.tls_key and peers.tls_ca",
            self.advertise.as_deref().unwrap_or_default()
        );
        ensure!((50..=10_000).contains(&self.heartbeat_ms), "peers.heartbeat_ms lies between 50 and 10000");
        let least = 4 * self.heartbeat_ms;
        ensure!(
            (least..=300_000).contains(&self.session_timeout_ms),
            "peers.session_timeout_ms lies between {least}, four heartbeats, and 300000"
        );
        ensure!(self.standby_replicas <= 16, "peers.standby_replicas lies between 0 and 16");
        Ok(())
    }

    /// How it is encrypted.
    pub(crate) fn tls(&self) -> Result<Option<Tls>> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Ok(Some(Tls::read(cert, key)?)),
            (Some(_), None) | (None, Some(_)) | (None, None) => Ok(None),
        }
    }

    /// By what others are known.
    pub(crate) fn trust(&self) -> Result<Trust> {
        let secret = self.secret_file.as_ref().context("peers.secret_file is missing")?;
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
        };
        Ok(Trust { secret: Secret::read(secret)?, ca_pem: self.tls_ca.as_ref().map(read).transpose()? })
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    /// How long a shard may have no owner: until one that died is taken for dead, and another has read what it did.
    pub(crate) fn unowned_max(&self) -> Duration {
        self.listen.map_or(Duration::ZERO, |_| self.session_timeout() + Duration::from_secs(10))
    }

    pub(crate) fn session_timeout(&self) -> Duration {
        Duration::from_millis(self.session_timeout_ms)
    }
}
