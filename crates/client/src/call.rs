//! A connection with a key, and calls on it.

use std::time::Duration;

use coalition_domain::RequestId;
use tokio::time::Instant;
use tonic::Request;
use uuid::Uuid;

use crate::retry::Pauses;
use crate::{Call, Error, Items, List, Service, Settings};

/// A connection with a key. Cheap to clone: clones share the connection.
#[derive(Clone)]
pub struct Client {
    service: Service,
    limit: Limit,
}

/// How long calls may take.
#[derive(Clone, Copy)]
enum Limit {
    /// Each so long.
    Each(Duration),
    /// All until then.
    Until(Instant),
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`Error::NoServer`] if nobody answers, or the settings' certificates are none; [`Error::Distrusted`] if they don't
    /// vouch for the server.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        Ok(Self::over(settings.connect().await?, settings))
    }

    /// A client that connects with its first call, and anew whenever the connection is lost. Call it on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::NoServer`] if the settings' certificates are none.
    pub fn connect_later(settings: &Settings) -> Result<Self, Error> {
        Ok(Self::over(settings.connect_later()?, settings))
    }

    fn over(service: Service, settings: &Settings) -> Self {
        Self { service, limit: Limit::Each(settings.timeout) }
    }

    /// This client for calls that all have to be done by `deadline`.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self { limit: Limit::Until(deadline), ..self.clone() }
    }

    /// This client for calls that may take so long each.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self { limit: Limit::Each(timeout), ..self.clone() }
    }

    /// Makes the call that `request` stands for, and repeats it while the network is not ready and there is time.
    ///
    /// A request that changes something gets a new request id unless it has one, and keeps it in all repeats: it is done
    /// once. After [`Error::Unavailable`] it may be repeated later under [`Detail::request_id`](crate::Detail::request_id).
    ///
    /// # Errors
    /// Every kind of [`Error`] but [`Error::NoServer`] and [`Error::Distrusted`].
    pub async fn call<Q: Call>(&self, mut request: Q) -> Result<Q::Answer, Error> {
        let id = request.request_id().and_then(|id| {
            if id.is_empty() {
                *id = request_id().to_string();
            }
            id.parse().ok()
        });
        let deadline = match self.limit {
            Limit::Each(timeout) => Instant::now() + timeout,
            Limit::Until(deadline) => deadline,
        };
        let mut pauses = Pauses::new();
        loop {
            let mut attempt = Request::new(request.clone());
            attempt.set_timeout(deadline.saturating_duration_since(Instant::now()));
            let status = match Q::send(self.service.clone(), attempt).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => status,
            };
            let pause = pauses.after(&status).filter(|pause| Instant::now() + *pause < deadline);
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(Error::of(&status, id)),
            }
        }
    }

    /// All of a list, from the page that `request` asks for on: one call for each page, when it is come to.
    pub fn list<Q: List>(&self, request: Q) -> Items<'_, Q> {
        Items::new(self, request)
    }

    /// The connection, for use with a generated client of [`proto`](crate::proto), without repeats.
    pub fn service(&self) -> Service {
        self.service.clone()
    }
}

/// A new request id, made now.
pub fn request_id() -> RequestId {
    RequestId::new(Uuid::now_v7()).expect("a uuid of version 7 is one")
}
