//! The service between processes. Its messages are bytes of `coalition_ledger::wire` in envelopes of protobuf, so there is no
//! file in proto/, which is what the network offers to others.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let codec = "tonic_prost::ProstCodec";
    let ask = Method::builder()
        .name("ask")
        .route_name("Ask")
        .input_type("crate::message::Asking")
        .output_type("crate::message::Answered")
        .codec_path(codec)
        .build();
    let follow = Method::builder()
        .name("follow")
        .route_name("Follow")
        .input_type("crate::message::Following")
        .output_type("crate::message::News")
        .codec_path(codec)
        .server_streaming()
        .build();
    let service = Service::builder()
        .name("ShardService")
        .package("coalition.peer.v1")
        .method(ask)
        .method(follow)
        .build();
    Builder::new().compile(&[service]);
}
