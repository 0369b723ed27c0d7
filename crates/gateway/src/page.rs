//! Lists in pages. A token is opaque to its holder: a version, a tag of the request that it goes on with, and where it
//! goes on, so that the token of another list, filter or caller is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coalition_proto::r#type::v1::ErrorReason;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::status::Failure;

const VERSION: u8 = 1;
const SIZE_DEFAULT: usize = 50;
const SIZE_MAX: usize = 1_000;

/// The page that a call asks for, of a list whose entries are told apart and ordered by a `K`.
pub(crate) struct Page<K> {
    /// At most so many entries.
    pub(crate) size: usize,
    /// The last entry of the page before.
    pub(crate) after: Option<K>,
    tag: [u8; 16],
}

impl<K: Serialize + DeserializeOwned + Ord> Page<K> {
    /// Reads size and token; `filter` is what else of the request says which entries there are.
    pub(crate) fn of(call: &Call, page_size: i32, token: &str, filter: &[&str]) -> Result<Self, Failure> {
        let size = match usize::try_from(page_size) {
            Ok(0) => SIZE_DEFAULT,
            Ok(size) => size.min(SIZE_MAX),
            Err(_) => return Err(Failure::invalid("page_size", "is below 0")),
        };
        let tag = tag(call, filter);
        let after = if token.is_empty() { None } else { Some(read(&tag, token)?) };
        Ok(Self { size, after, tag })
    }

    /// The token of the page after the entry `last`.
    pub(crate) fn token(&self, last: &K) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.tag);
        let bytes = postcard::to_extend(last, bytes).expect("a place in a list is plain data");
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The page out of all `entries`, which come in the order of their keys, and the next one's token, empty if there is
    /// none.
    pub(crate) fn cut<T>(&self, entries: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> (Vec<T>, String) {
        let rest = entries.skip_while(|entry| self.after.as_ref().is_some_and(|after| key(entry) <= *after));
        let mut page: Vec<T> = rest.take(self.size + 1).collect();
        let more = page.len() > self.size;
        page.truncate(self.size);
        let token = page.last().filter(|_| more).map_or_else(String::new, |last| self.token(&key(last)));
        (page, token)
    }
}

fn read<K: DeserializeOwned>(tag: &[u8; 16], token: &str) -> Result<K, Failure> {
    let refused = || {
        let message = "page_token is not of this list and filter; begin with the first page";
        Failure::new(ErrorReason::InvalidPageToken, message)
    };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
    match bytes.split_first() {
        Some((&VERSION, rest)) => match rest.split_first_chunk::<16>() {
            Some((found, place)) if found == tag => postcard::from_bytes(place).map_err(|_| refused()),
            Some(_) | None => Err(refused()),
        },
        Some(_) | None => Err(refused()),
    }
}

fn tag(call: &Call, filter: &[&str]) -> [u8; 16] {
    let role = postcard::to_stdvec(&call.caller.role).expect("a role is plain data");
    let parts =
        [call.row.method.as_bytes(), &role].into_iter().chain(filter.iter().map(|part| part.as_bytes()));
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut tag = [0; 16];
    tag.copy_from_slice(&hash.finalize()[..16]);
    tag
}

#[cfg(test)]
mod tests {
    use coalition_domain::{Caller, KeyId, PartnerId, Role};
    use tokio::time::Instant;

    use super::*;

    fn call(method: &str, role: Role) -> Call {
        let row = crate::auth::row(method).unwrap();
        let caller = Caller { key: KeyId::new("k").unwrap(), role };
        Call { caller, row, deadline: Instant::now(), trace: None }
    }

    const PARTNERS: &str = "/coalition.partner.v1.PartnerService/ListPartners";
    const CONTRACTS: &str = "/coalition.partner.v1.PartnerService/ListPartnerContracts";

    #[test]
    fn pages_follow_one_another_to_the_end() {
        let call = call(PARTNERS, Role::Operator);
        let (mut token, mut seen) = (String::new(), Vec::new());
        for _ in 0..3 {
            let page = Page::<u32>::of(&call, 2, &token, &[]).unwrap();
            let (entries, next) = page.cut(1..=5, |entry| *entry);
            seen.extend(entries);
            token = next;
        }
        assert_eq!((seen, token.as_str()), (vec![1, 2, 3, 4, 5], ""));
        let whole = Page::<u32>::of(&call, 5, "", &[]).unwrap();
        assert_eq!(whole.cut(1..=5, |entry| *entry).1, "", "the last page has no token");
    }

    #[test]
    fn a_token_of_anything_else_is_refused() {
        let own = call(CONTRACTS, Role::Operator);
        let token = Page::<u32>::of(&own, 0, "", &["a"]).unwrap().token(&7);
        assert_eq!(Page::<u32>::of(&own, 0, &token, &["a"]).unwrap().after, Some(7));
        let partner = call(CONTRACTS, Role::Partner(PartnerId::new("a").unwrap()));
        let mut damaged = token.clone();
        damaged.replace_range(..1, "_");
        for (call, filter, token) in [
            (&own, ["b"], token.as_str()),
            (&call(PARTNERS, Role::Operator), ["a"], token.as_str()),
            (&partner, ["a"], token.as_str()),
            (&own, ["a"], damaged.as_str()),
            (&own, ["a"], &token[..token.len() - 2]),
            (&own, ["a"], "no token"),
        ] {
            let said = Page::<u32>::of(call, 0, token, &filter).err().map(|failure| failure.reason);
            assert_eq!(said, Some(ErrorReason::InvalidPageToken), "{token}");
        }
    }

    #[test]
    fn sizes_have_a_default_and_a_bound() {
        let call = call(PARTNERS, Role::Operator);
        let size = |asked| Page::<u32>::of(&call, asked, "", &[]).map(|page| page.size).ok();
        assert_eq!([0, 1, 1_000, 1_001].map(size), [Some(50), Some(1), Some(1_000), Some(1_000)]);
        assert_eq!(size(-1), None);
    }
}
