//! `tgtx reload` and `tgtx drain`: what a running daemon is told to do.

use std::process::ExitCode;

use super::control::Daemon;
use super::failure::Failure;
use super::shown::complain;
use super::{json, print};
use crate::shell::control::{Answer, Request};

/// Have the daemon read configuration, keys, certificates and directory files anew, all or nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 where what is served is what the files say now, 1 where everything stays as it was, or there is no answer.

Examples:
  tgtx reload
  tgtx reload --allow-key-removal    # an old key is out of the keytab, and no ticket under it is alive")]
pub(super) struct ReloadArguments {
    #[command(flatten)]
    daemon: Daemon,
    /// Let keys in use go that stand in no keytab any more: who holds a ticket under one is turned away
    #[arg(long)]
    allow_key_removal: bool,
    /// As JSON, schema version 1
    #[arg(long)]
    json: bool,
}

/// Send everybody elsewhere: the daemon is no longer ready and no longer found, serves who still comes, and stops after drain-grace.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 where it drains, 1 where there is no answer. `systemctl stop` stops it at once.

Examples:
  tgtx drain")]
pub(super) struct DrainArguments {
    #[command(flatten)]
    daemon: Daemon,
    /// As JSON, schema version 1
    #[arg(long)]
    json: bool,
}

pub(super) fn reload(arguments: &ReloadArguments) -> Result<ExitCode, Failure> {
    let request = Request::Reload { allow_key_removal: arguments.allow_key_removal };
    let Answer::Reload(outcome) = arguments.daemon.ask(&request)? else {
        return Err(arguments.daemon.misunderstood());
    };
    if arguments.json {
        print(&json::indented(&outcome))?;
        return Ok(if outcome.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if let Some(fault) = outcome.fault {
        complain(&format!("not reloaded, everything stays as it was: {fault}"));
        return Ok(ExitCode::FAILURE);
    }
    for section in outcome.at_next_start {
        complain(&format!("{section} takes effect at the next start"));
    }
    print("reloaded\n")?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn drain(arguments: &DrainArguments) -> Result<ExitCode, Failure> {
    let Answer::Drain(draining) = arguments.daemon.ask(&Request::Drain)? else {
        return Err(arguments.daemon.misunderstood());
    };
    if arguments.json {
        print(&json::indented(&draining))?;
    } else {
        print(&format!("draining; stops in {} s\n", draining.stops_in_seconds))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use crate::cli::commands::assert_documented;
    use crate::shell::control::Draining;

    #[test]
    fn the_documentation_lists_what_json_has() {
        let draining = Draining { schema: 1, stops_in_seconds: 600 };
        assert_documented("Drain", &draining);
    }
}
