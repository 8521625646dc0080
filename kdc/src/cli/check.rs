//! `tgtx check`: what is wrong with a configuration and what it relies on, before the daemon meets it.

mod effective;
mod files;
mod ports;
mod reach;
pub(super) mod view;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Builder;

use super::failure::Failure;
use super::findings::{Findings, Form, Subject};
use crate::config::{self, Config};
use crate::shell::cldap::announced::{self, Announced};
use crate::shell::client_keytab;
use crate::shell::files::config_file;
use crate::shell::prepared::PreparedDomain;

/// Check the configuration, every file it names, and the ports it wants; with --online also what it relies on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 where nothing is wrong or there are warnings alone, 1 where there are errors. Each finding is one line; where
something is not as it should be, it names the mend. Run it as the daemon's user to see what that may read.

With --effective the output is a configuration that says the same, or with --json a list of its values; one that is not
understood is a finding. Values that contradict each other are shown.

Examples:
  tgtx check --config /etc/tgtx/tgtx.toml
  tgtx check --effective | grep -v '# default$'
  runuser -u tgtx -- tgtx check --online
  tgtx check --online --json | jq '.findings[] | select(.severity == \"error\")'")]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::CONFIG, env = super::CONFIG_VARIABLE, hide_env_values = true)]
    config: PathBuf,
    /// Also ask each directory server (bind, clock, branch objects, policy lists, versions of keys), DNS, and whom is
    /// relayed to
    #[arg(long)]
    online: bool,
    /// Print every value that holds instead, and where each comes from: file and line, the environment, or the default
    #[arg(long, conflicts_with_all = ["online", "quiet"])]
    effective: bool,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut findings = Findings::default();
    if arguments.effective {
        match config_file::effective(&arguments.config) {
            Ok(effective) => return effective::print(&effective, arguments.form.is_json()),
            Err(fault) => findings.about(Subject::Configuration, "").error(&fault),
        }
        return findings.report(arguments.form);
    }
    match config_file::load(&arguments.config) {
        Err(fault) => findings.about(Subject::Configuration, "").error(&fault),
        Ok(config) => {
            if arguments.online {
                client_keytab::enter(&config).map_err(Failure::Anew)?;
            }
            look(&config, arguments.online, &mut findings)?;
        }
    }
    findings.report(arguments.form)
}

/// From what stands in files to what has to be asked for.
fn look(config: &Config, online: bool, findings: &mut Findings) -> Result<(), Failure> {
    files::configuration(findings, config);
    files::privileges(findings);
    let announced = announced(config, findings);
    let mut prepared = Vec::new();
    for (index, domain) in config.domains.iter().enumerate() {
        let announced = announced.get(index);
        if let Some(announced) = announced {
            files::pings(findings, &domain.realm, announced);
        }
        if let Some(read) = files::domain(findings, domain) {
            prepared.push((domain, read, announced));
        }
    }
    ports::look(findings, config);
    if !online {
        return Ok(());
    }
    let runtime = super::runtime(Builder::new_multi_thread())?;
    for (settings, domain, announced) in prepared {
        runtime.block_on(ask(findings, config, settings, domain, announced));
    }
    // Resolving a server's name occupies a thread that nothing interrupts.
    runtime.shutdown_background();
    Ok(())
}

/// As many as domains, or none where no pings are answered.
fn announced(config: &Config, findings: &mut Findings) -> Vec<Announced> {
    announced::announced(&config.domains).unwrap_or_else(|error| {
        findings.about(Subject::Discovery, "").error(&error);
        Vec::new()
    })
}

async fn ask(
    findings: &mut Findings,
    config: &Config,
    settings: &config::Domain,
    domain: PreparedDomain,
    announced: Option<&Announced>,
) {
    let (realm, keys) = (Arc::clone(&domain.realm), Arc::clone(&domain.keys));
    if let Some(view) = reach::directory(findings, settings, domain).await {
        view::look(findings, &realm, &keys, &view);
        if let Some(announced) = announced {
            view::sites(findings, &realm, announced, &view, &config.listen.cldap);
        }
    }
    reach::relays(findings, config, settings).await;
    reach::records(findings, settings).await;
}
