//! `tgtx prt`: what Entra ID answers a device with.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::failure::Failure;
use super::ticket::names::etype_text;
use super::{files, json, print};
use crate::client::Credential;
use crate::client::prt::{LONGEST, SealedTgt, client_key};
use crate::krb::der::Der;
use crate::krb::messages::Ticket;

/// The longest file of a client key: base64 of any, with room.
const LONGEST_KEY: usize = 4096;

/// Look into what Entra ID answers a device with.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    Decode(Decode),
}

/// Take the partial TGT out of an answer to a PRT request (JSON), open it with its client key, and write it to a credential
/// cache.
///
/// Reads `tgt_ad`, as seen today, else `tgt_client_key`, `tgt_key_type` and `tgt_message_buffer`, as documented. Nothing is
/// sent anywhere, and no key is printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The answer must be in the open: whatever Entra sealed it under (the device's session key) is opened before. A client key
that is a compact JWE is sealed under the PRT's session key, and what that opens to is given with --client-key.

Exit code: 0 where the ticket was opened, 1 otherwise.

Examples:
  tgtx prt decode roadtx.prt --out partial.ccache
  tgtx prt decode answer.json --client-key client.key --out partial.ccache
  get-answer | tgtx prt decode - --client-key client.key --json")]
pub(super) struct Decode {
    /// The answer; - for standard input
    file: PathBuf,
    /// File with the client key, in hexadecimal, in base64 or as it is; - for standard input
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// Write the partial TGT and its session key to this credential cache
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is told of a partial TGT. The JSON's shape is versioned: within one `version`, fields are added and none is renamed
/// or removed.
#[derive(Serialize)]
struct Told {
    version: u32,
    field: &'static str,
    client: String,
    server: String,
    ticket_etype: i32,
    ticket_kvno: Option<u32>,
    /// The high half of the kvno.
    branch: Option<u32>,
    session_key_etype: i32,
    authtime: String,
    starttime: Option<String>,
    endtime: String,
    renew_till: Option<String>,
}

pub(super) fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    let Verb::Decode(arguments) = verb;
    if arguments.file == Path::new("-") && arguments.client_key.as_deref() == Some(Path::new("-")) {
        return Err(Failure::StdinTwice);
    }
    let of_answer = |error| Failure::Prt { path: arguments.file.clone(), error };
    let sealed = SealedTgt::parse(&files::read_at_most(&arguments.file, LONGEST)?).map_err(of_answer)?;
    let key = match &arguments.client_key {
        Some(path) => Some(client_key(&files::read_at_most(path, LONGEST_KEY)?)),
        None => None,
    };
    let credential = sealed.open(key.as_ref().map(|key| key.as_slice())).map_err(of_answer)?;
    let told = Told::new(sealed.field(), &credential);
    if let Some(path) = &arguments.out {
        files::write_ccache(path, credential)?;
    }
    print(&if arguments.json { json::line(&told) } else { told.text(arguments.out.as_deref()) })?;
    Ok(ExitCode::SUCCESS)
}

impl Told {
    fn new(field: &'static str, credential: &Credential) -> Self {
        let times = &credential.times;
        // It was read before, out of the same octets.
        let sealed = Ticket::parse(&credential.ticket).ok().map(|ticket| ticket.enc_part);
        let kvno = sealed.and_then(|part| part.kvno).map(|kvno| kvno.as_u32());
        Self {
            version: 1,
            field,
            client: credential.client.to_string(),
            server: credential.server.to_string(),
            ticket_etype: sealed.map(|part| part.etype).unwrap_or_default(),
            ticket_kvno: kvno,
            branch: kvno.map(|kvno| kvno >> 16),
            session_key_etype: credential.key.etype,
            authtime: times.authtime.to_string(),
            starttime: times.starttime.map(|time| time.to_string()),
            endtime: times.endtime.to_string(),
            renew_till: times.renew_till.map(|time| time.to_string()),
        }
    }

    fn text(&self, written: Option<&Path>) -> String {
        let kvno = match (self.ticket_kvno, self.branch) {
            (Some(kvno), Some(branch)) => format!("kvno {kvno}: branch {branch}, version {}", kvno & 0xffff),
            _ => "without a kvno".to_owned(),
        };
        let start = self.starttime.as_ref().unwrap_or(&self.authtime);
        let mut text = format!(
            "partial TGT for {}, out of {}\n  server       {}\n  ticket       {}, {kvno}\n  session key  {}\n  valid        {start} to {}\n",
            self.client,
            self.field,
            self.server,
            etype_text(self.ticket_etype),
            etype_text(self.session_key_etype),
            self.endtime,
        );
        if let Some(path) = written {
            text.push_str(&format!("  written      {}\n", path.display()));
        }
        text
    }
}
