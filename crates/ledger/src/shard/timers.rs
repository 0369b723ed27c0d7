//! What time brings about in accounts: found in the index, and decided like everything else.

use coalition_domain::{AccountId, Command, Timestamp};

use super::{Output, Shard};
use crate::draft::{Draft, Drafted};

/// Of a batch's commands and bytes, time gets one in so many: commands go on when much is due at once.
const SHARE: usize = 4;

impl Shard {
    /// The accounts of which something is due, as many as one batch may take, and asks the store for further ones in time.
    pub(super) fn due_accounts(&mut self, decided_at: Timestamp, out: &mut Vec<Output>) -> Vec<AccountId> {
        if self.ending {
            return Vec::new();
        }
        if let Some((after, most)) = self.state.timers.ask(decided_at) {
            out.push(Output::LoadTimers { after, most });
        }
        let due = self.state.timers.at(decided_at).filter(|id| !self.timeless.contains(id));
        due.take(self.timers_share()).collect()
    }

    pub(super) fn timers_share(&self) -> usize {
        (self.limits.batch_commands_max / SHARE).max(1)
    }

    /// Drafts what is due of the accounts that are in memory, and has the others loaded.
    pub(super) fn draft_timers(&mut self, due: &[AccountId], draft: &mut Draft, out: &mut Vec<Output>) {
        let missing: Vec<_> = due.iter().copied().filter(|id| !self.state.accounts.contains(id)).collect();
        self.load(missing, out);
        let count = draft.count() as usize + self.timers_share();
        let bytes = draft.bytes() + self.limits.batch_bytes_max / SHARE;
        for id in due.iter().filter(|id| self.state.accounts.contains(id)).copied().collect::<Vec<_>>() {
            let mut decided = draft.has(&id);
            loop {
                if draft.count() as usize >= count || draft.bytes() >= bytes {
                    return;
                }
                match draft.account(&self.state, Command::TimePassed { account: id }, None) {
                    Drafted::Item(_) => decided = true,
                    Drafted::Nothing => break,
                    Drafted::Full => return,
                    Drafted::Known(_) | Drafted::InBatch(_) | Drafted::KnownRegistry(_) => {
                        unreachable!("time is never a repeat")
                    }
                }
            }
            if !decided {
                // Its decision panicked, which was noted: to try again at once would change nothing.
                self.timeless.insert(id);
            }
        }
    }
}
