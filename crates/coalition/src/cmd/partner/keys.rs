//! `coalition partner keys`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::PartnerId;
use coalition_proto::partner::v1::{ApiKey, ListApiKeysRequest, api_key::Holder};
use serde_json::{Value, json};

use crate::client::names::{partner, partner_name};
use crate::client::text::time;
use crate::client::{Align, Options, Style, Table, json, run as connect};

/// Keys asked for at once.
const PAGE: i32 = 1_000;

/// List keys, also those that were revoked; never a secret.
///
/// With an operator's key those of one partner, or all of the network; with a partner's key its own.
///
/// Example: coalition partner keys cdnow
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The partner; without it all that the key may see.
    #[arg(value_parser = partner)]
    partner: Option<PartnerId>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let partner = args.partner.as_ref().map(partner_name).unwrap_or_default();
        let query = ListApiKeysRequest { partner, page_size: PAGE, ..ListApiKeysRequest::default() };
        let keys = session.list("list the keys", query).await?;
        let document = || json!({ "keys": keys.iter().map(as_json).collect::<Vec<_>>() });
        args.options.answer(document, |style| text(&keys, style))
    })
}

fn text(keys: &[ApiKey], style: Style) -> String {
    if keys.is_empty() {
        return "no keys yet; `coalition partner key` makes one\n".to_owned();
    }
    let mut table = Table::new(&[
        ("key", Align::Left),
        ("opens for", Align::Left),
        ("since", Align::Left),
        ("revoked", Align::Left),
    ]);
    for key in keys {
        table.row([
            key.name.clone(),
            holder(key).to_owned(),
            time(key.create_time.as_ref()),
            time(key.revoke_time.as_ref()),
        ]);
    }
    table.render(style)
}

/// Whose things the key opens.
fn holder(key: &ApiKey) -> &str {
    match &key.holder {
        Some(Holder::Operator(_)) => "operator",
        Some(Holder::Partner(name) | Holder::Member(name)) => name,
        None => "unknown",
    }
}

fn as_json(key: &ApiKey) -> Value {
    json!({
        "name": key.name,
        "holder": holder(key),
        "create_time": json::time(key.create_time.as_ref()),
        "revoke_time": json::time(key.revoke_time.as_ref()),
        "position": json::position(key.position.as_ref()),
    })
}
