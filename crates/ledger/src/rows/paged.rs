//! Pages of what an account keeps for ever: in its own row as long as there is a small one, else in rows of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use coalition_domain::pages::{Page, Weigh};
use coalition_domain::{AccountId, AdjustmentId, BurnId, Fingerprint};
use coalition_store::Checkpoint;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Error, account_key, decode, delete_parts, encode, news, put_parts};

/// Holds and redemptions, among the rows of an account.
pub(super) const BURNS: u8 = 3;

/// Orders, among the rows of an account.
pub(super) const ORDERS: u8 = 4;

/// Adjustments, among the rows of an account.
pub(super) const ADJUSTMENTS: u8 = 5;

/// A page of this weight at most lies in the account's own row, which is written whenever anything of it changes.
const INLINE_BYTES: usize = 1024;

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
    kind: u8,
    pages: &'a [Arc<Page<V, K>>],
    since: Option<u64>,
    cleared: bool,
) -> Option<&'a Page<V, K>> {
    let key = |page: &Page<V, K>| account_key(account, &[&[kind], &page.from.bytes()]);
    if let [page] = pages
        && page.weight() <= INLINE_BYTES
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
