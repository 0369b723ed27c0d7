//! An account on its way to another process: the rows that it has in the store, and what is not there yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use coalition_domain::{AccountId, Timestamp};
use coalition_journal::entry::{Seq, Term};
use coalition_store::{Checkpoint, Mark, Order, Range, Reader, Row};
use serde::{Deserialize, Serialize};

use super::Unreadable;
use crate::accounts::Taken;
use crate::resident::{ActivityPage, Resident};
use crate::rows;
use crate::view::AccountView;

/// An account at a position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountWire {
    /// In whose store older activities are.
    pub term: Term,
    /// Whose.
    pub id: AccountId,
    /// Everything up to here is in it.
    pub seq: Seq,
    /// When the newest decision of the shard was taken.
    pub decided_at: Timestamp,
    /// Changes of the registry that the shard had heard of.
    pub changes: u64,
    /// As in the store: keys and values.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// Full pages of activities that the store may not have yet: position, first number, count, bytes.
    full: Vec<(u64, u32, u32, Vec<u8>)>,
}

impl AccountWire {
    pub(crate) fn of(view: &AccountView, term: Term) -> Self {
        let resident = Resident { full: Vec::new(), ..Resident::clone(&view.resident) };
        let taken = Taken { resident: Arc::new(resident), lot_rows_before: Vec::new() };
        let mut rows = Checkpoint::new(Mark { seq: view.position.seq.0, head: [0; 32] });
        rows::put_account(&mut rows, &taken, None);
        let rows = rows.rows().filter_map(|(key, value)| Some((key.to_vec(), value?.to_vec())));
        let full = view.resident.full.iter();
        Self {
            term,
            id: view.account().id(),
            seq: view.position.seq,
            decided_at: view.decided_at,
            changes: view.registry.changes(),
            rows: rows.collect(),
            full: full.map(|(seq, page)| (*seq, page.first, page.count, page.bytes.clone())).collect(),
        }
    }

    /// Whether it is an account: for the fuzz targets.
    #[doc(hidden)]
    #[must_use]
    pub fn is_readable(self) -> bool {
        self.resident().is_ok()
    }

    pub(crate) fn resident(self) -> Result<Resident, Unreadable> {
        let rows = Rows(self.rows.into_iter().collect());
        let mut resident = rows::load_account(&rows, &self.id).map_err(|_| Unreadable)?;
        let page = |(seq, first, count, bytes)| (seq, Arc::new(ActivityPage { first, count, bytes }));
        resident.full = self.full.into_iter().map(page).collect();
        Ok(resident)
    }
}

/// Rows that came along.
struct Rows(BTreeMap<Vec<u8>, Vec<u8>>);

impl Reader for Rows {
    fn mark(&self) -> coalition_store::Result<Option<Mark>> {
        Ok(None)
    }

    fn get(&self, key: &[u8]) -> coalition_store::Result<Option<Vec<u8>>> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, range: &Range, order: Order, limit: usize) -> coalition_store::Result<Vec<Row>> {
        let within = self.0.iter().filter(|(key, _)| range.contains(key));
        let row = |(key, value): (&Vec<u8>, &Vec<u8>)| Row { key: key.clone(), value: value.clone() };
        Ok(match order {
            Order::Ascending => within.take(limit).map(row).collect(),
            Order::Descending => within.rev().take(limit).map(row).collect(),
        })
    }
}
