//! `tgtx dns`: how clients find an instance.

mod served;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::unistd::gethostname;
use serde::Serialize;
use tokio::runtime::Builder;

use super::failure::Failure;
use super::findings::{Findings, Form};
use super::{json, print};
use crate::config::{Config, Domain};
use crate::dns::records::{Instance, Record, nsupdate, zone_file};
use crate::shell::explain::ExplainError;
use crate::shell::files::config_file;
use crate::shell::resolver::Resolver;

/// How clients find this instance.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    Records(Records),
}

/// Print the SRV records to create for this instance; with --check compare them with what DNS serves.
///
/// Nothing is written to DNS. Create the records where the domain's own are, and the address of the host beside them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 where the records are printed, or served as they should be; 1 otherwise.

Examples:
  tgtx dns records --site Berlin
  tgtx dns records --weight 300 --nsupdate | nsupdate -g
  tgtx dns records --site Berlin --check")]
pub(super) struct Records {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::CONFIG, env = super::CONFIG_VARIABLE, hide_env_values = true)]
    config: PathBuf,
    /// The realm; all of the configuration's where absent
    #[arg(long)]
    realm: Option<String>,
    /// DNS name of this instance's host [default: `[domain.discovery] host`, else this host's name, in the domain]
    #[arg(long, value_name = "NAME", value_parser = host)]
    host: Option<String>,
    /// A site whose clients are to find it first; may be repeated
    #[arg(long = "site", value_name = "SITE", default_value = "Default-First-Site-Name", value_parser = site)]
    sites: Vec<String>,
    /// The lowest priority goes first; domain controllers have 0
    #[arg(long, default_value_t = 0)]
    priority: u16,
    /// The share among those of one priority; domain controllers have 100
    #[arg(long, default_value_t = 100)]
    weight: u16,
    /// Seconds that the records may be remembered
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    ttl: u32,
    /// Print input for nsupdate instead of a zone file
    #[arg(long, conflicts_with = "check")]
    nsupdate: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "nsupdate")]
    json: bool,
    /// Compare with what DNS serves
    #[arg(long)]
    check: bool,
    /// Ask this server instead of the system's, with --check
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = super::dns_server, requires = "check")]
    dns_server: Option<SocketAddr>,
}

/// Octets of a label and of a name (RFC 1035 §2.3.4).
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;

/// Whether a zone file has it as it is.
fn is_label(text: &str) -> bool {
    let is_plain = |sign: char| sign.is_alphanumeric() || "-_".contains(sign);
    (1..=LONGEST_LABEL).contains(&text.len()) && text.chars().all(is_plain)
}

fn site(text: &str) -> Result<String, &'static str> {
    let wrong = "not a site; write its name, such as Default-First-Site-Name";
    if is_label(text) { Ok(text.to_owned()) } else { Err(wrong) }
}

fn host(text: &str) -> Result<String, &'static str> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_name = name.len() <= LONGEST_NAME && name.split('.').all(is_label);
    if is_name { Ok(name.to_owned()) } else { Err("not a host's name; write it with its domain") }
}

pub(super) fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    let Verb::Records(arguments) = verb;
    let config = config_file::load(&arguments.config)?;
    let records = arguments.records(&config)?;
    if arguments.check {
        return check(arguments.dns_server, &records)?.report(Form::of(arguments.json));
    }
    print(&match (arguments.json, arguments.nsupdate) {
        (true, _) => json::line(&told(records)),
        (_, true) => nsupdate(&records),
        _ => zone_file(&records),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What is printed as JSON. Its shape is versioned: within one `version`, members are added and none is renamed or removed.
#[derive(Serialize)]
struct Told {
    version: u32,
    records: Vec<Record>,
}

fn told(records: Vec<Record>) -> Told {
    Told { version: 1, records }
}

fn check(server: Option<SocketAddr>, records: &[Record]) -> Result<Findings, Failure> {
    let runtime = super::runtime(Builder::new_current_thread())?;
    runtime.block_on(async {
        let resolver = match server {
            Some(server) => Resolver::at(server)?,
            None => Resolver::system()?,
        };
        Ok(served::look(&resolver, records).await)
    })
}

impl Records {
    fn records(&self, config: &Config) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        for domain in self.domains(config)? {
            let host = match &self.host {
                Some(host) => host.clone(),
                None => own_name(domain)?,
            };
            let kpasswd = config.listen.kpasswd.first().filter(|_| !domain.relay.kpasswd.is_empty());
            let instance = Instance {
                host: &host,
                domain: &domain.realm,
                sites: &self.sites,
                port: config.listen.kerberos.first().map_or(88, SocketAddr::port),
                kpasswd_port: kpasswd.map(SocketAddr::port),
                priority: self.priority,
                weight: self.weight,
                ttl: self.ttl,
            };
            records.extend(instance.records());
        }
        Ok(records)
    }

    fn domains<'c>(&self, config: &'c Config) -> Result<Vec<&'c Domain>, ExplainError> {
        let wanted = |domain: &&Domain| {
            self.realm.as_ref().is_none_or(|realm| domain.realm.eq_ignore_ascii_case(realm))
        };
        let domains: Vec<&Domain> = config.domains.iter().filter(wanted).collect();
        match &self.realm {
            Some(asked) if domains.is_empty() => Err(ExplainError::NoSuchRealm {
                asked: asked.clone(),
                configured: config.domains.iter().map(|domain| domain.realm.clone()).collect(),
            }),
            _ => Ok(domains),
        }
    }
}

/// The name that pings are answered with, else the host's; a bare one is in the domain.
pub(super) fn own_name(Domain { realm, discovery, .. }: &Domain) -> Result<String, Failure> {
    let announced = discovery.as_ref().and_then(|discovery| discovery.host.clone());
    let of_host = || gethostname().ok().and_then(|name| name.into_string().ok());
    let unknown = || Failure::Process("this host's name is unknown; name it with --host".to_owned());
    let name = announced.or_else(of_host).ok_or_else(unknown)?;
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_bare = !name.contains('.');
    Ok(if is_bare { format!("{name}.{}", realm.to_ascii_lowercase()) } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::assert_documented;

    #[test]
    fn the_documentation_lists_what_json_has() {
        let instance = Instance {
            host: "kdc1.lab.example",
            domain: "lab.example",
            sites: &[],
            port: 88,
            kpasswd_port: None,
            priority: 0,
            weight: 100,
            ttl: 600,
        };
        assert_documented("DNS records", &told(instance.records()));
    }
}
