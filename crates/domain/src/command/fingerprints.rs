//! What commands are known by: fingerprints of their ids and of what they say. Frozen, as dedup entries hold them.

use super::{AdjustmentChange, Command, EventBody, PartnerEvent, Returned, RewardChange, Role};
use crate::adjustment::{Adjustment, Entry};
use crate::handover::Handover;
use crate::{AccountId, Feed, Fingerprint, Identifier, Money, PartnerId, Reference, RequestId, Scheme};

impl Command {
    /// What it says: a repeat has the same content, else its id was used twice. Frozen.
    pub fn content(&self) -> Fingerprint {
        match self {
            Self::PartnerEvent(event) | Self::Forwarded { event, .. } => event_content(event),
            Self::Enrol { identifier, .. } => identify(Fingerprint::of("enrol"), identifier).done(),
            Self::Redeem { account, programme, reward, quantity, .. } => Fingerprint::of("redeem")
                .field(1, account.0.as_bytes())
                .field(2, programme.as_str().as_bytes())
                .field(3, reward.as_str().as_bytes())
                .field(4, &quantity.to_be_bytes())
                .done(),
            Self::TimePassed { account } => {
                Fingerprint::of("time_passed").field(1, account.0.as_bytes()).done()
            }
            Self::Reward { account, change, .. } => reward_content(account, change),
            Self::Adjust { account, change, .. } => adjustment_content(account, change),
            Self::Link { identifier, member, .. } => {
                identify(Fingerprint::of("link"), identifier).field(4, member.0.as_bytes()).done()
            }
            Self::Adopt(Handover { from, to, .. }) => {
                Fingerprint::of("adopt").field(1, from.0.as_bytes()).field(2, to.0.as_bytes()).done()
            }
            Self::Consent { account, purpose, given, .. } => Fingerprint::of("consent")
                .field(1, account.0.as_bytes())
                .field(2, purpose.as_str().as_bytes())
                .field(3, &[u8::from(*given)])
                .done(),
            Self::Unlink { identifier, member, .. } => {
                identify(Fingerprint::of("unlink"), identifier).field(4, member.0.as_bytes()).done()
            }
            Self::AcceptLinks { account, .. } => {
                Fingerprint::of("accept_links").field(1, account.0.as_bytes()).done()
            }
            Self::FindOrder { order, asker, until } => Fingerprint::of("find_order")
                .field(1, order.bytes())
                .field(2, asker.0.as_bytes())
                .field(3, &until.as_millis().to_be_bytes())
                .done(),
            Self::LocateOrder { account, order, asker } => Fingerprint::of("locate_order")
                .field(1, account.0.as_bytes())
                .field(2, order.bytes())
                .field(3, asker.0.as_bytes())
                .done(),
            Self::OrderLocated { account, order, at } => Fingerprint::of("order_located")
                .field(1, account.0.as_bytes())
                .field(2, order.bytes())
                .field(3, at.0.as_bytes())
                .done(),
        }
    }
}

/// What a partner's event counts under in the account that it is placed in. Frozen.
pub fn event_key(partner: PartnerId, event_id: &Reference) -> Fingerprint {
    Fingerprint::of("event")
        .field(1, partner.as_str().as_bytes())
        .field(2, event_id.as_str().as_bytes())
        .done()
}

/// What a caller's request counts under; the same for every key of the caller. Frozen.
pub fn request_key(role: Role, request: RequestId) -> Fingerprint {
    let feed = Fingerprint::of("request").field(1, request.uuid().as_bytes());
    match role {
        Role::Operator => feed,
        Role::Partner(partner) => feed.field(2, partner.as_str().as_bytes()),
        Role::Member(account) => feed.field(3, account.0.as_bytes()),
    }
    .done()
}

fn reward_content(account: &AccountId, change: &RewardChange) -> Fingerprint {
    let of = |kind| Fingerprint::of(kind).field(1, account.0.as_bytes());
    match change {
        RewardChange::Hold { programme, reward, quantity, ttl } => of("hold")
            .field(2, programme.as_str().as_bytes())
            .field(3, reward.as_str().as_bytes())
            .field(4, &quantity.to_be_bytes())
            .field(5, &ttl.as_millis().to_be_bytes()),
        RewardChange::Capture { hold, points } => of("capture")
            .field(2, &hold.0.to_be_bytes())
            .optional(3, points.map(|points| points.get().to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice)),
        RewardChange::Release { hold } => of("release").field(2, &hold.0.to_be_bytes()),
        RewardChange::Refund { redemption } => of("refund").field(2, &redemption.0.to_be_bytes()),
    }
    .done()
}

fn adjustment_content(account: &AccountId, change: &AdjustmentChange) -> Fingerprint {
    let of = |kind| Fingerprint::of(kind).field(1, account.0.as_bytes());
    match change {
        AdjustmentChange::Create(Adjustment { programme, points, entry, reason, note }) => {
            let feed = match entry {
                Entry::Grant { funder, category, expires_at } => {
                    of("grant").field(2, funder.as_str().as_bytes()).field(3, &[*category as u8]).optional(
                        4,
                        expires_at.map(|at| at.as_millis().to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice),
                    )
                }
                Entry::Take { owed_to } => {
                    of("take").optional(2, owed_to.as_ref().map(|to| to.as_str().as_bytes()))
                }
            };
            feed.field(5, programme.as_str().as_bytes())
                .field(6, &points.get().to_be_bytes())
                .field(7, &[*reason as u8])
                .optional(8, note.as_ref().map(|note| note.as_str().as_bytes()))
        }
        AdjustmentChange::Approve { adjustment } => of("approve").field(2, &adjustment.0.to_be_bytes()),
        AdjustmentChange::Reject { adjustment } => of("reject").field(2, &adjustment.0.to_be_bytes()),
    }
    .done()
}

fn event_content(event: &PartnerEvent) -> Fingerprint {
    let feed = identify(Fingerprint::of(event.body.kind()), &event.identifier)
        .optional(4, event.programme.as_ref().map(|id| id.as_str().as_bytes()))
        .field(5, &event.event_time.as_millis().to_be_bytes())
        .optional(6, event.channel.as_ref().map(|channel| channel.as_str().as_bytes()))
        .optional(7, event.body.reference().map(|reference| reference.as_str().as_bytes()))
        .optional(
            12,
            (event.revision > 0).then(|| event.revision.to_be_bytes()).as_ref().map(<[u8; 4]>::as_slice),
        );
    match &event.body {
        EventBody::SignUp { consents } => {
            consents.iter().fold(feed, |feed, purpose| feed.field(8, purpose.as_str().as_bytes()))
        }
        EventBody::ConsentGiven { purpose } | EventBody::ConsentWithdrawn { purpose } => {
            feed.field(8, purpose.as_str().as_bytes())
        }
        EventBody::Purchase { amount, .. } => money(feed, amount),
        EventBody::EmailRead { .. } | EventBody::AccountOpening { .. } | EventBody::AccountClosing { .. } => {
            feed
        }
        EventBody::Engagement { kind, .. } => feed.field(11, kind.as_str().as_bytes()),
        EventBody::Basket { amount, lines, .. } => lines.iter().fold(money(feed, amount), |feed, line| {
            money(feed.field(13, line.line.as_str().as_bytes()), &line.amount)
        }),
        EventBody::Return { what: Returned::Whole, .. } => feed,
        EventBody::Return { what: Returned::Amount(amount), .. } => money(feed, amount),
        EventBody::Return { what: Returned::Lines(lines), .. } => lines.iter().fold(feed, |feed, line| {
            let feed = feed.field(13, line.line.as_str().as_bytes());
            line.amount.iter().fold(feed, money)
        }),
    }
    .done()
}

fn money(feed: Feed, money: &Money) -> Feed {
    feed.field(9, money.currency.code().as_bytes()).field(10, &money.micros.to_be_bytes())
}

fn identify(feed: Feed, identifier: &Identifier) -> Feed {
    let (scheme, scope) = match identifier.scheme() {
        Scheme::EmailHash => (1, None),
        Scheme::CardToken => (2, None),
        Scheme::CustomerNumber(partner) => (3, Some(partner)),
        Scheme::Order(partner) => (4, Some(partner)),
    };
    feed.field(1, &[scheme])
        .optional(2, scope.as_ref().map(|partner| partner.as_str().as_bytes()))
        .field(3, identifier.value().as_bytes())
}
