//! `tgtx keys`: which keys the daemon has. Never a key.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::control::Daemon;
use super::failure::Failure;
use super::{json, print};
use crate::shell::control::{Answer, KeyLine, Request};

/// The daemon's keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List keys loaded, by role, branch, version, type and use, and keytab entries not used; never a key.
    List(List),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A key issues full TGTs, stands by (another version of krbtgt issues), opens partial TGTs, or verifies signatures in
PACs. Exit code: 0, or 1 where there is no answer.

Examples:
  tgtx keys list
  tgtx keys list --json | jq -c '.skipped[]'")]
pub(super) struct List {
    #[command(flatten)]
    daemon: Daemon,
    /// As JSON, schema version 1
    #[arg(long)]
    json: bool,
}

pub(super) fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    let Verb::List(list) = verb;
    let Answer::Keys(keys) = list.daemon.ask(&Request::Keys)? else {
        return Err(list.daemon.misunderstood());
    };
    if list.json {
        print(&json::indented(&keys))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for key in &keys.keys {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<20} {}", key.realm, line(key));
    }
    for skipped in &keys.skipped {
        let _ = writeln!(
            text,
            "{:<20} not used: {}: {} kvno {} etype {}: {}",
            skipped.realm, skipped.keytab, skipped.principal, skipped.kvno, skipped.etype, skipped.reason
        );
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// One key for a person.
pub(super) fn line(key: &KeyLine) -> String {
    let role = key.branch.map_or_else(|| key.role.clone(), |number| format!("{} {number}", key.role));
    let employment = key.employment.replace('_', " ");
    let age = age(key.loaded_seconds);
    format!("{role:<13} kvno {:<11} {:<26} {employment:<9} loaded for {age}", key.kvno, key.etype)
}

/// A time in its two largest units.
pub(super) fn age(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, unit) in UNITS {
        let count = rest.checked_div(length).unwrap_or(0);
        rest = rest.checked_rem(length).unwrap_or(0);
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn a_time_has_its_two_largest_units() {
        for (seconds, expected) in
            [(0, "0 s"), (59, "59 s"), (3_600, "1 h"), (3_661, "1 h 1 min"), (176_461, "2 d 1 h")]
        {
            assert_eq!(age(seconds), expected);
        }
    }
}
