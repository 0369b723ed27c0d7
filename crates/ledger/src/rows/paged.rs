//! Pages of what an account keeps for ever: in its own row as long as there is a small one, else in rows of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use coalition_domain::pages::{Page, Weigh};
use coalition_domain::{AccountId, AdjustmentId, BurnId, Fingerprint};
use coalition_store::Checkpoint;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Error, account_key, decode, delete_parts, encode, news, put_parts};

/// Pages of one kind, among the rows of an account.
pub(super) struct Kind {
    /// What their rows' keys have behind the account.
    pub(super) tag: u8,
    /// An only page of this weight at most lies in the account's own row, which is written whenever anything of it changes.
    inline_bytes: usize,
}

/// Holds and redemptions.
pub(super) const BURNS: Kind = Kind { tag: 3, inline_bytes: 1024 };

/// Orders. They change with each purchase, as the account's own row does: in a row apart they would double the rows of a
/// checkpoint, which cost more than their bytes. A weight is that of the longest names, stored they take a third.
pub(super) const ORDERS: Kind = Kind { tag: 4, inline_bytes: 4096 };

/// Adjustments.
pub(super) const ADJUSTMENTS: Kind = Kind { tag: 5, inline_bytes: 1024 };

/// What names a page in its row's key.
pub(super) trait Name: Copy + Ord + Default {
    /// Bytes that sort as the names do.
    fn bytes(&self) -> Vec<u8>;
}

impl Name for BurnId {
    fn bytes(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }
}

impl Name for AdjustmentId {
    fn bytes(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }
}

impl Name for Fingerprint {
    fn bytes(&self) -> Vec<u8> {
        Fingerprint::bytes(self).to_vec()
    }
}

/// Adds the rows of `pages` that are [`news`], and returns the page that belongs into the account's own row.
///
/// Pages never get lighter but by a split, and one that is split weighs less than a part: so no row is left behind, neither of
/// a page that lies in the account's own again, nor of the end of a longer value. An index that was ever `cleared` may have
/// had its only page in a row, which weighs less than a part, too.
pub(super) fn put<'a, V: Weigh + Serialize, K: Name + Serialize>(
    rows: &mut Checkpoint,
    account: &AccountId,
    kind: &Kind,
    pages: &'a [Arc<Page<V, K>>],
    since: Option<u64>,
    cleared: bool,
) -> Option<&'a Page<V, K>> {
    let key = |page: &Page<V, K>| account_key(account, &[&[kind.tag], &page.from.bytes()]);
    if let [page] = pages
        && page.weight() <= kind.inline_bytes
    {
        if cleared {
            delete_parts(rows, &key(page), 1);
        }
        return Some(page);
    }
    for page in pages.iter().filter(|page| news(page.changed, since)) {
        put_parts(rows, &key(page), &encode(&**page));
    }
    None
}

/// The parts of pages as a scan brings them, in the order of their keys.
#[derive(Default)]
pub(super) struct Parts(BTreeMap<Vec<u8>, Vec<u8>>);

impl Parts {
    /// Takes in a row: what its key has behind the kind, and its value.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let (name, _) = key.split_last_chunk::<2>().ok_or(Error::Row('a'))?;
        self.0.entry(name.to_vec()).or_default().extend_from_slice(value);
        Ok(())
    }

    /// The pages: the one of the account's own row, or those that have rows.
    pub(super) fn pages<V: DeserializeOwned, K: DeserializeOwned>(
        self,
        inline: Option<Page<V, K>>,
    ) -> Result<Vec<Page<V, K>>, Error> {
        match inline {
            Some(page) => Ok(vec![page]),
            None => self.0.values().map(|bytes| decode('a', bytes)).collect(),
        }
    }
}
