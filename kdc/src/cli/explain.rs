//! `tgtx explain`: what the daemon would decide about an account, and why.

mod report;

use std::process::ExitCode;

use tokio::runtime::Builder;

use super::failure::Failure;
use super::one_domain::OneDomain;
use super::{json, now, print};
use crate::shell::explain::{Question, explain};
use report::Report;

/// Exit code for an account that is refused.
const REFUSED: u8 = 10;

/// Say whether an account would get a full TGT, which rule decides, and how it comes by the group that does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads the configuration and the directory that the daemon reads, and decides with the daemon's own code. What only
a ticket shows (keys, times, signatures) is not looked at.

Exit code: 0 for an account that is allowed, 10 for one that is refused, 78 where the configuration or a file
it names is at fault, 1 where it cannot be said for another reason. An account whose data the daemon cannot
decide on is one that is refused.

Examples:
  tgtx explain alice
  tgtx explain 'LAB\\alice' --config /etc/tgtx/tgtx.toml
  tgtx explain S-1-5-21-1-2-3-1107 --branch 30775 --json
  tgtx explain alice@contoso.com --realm LAB.EXAMPLE")]
pub(super) struct Arguments {
    /// SID, sAMAccountName, DOMAIN\name or user principal name
    #[arg(value_name = "USER|SID")]
    account: String,
    #[command(flatten)]
    domain: OneDomain,
    /// The branch whose ticket the account would bring, where keys of several are loaded
    #[arg(long, value_name = "NUMBER")]
    branch: Option<u16>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let prepared = arguments.domain.prepare()?;
    let question = Question { account: &arguments.account, branch: arguments.branch };
    let runtime = super::runtime(Builder::new_current_thread())?;
    let explanation = runtime.block_on(explain(prepared, question, now()))?;
    let report = Report::new(&explanation);
    print(&if arguments.json { json::line(&report) } else { report.to_string() })?;
    Ok(if explanation.decision.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::explain::ExplainError;

    /// The keytabs that it names are none of this host's.
    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../conf/tgtx.toml");

    fn asking(config: &str, realm: Option<&str>) -> Arguments {
        let domain = OneDomain { config: config.into(), realm: realm.map(str::to_owned) };
        Arguments { account: "alice".to_owned(), domain, branch: None, json: false }
    }

    #[test]
    fn faults_of_the_configuration_and_of_its_files_exit_as_those_of_serve() {
        for config in ["/nonexistent/tgtx.toml", EXAMPLE] {
            let failure = run(&asking(config, None)).unwrap_err();
            assert!(matches!(failure, Failure::Config(_) | Failure::Static(_)), "{failure}");
            assert_eq!(
                format!("{:?}", failure.exit_code()),
                format!("{:?}", ExitCode::from(78)),
                "{failure}"
            );
        }
        let elsewhere = asking(EXAMPLE, Some("OTHER.EXAMPLE"));
        assert!(matches!(run(&elsewhere), Err(Failure::Explain(ExplainError::NoSuchRealm { .. }))));
    }
}
