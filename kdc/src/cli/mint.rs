//! `tgtx mint`: a partial TGT as Entra ID issues it, for labs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args};
use pac::Sid;

use super::failure::Failure;
use super::{files, nonce, now, print};
use crate::client::mint::PartialTgt;
use crate::client::request::Exchange;
use crate::client::{Principal, SessionKey, keys};
use crate::shell::entropy;

/// Lab: mint a partial TGT, as a credential cache or as the raw TGS-REQ that trades it.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("output").required(true).args(["out", "request"]),
    after_help = "\
Examples:
  tgtx mint --keytab azuread.keytab --realm LAB.EXAMPLE --user alice --sid S-1-5-21-1-2-3-1107 --out partial.ccache
  tgtx mint --keytab azuread.keytab --realm LAB.EXAMPLE --user alice --sid S-1-5-21-1-2-3-1107 --lifetime 1h --request tgs-req.bin"
)]
pub(super) struct Arguments {
    /// Keytab with the branch key (krbtgt_AzureAD), its kvno with the branch number in the high word
    #[arg(long, value_name = "FILE")]
    keytab: PathBuf,
    /// DNS name of the domain, in upper case
    #[arg(long)]
    realm: String,
    /// sAMAccountName of the user; with --enterprise the user principal name
    #[arg(long, value_name = "NAME")]
    user: String,
    /// objectSid of the user
    #[arg(long, value_parser = sid)]
    sid: Sid,
    /// Branch number, where the keytab has keys of several
    #[arg(long, value_name = "NUMBER")]
    branch: Option<u16>,
    /// Name the user by an NT-ENTERPRISE name
    #[arg(long)]
    enterprise: bool,
    /// How long the ticket lives
    #[arg(long, value_name = "DURATION", default_value = "10h", value_parser = super::duration)]
    lifetime: Duration,
    /// Write the ticket and its session key to this credential cache
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a TGS-REQ for a full TGT, to be sent within the clock skew, to this file
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
}

fn sid(text: &str) -> Result<Sid, pac::SidError> {
    text.parse()
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let keytab = files::read_keytab(&arguments.keytab)?;
    let key = keys::branch_key(&keytab, &arguments.realm, arguments.branch)
        .map_err(|error| Failure::BranchKey { path: arguments.keytab.clone(), error })?;
    let now = now();
    let mut partial = PartialTgt::new(
        &key,
        &arguments.realm,
        &arguments.user,
        arguments.sid,
        now.seconds,
        SessionKey::aes256(&entropy::octets()?),
        entropy::octets()?,
    );
    partial.set_times(now.seconds, now.seconds.saturating_add(arguments.lifetime));
    if arguments.enterprise {
        partial.client = Principal::enterprise(&arguments.realm, &arguments.user);
    }
    let credential = partial.mint()?;
    let told = format!(
        "partial TGT for {}, {}\n  key      branch {}, version {}, {}\n  valid    {} to {}\n",
        credential.client,
        arguments.sid,
        key.kvno() >> 16,
        key.version(),
        key.etype(),
        credential.times.authtime,
        credential.times.endtime,
    );
    if let Some(path) = &arguments.request {
        let mut exchange = Exchange::new(&credential, now.seconds, nonce()?, entropy::octets()?);
        exchange.cusec = now.microseconds;
        files::write(path, &exchange.encode()?)?;
        print(&format!("{told}  written  {}, a TGS-REQ\n", path.display()))?;
    } else if let Some(path) = &arguments.out {
        files::write_ccache(path, credential)?;
        print(&format!("{told}  written  {}\n", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
