//! What the fuzz targets see of page tokens.

use std::cmp::Reverse;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coalition_domain::lot::LotKey;
use coalition_domain::settlement::{Hour, LineKey};
use coalition_domain::{Caller, KeyId, PartnerId, Points, ProgrammeId, RewardId, Role, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::call::Call;
use crate::page::Page;
use crate::service::{line_events, rejected};

const METHOD: &str = "/coalition.partner.v1.PartnerService/ListPartners";

fn call() -> Call {
    let row = crate::auth::row(METHOD).expect("a method of the API");
    let caller = Caller { key: KeyId::new("k").expect("a name"), role: Role::Operator };
    Call { caller, row, deadline: Instant::now(), trace: None }
}

/// The bytes of version and tag, which are the same for all keys, and those of the place that is asked for, as a token.
#[must_use]
pub fn token_of(place: &[u8]) -> String {
    let page = Page::<u32>::of(&call(), 0, "", &[]).expect("a first page");
    let token = URL_SAFE_NO_PAD.decode(page.token(&0)).expect("our own token");
    URL_SAFE_NO_PAD.encode([&token[..token.len() - 1], place].concat())
}

/// Reads a token as that of every list that there is.
///
/// # Panics
/// If one takes it for a place whose own token is another place.
pub fn page_token(token: &str) {
    read::<u32>(token);
    read::<KeyId>(token);
    read::<PartnerId>(token);
    read::<ProgrammeId>(token);
    read::<(ProgrammeId, Timestamp)>(token);
    read::<(Points, RewardId)>(token);
    read::<Reverse<u32>>(token);
    read::<Reverse<Hour>>(token);
    read::<LotKey>(token);
    read::<LineKey>(token);
    read::<line_events::After>(token);
    read::<rejected::Place>(token);
}

fn read<K: Serialize + DeserializeOwned + Ord>(token: &str) {
    let call = call();
    let of = |token: &str| Page::<K>::of(&call, 0, token, &[]).ok();
    let Some(page) = of(token) else { return };
    let Some(after) = &page.after else { return };
    let again = of(&page.token(after)).and_then(|page| page.after);
    assert!(again.as_ref() == Some(after), "the place of {token} has another token");
}
