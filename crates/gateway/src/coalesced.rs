//! One question for all who have it at the same time.

use tokio::sync::Mutex;
use tokio::time::Instant;

/// The answer to a question, and when it was asked.
pub(crate) struct Coalesced<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Coalesced<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Coalesced<T> {
    /// An answer to a question that was asked no earlier than now. One is asked at a time; who comes meanwhile waits for it, and
    /// then one of them asks for all.
    pub(crate) async fn ask<E>(&self, question: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let wanted = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((asked, answer)) = &*last
            && *asked > wanted
        {
            return Ok(answer.clone());
        }
        let asked = Instant::now();
        let answer = question.await?;
        *last = Some((asked, answer.clone()));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::Notify;
    use tokio::task::JoinSet;

    use super::*;

    /// Asks a question that is answered with its number once it may be.
    async fn ask(coalesced: &Coalesced<u64>, asked: &AtomicU64, free: &Notify) -> Result<u64, ()> {
        coalesced
            .ask(async {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                free.notified().await;
                Ok(number)
            })
            .await
    }

    #[tokio::test]
    async fn who_comes_while_it_is_asked_gets_the_next_answer_and_not_this_one() {
        let (coalesced, asked, free) =
            (Arc::new(Coalesced::default()), Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let (coalesced, asked, free) = (Arc::clone(&coalesced), Arc::clone(&asked), Arc::clone(&free));
            callers.spawn(async move { ask(&coalesced, &asked, &free).await });
        }
        // On one thread, all of them have come before any is answered.
        while asked.load(Ordering::Relaxed) < 1 {
            tokio::task::yield_now().await;
        }
        free.notify_one();
        assert_eq!(callers.join_next().await.unwrap().unwrap(), Ok(0));
        free.notify_one();
        let answers = callers.join_all().await;
        assert_eq!((answers.len(), asked.load(Ordering::Relaxed)), (99, 2));
        assert!(answers.iter().all(|answer| *answer == Ok(1)), "{answers:?}");
        // What was answered before is old for who comes now.
        free.notify_one();
        assert_eq!(ask(&coalesced, &asked, &free).await, Ok(2));
    }

    #[tokio::test]
    async fn a_question_that_fails_or_is_given_up_is_the_next_ones_to_ask() {
        let coalesced = Coalesced::default();
        assert_eq!(coalesced.ask(async { Err::<u64, _>("away") }).await, Err("away"));
        let never = coalesced.ask(std::future::pending::<Result<u64, ()>>());
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), never).await.is_err());
        assert_eq!(coalesced.ask(async { Ok::<_, ()>(7) }).await, Ok(7));
    }
}
