//! What librdkafka's clients say beside their answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

use super::seldom::Seldom;

/// Passes librdkafka's lines on to the log of this process.
#[derive(Clone)]
pub(super) struct Lines;

impl ClientContext for Lines {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        line(level as i32, facility, text);
    }

    fn stats_raw(&self, _: &[u8]) {}

    /// What matters of it comes as a line for the log, or as the answer to a question.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka");
    }
}

impl ConsumerContext for Lines {}

/// Warnings of all clients of this process.
static WARNED: Mutex<Seldom> = Mutex::new(Seldom::new());

/// A line of librdkafka's, whose levels are those of syslog. A broker that goes away is an error to it; here it is
/// unexpected, and others say what follows from it. As long as one is away, clients say so many times a second: the same
/// warning is passed on once a minute.
pub(super) fn line(level: i32, facility: &str, text: &str) {
    match level {
        // Settings of producers are named to consumers too, which say so each time.
        _ if facility == "CONFWARN" => tracing::debug!(facility, "{text}"),
        ..=4 if WARNED.lock().unwrap_or_else(PoisonError::into_inner).due(text, Instant::now()) => {
            tracing::warn!(facility, "{text}");
        }
        ..=4 => tracing::debug!(facility, "{text}"),
        5 => tracing::info!(facility, "{text}"),
        6.. => tracing::debug!(facility, "{text}"),
    }
}

/// As [`Lines`], and tells of each error: an error doesn't say whether the client can go on, but the client does.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) on_error: Arc<dyn Fn() + Send + Sync>,
}

impl ClientContext for Watched {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        Lines.log(level, facility, text);
    }

    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        Lines.error(error, reason);
        (self.on_error)();
    }
}
