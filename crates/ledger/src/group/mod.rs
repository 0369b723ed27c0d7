//! The group: which process runs which shard.
//!
//! What is here is pure. The thread that keeps a process in its group is [`crate::runtime::Membership`].

mod directory;

pub use self::directory::{Directory, Formats, Holder, MemberId, MemberInfo, Roles};
