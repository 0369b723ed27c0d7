//! `coalition.toml`.

use crate::config::Config;

/// What passes the check can be used: nothing that is worked out of it overflows. Certificates are not opened.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(mut config) = toml::from_str::<Config>(&text) else { return };
    if config.check().is_err() {
        return;
    }
    let shards = config.network.shards;
    let settings = config.network.settings();
    assert!(settings.max_event_age.as_millis() > 0 && settings.max_request_age.as_millis() > 0);
    assert!(config.network.consent_wait().as_millis() >= 0);
    drop(config.network.adjustment_limit());
    assert!(config.ledger.settings(shards).limits.accounts_max >= 16_384);
    assert!(config.store.settings(shards).cache_bytes > 0);
    drop(config.intake.settings(coalition_intake::Share::ALL));
    config.log.place();
    (config.gateway.tls_cert, config.gateway.tls_key) = (None, None);
    drop(config.gateway.settings());
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let sample = include_str!("../../../deploy/coalition.toml");
    // Without remarks, which are most of it.
    let lines =
        sample.lines().map(|line| line.strip_prefix("# ").filter(|it| it.contains(" = ")).unwrap_or(line));
    let plain: Vec<_> = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    vec![sample.into(), plain.join("\n").into()]
}
