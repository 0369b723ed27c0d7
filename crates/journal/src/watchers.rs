//! Who is woken when a partition grows.

use std::sync::{Arc, Weak};

use crate::log::{Wake, Watching};

/// The watchers of a partition, as long as each keeps its [`Watching`].
#[derive(Default)]
pub(crate) struct Watchers(Vec<Weak<dyn Fn() + Send + Sync>>);

impl Watchers {
    /// Has `wake` called from now on.
    pub(crate) fn add(&mut self, wake: Wake) -> Watching {
        self.let_go();
        self.0.push(Arc::downgrade(&wake));
        Watching::new(wake)
    }

    /// Those that are to be called now, with no lock held.
    pub(crate) fn now(&mut self) -> Vec<Wake> {
        self.let_go();
        self.0.iter().filter_map(Weak::upgrade).collect()
    }

    /// Whether nobody watches any more.
    #[cfg(feature = "kafka")]
    pub(crate) fn is_empty(&mut self) -> bool {
        self.let_go();
        self.0.is_empty()
    }

    fn let_go(&mut self) {
        self.0.retain(|wake| wake.strong_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn whoever_let_go_takes_no_room() {
        let mut watchers = Watchers::default();
        let woken = Arc::new(AtomicU32::new(0));
        let watch = |watchers: &mut Watchers| {
            let woken = Arc::clone(&woken);
            watchers.add(Arc::new(move || _ = woken.fetch_add(1, Ordering::Relaxed)))
        };
        let kept = watch(&mut watchers);
        for _ in 0..100 {
            drop(watch(&mut watchers));
        }
        watchers.now().iter().for_each(|wake| wake());
        assert_eq!((woken.load(Ordering::Relaxed), watchers.0.len()), (1, 1));
        // What a wake holds goes with the watch.
        drop(kept);
        assert_eq!(Arc::strong_count(&woken), 1);
        assert!(watchers.now().is_empty());
    }
}
