//! The group: which process runs which shard, agreed on in a topic of the log by the same compare-and-set that fences terms.
//!
//! Members say in [`records`] that they live; any of them may write the next assignment, and it takes effect iff its number is
//! the next ([`Group`], a pure fold of the topic). What the next one should be, the plan says. Nothing here keeps two owners
//! apart: that is the journal's work, and an assignment which is behind the times costs a lost term and no more.
//! The thread that keeps a process in its group is [`crate::runtime::Membership`]. Why it is so: docs/adr/0020.

mod directory;
mod fold;
mod plan;
pub mod records;

pub use self::directory::{Directory, Duty, Formats, Holder, MemberId, MemberInfo, Roles};
pub use self::fold::{Group, Read, Rules};

/// The topic of the group: one partition.
pub const GROUP: &str = "coalition.group.v1";

/// What log lines and readiness call it that the topic goes on in a format which this release can't read.
pub const OUTDATED: &str = "GROUP_OUTDATED";

#[cfg(test)]
mod tests;
