//! When time itself will change something of an account.

use super::Account;
use crate::Timestamp;

impl Account {
    /// The earliest instant at which a lot is to be activated or lapses or a hold times out, or something is left to be handed over, as far as that is not
    /// journaled yet; `None`: time changes nothing. It costs the same however many lots and holds there are.
    ///
    /// From then on, and not before, [`crate::decide`] has something to say to [`crate::Command::TimePassed`].
    pub fn next_due(&self) -> Option<Timestamp> {
        if let Some(forward) = &self.forward {
            return (!self.is_handed_over()).then_some(forward.at);
        }
        let lots = self.purses.values().filter_map(|purse| purse.lots.next_due());
        lots.chain(self.burns.next_due()).min()
    }
}
