//! `coalition token`: what members show to call the network themselves.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use coalition_proto::auth::v1::{CreateMemberTokenRequest, MemberToken};
use serde_json::json;

use crate::client::new_file::NewFile;
use crate::client::text::time;
use crate::client::{MemberArgs, Options, json, note, run as connect};

/// Sign tokens by which members call the network themselves.
#[derive(Subcommand)]
pub(crate) enum Command {
    Create(Args),
}

/// Sign a token of a member, which opens what is this member's until its time is over.
///
/// A partner may for members who consented to sign-in by one of its own events, an operator for all. It is shown as a key is:
/// --key-file and COALITION_KEY take it. With --out it goes to a new file that only you can read, else to standard output.
///
/// Example: coalition token create --customer cdnow:00001 --ttl 3600
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    member: MemberArgs,
    /// How long it is good: 60 to 86400.
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(i64).range(60..=86_400))]
    ttl: i64,
    /// The file to write the token to; it must not exist yet.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Create(args) => create(&args),
    }
}

fn create(args: &Args) -> Result<ExitCode> {
    let file = args.out.as_deref().map(NewFile::create).transpose()?;
    connect(&args.options, async |session| {
        let query = CreateMemberTokenRequest {
            member: session.member_name(&args.member).await?,
            ttl: Some(prost_types::Duration { seconds: args.ttl, nanos: 0 }),
            min_position: None,
        };
        let token = session.ask("sign the token", query).await?;
        let until = time(token.expire_time.as_ref());
        match file {
            Some(file) => {
                let path = file.write(&token.token)?;
                note(&format!("token for {} until {until}, in {}", token.member, path.display()));
                args.options.answer(|| as_json(&token, false), |_| String::new())
            }
            None => {
                note(&format!("token for {} until {until}", token.member));
                args.options.answer(|| as_json(&token, true), |_| format!("{}\n", token.token))
            }
        }
    })
}

fn as_json(token: &MemberToken, with_secret: bool) -> serde_json::Value {
    json!({
        "member": token.member,
        "token": with_secret.then_some(&token.token),
        "expire_time": json::time(token.expire_time.as_ref()),
    })
}
