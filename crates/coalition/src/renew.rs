//! The signal by which a person, or what renews a certificate, has it read again.

use anyhow::{Context, Result};
use coalition_gateway::tls::Tls;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::client::note;

/// SIGHUP, caught from the making of this on if there is a certificate; else it ends the process as it always did.
pub(crate) struct Renewals(Option<Signal>);

impl Renewals {
    pub(crate) fn listen(wanted: bool) -> Result<Self> {
        let caught = wanted.then(|| signal(SignalKind::hangup())).transpose();
        Ok(Self(caught.context("listen for SIGHUP")?))
    }

    /// Reads the certificate again whenever the signal comes. Never ends.
    pub(crate) async fn follow(&mut self, tls: Option<&Tls>) {
        if let (Some(told), Some(tls)) = (&mut self.0, tls) {
            while told.recv().await.is_some() {
                match tls.reload() {
                    Ok(()) => note("the certificate was read again"),
                    Err(error) => {
                        let error = anyhow::Error::from(error);
                        tracing::error!("the certificate is still the one of before: {error:#}");
                    }
                }
            }
        }
        std::future::pending().await
    }
}
