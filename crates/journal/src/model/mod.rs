//! An exhaustive check of [`Chain`](crate::chain::Chain) and [`Office`](crate::office::Office): every history of a few
//! owners on one log, within [`Bounds`](steps::Bounds), breadth first, so that the first fault found is the shortest.
//!
//! Appends land late, twice, in any order or never; what their sender hears has nothing to do with that, save that
//! an offset is never told before the record landed, nor "not appended" of one that lands. Owners crash, go on after
//! the group moved their shard, and read as late as they like. On top sits a ledger that applies each request once.
//!
//! Three reductions keep it small, none of which hides a history: what one owner does unseen by all others (reading to
//! the end before a campaign, passing over void records of others) is one step; a reader's chain is looked up, since
//! it is a function of the log before it; and states that differ only in what can't matter any more are one.

mod forged;
mod owner;
mod recovery;
mod rules;
mod script;
mod search;
mod settling;
mod steps;
mod taking_office;
mod truth;
mod world;
