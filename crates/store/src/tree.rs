//! The open sled database of one shard, and its reader.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread;
use std::time::Duration;

use crate::admit::OWN;
use crate::error::{Damage, Error, Result};
use crate::fault::shield;
use crate::port::{Identity, Mark, Order, Range, Reader, Row};
use crate::row::{Check, MARK_KEY, MarkRow, Sum, said, unseal};

/// How long a database may take to end its threads before it is left to itself.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// An open database until it is stopped; shared by one writer and any readers.
#[derive(Clone)]
pub(crate) struct Tree(Arc<RwLock<Option<Arc<Open>>>>);

struct Open {
    /// `Some` until it is dropped.
    db: Option<sled::Db>,
    /// A checkpoint is being written: some of its rows are there.
    moves: AtomicBool,
}

impl Drop for Open {
    fn drop(&mut self) {
        // On damaged files sled's own thread can have died, and then dropping the database waits for ever.
        let db = self.db.take();
        let (closed, close) = mpsc::channel();
        let closing = thread::Builder::new().name("store close".to_owned()).spawn(move || {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(db)));
            // The other end may have given up.
            let _ = closed.send(dropped.is_ok());
        });
        if closing.is_err() || !close.recv_timeout(CLOSE_LIMIT).unwrap_or(false) {
            tracing::warn!("store did not close cleanly");
        }
    }
}

impl Tree {
    pub(crate) fn new(db: sled::Db) -> Self {
        let open = Open { db: Some(db), moves: AtomicBool::new(false) };
        Self(Arc::new(RwLock::new(Some(Arc::new(open)))))
    }

    /// Ends every use of it: calls under way finish, later ones are [`Error::Stopped`].
    pub(crate) fn stop(&self) {
        let open = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(open);
    }

    /// Calls sled. After an error that tells of damage nothing more is read.
    pub(crate) fn call<T>(
        &self,
        doing: &'static str,
        call: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T> {
        let open = self.open()?;
        let db = open.db.as_ref().ok_or(Error::Stopped)?;
        self.stop_if_damaged(shield(doing, || call(db)))
    }

    fn open(&self) -> Result<Arc<Open>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Stopped)
    }

    /// Writes rows one after the other; meanwhile they stand for no mark. After an error nothing more is read.
    pub(crate) fn moving<T>(&self, write: impl FnOnce() -> Result<T>) -> Result<T> {
        let open = self.open()?;
        open.moves.store(true, Ordering::SeqCst);
        let done = write()?;
        open.moves.store(false, Ordering::SeqCst);
        Ok(done)
    }

    fn stop_if_damaged<T>(&self, done: Result<T>) -> Result<T> {
        if let Err(Error::Damaged(_)) = done {
            self.stop();
        }
        done
    }

    /// What the rows under `keys`, each where there is one, say that their checks are: what is about to be written anew
    /// need not be sound, as the sum of the rows is.
    pub(crate) fn checks<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Option<Check>>> {
        let said = self.call("read checks", |db| {
            let said = |key| Ok(db.get(key)?.map(|stored| said(key, &stored)).transpose());
            keys.map(said).collect::<sled::Result<Vec<_>>>()
        })?;
        let said: std::result::Result<_, Damage> = said.into_iter().collect();
        self.stop_if_damaged(said.map_err(Error::from))
    }

    pub(crate) fn mark_row(&self) -> Result<Option<MarkRow>> {
        let row = self.row(MARK_KEY, |_, value| MarkRow::decode(value))?;
        // A layout that is not ours, under a good check, is another version's.
        let row =
            row.map(|row| row.ok_or_else(|| Damage::Unreadable("mark of another layout".to_owned()).into()));
        self.stop_if_damaged(row.transpose())
    }

    fn row<T>(&self, key: &[u8], of: impl FnOnce(Check, &[u8]) -> T) -> Result<Option<T>> {
        let Some(stored) = self.call("read a row", |db| db.get(key))? else { return Ok(None) };
        let row = unseal(key, &stored).map(|(check, value)| Some(of(check, value)));
        self.stop_if_damaged(row.map_err(Error::from))
    }

    /// Reads everything: that each row is what was written, that they are of `identity`, and that none is missing or old.
    pub(crate) fn check_all(&self, identity: &Identity) -> Result<Option<(Mark, Sum)>> {
        let row = self.mark_row()?;
        if let Some(row) = &row
            && row.identity != *identity
        {
            return Err(Damage::Foreign { expected: *identity, found: row.identity }.into());
        }
        let (mut found, mut bad) = (Sum::default(), None);
        self.call("read all rows", |db| {
            for stored in db.iter() {
                let (key, value) = stored?;
                match unseal(&key, &value) {
                    Ok(_) if *key == *MARK_KEY => {}
                    Ok((check, _)) => found.add(check),
                    Err(why) => bad = Some(why),
                }
            }
            Ok(())
        })?;
        if let Some(why) = bad {
            return Err(why.into());
        }
        let written = row.map(|row| row.sum).unwrap_or_default();
        if written != found {
            return Err(Damage::Sum { expected: written.rows, found: found.rows }.into());
        }
        Ok(row.map(|row| (row.mark, row.sum)))
    }
}

impl Reader for Tree {
    fn mark(&self) -> Result<Option<Mark>> {
        if self.open()?.moves.load(Ordering::SeqCst) {
            return Err(Error::Moved);
        }
        Ok(self.mark_row()?.map(|row| row.mark))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if key.first().is_none_or(|first| *first == OWN) {
            return Ok(None);
        }
        self.row(key, |_, value| value.to_vec())
    }

    fn scan(&self, range: &Range, order: Order, limit: usize) -> Result<Vec<Row>> {
        // The store's own rows lie in front of all others.
        let from = range.from.as_slice().max(&[OWN + 1]);
        let to = range.to.as_deref();
        if to.is_some_and(|to| to <= from) {
            return Ok(Vec::new());
        }
        let bounds = (Bound::Included(from), to.map_or(Bound::Unbounded, Bound::Excluded));
        let stored: Vec<_> = self.call("scan rows", |db| {
            let rows = db.range::<&[u8], _>(bounds);
            match order {
                Order::Ascending => rows.take(limit).collect(),
                Order::Descending => rows.rev().take(limit).collect(),
            }
        })?;
        let rows = stored.into_iter().map(|(key, stored)| {
            let (_, value) = unseal(&key, &stored)?;
            Ok(Row { key: key.to_vec(), value: value.to_vec() })
        });
        self.stop_if_damaged(rows.collect())
    }
}
