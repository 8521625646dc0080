//! `tgtx dsgetdc`: what `nltest /dsgetdc` does, on Linux.

mod report;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Builder;

use super::failure::Failure;
use super::shown::complain;
use super::{json, print};
use crate::discovery::DsFlags;
use crate::shell::cldap::announced::this_host;
use crate::shell::locator::{Wanted, locate};
use report::Report;

/// Find a domain controller as a Windows client does: SRV records, then a CLDAP ping
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints what nltest /dsgetdc prints. What was asked and is not what is wanted is told on standard error.

Exit code: 0 for a domain controller, 1 where there is none (ERROR_NO_SUCH_DOMAIN, 1355) or none could be looked for.

Examples:
  tgtx dsgetdc lab.example --keylist --kdc
  tgtx dsgetdc lab.example --site Vienna --json
  tgtx dsgetdc lab.example --server kdc1.lab.example --keylist")]
pub(super) struct Arguments {
    /// The domain's DNS name
    domain: String,
    /// It must answer key lists (DS_KEY_LIST_SUPPORT_REQUIRED), which is how cloud Kerberos trust chooses
    #[arg(long)]
    keylist: bool,
    /// It must be a KDC (DS_KDC_REQUIRED)
    #[arg(long)]
    kdc: bool,
    /// It must be writable (DS_WRITABLE_REQUIRED)
    #[arg(long)]
    writable: bool,
    /// Ask servers of this site first
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// Ask this server alone, without SRV records; port 389 where none is given
    #[arg(long, value_name = "HOST[:PORT]")]
    server: Option<String>,
    /// Ask this server for names instead of the system's
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = super::dns_server)]
    dns_server: Option<SocketAddr>,
    /// How long to wait for each answer
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = super::duration)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let required = [
        (arguments.keylist, DsFlags::KEY_LIST),
        (arguments.kdc, DsFlags::KDC),
        (arguments.writable, DsFlags::WRITABLE),
    ];
    let flags = required.into_iter().filter(|(is_required, _)| *is_required);
    let wanted = Wanted {
        domain: arguments.domain.clone(),
        flags: flags.fold(DsFlags::default(), |flags, (_, flag)| flags.with(flag)),
        site: arguments.site.clone(),
        server: arguments.server.clone(),
        dns: arguments.dns_server,
        timeout: arguments.timeout,
        host: this_host().map_err(Failure::Runtime)?,
    };
    let runtime = super::runtime(Builder::new_current_thread())?;
    let search = runtime.block_on(locate(&wanted))?;
    for line in &search.passed_over {
        complain(line);
    }
    let report = Report::new(search.found.as_ref());
    print(&if arguments.json { json::indented(&report) } else { report.to_string() })?;
    Ok(if search.found.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
