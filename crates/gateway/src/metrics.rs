//! What is measured of calls. docs/operating/metrics.md lists it.

use std::fmt;
use std::time::Instant;

use coalition_journal::metrics::{counters, durations, gauges};
use prometheus::{HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Registry};
use tonic::Code;
use tonic::codegen::http::HeaderMap;

/// The metrics of a gateway; clones share them.
#[derive(Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    in_flight: IntGaugeVec,
    in_flight_all: IntGauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let in_flight = gauges("gateway_requests_in_flight", "Calls under way.", &[]);
        Self {
            requests: counters(
                "gateway_requests_total",
                "Calls that ended, by method and gRPC code; CANCELLED if the caller went away before.",
                &["method", "code"],
            ),
            duration: durations(
                "gateway_request_duration_seconds",
                "From the head of a call to its answer, by method.",
                &["method"],
            ),
            in_flight_all: in_flight.with_label_values::<&str>(&[]),
            in_flight,
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Has them shown.
    ///
    /// # Errors
    /// The registry shows metrics of these names already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.requests.clone()))?;
        registry.register(Box::new(self.duration.clone()))?;
        registry.register(Box::new(self.in_flight.clone()))
    }

    /// A call begins.
    pub(crate) fn begin(&self, method: &'static str) -> Measured {
        self.in_flight_all.inc();
        Measured { metrics: self.clone(), method, began: Instant::now(), code: Code::Cancelled }
    }
}

/// A call that is measured until this is dropped.
pub(crate) struct Measured {
    metrics: Metrics,
    method: &'static str,
    began: Instant,
    code: Code,
}

impl Measured {
    /// The call ends with an answer of these headers; the name of its code.
    pub(crate) fn answered(mut self, headers: &HeaderMap) -> &'static str {
        // A call that succeeds says so behind its message.
        self.code = headers.get("grpc-status").map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()));
        name(self.code)
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let Metrics { requests, duration, in_flight_all, .. } = &self.metrics;
        in_flight_all.dec();
        requests.with_label_values(&[self.method, name(self.code)]).inc();
        duration.with_label_values(&[self.method]).observe(self.began.elapsed().as_secs_f64());
    }
}

/// A code's name, as gRPC writes it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn a_call_counts_under_the_code_of_its_answer() {
        let metrics = Metrics::default();
        let count = |code| metrics.requests.with_label_values(&["m", code]).get();
        let refused = Status::not_found("").into_http::<()>();
        assert_eq!(metrics.begin("m").answered(refused.headers()), "NOT_FOUND");
        assert_eq!(metrics.begin("m").answered(&HeaderMap::new()), "OK");
        let given_up = metrics.begin("m");
        assert_eq!(metrics.in_flight_all.get(), 1);
        drop(given_up);
        assert_eq!((count("NOT_FOUND"), count("OK"), count("CANCELLED")), (1, 1, 1));
        assert_eq!(metrics.in_flight_all.get(), 0);
        assert_eq!(metrics.duration.with_label_values(&["m"]).get_sample_count(), 3);
    }
}
