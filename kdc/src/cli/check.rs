//! `tgtx check`: what is wrong with a configuration, before the daemon meets it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime;

use super::failure::Failure;
use super::print;
use crate::config::Config;
use crate::directory::{Branch, DirectoryView};
use crate::discovery::own_site;
use crate::exchange::UserKeys;
use crate::krb::keys::{DomainKeys, KeyAge, Rc4};
use crate::shell::cldap::{self, Announced};
use crate::shell::directory::ReadError;
use crate::shell::files::config_file;
use crate::shell::files::domain_files::DomainFiles;
use crate::shell::files::static_faults::StaticFault;
use crate::shell::prepared::PreparedDomain;

/// Check the configuration and every file it names; with --online also the directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 where nothing is wrong, 1 otherwise. Each problem is one line that names the mend.

Examples:
  tgtx check --config /etc/tgtx/tgtx.toml
  tgtx check --online")]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::CONFIG)]
    config: PathBuf,
    /// Also connect to each directory: bind, branch objects, policy lists, version of krbtgt
    #[arg(long)]
    online: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut findings = Findings::default();
    match read(&arguments.config) {
        Err(fault) => findings.problem(&fault),
        Ok((config, domains)) => {
            findings.good(&format!("{}: understood", arguments.config.display()));
            // As many as domains, or none where no pings are answered.
            let announced = cldap::announced(&config.domains).unwrap_or_else(|error| {
                findings.problem(&error);
                Vec::new()
            });
            let mut announced = announced.iter();
            for domain in domains {
                let announced = announced.next();
                if let Some(announced) = announced {
                    findings.pings(&domain.realm, announced);
                }
                findings.keys(&domain.realm, &domain.keys);
                if let Some(keytabs) = &domain.user_keys {
                    findings.user_keys(&domain.realm, keytabs.keys());
                }
                if arguments.online {
                    let (realm, keys) = (Arc::clone(&domain.realm), Arc::clone(&domain.keys));
                    match look(domain)? {
                        Ok(view) => {
                            findings.view(&realm, &keys, &view);
                            if let Some(announced) = announced {
                                findings.sites(&realm, announced, &view, &config.listen.cldap);
                            }
                        }
                        Err(error) => findings.problem(&format!("{realm}: {error}")),
                    }
                }
            }
        }
    }
    print(&findings.text)?;
    Ok(if findings.problems { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn read(config: &Path) -> Result<(Config, Vec<PreparedDomain>), StaticFault> {
    let config = config_file::load(config)?;
    let prepare = |domain| PreparedDomain::new(domain, DomainFiles::read(domain)?);
    let domains = config.domains.iter().map(prepare).collect::<Result<_, _>>()?;
    Ok((config, domains))
}

/// Reads the domain as the daemon does.
fn look(domain: PreparedDomain) -> Result<Result<DirectoryView, ReadError>, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    Ok(runtime.block_on(async {
        let numbers = domain.branch_numbers();
        let (directory, rules) = domain.connect();
        directory.view(&numbers, &rules.view).await.map(|(view, _)| view)
    }))
}

/// What was found, in the order it was looked at.
#[derive(Default)]
struct Findings {
    text: String,
    problems: bool,
}

impl Findings {
    fn good(&mut self, line: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "ok       {line}");
    }

    fn problem(&mut self, line: &dyn std::fmt::Display) {
        self.problems = true;
        let _ = writeln!(self.text, "PROBLEM  {line}");
    }

    fn keys(&mut self, realm: &str, keys: &DomainKeys) {
        let issuing = keys.issuing();
        self.good(&format!("{realm}: krbtgt key, kvno {}, {}", issuing.kvno(), issuing.etype()));
        if keys.rc4() == Rc4::Allowed {
            self.good(&format!(
                "{realm}: RC4 is allowed for tickets and keys (allow-rc4); switch it off when you can"
            ));
        }
        for branch in keys.branches() {
            let versions: Vec<String> =
                branch.keys().iter().map(|key| format!("{} {}", key.version(), key.etype())).collect();
            self.good(&format!(
                "{realm}: branch {}, key version {}",
                branch.number(),
                versions.join(" and ")
            ));
        }
        for skipped in keys.skipped() {
            self.good(&format!("{realm}: keytab entry not used: {skipped}"));
        }
        if keys.branches().next().is_none() {
            self.problem(&format!(
                "{realm}: no key of a branch in its keytabs, so nothing can be exchanged; export krbtgt_AzureAD's"
            ));
        }
    }

    fn pings(&mut self, realm: &str, announced: &Announced) {
        self.good(&match announced.upstream {
            Some(upstream) => format!("{realm}: pings are answered by {upstream}, KEY_LIST added"),
            None => format!("{realm}: pings are answered as {}", announced.announcement.host),
        });
    }

    /// The site that answers to pings name, for each address that they are sent to.
    fn sites(&mut self, realm: &str, announced: &Announced, view: &DirectoryView, listen: &[SocketAddr]) {
        let Announced { announcement, upstream: None } = announced else { return };
        match &view.sites {
            Err(fault) if announcement.site.is_none() => {
                self.problem(&format!("{realm}: {fault}; name ours in [domain.discovery] site"));
            }
            Err(fault) => self.good(&format!("{realm}: {fault}; [domain.discovery] names ours")),
            Ok(sites) => {
                for address in listen.iter().map(SocketAddr::ip) {
                    if announcement.site.is_none() && address.is_unspecified() && sites.only().is_none() {
                        self.good(&format!("{realm}: pings are answered from the site of the address asked"));
                    } else {
                        let site = own_site(announcement, sites, address);
                        self.good(&format!("{realm}: pings to {address} are answered from site {site}"));
                    }
                }
            }
        }
    }

    fn user_keys(&mut self, realm: &str, keys: &UserKeys) {
        let etypes: Vec<String> = keys.etypes().map(|etype| etype.to_string()).collect();
        self.good(&format!(
            "{realm}: the key list is on: keys of {} users, {}; guard them as you guard the domain",
            keys.accounts(),
            etypes.join(" and ")
        ));
        for (why, entries) in keys.unused() {
            self.good(&format!("{realm}: entries of user keytabs not used: {entries} {why}"));
        }
    }

    fn view(&mut self, realm: &str, keys: &DomainKeys, view: &DirectoryView) {
        self.good(&format!(
            "{realm}: directory of {} ({}), {}",
            view.dns_domain_name, view.netbios_name, view.domain_sid
        ));
        match keys.age(view.krbtgt_version) {
            KeyAge::Current => {}
            age => self.problem(&format!("{realm}: {age}")),
        }
        match &view.denials {
            Ok(denials) => {
                for (key, sids) in
                    [("deny-groups", denials.groups()), ("deny-replicators", denials.replicators())]
                {
                    if !sids.is_empty() {
                        self.good(&format!("{realm}: {key} denies {} SIDs", sids.len()));
                    }
                }
            }
            Err(fault) => self.problem(&format!("{realm}: nobody is served: {fault}")),
        }
        for fault in view.authentication.faults() {
            self.problem(&format!("{realm}: nobody is served whom this is assigned to: {fault}"));
        }
        for policy in view.authentication.keeping_users_out() {
            self.good(&format!(
                "{realm}: users under {policy} are refused: it demands a device, which no partial TGT proves"
            ));
        }
        for number in keys.branches().map(|branch| branch.number()) {
            match view.branches.get(&number) {
                Some(Branch::Serving { policy, .. }) => self.good(&format!(
                    "{realm}: branch {number} serves: {} never revealed, {} revealed on demand",
                    policy.never_reveal().len(),
                    policy.reveal_on_demand().len()
                )),
                Some(Branch::Broken(fault)) => self.problem(&format!("{realm}: branch {number}: {fault}")),
                Some(Branch::Unresolved(fault)) => self.problem(&format!("{realm}: branch {number}: {fault}")),
                None => self.problem(&format!(
                    "{realm}: branch {number}: no account of the domain has this number; remove its keys from the \
                     keytab, or create the branch again"
                )),
            }
        }
    }
}
