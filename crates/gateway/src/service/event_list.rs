//! Lists of what became of the events that a partner sent for an identifier.

use coalition_domain::{AccountId, Fingerprint, Outcome, PartnerId, Reference, Role, event_key};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::AccountView;
use coalition_proto::event::v1 as proto;
use coalition_proto::r#type::v1::EventState;

use super::Gateway;
use super::partner::check_partner;
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{event, position, request};
use crate::forward::blocking;
use crate::history;
use crate::page::Page;
use crate::status::Failure;

/// Which events are asked for, and by whom.
struct Filter {
    partner: PartnerId,
    order: Option<Reference>,
    state: Option<EventState>,
    role: Role,
}

/// An event in the history of its identifier's account.
enum Found {
    /// Decided there.
    Here(Box<proto::PartnerEventRecord>),
    /// Decided by another account, where it has this key: of a linked member, or the one that knows the event's order.
    There(AccountId, Fingerprint),
}

impl Gateway {
    pub(super) async fn partner_events(
        &self,
        call: &Call,
        request: proto::ListPartnerEventsRequest,
    ) -> Result<proto::ListPartnerEventsResponse, Failure> {
        let filter = Filter::read(call, &request)?;
        let (named, order) = (request.identifier.as_ref(), &request.order_id);
        let id = request::account_of_event(filter.partner, named, order, "")?;
        let told = [filter.partner.to_string(), id.to_string(), request.state.to_string(), request.order_id];
        let told = told.each_ref().map(String::as_str);
        let page = Page::<u32>::of(call, request.page_size, &request.page_token, &told)?;
        check_partner(&self.registry(call, &MinPositions::default()).await?.registry, &filter.partner)?;
        let min = self.min(request.min_position.as_ref())?;
        let view = self.account(call, id, &min).await?;
        let position = Some(position::to_proto(view.position));
        let walked = blocking(call, move || {
            let (found, next) =
                history::walk(&view, page.after, page.size, |entry| filter.find(&view, entry))?;
            Ok((filter, found, next.map(|next| page.token(&next))))
        });
        let (filter, found, next) = walked.await?;
        let mut partner_events = Vec::with_capacity(found.len());
        for found in found {
            match found {
                Found::Here(record) => partner_events.push(*record),
                // Not while it is on its way.
                Found::There(to, key) => {
                    let (view, decided, _) = self.decided(call, to, key, &min).await?;
                    partner_events.extend(decided.and_then(|activity| filter.tell(&view, &activity)));
                }
            }
        }
        Ok(proto::ListPartnerEventsResponse {
            partner_events,
            next_page_token: next.unwrap_or_default(),
            position,
        })
    }
}

impl Filter {
    fn read(call: &Call, request: &proto::ListPartnerEventsRequest) -> Result<Self, Failure> {
        let partner = call.partner_named("partner", &request.partner)?;
        let order = Some(request.order_id.as_str()).filter(|order| !order.is_empty());
        let order = order.map(|order| request::reference("order_id", order)).transpose()?;
        let state = match EventState::try_from(request.state) {
            Ok(EventState::Unspecified) => None,
            Ok(state @ (EventState::Waiting | EventState::Applied | EventState::Refused)) => Some(state),
            Ok(EventState::Received) => {
                return Err(Failure::invalid("state", "is one that no decision gives an event"));
            }
            Err(_) => return Err(Failure::invalid("state", "is none that the network knows")),
        };
        Ok(Self { partner, order, state, role: call.caller.role })
    }

    /// The event of an activity of its identifier's account, if it is asked for. One that waited, or that was corrected and
    /// sent again, has several activities, of which one stands.
    fn find(&self, view: &AccountView, activity: &Activity) -> Option<Found> {
        let event = activity.decision.command.event()?;
        // What was forwarded from other accounts is listed with their identifiers; what came back is the own.
        if event.identifier.account() != view.account().id() {
            return None;
        }
        let of_order = |order| event::order(&event.body) == Some(order);
        if event.partner != self.partner || !self.order.as_ref().is_none_or(of_order) {
            return None;
        }
        let key = event_key(event.partner, &event.event_id);
        let stands = match view.account().keys().activity(&key) {
            Some(number) => number == activity.number,
            // What is forgotten is too old to wait.
            None => !matches!(activity.decision.outcome, Outcome::Waiting(_)),
        };
        match activity.decision.outcome {
            _ if !stands => None,
            Outcome::Forwarded(to) => Some(Found::There(to, key)),
            Outcome::Applied(_) | Outcome::Refused(_) | Outcome::Waiting(_) => {
                self.tell(view, activity).map(Box::new).map(Found::Here)
            }
        }
    }

    fn tell(&self, view: &AccountView, activity: &Activity) -> Option<proto::PartnerEventRecord> {
        let event = activity.decision.command.event()?;
        let record = event::to_proto(event, activity, &view.registry, (view.position.shard, self.role));
        self.state.is_none_or(|state| record.state() == state).then_some(record)
    }
}
