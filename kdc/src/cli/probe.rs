//! `tgtx probe`: the whole way of a device to its full TGT, step by step, against any KDC.

mod expected;
mod exposition;
mod judge;
mod report;
mod steps;
mod walk;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args};

use super::failure::Failure;
use super::holder::Holder;
use super::{exchange, files, json, now, print};
use crate::client::keys;
use crate::discovery::DsFlags;
use crate::shell::cldap::announced::this_host;
use crate::shell::locator::Wanted;
use expected::Expected;
use report::Report;
use steps::Outcome;
use walk::{Plan, walk};

/// The exchange works, and something on the way to it does not: what verbs that look for faults exit with.
const DEGRADED: u8 = 10;

/// Trade a canary's partial TGT at a KDC, and say which step of it fails.
///
/// Finds the KDC as a Windows client does, asks it over UDP and over TCP, opens the reply, and looks at ticket, PAC and
/// signatures. Serves against this daemon, Samba and Windows alike.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("form").args(["json", "prometheus"]),
    after_help = "\
Steps: discovery (DNS, LDAP ping), udp, tcp, reply, ticket, pac, signatures, key_list. The PAC and its signatures need
--krbtgt-keytab, without which they are left out.

Exit code: 0 where each step went as it should; 10 where the canary got what --expect says, but discovery, UDP or TCP
failed on the way; 1 where it did not, or nothing could be probed; 2 for wrong arguments.

Examples:
  tgtx probe --keytab azuread.keytab --realm LAB.EXAMPLE --user canary --sid S-1-5-21-1-2-3-1107
  tgtx probe --keytab azuread.keytab --realm LAB.EXAMPLE --user canary --sid S-1-5-21-1-2-3-1107 --target kdc1.lab.example --krbtgt-keytab krbtgt.keytab
  tgtx probe --keytab azuread.keytab --realm LAB.EXAMPLE --user admin --sid S-1-5-21-1-2-3-500 --expect refused:never_reveal --name denied --prometheus")]
pub(super) struct Arguments {
    #[command(flatten)]
    holder: Holder,
    /// This KDC, port 88 where none is given; the one that discovery finds where absent
    #[arg(long, value_name = "HOST[:PORT]")]
    target: Option<String>,
    /// Ping this server; the target's host where absent, port 389 where none is given
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "no_discovery")]
    ping: Option<String>,
    /// Ping nobody
    #[arg(long, requires = "target")]
    no_discovery: bool,
    /// Be content with a KDC that claims no KEY_LIST, which Windows clients pass over
    #[arg(long)]
    no_keylist: bool,
    /// Look for a KDC of this site first
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// Ask this server for names instead of the system's
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = super::dns_server)]
    dns_server: Option<SocketAddr>,
    /// Keytab with the domain's krbtgt key: look into the full TGT, at its PAC and its signatures
    #[arg(long, value_name = "FILE")]
    krbtgt_keytab: Option<PathBuf>,
    /// Ask for the user's key of type 23, the NT hash, too: without it in the reply, the step key_list fails
    #[arg(long)]
    key_list: bool,
    /// What must come of it: granted, or refused:REASON, a reason of docs/refusals.md or the number of a KRB-ERROR
    #[arg(long, value_name = "OUTCOME", default_value = "granted")]
    expect: Expected,
    /// What the probe is called in JSON and Prometheus: a to z, 0 to 9, - and _
    #[arg(long, value_name = "NAME", default_value = "canary", value_parser = name)]
    name: String,
    /// How long to wait for each answer; a datagram is sent three times
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = super::duration)]
    timeout: Duration,
    /// Ask from this address
    #[arg(long, value_name = "ADDRESS")]
    source: Option<IpAddr>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print metrics, for a textfile collector
    #[arg(long)]
    prometheus: bool,
}

/// It becomes a label, so it must need no escapes.
fn name(text: &str) -> Result<String, &'static str> {
    let is_plain = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    match text.len() {
        1..=64 if text.bytes().all(is_plain) => Ok(text.to_owned()),
        _ => Err("write up to 64 of a to z, 0 to 9, - and _"),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    // Files and names come first: what is wrong with them is no fault of a KDC's.
    let krbtgt = match &arguments.krbtgt_keytab {
        Some(path) => Some(keys::all_keys(&files::read_keytab(path)?)),
        None => None,
    };
    let key = arguments.holder.branch_key()?;
    let target = match &arguments.target {
        Some(host) => Some(exchange::address(host, arguments.source)?),
        None => None,
    };
    let plan = Plan {
        discovery: discovery(arguments, target)?,
        target,
        partial: arguments.holder.partial_tgt(&key, now().seconds)?.mint()?,
        sid: arguments.holder.sid,
        krbtgt,
        key_list: arguments.key_list,
        expected: arguments.expect,
        timeout: arguments.timeout,
        source: arguments.source,
    };
    let probed = walk(&plan)?;
    let report = Report::new(&arguments.name, &plan, &probed, now().seconds);
    print(&match (arguments.json, arguments.prometheus) {
        (true, _) => json::line(&report),
        (_, true) => report.exposition(),
        _ => report.to_string(),
    })?;
    Ok(match probed.outcome() {
        Outcome::Ok => ExitCode::SUCCESS,
        Outcome::Degraded => ExitCode::from(DEGRADED),
        Outcome::Failed => ExitCode::FAILURE,
    })
}

/// What a device looks for, unless it is to look for nothing.
fn discovery(arguments: &Arguments, target: Option<SocketAddr>) -> Result<Option<Wanted>, Failure> {
    if arguments.no_discovery {
        return Ok(None);
    }
    let of_target = target.map(|address| address.ip().to_string());
    Ok(Some(Wanted {
        domain: arguments.holder.realm.to_ascii_lowercase(),
        flags: if arguments.no_keylist { DsFlags::KDC } else { DsFlags::KDC.with(DsFlags::KEY_LIST) },
        site: arguments.site.clone(),
        server: arguments.ping.clone().or(of_target),
        dns: arguments.dns_server,
        timeout: arguments.timeout,
        host: this_host().map_err(Failure::Runtime)?,
    }))
}
