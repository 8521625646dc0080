//! `tgtx mint`: a partial TGT as Entra ID issues it, for labs.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::failure::Failure;
use super::holder::Holder;
use super::{files, json, nonce, now, print};
use crate::client::request::Exchange;
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
    #[command(flatten)]
    holder: Holder,
    /// How long the ticket lives
    #[arg(long, value_name = "DURATION", default_value = "10h", value_parser = super::duration)]
    lifetime: Duration,
    /// Write the ticket and its session key to this credential cache
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a TGS-REQ for a full TGT, to be sent within the clock skew, to this file
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is told of it. The JSON's shape is versioned: within one `version`, members are added and none is renamed or removed.
#[derive(Serialize)]
struct Told {
    version: u32,
    client: String,
    sid: String,
    branch: u32,
    key_version: u16,
    etype: String,
    authtime: String,
    endtime: String,
    kind: Kind,
    written: String,
}

/// What was written.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Ccache,
    TgsReq,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let key = arguments.holder.branch_key()?;
    let now = now();
    let mut partial = arguments.holder.partial_tgt(&key, now.seconds)?;
    partial.set_times(now.seconds, now.seconds.saturating_add(arguments.lifetime));
    let credential = partial.mint()?;
    let (path, kind) = match (&arguments.request, &arguments.out) {
        (Some(path), _) => (path, Kind::TgsReq),
        (None, Some(path)) => (path, Kind::Ccache),
        // The group of the two is required.
        (None, None) => return Ok(ExitCode::FAILURE),
    };
    let told = Told {
        version: 1,
        client: credential.client.to_string(),
        sid: arguments.holder.sid.to_string(),
        branch: key.kvno() >> 16,
        key_version: key.version(),
        etype: key.etype().to_string(),
        authtime: credential.times.authtime.to_string(),
        endtime: credential.times.endtime.to_string(),
        kind,
        written: path.display().to_string(),
    };
    match kind {
        Kind::TgsReq => {
            let mut exchange = Exchange::new(&credential, now.seconds, nonce()?, entropy::octets()?);
            exchange.cusec = now.microseconds;
            files::write(path, &exchange.encode()?)?;
        }
        Kind::Ccache => files::write_ccache(path, credential)?,
    }
    print(&if arguments.json { json::line(&told) } else { told.to_string() })?;
    Ok(ExitCode::SUCCESS)
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "partial TGT for {}, {}", self.client, self.sid)?;
        writeln!(f, "  key      branch {}, version {}, {}", self.branch, self.key_version, self.etype)?;
        writeln!(f, "  valid    {} to {}", self.authtime, self.endtime)?;
        match self.kind {
            Kind::Ccache => writeln!(f, "  written  {}", self.written),
            Kind::TgsReq => writeln!(f, "  written  {}, a TGS-REQ", self.written),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::assert_documented;

    #[test]
    fn the_documentation_lists_what_json_has() {
        let told = Told {
            version: 1,
            client: String::new(),
            sid: String::new(),
            branch: 30775,
            key_version: 1,
            etype: String::new(),
            authtime: String::new(),
            endtime: String::new(),
            kind: Kind::TgsReq,
            written: String::new(),
        };
        assert_documented("Mint", &told);
        assert!(json::line(&told).contains("\"kind\":\"tgs_req\""));
    }
}
