//! Between the types of the API and those of the domain, for intake and gateway alike.
//!
//! Each `*_from_proto` takes the path of the field that it reads, for the refusal to name.

mod identifier;
mod money;
mod name;
mod time;

pub use identifier::{identifier_from_proto, identifier_to_proto};
pub use money::{money_from_proto, money_to_proto};
pub use name::{name_from_proto, note_from_proto, reference_from_proto, resource_from_proto};
pub use time::{timestamp_from_proto, timestamp_to_proto};
