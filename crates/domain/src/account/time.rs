//! When time itself will change something of an account.

use super::Account;
use crate::Timestamp;

impl Account {
    /// The earliest instant at which a lot is to be activated or lapses, as far as that is not journaled yet; `None`: time
    /// changes nothing. It costs the same however many lots there are.
    ///
    /// From then on, and not before, [`crate::decide`] has something to say to [`crate::Command::TimePassed`].
    pub fn next_due(&self) -> Option<Timestamp> {
        self.purses.values().filter_map(|purse| purse.lots.next_due()).min()
    }
}
