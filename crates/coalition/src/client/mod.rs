//! What all commands share that ask a running network: whom to ask, as whom, for how long, and how to answer a person or
//! a program.

pub(crate) mod advice;
pub(crate) mod failure;
pub(crate) mod json;
pub(crate) mod names;
pub(crate) mod new_file;
mod options;
pub(crate) mod outcome;
mod output;
mod progress;
mod session;
mod table;
pub(crate) mod text;

pub(crate) use self::names::{IdentifierArgs, MemberArgs};
pub(crate) use self::options::Options;
pub(crate) use self::output::{Style, note, offer, print};
pub(crate) use self::progress::{Progress, Unit};
pub(crate) use self::session::{Session, request_id, run};
pub(crate) use self::table::{Align, Table};
