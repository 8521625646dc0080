//! `tgtx status`: how the daemon is.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::control::Daemon;
use super::failure::Failure;
use super::{json, keys, print};
use crate::shell::control::{Answer, Request, State, Status};

/// Ask the daemon how it is: ready or not and why, configuration, keys, directories, counts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 where the daemon is ready, 1 where it is not or does not answer. docs/lifecycle.md has the JSON.

Examples:
  tgtx status
  tgtx status --json | jq .counters")]
pub(super) struct Arguments {
    #[command(flatten)]
    daemon: Daemon,
    /// As JSON, schema version 1
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Answer::Status(status) = arguments.daemon.ask(&Request::Status)? else {
        return Err(arguments.daemon.misunderstood());
    };
    if arguments.json {
        print(&json::indented(&status))?;
    } else {
        print(&text(&status))?;
    }
    Ok(if status.ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(status: &Status) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<14} {value}");
    };
    let ready = match (status.ready, status.state) {
        (_, State::Draining) => "draining",
        (true, State::Serving) => "ready",
        (false, State::Serving) => "not ready",
    };
    let up = keys::age(status.uptime_seconds);
    line(
        "tgtx",
        &format!("{} (commit {}), process {}, up {up}: {ready}", status.version, status.revision, status.pid),
    );
    for check in status.checks.iter().filter(|check| !check.ok) {
        line("NOT READY", &format!("{} {}: {}", check.domain, check.name.label(), check.detail));
    }
    let reload = &status.configuration.last_reload;
    line("configuration", &status.configuration.file);
    match &reload.fault {
        None => line("loaded", &reload.at),
        Some(fault) => line("NOT RELOADED", &format!("{}: {fault}", reload.at)),
    }
    for section in &reload.at_next_start {
        line("", &format!("{section} takes effect at the next start"));
    }
    let addresses = |addresses: &[std::net::SocketAddr]| {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    line("kerberos", &addresses(&status.listening.kerberos));
    for domain in &status.domains {
        line("domain", &format!("{}, {}", domain.realm, domain.mode));
        for key in &domain.keys {
            line("  key", &keys::line(key));
        }
        if let Some(behind) = domain.krbtgt_versions_behind.filter(|behind| *behind > 0) {
            line("  KRBTGT", &format!("{behind} versions behind the directory's"));
        }
        let directory = &domain.directory;
        for (server, connections) in &directory.servers {
            line(&format!("  {}", directory.kind), &format!("{server}, {connections} connections"));
        }
        let fresh = if directory.fresh { "fresh" } else { "NOT READ FOR TOO LONG" };
        line("  directory", &format!("{fresh}, {} accounts remembered", directory.remembered));
    }
    let counters = &status.counters;
    line(
        "requests",
        &format!(
            "{}: {} issued, {} in shadow mode, {} refused, {} errors, {} retransmits, {} replays, {} relayed, {} dropped",
            counters.requests,
            counters.issued,
            counters.shadow,
            counters.refused,
            counters.errors,
            counters.retransmits,
            counters.replays,
            counters.relayed,
            counters.dropped
        ),
    );
    if counters.panics > 0 {
        line("DEFECTS", &format!("{}; the log has them", counters.panics));
    }
    text
}
