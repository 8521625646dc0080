//! `tgtx exposure`: whom the cloud may sign in as though they are worth the domain.

mod report;

use std::process::ExitCode;

use tokio::runtime::Builder;

use super::failure::Failure;
use super::one_domain::OneDomain;
use super::progress::Progress;
use super::{json, now, print};
use crate::shell::exposure::exposure;
use report::Report;

/// Exit code where somebody is exposed.
const EXPOSED: u8 = 10;

/// List accounts that policy lets the cloud sign in as and that are worth the domain, each with the reason.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reasons: replicates (replication rights on the domain's head), controls (owner or writer of a domain controller or of a
branch's objects), admin_count (once in a protected group), synchronises (Entra Connect's account, by its name),
unconstrained_delegation. Entries that deny are not subtracted. Changes nothing; --ldif prints a proposal.

Exit code: 0 where nobody is exposed, 10 where somebody is, 78 where the configuration or a file it names is at fault,
1 where it cannot be said.

Examples:
  tgtx exposure
  tgtx exposure --ldif > deny.ldif")]
pub(super) struct Arguments {
    #[command(flatten)]
    domain: OneDomain,
    /// The branch whose policy it is, where keys of several are loaded
    #[arg(long, value_name = "NUMBER")]
    branch: Option<u16>,
    /// Print JSON, schema version 1
    #[arg(long, conflicts_with_all = ["csv", "ldif"])]
    json: bool,
    /// Print comma-separated values, one line for each reason
    #[arg(long, conflicts_with = "ldif")]
    csv: bool,
    /// Print a group of the exposed accounts, and its way onto msDS-NeverRevealGroup, as LDIF to be looked at and applied
    #[arg(long)]
    ldif: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let prepared = arguments.domain.prepare()?;
    let runtime = super::runtime(Builder::new_current_thread())?;
    let mut progress = Progress::default();
    let found =
        runtime.block_on(exposure(prepared, arguments.branch, now(), &mut |count| progress.show(count)));
    drop(progress);
    let report = Report::new(&found?);
    print(&match arguments {
        Arguments { json: true, .. } => json::line(&report),
        Arguments { csv: true, .. } => report.csv(),
        Arguments { ldif: true, .. } => report.ldif(),
        _ => report.to_string(),
    })?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(EXPOSED) })
}
