//! `tgtx ticket`: what is in a message, a ticket or a PAC.

mod contents;
mod document;
mod keyring;
mod message;
pub(super) mod names;
mod pac;

use std::path::PathBuf;
use std::process::ExitCode;

use super::failure::Failure;
use super::{files, json, print};
use document::Fields;
use keyring::Keyring;

/// Version of the JSON's shape: within one, fields are added and none is renamed or removed.
const VERSION: i64 = 1;

/// Look into messages, tickets and PACs.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    Decode(Decode),
}

/// Print what is in a file: TGS-REQ, TGS-REP, AS-REQ, AS-REP, AP-REQ, KRB-ERROR, credential cache, ticket or PAC.
///
/// Its content says which; a TCP length before a message is passed over. With a keytab, tickets are opened and
/// signatures checked. Nothing is sent anywhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A signature `holds` under a key of the keytab; it is `broken` where the key that opened the ticket should have made
it and did not; `no_key_fits` where keys of its type did not make it; `not_checked` where there is none.

Exit code: 0 where the file was decoded, whatever its signatures; 1 otherwise.

Examples:
  tgtx ticket decode partial.ccache --keytab azuread.keytab
  tgtx ticket decode tgs-req.bin --keytab azuread.keytab --json
  tgtx ticket decode pac.bin --keytab krbtgt.keytab")]
pub(super) struct Decode {
    /// The file
    file: PathBuf,
    /// Keytab with the keys of the tickets in it
    #[arg(long, value_name = "FILE")]
    keytab: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print session keys too: whoever reads them is the ticket's owner
    #[arg(long)]
    show_keys: bool,
}

pub(super) fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    let Verb::Decode(arguments) = verb;
    let keytab = arguments.keytab.as_deref().map(files::read_keytab).transpose()?;
    let keyring = Keyring::new(keytab.as_ref(), arguments.show_keys);
    let octets = files::read(&arguments.file)?;
    let decoded = message::decode(&octets, &keyring)
        .map_err(|error| Failure::Decode { path: arguments.file.clone(), error })?;
    print(&if arguments.json { json::line(&versioned(decoded)) } else { decoded.to_string() })?;
    Ok(ExitCode::SUCCESS)
}

/// What is written as JSON.
fn versioned(decoded: Fields) -> Fields {
    decoded.before("version", VERSION)
}

#[cfg(test)]
mod tests;
