//! `coalition publish`: a file of events, into the partner's topic.
//!
//! A thread reads the file line by line and gives each event to one of a few lanes, by its identifier, so that the events of
//! one customer keep their order. A lane publishes what has come to it, one call at a time. Everything is bounded: who is
//! ahead waits.
mod input;
mod json_lines;
mod lanes;
mod report;
mod rows;
mod unix_lines;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::PartnerId;
use coalition_proto::r#type::v1::ErrorReason;

use self::input::{Format, Input};
use self::report::{Report, Told};
use crate::client::failure::{self, Trouble};
use crate::client::names::{partner, partner_name};
use crate::client::{Options, run as connect};

/// Publish a file of events, as a producer of the partner's own would.
///
/// CSV with a header row, or JSON lines: one event on each, as docs/guides/emit-events.md has it. Events are judged one by one;
/// those that are refused are told with their line and reason, and the others are published. An event counts once per event id:
/// run the command again whenever it was cut off. Events without an id get one from their content.
///
/// CSV has the columns type (sign_up, consent_given, consent_withdrawn, purchase, email_read, account_opening, engagement,
/// order_return, account_closing), identifier_scheme (email_hash, card_token, customer_number), identifier_value and event_time,
/// and as needed event_id, programme, channel, revision, order_id, amount, currency, message_id, reference, kind, purpose.
///
/// Example: coalition publish purchases.csv --key-file shop.key
#[derive(clap::Args)]
#[command(max_term_width = 130)]
pub(crate) struct Args {
    /// The file; - is standard input.
    file: PathBuf,
    /// What is in it; without it the file's ending says so: csv, jsonl or ndjson.
    #[arg(long)]
    format: Option<Format>,
    /// The partner that speaks; without it the one whose key is shown.
    #[arg(long, value_parser = partner)]
    partner: Option<PartnerId>,
    /// Judge the events and publish none.
    #[arg(long)]
    validate_only: bool,
    /// Write the refused lines to this file, as CSV with their reasons.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Calls under way at once: 1 to 16.
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    concurrency: u8,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    // What is wrong with the file as a whole is said before anybody is asked.
    let input = Input::open(&args.file, args.format)?;
    let mut report = Report::new(input.bytes(), args.rejects.as_deref(), args.validate_only)?;
    connect(&args.options, async |session| {
        let client = session.each_within(args.options.timeout());
        let name = args.partner.as_ref().map(partner_name).unwrap_or_default();
        let job = lanes::Job { client, partner: name, validate_only: args.validate_only };
        let (mut told, mut lanes) = lanes::start(input, &job, usize::from(args.concurrency));
        loop {
            let told = tokio::select! {
                biased;
                told = told.recv() => told,
                // After a failure the reader may wait for a line that nobody wants any more.
                () = lanes.ended() => None,
            };
            match told {
                Some(Told::Judged(judged)) => report.judged(judged)?,
                Some(Told::Refused(refused)) => report.refused(&refused)?,
                None => break,
            }
        }
        match lanes.end().await {
            Ok(()) => report.finish(&args.options),
            Err(error) => {
                report.cut_off(&error);
                // What a call as a whole can lack is whose events they are: only a partner's own key says it.
                if args.partner.is_none() && failure::is(&error, ErrorReason::FieldMissing) {
                    let what = "the key is no partner's, so it doesn't say whose events they are: name the partner with --partner";
                    return Err(Trouble::Usage(what.to_owned()).into());
                }
                Err(error)
            }
        }
    })
}
