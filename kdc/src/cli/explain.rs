//! `tgtx explain`: what the daemon would decide about an account, and why.

mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::runtime;

use super::failure::Failure;
use super::{now, print};
use crate::config::{Config, Domain};
use crate::shell::explain::{ExplainError, Question, explain};
use crate::shell::files::config_file;
use crate::shell::files::domain_files::DomainFiles;
use crate::shell::prepared::PreparedDomain;
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
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::CONFIG)]
    config: PathBuf,
    /// The realm, where the configuration has several
    #[arg(long)]
    realm: Option<String>,
    /// The branch whose ticket the account would bring, where keys of several are loaded
    #[arg(long, value_name = "NUMBER")]
    branch: Option<u16>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let prepared = prepare(arguments)?;
    let question = Question { account: &arguments.account, branch: arguments.branch };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    let explanation = runtime.block_on(explain(prepared, question, now()))?;
    let report = Report::new(&explanation);
    print(&if arguments.json { report.json() } else { report.to_string() })?;
    Ok(if explanation.decision.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

/// The one domain that is meant.
fn prepare(arguments: &Arguments) -> Result<PreparedDomain, Failure> {
    let config = config_file::load(&arguments.config)?;
    let domain = domain(&config, arguments.realm.as_deref())?;
    Ok(PreparedDomain::new(domain, DomainFiles::read(domain)?)?)
}

fn domain<'c>(config: &'c Config, realm: Option<&str>) -> Result<&'c Domain, ExplainError> {
    let configured = || config.domains.iter().map(|domain| domain.realm.clone()).collect();
    match (realm, config.domains.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(ExplainError::SeveralRealms(configured())),
        (Some(asked), domains) => {
            let found = domains.iter().find(|domain| domain.realm.eq_ignore_ascii_case(asked));
            let missing = || ExplainError::NoSuchRealm { asked: asked.to_owned(), configured: configured() };
            found.ok_or_else(missing)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keytabs that it names are none of this host's.
    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../conf/tgtx.toml");

    fn asking(config: &str) -> Arguments {
        let account = "alice".to_owned();
        Arguments { account, config: config.into(), realm: None, branch: None, json: false }
    }

    #[test]
    fn faults_of_the_configuration_and_of_its_files_exit_as_those_of_serve() {
        for config in ["/nonexistent/tgtx.toml", EXAMPLE] {
            let failure = run(&asking(config)).unwrap_err();
            assert!(matches!(failure, Failure::Config(_) | Failure::Static(_)), "{failure}");
            assert_eq!(
                format!("{:?}", failure.exit_code()),
                format!("{:?}", ExitCode::from(78)),
                "{failure}"
            );
        }
        let elsewhere = Arguments { realm: Some("OTHER.EXAMPLE".to_owned()), ..asking(EXAMPLE) };
        assert!(matches!(run(&elsewhere), Err(Failure::Explain(ExplainError::NoSuchRealm { .. }))));
    }
}
