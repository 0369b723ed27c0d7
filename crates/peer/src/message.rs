//! The envelopes. Fields are added, never changed.

use bytes::Bytes;

#[allow(unreachable_pub, missing_docs)]
mod service {
    include!(concat!(env!("OUT_DIR"), "/coalition.peer.v1.ShardService.rs"));
}

pub(crate) use service::shard_service_client::ShardServiceClient;
pub(crate) use service::shard_service_server::{ShardService, ShardServiceServer};

/// A question to the owner of a shard.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Asking {
    /// In which version of the ledger's messages.
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    /// Which shard.
    #[prost(uint32, tag = "2")]
    pub(crate) shard: u32,
    /// The question.
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) question: Bytes,
}

/// The answer, or why there is none.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Answered {
    /// In the version in which it was asked.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) answer: Bytes,
}

/// Tell what a shard shows of itself, now and whenever it changes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Following {
    /// In which version of the ledger's messages.
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    /// Which shard.
    #[prost(uint32, tag = "2")]
    pub(crate) shard: u32,
}

/// What it shows.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct News {
    /// A status.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) status: Bytes,
}
