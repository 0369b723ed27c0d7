//! Calls to a running network, for as long as one command may take.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use coalition_client::{Call, Client, Error, List};
use coalition_domain::RequestId;
use coalition_proto::member::v1::LookupMemberRequest;
use tokio::time::Instant;

use super::failure::{CallFailed, Trouble};
use super::{MemberArgs, Options};

/// A connection, for as long as one command may take.
pub(crate) struct Session(Client);

/// Connects as `options` say and runs a command's calls.
pub(crate) fn run<F: Future<Output = Result<ExitCode>>>(
    options: &Options,
    command: impl FnOnce(Session) -> F,
) -> Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("start a runtime")?;
    runtime.block_on(async { command(Session::connect(options).await?).await })
}

impl Session {
    async fn connect(options: &Options) -> Result<Self> {
        let deadline = Instant::now() + options.timeout();
        match Client::connect(&options.settings()?).await {
            Ok(client) => Ok(Self(client.until(deadline))),
            Err(Error::NoServer { server, why }) => Err(Trouble::NoServer { server, why }.into()),
            Err(Error::Distrusted { server, why }) => Err(Trouble::Distrusted { server, why }.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for something, or for a change that can't be repeated by hand.
    pub(crate) async fn ask<Q: Call>(&self, doing: &str, query: Q) -> Result<Q::Answer> {
        Ok(self.0.call(query).await.map_err(|error| CallFailed::new(doing, error))?)
    }

    /// Asks for all of a list.
    pub(crate) async fn list<Q: List>(&self, doing: &str, query: Q) -> Result<Vec<Q::Item>> {
        Ok(self.0.list(query).all().await.map_err(|error| CallFailed::new(doing, error))?)
    }

    /// Asks for a change, whose id `query` carries: however often it is sent, also by hand, it is done once.
    pub(crate) async fn change<Q: Call>(&self, doing: &str, query: Q) -> Result<Q::Answer> {
        Ok(self.0.call(query).await.map_err(|error| CallFailed::of_change(doing, error))?)
    }

    /// The connection, for more calls than one command's time is for: each may take so long.
    pub(crate) fn each_within(&self, timeout: Duration) -> Client {
        self.0.within(timeout)
    }

    /// The name of the member that the arguments stand for.
    pub(crate) async fn member_name(&self, args: &MemberArgs) -> Result<String> {
        match (&args.member, args.identifier()) {
            (None, Some(identifier)) => {
                let query = LookupMemberRequest { identifier: Some(identifier), min_position: None };
                Ok(self.ask("look the member up", query).await?.name)
            }
            (member, _) => Ok(member.as_ref().map(super::names::member_name).unwrap_or_default()),
        }
    }
}

/// A new request id, or the one that was given.
pub(crate) fn request_id(given: Option<RequestId>) -> RequestId {
    given.unwrap_or_else(coalition_client::request_id)
}
