//! Scenarios: what a programme has to come to, as given, when and then in a TOML file.
//!
//! A [`Document`] names programmes and partners, and its cases what happens and what has to come of it. [`play`] has a case
//! happen in a [`Network`] and says where that differs. [`Paper`] is a network on paper, `decide` and `evolve` and nothing
//! else, in milliseconds: what `coalition programme test` runs. The end-to-end tests play the same files through the whole
//! stack.

mod document;
mod paper;
mod play;
mod value;

pub use document::{
    Action, BalanceIs, BurntIs, Case, Document, Error, Partner, Prices, StatementIs, Step, Then,
};
pub use paper::Paper;
pub use play::{Balance, Became, Difference, Network, Statement, play};
pub use value::Who;
