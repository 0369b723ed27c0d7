//! What stands before every service: lets a call in by its key, bounds how many there are and how long each takes.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use coalition_domain::Role;
use coalition_ledger::trace::{HEADER, TARGET, TraceParent, within};
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};
use tonic::server::NamedService;
use tracing::Instrument;

use crate::auth::{Row, Whose, authenticate, key_of, row};
use crate::call::Call;
use crate::forward::now;
use crate::service::Gateway;
use crate::settings::Settings;
use crate::status::{self, Failure};

/// What is left of a stated deadline for the way back: a tenth, at most this.
const WAY_BACK_MAX: Duration = Duration::from_millis(100);

/// What a partner may do so fast and no faster.
const PUBLISH: &str = "coalition.event.v1.PartnerEventService/PublishEvents";

/// How long after its deadline a call is cut off that did not end by itself, as one whose request never arrives whole.
const GRACE: Duration = Duration::from_secs(1);

/// A service behind its guard.
#[derive(Clone)]
pub(crate) struct Guard<S> {
    service: S,
    gateway: Gateway,
}

impl<S> Guard<S> {
    pub(crate) fn new(gateway: &Gateway, service: S) -> Self {
        Self { service, gateway: gateway.clone() }
    }
}

impl<S: NamedService> NamedService for Guard<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The one that is ready is this one; the clone stays for the next call.
        let clone = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, clone);
        let gateway = self.gateway.clone();
        let Some(row) = row(request.uri().path()) else {
            // No method of ours: the service itself says so.
            return Box::pin(service.call(request));
        };
        let named = request.headers().get(HEADER).and_then(|value| TraceParent::read(value.as_bytes()));
        let trace = named.unwrap_or_else(begin_trace);
        let span = tracing::info_span!(
            target: TARGET,
            "call",
            rpc = row.method,
            trace_id = trace.id(),
            role = tracing::field::Empty,
            partner = tracing::field::Empty,
            shard = tracing::field::Empty,
        );
        let measured = gateway.settings.metrics.begin(row.method);
        let answer = async move {
            let Ok(_permit) = gateway.permits.try_acquire() else {
                return refuse(status::overloaded("too many calls are under way; try again later"));
            };
            let deadline = Instant::now() + allowed(request.headers(), &gateway.settings);
            let call = match admit(&gateway, request.headers(), row, deadline).await {
                Ok(call) => Call { trace: named, ..call },
                Err(failure) => return refuse(failure),
            };
            request.extensions_mut().insert(call);
            match timeout_at(deadline + GRACE, service.call(request)).await {
                Ok(answer) => answer,
                Err(_) => refuse(status::deadline()),
            }
        };
        let answer = async move {
            let Ok(mut response) = answer.await;
            let code = measured.answered(response.headers());
            tracing::debug!(target: TARGET, code, "answered");
            if let Ok(value) = HeaderValue::from_str(trace.as_str()) {
                response.headers_mut().insert(HEADER, value);
            }
            Ok(response)
        };
        Box::pin(within(trace, answer.instrument(span)))
    }
}

/// Lets a call in, or says why not.
async fn admit(
    gateway: &Gateway,
    headers: &HeaderMap,
    row: &'static Row,
    deadline: Instant,
) -> Result<Call, Failure> {
    let registry = gateway.registry_now(deadline).await?;
    let caller = match authenticate(headers, &registry, now()) {
        // A gateway of another process may have made the key a moment ago.
        Err(_) if key_of(headers).is_some_and(|key| registry.key(&key).is_none()) => {
            let newest = gateway.registry_newest(deadline).await?;
            authenticate(headers, &newest, now())?
        }
        known => known?,
    };
    let (span, call) = (tracing::Span::current(), Call { caller, row, deadline, trace: None });
    match caller.role {
        Role::Operator => span.record("role", "operator"),
        Role::Partner(partner) => span.record("role", "partner").record("partner", partner.as_str()),
        Role::Member(_) => span.record("role", "member"),
    };
    match call.opens() {
        Whose::Nobodys => {
            let denied = Failure::denied("the key is not for this method");
            let operators = (row.partner, row.member) == (Whose::Nobodys, Whose::Nobodys);
            Err(if operators { denied.with("needs", "operator") } else { denied })
        }
        Whose::Own | Whose::Consented | Whose::Entrusted | Whose::OwnPart | Whose::Everybodys => {
            // Before the request is read: who goes on all the same costs nobody more than that.
            if let (PUBLISH, Role::Partner(partner)) = (row.method, caller.role) {
                gateway.pace.check(partner, deadline.into_std()).await?;
            }
            Ok(call)
        }
    }
}

fn refuse(failure: Failure) -> Result<Response<Body>, Infallible> {
    tracing::debug!(reason = failure.reason.reason(), "refused at the door");
    Ok(Status::from(failure).into_http())
}

/// A trace for a call that names none: what it leaves in the log can be found by its answer.
fn begin_trace() -> TraceParent {
    let mut chance = [0; 24];
    // Without chance the trace has no name of its own, and the call goes on all the same.
    let _ = getrandom::fill(&mut chance);
    TraceParent::begin(chance)
}

/// How long a call with these headers may take.
fn allowed(headers: &HeaderMap, settings: &Settings) -> Duration {
    let stated = headers.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(timeout);
    match stated {
        Some(stated) => stated.min(settings.deadline_max).saturating_sub(WAY_BACK_MAX.min(stated / 10)),
        None => settings.deadline_default.min(settings.deadline_max),
    }
}

/// A timeout as gRPC writes it: at most eight digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u32 = digits.parse().ok()?;
    let unit = match unit {
        "H" => Duration::from_secs(3_600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    Some(unit * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        for (text, millis) in [
            ("1H", Some(3_600_000)),
            ("2M", Some(120_000)),
            ("3S", Some(3_000)),
            ("99999999m", Some(99_999_999)),
            ("5000u", Some(5)),
            ("7000000n", Some(7)),
            ("100000000m", None),
            ("m", None),
            ("", None),
            ("-1S", None),
            ("1s", None),
            ("1é", None),
        ] {
            assert_eq!(timeout(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_deadline_is_what_was_stated_less_the_way_back() {
        let settings = Settings::default();
        for (stated, millis) in [
            (None, 10_000),
            (Some("500m"), 450),
            (Some("3S"), 2_900),
            (Some("1H"), 60_000 - 100),
            (Some("soon"), 10_000),
        ] {
            let headers = stated.map(|stated| ("grpc-timeout".parse().unwrap(), stated.parse().unwrap()));
            let headers = HeaderMap::from_iter(headers);
            assert_eq!(allowed(&headers, &settings), Duration::from_millis(millis), "{stated:?}");
        }
    }
}
