//! What can be said of an event by what happened.

use crate::{EventBody, Money, Reference, Returned};

impl EventBody {
    /// The name that the event gives to what it is about.
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Purchase { order, .. } | Self::Basket { order, .. } | Self::Return { order, .. } => {
                Some(order)
            }
            Self::AccountClosing { reference } => Some(reference),
            Self::EmailRead { message } => Some(message),
            Self::AccountOpening { reference } | Self::Engagement { reference, .. } => reference.as_ref(),
            Self::SignUp { .. } | Self::ConsentGiven { .. } | Self::ConsentWithdrawn { .. } => None,
        }
    }

    /// Whether it begins something. What takes back or ends what was begun is for the member's good, or the issuer's due: it
    /// goes on at a suspended partner.
    pub fn begins(&self) -> bool {
        match self {
            Self::SignUp { .. }
            | Self::ConsentGiven { .. }
            | Self::Purchase { .. }
            | Self::EmailRead { .. }
            | Self::AccountOpening { .. }
            | Self::Engagement { .. }
            | Self::Basket { .. } => true,
            Self::ConsentWithdrawn { .. } | Self::Return { .. } | Self::AccountClosing { .. } => false,
        }
    }

    /// How many lines it names.
    pub fn lines(&self) -> usize {
        match self {
            Self::Basket { lines, .. } => lines.len(),
            Self::Return { what: Returned::Lines(lines), .. } => lines.len(),
            Self::Return { what: Returned::Whole | Returned::Amount(_), .. }
            | Self::SignUp { .. }
            | Self::ConsentGiven { .. }
            | Self::ConsentWithdrawn { .. }
            | Self::Purchase { .. }
            | Self::EmailRead { .. }
            | Self::AccountOpening { .. }
            | Self::Engagement { .. }
            | Self::AccountClosing { .. } => 0,
        }
    }

    /// What was paid, in a purchase.
    pub fn amount(&self) -> Option<&Money> {
        match self {
            Self::Purchase { amount, .. } | Self::Basket { amount, .. } => Some(amount),
            Self::SignUp { .. }
            | Self::ConsentGiven { .. }
            | Self::ConsentWithdrawn { .. }
            | Self::EmailRead { .. }
            | Self::AccountOpening { .. }
            | Self::Engagement { .. }
            | Self::Return { .. }
            | Self::AccountClosing { .. } => None,
        }
    }

    /// The kind, as documents and programmes write it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SignUp { .. } => "sign_up",
            Self::ConsentGiven { .. } => "consent_given",
            Self::ConsentWithdrawn { .. } => "consent_withdrawn",
            Self::Purchase { .. } | Self::Basket { .. } => "purchase",
            Self::EmailRead { .. } => "email_read",
            Self::AccountOpening { .. } => "account_opening",
            Self::Engagement { .. } => "engagement",
            Self::Return { .. } => "order_return",
            Self::AccountClosing { .. } => "account_closing",
        }
    }
}
