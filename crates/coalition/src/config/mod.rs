//! The configuration of a process: one struct for each component, unknown keys refused.

mod gateway;
pub(crate) mod peers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use coalition_domain::adjustment::ADJUSTMENT_LIMIT;
use coalition_domain::waiting::{CONSENT_WAIT, CONSENT_WAIT_MAX};
use coalition_domain::{Points, Registry, Span};
use coalition_intake::Share;
use coalition_ledger::group::Roles;
use serde::Deserialize;

pub(crate) use self::gateway::GatewayConfig;
use self::peers::{PeersConfig, Role};
use crate::folder::Place;
use crate::observe::ObserveConfig;

/// 16 TiB: more than any machine has, and little enough to be said in bytes.
const CACHE_MIB_MAX: u64 = 16 * 1024 * 1024;

/// Everything. Each key has a default that serves a small network on one machine; deploy/coalition.toml shows them all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// What this process does; all of it, unless others do the rest.
    pub(crate) roles: Vec<Role>,
    pub(crate) peers: PeersConfig,
    pub(crate) network: NetworkConfig,
    pub(crate) gateway: GatewayConfig,
    pub(crate) ledger: LedgerConfig,
    pub(crate) intake: IntakeConfig,
    pub(crate) store: StoreConfig,
    pub(crate) log: LogConfig,
    pub(crate) observe: ObserveConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            roles: vec![Role::Intake, Role::Ledger, Role::Gateway],
            peers: PeersConfig::default(),
            network: NetworkConfig::default(),
            gateway: GatewayConfig::default(),
            ledger: LedgerConfig::default(),
            intake: IntakeConfig::default(),
            store: StoreConfig::default(),
            log: LogConfig::default(),
            observe: ObserveConfig::default(),
        }
    }
}

/// What a command line says in place of the file.
#[derive(Default)]
pub(crate) struct Given {
    /// Where the gateway listens.
    pub(crate) listen: Option<SocketAddr>,
    /// What the process does.
    pub(crate) roles: Option<Vec<Role>>,
}

/// What is fixed when a network is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NetworkConfig {
    /// Shards, 1 to 1,024; fixed for the life of the network.
    pub(crate) shards: u32,
    /// How old a partner's event may be, in days, 1 to 36,500; without it what the network has, 400 for a new one.
    pub(crate) max_event_age_days: Option<i64>,
    /// How old a request id may be, in days, 1 to 36,500; without it what the network has, 7 for a new one.
    pub(crate) max_request_age_days: Option<i64>,
    /// How long an event waits for the consent that it needs, in milliseconds, 0 (refused at once) to 30 days; without it
    /// what the network has, a day for a new one.
    pub(crate) consent_wait_ms: Option<i64>,
    /// The most points that an operator gives or takes by hand without a second one, 0 to 10^15; without it what the network
    /// has, 10,000 for a new one.
    pub(crate) adjustment_limit: Option<u64>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            shards: 4,
            max_event_age_days: None,
            max_request_age_days: None,
            consent_wait_ms: None,
            adjustment_limit: None,
        }
    }
}

impl NetworkConfig {
    /// The settings of a new network.
    pub(crate) fn settings(&self) -> coalition_domain::registry::Settings {
        coalition_domain::registry::Settings {
            max_event_age: Span::from_days(self.max_event_age_days.unwrap_or(400)),
            max_request_age: Span::from_days(self.max_request_age_days.unwrap_or(7)),
        }
    }

    /// How long events of a new network wait for a consent.
    pub(crate) fn consent_wait(&self) -> Span {
        self.consent_wait_ms.map_or(CONSENT_WAIT, Span::from_millis)
    }

    /// How many points one operator of a new network gives or takes alone.
    pub(crate) fn adjustment_limit(&self) -> Result<Points> {
        self.adjustment_limit
            .map_or(Ok(ADJUSTMENT_LIMIT), Points::new)
            .context("set network.adjustment_limit")
    }

    /// Refuses what no network can have.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!((1..=1_024).contains(&self.shards), "network.shards lies between 1 and 1024");
        for (name, days) in [
            ("max_event_age_days", self.max_event_age_days),
            ("max_request_age_days", self.max_request_age_days),
        ] {
            ensure!(
                days.is_none_or(|days| (1..=36_500).contains(&days)),
                "network.{name} lies between 1 and 36500"
            );
        }
        let waits = 0..=CONSENT_WAIT_MAX.as_millis();
        ensure!(
            self.consent_wait_ms.is_none_or(|wait| waits.contains(&wait)),
            "network.consent_wait_ms lies between 0 and {}",
            waits.end()
        );
        Ok(())
    }

    /// Refuses what is asked for and is not what the network has: to go on without it would hide that it is not so.
    pub(crate) fn check_unchanged(&self, registry: &Registry) -> Result<()> {
        let settings = registry.settings();
        let days = |span: Span| span.as_millis() / Span::from_days(1).as_millis();
        let limit = self.adjustment_limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
        for (name, asked, has) in [
            ("max_event_age_days", self.max_event_age_days, days(settings.max_event_age)),
            ("max_request_age_days", self.max_request_age_days, days(settings.max_request_age)),
            ("consent_wait_ms", self.consent_wait_ms, registry.consent_wait().as_millis()),
            ("adjustment_limit", limit, registry.adjustment_limit().signed()),
        ] {
            ensure!(
                asked.is_none_or(|asked| asked == has),
                "its {name} is {has}, fixed when it was made, and {} is asked for; set it to {has} or leave it out, or make a new network in another folder",
                asked.unwrap_or(has)
            );
        }
        Ok(())
    }
}

/// The ledger.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LedgerConfig {
    /// Accounts of 6 KiB that all shards of the network together keep in memory, larger ones as several; at least 16,384 for each
    /// shard.
    pub(crate) accounts_max: usize,
    /// Changed accounts of a shard after which a checkpoint is taken; at the latest after half of its part of `accounts_max`, or
    /// at 32 MiB of journal.
    pub(crate) checkpoint_accounts: usize,
    /// Milliseconds after which one is taken, however little has changed; four times as long as the last one took if that is more,
    /// twelve times this at the most.
    pub(crate) checkpoint_interval_ms: u64,
    /// Decided records that stay in each shard's inbox; older ones are deleted, the journal has them.
    pub(crate) inbox_keep: u64,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            accounts_max: 400_000,
            checkpoint_accounts: 50_000,
            checkpoint_interval_ms: 5_000,
            inbox_keep: 10_000,
        }
    }
}

impl LedgerConfig {
    pub(crate) fn settings(&self, shards: u32) -> coalition_ledger::runtime::Settings {
        coalition_ledger::runtime::Settings {
            shards,
            limits: coalition_ledger::shard::Limits {
                accounts_max: self.accounts_max / shards as usize,
                unstored_accounts_max: self.accounts_max / shards as usize / 2,
                ..coalition_ledger::shard::Limits::default()
            },
            checkpoint_accounts: self.checkpoint_accounts,
            checkpoint_interval: Duration::from_millis(self.checkpoint_interval_ms),
            inbox_keep: self.inbox_keep,
            ..coalition_ledger::runtime::Settings::default()
        }
    }
}

/// Intake.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IntakeConfig {
    /// Events that a partner may send in a second, 1 KiB each or less; 0: as many as there are.
    pub(crate) partner_events_per_second: u32,
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self { partner_events_per_second: 2_000 }
    }
}

impl IntakeConfig {
    /// How fast each partner may send, to the gateway and out of its topic.
    pub(crate) fn quota(&self) -> coalition_intake::Quota {
        coalition_intake::Quota::of(self.partner_events_per_second)
    }

    pub(crate) fn settings(&self, share: Share) -> coalition_intake::Settings {
        let partner_quota = self.quota();
        coalition_intake::Settings { share, partner_quota, ..coalition_intake::Settings::default() }
    }
}

/// The projection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreConfig {
    /// Memory that the stores of all shards together may use as a cache, in MiB, 1 to 16,777,216.
    pub(crate) cache_mib: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { cache_mib: 256 }
    }
}

impl StoreConfig {
    pub(crate) fn settings(&self, shards: u32) -> coalition_store::Settings {
        coalition_store::Settings {
            cache_bytes: self.cache_mib * 1024 * 1024 / u64::from(shards),
            ..coalition_store::Settings::default()
        }
    }
}

/// The log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogConfig {
    /// Brokers of Apache Kafka, `host:port`, several with commas between; empty: the log lies in the data folder.
    pub(crate) kafka: String,
    /// How many copies of each record the brokers keep.
    pub(crate) replication_factor: u16,
    /// How many of them have to be there before a record counts.
    pub(crate) min_insync_replicas: u16,
    /// Further settings of librdkafka, by its own names.
    pub(crate) librdkafka: BTreeMap<String, String>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            kafka: String::new(),
            replication_factor: 3,
            min_insync_replicas: 2,
            librdkafka: BTreeMap::new(),
        }
    }
}

impl LogConfig {
    /// Where the log is.
    pub(crate) fn place(&self) -> Place {
        if self.kafka.is_empty() { Place::Embedded } else { Place::Kafka }
    }

    pub(crate) fn embedded(&self) -> coalition_journal::embedded::Settings {
        coalition_journal::embedded::Settings::default()
    }

    #[cfg(feature = "kafka")]
    pub(crate) fn brokers(&self) -> coalition_journal::kafka::Settings {
        coalition_journal::kafka::Settings {
            replication_factor: self.replication_factor,
            min_insync_replicas: self.min_insync_replicas,
            librdkafka: self.librdkafka.clone(),
            ..coalition_journal::kafka::Settings::at(&self.kafka)
        }
    }
}

impl Config {
    /// Reads a file; for those who start nothing, and need not have what a process needs that does.
    pub(crate) fn unchecked(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("read {}", path.display()))
    }

    /// Reads and checks a file; without one everything has its default. What is `given` takes the place of what it says.
    pub(crate) fn read(path: Option<&Path>, Given { listen, roles }: Given) -> Result<Self> {
        let mut config = Self::unchecked(path)?;
        if let Some(listen) = listen {
            config.gateway.listen = listen;
        }
        if let Some(roles) = roles {
            config.roles = roles;
        }
        let checked = config.check();
        match path {
            Some(path) => checked.with_context(|| format!("check {}", path.display()))?,
            None => checked?,
        }
        Ok(config)
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.network.check()?;
        let (shards, roles) = (self.network.shards, peers::roles(&self.roles));
        if roles.gateway {
            self.gateway.check(shards)?;
        }
        // A shard that can't hold the accounts of the commands that it has read ahead would load them again and again.
        ensure!(
            !roles.ledger || self.ledger.accounts_max / shards as usize >= 16_384,
            "ledger.accounts_max has to be at least 16384 for each of the {shards} shards"
        );
        self.peers.check()?;
        ensure!(!self.roles.is_empty(), "roles is empty: name at least one of intake, ledger and gateway");
        ensure!(
            self.peers.listen.is_some() || roles == Roles::ALL,
            "a process that is alone has all roles: intake, ledger and gateway; for one with some of them set peers.listen, by which it finds the others"
        );
        ensure!(
            self.peers.listen.is_none() || self.log.place() == Place::Kafka,
            "peers.listen is for several processes over one log on brokers: set log.kafka, or leave it out"
        );
        ensure!(self.ledger.checkpoint_accounts > 0, "ledger.checkpoint_accounts has to be above zero");
        let cache = 1..=CACHE_MIB_MAX;
        ensure!(
            cache.contains(&self.store.cache_mib),
            "store.cache_mib lies between {} and {}",
            cache.start(),
            cache.end()
        );
        self.observe.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_shows_every_key_with_its_default() {
        let sample = include_str!("../../../../deploy/coalition.toml");
        let mut config: Config = toml::from_str(sample).unwrap();
        config.check().unwrap();
        assert_eq!(config.network.settings(), NetworkConfig::default().settings());
        assert_eq!(config.network.consent_wait(), NetworkConfig::default().consent_wait());
        config.network = NetworkConfig { shards: config.network.shards, ..NetworkConfig::default() };
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
        for key in [
            "roles",
            "# advertise",
            "# secret_file",
            "# tls_ca",
            "heartbeat_ms",
            "session_timeout_ms",
            "standby_replicas",
            "shards",
            "max_event_age_days",
            "max_request_age_days",
            "consent_wait_ms",
            "listen",
            "plaintext_beyond_loopback",
            "# tls_cert",
            "# tls_key",
            "web_origins",
            "message_bytes_max",
            "requests_max",
            "# connections_max",
            "files_reserved",
            "streams_max",
            "handshake_timeout_ms",
            "keepalive_interval_ms",
            "keepalive_timeout_ms",
            "accounts_max",
            "checkpoint_accounts",
            "checkpoint_interval_ms",
            "inbox_keep",
            "partner_events_per_second",
            "cache_mib",
            "kafka",
            "replication_factor",
            "min_insync_replicas",
            "log",
            "log_format",
        ] {
            assert!(sample.contains(&format!("\n{key} = ")), "{key}");
        }
    }

    #[test]
    fn a_process_needs_what_its_roles_need() {
        let of = |roles: &str| -> Config {
            let text = format!(
                "roles = [{roles}]\n[network]\nshards = 64\n[log]\nkafka = \"a:1\"\n[peers]\nlisten = \"127.0.0.1:1\"\nsecret_file = \"a\""
            );
            toml::from_str(&text).unwrap()
        };
        of("\"intake\"").check().unwrap();
        assert!(of("\"ledger\"").check().unwrap_err().to_string().contains("accounts_max"));
        assert!(of("\"gateway\"").check().unwrap_err().to_string().contains("files_reserved"));
    }

    #[test]
    fn unknown_keys_and_values_out_of_range_are_refused() {
        assert!(toml::from_str::<Config>("[network]\nshard = 4\n").is_err());
        let small: Config = toml::from_str("[ledger]\naccounts_max = 100\n").unwrap();
        assert!(small.check().unwrap_err().to_string().contains("16384"));
        let none: Config = toml::from_str("[network]\nshards = 0\n").unwrap();
        assert!(none.check().is_err());
        let old: Config = toml::from_str("[network]\nmax_event_age_days = 36501\n").unwrap();
        assert!(old.check().unwrap_err().to_string().contains("36500"));
        let long: Config = toml::from_str("[network]\nconsent_wait_ms = 2592000001\n").unwrap();
        assert!(long.check().unwrap_err().to_string().contains("2592000000"));
        let cache = |mib: u64| toml::from_str::<Config>(&format!("[store]\ncache_mib = {mib}\n")).unwrap();
        for mib in [0, 16_777_217, i64::MAX.unsigned_abs()] {
            assert!(cache(mib).check().unwrap_err().to_string().contains("16777216"), "{mib}");
        }
        cache(16_777_216).check().unwrap();
        assert_eq!(cache(16_777_216).store.settings(4).cache_bytes, 4_398_046_511_104);
    }
}
