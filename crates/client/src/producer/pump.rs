//! Publishes what waits: one call at a time, so that events keep their order, and again and again until it is done.

use coalition_proto::event::v1::PartnerEvent;
use prost::Message;
use tokio::sync::{mpsc, oneshot};

use super::keeper::Input;
use super::{OnRefused, Transport, Trouble};
use crate::retry::Pauses;

/// Tells the keeper when the task ends by a panic.
struct Watch(mpsc::Sender<Input>);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = "the task that publishes panicked".to_owned();
            // With a full channel it is not told; the panic itself was.
            drop(self.0.try_send(Input::Ended { why }));
        }
    }
}

/// Goes on until there is no keeper any more, or nothing can be published.
pub(super) async fn pump(keeper: mpsc::Sender<Input>, mut transport: impl Transport, on_refused: OnRefused) {
    let _watch = Watch(keeper.clone());
    loop {
        let (events, next) = oneshot::channel();
        if keeper.send(Input::Next { events }).await.is_err() {
            return;
        }
        let Ok(events) = next.await else { return };
        let decoded: Result<Vec<_>, _> =
            events.iter().map(|event| PartnerEvent::decode(event.as_slice())).collect();
        let outcome = match decoded {
            Ok(events) => publish(&keeper, &mut transport, &events, &on_refused).await,
            Err(error) => Err(format!("the spool holds what is no event: {error}")),
        };
        let input = match outcome {
            Ok(refused) => Input::Settled { events: events.len(), refused },
            Err(why) => Input::Ended { why },
        };
        let ended = matches!(input, Input::Ended { .. });
        if keeper.send(input).await.is_err() || ended {
            return;
        }
    }
}

/// Publishes events until they are; gives how many of them were refused.
async fn publish(
    keeper: &mpsc::Sender<Input>,
    transport: &mut impl Transport,
    events: &[PartnerEvent],
    on_refused: &OnRefused,
) -> Result<u64, String> {
    let mut pauses = Pauses::new();
    loop {
        match transport.publish(events).await {
            Ok(refused) => {
                for (place, refusal) in &refused {
                    if let Some(event) = events.get(*place) {
                        on_refused(event, refusal);
                    }
                }
                return Ok(refused.len() as u64);
            }
            Err(Trouble::Ended(why)) => return Err(why),
            Err(Trouble::Away { why, wait }) => {
                tracing::warn!(
                    why,
                    events = events.len(),
                    "events are not published yet; they are tried again"
                );
                // Without a keeper there is nobody to publish for; the next question ends it.
                drop(keeper.send(Input::Away).await);
                tokio::time::sleep(pauses.next(wait)).await;
            }
        }
    }
}
