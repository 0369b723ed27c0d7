//! The API as Rust types: what proto/ declares, with clients and servers of every service.
//!
//! A package is a module: `coalition.event.v1` is [`event::v1`]. Gateway and clients speak these types at their edge and
//! the domain's own types behind it; intake reads and writes [`event::v1::PartnerEvent`] as the value of partner topics.
//! Nothing here is written by hand but the names of the error reasons: change proto/ instead.

mod generated;
mod reason;

pub use generated::coalition::{
    account, auth, catalogue, event, member, operator, partner, programme, redemption, settlement, r#type,
};
pub use generated::google;

/// The descriptors of all files of proto/ and of what they import, as an encoded `google.protobuf.FileDescriptorSet`:
/// what server reflection hands out.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/coalition.binpb"));
