//! How the projection is laid out in the store.
//!
//! | key | value |
//! | --- | --- |
//! | `m` | [`Meta`] |
//! | `a` account `0` | the account, with lots, keys, holds, redemptions, orders, adjustments and latest activities as long as they are few |
//! | `a` account `0` part | what is too long for that row |
//! | `a` account `1` programme `\0` page | a page of lots |
//! | `a` account `2` lowest key | a page of known ids |
//! | `a` account `3` lowest name part | a page of holds and redemptions |
//! | `a` account `4` lowest key part | a page of orders |
//! | `a` account `5` lowest name part | a page of adjustments |
//! | `h` account first part | a full page of activities |
//! | `r` number part | a change of the registry |
//! | `q` fingerprint content part | an answered command to the registry |
//! | `x` number | a refused event that is to go back to its partner |
//! | `o` shard number part | a command to an account of another shard that is to go there |
//! | `t` until seq index | an event that waits: whose, and where its partner's topic has it |
//! | `d` instant account | an account of which something is due then; without a value |
//! | `i` segment bucket part | which accounts know the orders of a segment of the index: see `finder` |
//! | `e` segment bucket part | which accounts the events of a segment of that index came to |
//! | `w` order account | until when another account, of any shard, waits for an order |
//! | `b` programme `\0` book | a sum of the double entry |
//! | `s` programme `\0` hour line | a sum of settlement |
//!
//! Numbers are big-endian, so that rows lie in their order. What an account needs lies in one run of keys: one scan
//! loads it. Full pages of activities lie apart and are read only by those who ask for history.

mod paged;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use coalition_domain::account::{AccountParts, Consent, Enrolment, Purse};
use coalition_domain::adjustment::AdjustmentRecord;
use coalition_domain::burn::{Burn, Burns};
use coalition_domain::debt::Debts;
use coalition_domain::event::Book;
use coalition_domain::handover::{Forward, Linked};
use coalition_domain::keys::{KeyIndex, KeyPage};
use coalition_domain::lot::{LotBook, LotPage};
use coalition_domain::order::OrderRecord;
use coalition_domain::pages::{Page, Pages};
use coalition_domain::settlement::{Hour, LineKey, LineSum};
use coalition_domain::waiting::WaitingEvent;
use coalition_domain::{
    Account, AccountId, AdjustmentId, BurnId, Few, Fingerprint, PartnerId, Place, ProgrammeId, Purpose,
    Timestamp,
};
use coalition_journal::entry::ShardId;
use coalition_store::{Checkpoint, Order, Range, Reader, Row};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::paged::Parts;
use crate::accounts::Taken;
use crate::due::DueKey;
use crate::resident::{ActivityPage, Resident};
use crate::totals::LineOfHour;

/// The format of the rows: with another one the store is rebuilt from the journal.
pub const FORMAT: u32 = 13;

/// Larger values are cut into parts of this size, below what the store takes in a row.
const PART_BYTES: usize = 32 * 1024;

/// What an account's own row takes mostly, besides its activities.
const HEADER_BYTES: usize = 512;

/// Rows read at once by a scan.
const SCAN_ROWS: usize = 512;

/// Rows that can't be read: the projection is rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("read the projection")]
    Store(#[from] coalition_store::Error),
    /// A row does not hold what its key promises.
    #[error("a row under \"{0}\" can't be read")]
    Row(char),
}

/// The account's own row, as it is read. [`HeaderOf`] is how it is written.
#[derive(Deserialize)]
struct Header {
    activities: u32,
    enrolment: Option<Enrolment>,
    consents: Few<Purpose, Consent>,
    sign_in: BTreeSet<PartnerId>,
    /// Programme, debts, id of the next lot page, and the lots if they are few.
    purses: Vec<(ProgrammeId, Debts, u32, Option<LotPage>)>,
    /// The known ids if they are few.
    keys: Option<KeyPage>,
    tail: (u32, u32, Bytes),
    waiting: Vec<WaitingEvent>,
    /// The holds and redemptions if they are few.
    burns: Option<Page<Burn, BurnId>>,
    /// The orders if they are few.
    orders: Option<Page<OrderRecord>>,
    /// The adjustments if they are few.
    adjustments: Option<Page<AdjustmentRecord, AdjustmentId>>,
    forward: Option<Forward>,
    linked: Vec<Linked>,
    stays: bool,
    own_since: u32,
}

/// [`Header`] as it is written, out of what the account holds, without copies: field by field the same.
#[derive(Serialize)]
struct HeaderOf<'a> {
    activities: u32,
    enrolment: Option<&'a Enrolment>,
    consents: &'a Few<Purpose, Consent>,
    sign_in: &'a BTreeSet<PartnerId>,
    purses: Vec<(&'a ProgrammeId, &'a Debts, u32, Option<&'a LotPage>)>,
    keys: Option<&'a KeyPage>,
    tail: (u32, u32, Raw<'a>),
    waiting: &'a [WaitingEvent],
    burns: Option<&'a Page<Burn, BurnId>>,
    orders: Option<&'a Page<OrderRecord>>,
    adjustments: Option<&'a Page<AdjustmentRecord, AdjustmentId>>,
    forward: Option<&'a Forward>,
    linked: &'a [Linked],
    stays: bool,
    own_since: u32,
}

/// Bytes as one run: what a vector of them is written as one by one.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    encode_with_room(value, 0)
}

/// As [`encode`], of a value that will take about so many bytes: a small start grows, and is copied, many times.
fn encode_with_room<T: Serialize>(value: &T, bytes: usize) -> Vec<u8> {
    postcard::to_extend(value, Vec::with_capacity(bytes))
        .expect("a row has nothing that postcard can't write")
}

pub(crate) fn decode<T: DeserializeOwned>(kind: char, bytes: &[u8]) -> Result<T, Error> {
    postcard::from_bytes(bytes).map_err(|_| Error::Row(kind))
}

fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(kind);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

fn account_key(id: &AccountId, rest: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + 16 + rest.iter().map(|part| part.len()).sum::<usize>());
    key.push(b'a');
    key.extend_from_slice(id.0.as_bytes());
    rest.iter().for_each(|part| key.extend_from_slice(part));
    key
}

fn lots_key(id: &AccountId, programme: &ProgrammeId, page: u32) -> Vec<u8> {
    account_key(id, &[&[1], programme.as_str().as_bytes(), &[0], &page.to_be_bytes()])
}

/// Puts a value that may be larger than a row; it must never shrink by a part.
pub(crate) fn put_parts(rows: &mut Checkpoint, key: &[u8], value: &[u8]) {
    for (number, part) in value.chunks(PART_BYTES).enumerate() {
        let number = u16::try_from(number).expect("values are bounded far below 2 GiB");
        rows.put([key, &number.to_be_bytes()].concat(), part);
    }
}

/// Deletes what [`put_parts`] put, of so many bytes.
pub(crate) fn delete_parts(rows: &mut Checkpoint, key: &[u8], bytes: usize) {
    for number in 0..bytes.div_ceil(PART_BYTES) {
        let number = u16::try_from(number).expect("values are bounded far below 2 GiB");
        rows.delete([key, &number.to_be_bytes()].concat());
    }
}

/// Reads all rows of `range` in order.
pub(crate) fn scan(
    reader: &dyn Reader,
    mut range: Range,
    mut each: impl FnMut(Row) -> Result<(), Error>,
) -> Result<(), Error> {
    loop {
        let rows = reader.scan(&range, Order::Ascending, SCAN_ROWS)?;
        let more = rows.len() == SCAN_ROWS;
        if let Some(last) = rows.last() {
            range = range.after(&last.key, Order::Ascending);
        }
        rows.into_iter().try_for_each(&mut each)?;
        if !more {
            return Ok(());
        }
    }
}

/// Reads the values of `range` that were put in parts, each with its key without the part's number.
pub(crate) fn scan_parts(
    reader: &dyn Reader,
    range: Range,
    mut each: impl FnMut(&[u8], &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut whole: Option<(Vec<u8>, Vec<u8>)> = None;
    scan(reader, range, |row| {
        let (key, part) = row.key.split_last_chunk::<2>().ok_or(Error::Row('?'))?;
        match &mut whole {
            Some((known, value)) if known == key && *part != [0, 0] => value.extend_from_slice(&row.value),
            _ => {
                if let Some((key, value)) = whole.replace((key.to_vec(), row.value)) {
                    each(&key, &value)?;
                }
            }
        }
        Ok(())
    })?;
    whole.map_or(Ok(()), |(key, value)| each(&key, &value))
}

/// Whether what changed at the position `changed` is to be written: after `since`, or all of it. What was loaded and is as it was
/// then has no position, so no `since` stands for all.
fn news(changed: u64, since: Option<u64>) -> bool {
    since.is_none_or(|since| changed > since)
}

/// The key of a part of the account's own row: mostly there is only the first, which has no number.
fn own_key(id: &AccountId, part: usize) -> Vec<u8> {
    let part = u8::try_from(part).expect("what lies there is bounded far below 8 MiB");
    if part == 0 { account_key(id, &[&[0]]) } else { account_key(id, &[&[0, part]]) }
}

/// Adds the rows of an account that changed after `since`, or all of them; says how many its own takes. That may be fewer than before,
/// as what waits comes and goes.
pub fn put_account(rows: &mut Checkpoint, taken: &Taken, since: Option<u64>) -> u8 {
    let Taken { resident, lot_rows_before } = taken;
    let account = &resident.account;
    let id = account.id();
    let inline = resident.lots_inline();
    let keys = account.keys().pages();
    let header = HeaderOf {
        activities: account.activities(),
        enrolment: account.enrolment(),
        consents: account.consents(),
        sign_in: account.sign_in(),
        purses: account
            .purses()
            .iter()
            .map(|(programme, purse)| of_purse(programme, purse, inline))
            .collect(),
        keys: if keys.len() == 1 { Some(&keys[0]) } else { None },
        tail: (resident.tail.first, resident.tail.count, Raw(&resident.tail.bytes)),
        waiting: account.waiting(),
        burns: paged::put(rows, &id, &paged::BURNS, account.burns().pages(), since, false),
        orders: paged::put(
            rows,
            &id,
            &paged::ORDERS,
            account.orders().pages(),
            since,
            account.own_since() > 0,
        ),
        adjustments: paged::put(rows, &id, &paged::ADJUSTMENTS, account.adjustments().pages(), since, false),
        forward: account.forward(),
        linked: account.linked(),
        stays: account.stays(),
        own_since: account.own_since(),
    };
    let room = resident.tail.bytes.len() + HEADER_BYTES;
    let mut row = encode_with_room(&header, room);
    // On its way to another process, which may be of an earlier version, nothing bounds a row.
    let parts = if since.is_some() { row.len().div_ceil(PART_BYTES) } else { 1 };
    if parts == 1 {
        // All rows of a checkpoint are in memory at once.
        row.shrink_to_fit();
        rows.put(own_key(&id, 0), row);
    } else {
        row.chunks(PART_BYTES).enumerate().for_each(|(number, part)| rows.put(own_key(&id, number), part));
    }
    for number in parts..usize::from(resident.own_rows) {
        rows.delete(own_key(&id, number));
    }

    let lot_rows = resident.lot_rows();
    for (programme, purse) in account.purses().iter().filter(|_| !inline) {
        for page in purse.lots.pages() {
            if news(page.changed, since) || !lot_rows_before.contains(&(*programme, page.id)) {
                rows.put(lots_key(&id, programme, page.id), encode(&**page));
            }
        }
    }
    for (programme, page) in lot_rows_before.iter().filter(|row| !lot_rows.contains(row)) {
        rows.delete(lots_key(&id, programme, *page));
    }
    for page in keys.iter().filter(|page| keys.len() > 1 && news(page.changed, since)) {
        rows.put(account_key(&id, &[&[2], page.from.bytes()]), encode(&**page));
    }
    for (_, page) in &resident.full {
        put_parts(
            rows,
            &key(b'h', &[id.0.as_bytes(), &page.first.to_be_bytes()]),
            &encode_with_room(&(page.count, Raw(&page.bytes)), 16 + page.bytes.len()),
        );
    }
    u8::try_from(parts).expect("as the keys")
}

/// What the account's own row has of a purse, with the lots if they are few.
fn of_purse<'a>(
    programme: &'a ProgrammeId,
    purse: &'a Purse,
    inline: bool,
) -> (&'a ProgrammeId, &'a Debts, u32, Option<&'a LotPage>) {
    let page = purse.lots.pages().first().filter(|_| inline);
    (programme, &purse.debts, purse.lots.next_page(), page.map(|page| &**page))
}

/// Loads an account; one that the store does not have is one of which nothing is known.
pub fn load_account(reader: &dyn Reader, id: &AccountId) -> Result<Resident, Error> {
    let bad = || Error::Row('a');
    let (mut own, mut own_rows) = (Vec::new(), 0_u8);
    let mut pages: BTreeMap<ProgrammeId, Vec<LotPage>> = BTreeMap::new();
    let mut key_pages: Vec<KeyPage> = Vec::new();
    let mut burn_pages = Parts::default();
    let mut order_pages = Parts::default();
    let mut adjustment_pages = Parts::default();
    scan(reader, Range::prefix(account_key(id, &[])), |row| {
        match row.key[17..].split_first() {
            Some((0, _)) if row.key == own_key(id, own_rows.into()) => {
                own.extend_from_slice(&row.value);
                own_rows = own_rows.checked_add(1).ok_or_else(bad)?;
            }
            Some((1, rest)) => {
                let name =
                    rest.split(|byte| *byte == 0).next().and_then(|name| std::str::from_utf8(name).ok());
                let programme = name.and_then(|name| ProgrammeId::new(name).ok()).ok_or_else(bad)?;
                pages.entry(programme).or_default().push(decode('a', &row.value)?);
            }
            Some((2, _)) => key_pages.push(decode('a', &row.value)?),
            Some((tag, rest)) if *tag == paged::BURNS.tag => burn_pages.add(rest, &row.value)?,
            Some((tag, rest)) if *tag == paged::ORDERS.tag => order_pages.add(rest, &row.value)?,
            Some((tag, rest)) if *tag == paged::ADJUSTMENTS.tag => adjustment_pages.add(rest, &row.value)?,
            _ => return Err(bad()),
        }
        Ok(())
    })?;
    if own_rows == 0 {
        return Ok(Resident::new(*id));
    }
    let header: Header = decode('a', &own)?;
    let Header { activities, enrolment, consents, sign_in, purses, keys, tail, .. } = header;
    let Header { waiting, burns, orders, adjustments, forward, linked, stays, own_since, .. } = header;
    let (first, count, bytes) = tail;
    let purse = |(programme, debts, next_page, page): (ProgrammeId, Debts, u32, Option<LotPage>)| {
        let pages = page.map_or_else(|| pages.remove(&programme).unwrap_or_default(), |page| vec![page]);
        (programme, Purse { lots: LotBook::from_pages(pages, next_page), debts })
    };
    let parts = AccountParts {
        activities,
        enrolment,
        consents,
        sign_in,
        purses: purses.into_iter().map(purse).collect(),
        keys: KeyIndex::from_pages(keys.map_or(key_pages, |page| vec![page])),
        waiting,
        burns: Burns::from_pages(burn_pages.pages(burns)?),
        orders: Pages::from_pages(order_pages.pages(orders)?),
        adjustments: Pages::from_pages(adjustment_pages.pages(adjustments)?),
        forward,
        linked,
        stays,
        own_since,
    };
    let mut resident = Resident {
        account: Account::from_parts(*id, parts),
        tail: ActivityPage { first, count, bytes: bytes.into() },
        full: Vec::new(),
        stored_lots: Vec::new(),
        own_rows,
    };
    resident.stored_lots = resident.lot_rows();
    Ok(resident)
}

/// Loads the stored full page of activities whose first one has the number `first`.
pub fn load_activities(
    reader: &dyn Reader,
    id: &AccountId,
    first: u32,
) -> Result<Option<ActivityPage>, Error> {
    let mut page = None;
    let range = Range::prefix(key(b'h', &[id.0.as_bytes(), &first.to_be_bytes()]));
    scan_parts(reader, range, |_, value| {
        let (count, bytes): (u32, Bytes) = decode('h', value)?;
        page = Some(ActivityPage { first, count, bytes: bytes.into() });
        Ok(())
    })?;
    Ok(page)
}

/// The first number of the last stored full page that starts at `number` or before.
pub fn activity_page_of(reader: &dyn Reader, id: &AccountId, number: u32) -> Result<Option<u32>, Error> {
    let from = key(b'h', &[id.0.as_bytes()]);
    let to = key(b'h', &[id.0.as_bytes(), &number.to_be_bytes(), &[0xff, 0xff, 0xff]]);
    let rows = reader.scan(&Range::between(from, to), Order::Descending, 1)?;
    let first =
        |row: &Row| row.key.get(17..21).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    Ok(rows.first().and_then(first))
}

pub(crate) fn registry_key(number: u64) -> Vec<u8> {
    key(b'r', &[&number.to_be_bytes()])
}

pub(crate) fn answered_key(id: &Fingerprint, content: &Fingerprint) -> Vec<u8> {
    key(b'q', &[id.bytes(), content.bytes()])
}

pub(crate) fn book_key(programme: &ProgrammeId, book: &Book) -> Vec<u8> {
    key(b'b', &[programme.as_str().as_bytes(), &[0], &encode(&(programme, book))])
}

pub(crate) fn line_key((programme, hour, line): &LineOfHour) -> Vec<u8> {
    key(b's', &[programme.as_str().as_bytes(), &[0], &sorted(hour.0), &encode(line)])
}

pub(crate) fn milestone_key(seq: u64) -> Vec<u8> {
    key(b'j', &[&seq.to_be_bytes()])
}

pub(crate) fn outbox_key(to: ShardId, number: u64) -> Vec<u8> {
    key(b'o', &[&to.0.to_be_bytes(), &number.to_be_bytes()])
}

/// The shard and number that a row's key stands for.
pub(crate) fn outbox_key_of(key: &[u8]) -> Option<(ShardId, u64)> {
    let (to, number) = key.get(1..)?.split_first_chunk::<4>()?;
    Some((ShardId(u32::from_be_bytes(*to)), u64::from_be_bytes(number.try_into().ok()?)))
}

pub(crate) fn due_key((until, place): &DueKey) -> Vec<u8> {
    key(b't', &[&sorted(until.as_millis()), &place.seq.to_be_bytes(), &place.index.to_be_bytes()])
}

/// The due time that a row's key stands for.
pub(crate) fn due_key_of(key: &[u8]) -> Option<DueKey> {
    let (until, rest) = key.get(1..)?.split_first_chunk::<8>()?;
    let (seq, index) = rest.split_first_chunk::<8>()?;
    let index = u32::from_be_bytes(index.try_into().ok()?);
    let place = Place { seq: u64::from_be_bytes(*seq), index };
    Some((Timestamp::from_millis(unsorted(*until)), place))
}

/// A number's bytes, which sort as it does.
pub(crate) fn sorted(number: i64) -> [u8; 8] {
    (number.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// The number that [`sorted`] gave these bytes for.
pub(crate) fn unsorted(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed()
}

/// Reads the stored lines of `programme` in `from <= hour < until`.
pub fn scan_lines(
    reader: &dyn Reader,
    programme: &ProgrammeId,
    from: Hour,
    until: Hour,
    mut each: impl FnMut(LineOfHour, LineSum),
) -> Result<(), Error> {
    let bound = |hour: Hour| key(b's', &[programme.as_str().as_bytes(), &[0], &sorted(hour.0)]);
    scan(reader, Range::between(bound(from), bound(until)), |row| {
        let at = 2 + programme.as_str().len();
        let (hour, line) =
            row.key.get(at..).and_then(<[u8]>::split_first_chunk::<8>).ok_or(Error::Row('s'))?;
        let hour = Hour(unsorted(*hour));
        let line: LineKey = decode('s', line)?;
        each((*programme, hour, line), decode('s', &row.value)?);
        Ok(())
    })
}
