//! Whose an identifier may be, and which account stays where it is.

use coalition_domain::{AccountId, Command, Identifier, Purpose, Role, Scheme};

use super::account::Account;

impl Account {
    /// Whether an identifier may be made a member's: the first word on it counts, but for partners', who sign up whom they meet.
    pub(super) fn may_belong(&self, role: Role, command: &Command) -> Result<(), &'static str> {
        let taken = if let Command::Link { identifier, member, .. } = command {
            self.stays || identifier.account() == *member
        } else {
            self.enrolled
        };
        match role {
            Role::Member(_) => Err("PERMISSION_DENIED"),
            Role::Operator | Role::Partner(_) if self.forward.is_some() => Err("IDENTIFIER_LINKED"),
            Role::Operator | Role::Partner(_) if taken => Err("ALREADY_ENROLLED"),
            Role::Operator | Role::Partner(_) => Ok(()),
        }
    }

    /// Whether a member's word on a consent is taken.
    pub(super) fn may_consent(
        &self,
        role: Role,
        account: AccountId,
        purpose: &Purpose,
        given: bool,
    ) -> Result<(), &'static str> {
        let own = match role {
            Role::Operator => true,
            Role::Member(member) => member == account,
            Role::Partner(_) => false,
        };
        if !own || given && purpose.as_str() == "sign-in" {
            Err("PERMISSION_DENIED")
        } else if !self.enrolled {
            Err("NOT_ENROLLED")
        } else {
            Ok(())
        }
    }

    /// Whether others may follow the account, which then follows nobody for good.
    pub(super) fn may_stay(&self, role: Role) -> Result<(), &'static str> {
        match (role, self.forward, self.enrolled) {
            (Role::Member(_), ..) => Err("PERMISSION_DENIED"),
            (_, Some(_), _) => Err("ACCOUNT_LINKED"),
            (_, None, false) => Err("NOT_ENROLLED"),
            (_, None, true) => Ok(()),
        }
    }

    /// Whether the account may leave the one that it follows.
    pub(super) fn may_leave(
        &self,
        role: Role,
        identifier: &Identifier,
        member: AccountId,
    ) -> Result<(), &'static str> {
        let may = match role {
            Role::Operator => true,
            Role::Partner(partner) => identifier.scheme() == Scheme::CustomerNumber(partner),
            Role::Member(own) => own == member,
        };
        if !may {
            Err("PERMISSION_DENIED")
        } else if identifier.account() == member {
            Err("IDENTIFIER_ENROLLED")
        } else if self.forward != Some(member) {
            Err("IDENTIFIER_NOT_LINKED")
        } else if !self.has_nothing_left() {
            Err("HANDOVER_UNFINISHED")
        } else {
            Ok(())
        }
    }

    /// Whether nothing is left to be handed over.
    pub(super) fn has_nothing_left(&self) -> bool {
        let gone = self.lots.is_empty() && self.debts.is_empty() && self.waiting.is_empty();
        gone && self.claims.is_subset(&self.handed)
    }

    /// Notes what only a member does, and that others follow.
    pub(super) fn note_stay(&mut self, command: &Command) {
        self.stays |= match command {
            Command::Enrol { .. }
            | Command::Redeem { .. }
            | Command::Reward { .. }
            | Command::Adjust { .. }
            | Command::AcceptLinks { .. }
            | Command::Adopt(_) => true,
            // Who speaks for themselves is there.
            Command::Consent { caller, .. } => matches!(caller.role, Role::Member(_)),
            Command::PartnerEvent(_)
            | Command::Forwarded { .. }
            | Command::TimePassed { .. }
            | Command::Link { .. }
            | Command::Unlink { .. }
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. } => false,
        };
    }
}
