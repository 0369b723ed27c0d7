//! The way that events take to the partner's topic.

use std::future::Future;
use std::time::Duration;

use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::r#type::v1::Refusal;

/// Brings events to the partner's topic.
pub trait Transport: Send + 'static {
    /// Brings `events` there, in their order. Those that it gives back were refused, by their place in `events`; all others
    /// are in the topic. It may be dropped while it is under way, and may be called again with events that it has brought
    /// there: their ids make that harmless.
    ///
    /// # Errors
    /// See [`Trouble`]: then some, none or all of the events are there.
    fn publish(
        &mut self,
        events: &[PartnerEvent],
    ) -> impl Future<Output = Result<Vec<(usize, Refusal)>, Trouble>> + Send;
}

/// Why events can't be brought to the topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// It will pass: nobody is there, or nobody who is ready.
    Away {
        /// In words, for a log.
        why: String,
        /// How long the network asks to wait, at least.
        wait: Duration,
    },
    /// It won't pass by itself, such as a key that was revoked.
    Ended(String),
}
