//! Orders that other accounts wait for: searched for in the index, and decided by the accounts that know them.

use coalition_domain::Command;

use super::{Output, Shard};
use crate::draft::{Draft, Drafted};

impl Shard {
    /// Has the index searched for the next order that another account waits for. What memory has is found at once.
    pub(super) fn search_orders(&mut self, out: &mut Vec<Output>) {
        if !self.in_office() || self.stopped.is_some() {
            return;
        }
        while let Some(order) = self.state.inquiries.take_unsearched() {
            if let Some(account) = self.state.finder.recent(&order) {
                self.state.inquiries.found(order, account);
                continue;
            }
            self.state.inquiries.search(true);
            let (segment, since) = (self.state.finder.in_memory(), self.state.searched_since());
            out.push(Output::FindOrder { order, segment, since });
        }
    }

    /// Drafts the answers of the accounts that may know an order, as far as they are in memory, and has the others loaded.
    pub(super) fn draft_inquiries(&mut self, draft: &mut Draft, out: &mut Vec<Output>) {
        let found: Vec<_> = self.state.inquiries.to_decide().take(self.timers_share()).collect();
        let missing = found.iter().map(|(_, account)| *account);
        let missing: Vec<_> = missing.filter(|account| !self.state.accounts.contains(account)).collect();
        self.load(missing, out);
        for ((order, asker), account) in found {
            if !self.state.accounts.contains(&account) {
                continue;
            }
            match draft.account(&self.state, Command::LocateOrder { account, order, asker }, None) {
                Drafted::Item(_) => {}
                Drafted::Nothing => self.state.inquiries.not_there((order, asker)),
                Drafted::Full => return,
                Drafted::Known(_) | Drafted::InBatch(_) | Drafted::KnownRegistry(_) => {
                    unreachable!("it has no id, and is never a repeat")
                }
            }
        }
    }
}
