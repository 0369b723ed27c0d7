//! `coalition partner key` and `coalition partner revoke-key`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use coalition_domain::{KeyId, PartnerId, RequestId};
use coalition_proto::partner::v1::{
    ApiKey, CreateApiKeyRequest, OperatorHolder, RevokeApiKeyRequest, create_api_key_request::Holder,
};
use serde_json::json;

use crate::client::advice::REVOKING;
use crate::client::names::{partner, partner_name, short};
use crate::client::new_file::NewFile;
use crate::client::text::time;
use crate::client::{Options, json, note, request_id, run as connect};

/// Make a key for a partner, which opens what is this partner's; with --operator one more for the operator.
///
/// The secret is shown this once; the network keeps a hash of it. With --out it goes to a new file that only you can read,
/// else to standard output.
///
/// Example: coalition partner key cdnow --out cdnow.key
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The partner.
    #[arg(value_parser = partner, required_unless_present = "operator")]
    partner: Option<PartnerId>,
    /// Make it for the operator: it opens everything.
    #[arg(long, conflicts_with = "partner")]
    operator: bool,
    /// The file to write the secret to; it must not exist yet.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Revoke a key: calls with it fail from then on.
///
/// Example: coalition partner revoke-key apiKeys/0123456789abcdef
#[derive(clap::Args)]
pub(crate) struct RevokeArgs {
    /// The key's name, which is no secret: apiKeys/ID, or the ID alone.
    #[arg(value_parser = key_id)]
    key: KeyId,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let id = request_id(None);
    // Made first: a secret that can't be written down is lost.
    let file = args.out.as_deref().map(NewFile::create).transpose()?;
    let (holder, whose) = match &args.partner {
        Some(partner) => (Holder::Partner(partner_name(partner)), partner.as_str()),
        None => (Holder::Operator(OperatorHolder {}), "the operator"),
    };
    connect(&args.options, async |session| {
        let query = CreateApiKeyRequest { holder: Some(holder), request_id: id.to_string() };
        // Not a change to be repeated by hand: the secret is in the first answer or lost.
        let key = session.ask("make the key", query).await?;
        if key.secret.is_empty() {
            bail!(
                "the secret of {} was lost with a first answer; revoke the key with `coalition partner revoke-key {}` and make another",
                key.name,
                key.name
            );
        }
        match file {
            Some(file) => {
                let path = file.write(&key.secret)?;
                note(&format!("{} for {}, secret in {}", key.name, whose, path.display()));
                let text = |_| String::new();
                args.options.answer(|| as_json(&key, false), text)
            }
            None => {
                note(&format!("{} for {whose}", key.name));
                args.options.answer(|| as_json(&key, true), |_| format!("{}\n", key.secret))
            }
        }
    })
}

pub(super) fn revoke(args: &RevokeArgs) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    connect(&args.options, async |session| {
        let query = RevokeApiKeyRequest { name: format!("apiKeys/{}", args.key), request_id: id.to_string() };
        let key = session.change(REVOKING, query).await?;
        let text = |_| format!("{} revoked at {}\n", key.name, time(key.revoke_time.as_ref()));
        args.options.answer(|| as_json(&key, false), text)
    })
}

fn key_id(text: &str) -> Result<KeyId, String> {
    // Somebody may have pasted the secret; a message must not carry it on.
    KeyId::new(short(text)).map_err(|_| "write it as apiKeys/ID".to_owned())
}

fn as_json(key: &ApiKey, with_secret: bool) -> serde_json::Value {
    json!({
        "name": key.name,
        "secret": with_secret.then_some(&key.secret),
        "create_time": json::time(key.create_time.as_ref()),
        "revoke_time": json::time(key.revoke_time.as_ref()),
        "position": json::position(key.position.as_ref()),
    })
}
