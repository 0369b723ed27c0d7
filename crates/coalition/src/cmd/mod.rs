//! One file for each command.

pub(crate) mod adjustment;
pub(crate) mod completions;
pub(crate) mod event;
pub(crate) mod hold;
pub(crate) mod journal;
pub(crate) mod member;
pub(crate) mod partner;
pub(crate) mod programme;
pub(crate) mod publish;
pub(crate) mod redeem;
pub(crate) mod redemption;
pub(crate) mod rejected;
pub(crate) mod serve;
pub(crate) mod statement;
pub(crate) mod token;
pub(crate) mod topics;
