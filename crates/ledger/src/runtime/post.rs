//! Messages to a shard's thread, counted: who looks past the thread sees whether one may change what is shown.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError, SendError, Sender, channel};
use std::time::Duration;

use super::worker::Message;

/// Both ends.
pub(super) fn post() -> (Post, Postbox) {
    let ((sender, receiver), open) = (channel(), Open::default());
    (Post { sender, open: open.clone() }, Postbox { receiver, open, taken: Cell::new(0) })
}

/// How many messages were sent and are not dealt with yet.
#[derive(Clone, Default)]
struct Open(Arc<AtomicUsize>);

/// The end of those who tell the thread something.
#[derive(Clone)]
pub(super) struct Post {
    sender: Sender<Message>,
    open: Open,
}

impl Post {
    /// Fails if the thread has ended.
    pub(super) fn send(&self, message: Message) -> Result<(), SendError<Message>> {
        // Before it is sent: no look in between finds the thread at rest.
        self.open.0.fetch_add(1, Ordering::SeqCst);
        self.sender.send(message)
    }

    /// Whether all that was sent has been dealt with.
    pub(super) fn is_at_rest(&self) -> bool {
        self.open.0.load(Ordering::SeqCst) == 0
    }
}

/// The end of the thread.
pub(super) struct Postbox {
    receiver: Receiver<Message>,
    open: Open,
    /// Taken out, but not dealt with.
    taken: Cell<usize>,
}

impl Postbox {
    pub(super) fn recv(&self) -> Result<Message, RecvError> {
        self.receiver.recv().inspect(|_| self.took())
    }

    pub(super) fn recv_timeout(&self, patience: Duration) -> Result<Message, RecvTimeoutError> {
        self.receiver.recv_timeout(patience).inspect(|_| self.took())
    }

    pub(super) fn try_iter(&self) -> impl Iterator<Item = Message> {
        self.receiver.try_iter().inspect(|_| self.took())
    }

    fn took(&self) {
        self.taken.set(self.taken.get() + 1);
    }

    /// All that was taken out has been dealt with.
    pub(super) fn settle(&self) {
        self.open.0.fetch_sub(self.taken.take(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_is_at_rest_once_it_has_dealt_with_all_it_was_sent() {
        let (post, postbox) = post();
        assert!(post.is_at_rest());
        for _ in 0..2 {
            assert!(post.send(Message::Stop).is_ok());
        }
        assert!(postbox.recv().is_ok());
        assert!(!post.is_at_rest(), "one is at hand, one lies there");
        postbox.settle();
        assert!(!post.is_at_rest(), "one lies there");
        assert_eq!(postbox.try_iter().count(), 1);
        postbox.settle();
        assert!(post.is_at_rest());
    }
}
