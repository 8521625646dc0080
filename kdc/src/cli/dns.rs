//! `tgtx dns`: how clients find an instance.

mod served;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::unistd::gethostname;
use tokio::runtime;

use super::failure::Failure;
use super::print;
use crate::config::{Config, Domain};
use crate::dns::records::{Instance, Record, nsupdate, zone_file};
use crate::shell::explain::ExplainError;
use crate::shell::files::config_file;
use crate::shell::resolver::Resolver;
use served::Findings;

/// How clients find this instance.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
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
struct Records {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::CONFIG)]
    config: PathBuf,
    /// The realm; all of the configuration's where absent
    #[arg(long)]
    realm: Option<String>,
    /// DNS name of this instance's host [default: `[domain.discovery] host`, else this host's name, in the domain]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// A site whose clients are to find it first; may be repeated
    #[arg(long = "site", value_name = "SITE", default_value = "Default-First-Site-Name")]
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
    /// Compare with what DNS serves
    #[arg(long)]
    check: bool,
    /// Ask this server instead of the system's, with --check
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = super::dns_server, requires = "check")]
    dns_server: Option<SocketAddr>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Verb::Records(arguments) = &arguments.verb;
    let config = config_file::load(&arguments.config)?;
    let records = arguments.records(&config)?;
    if arguments.check {
        let findings = check(arguments.dns_server, &records)?;
        print(&findings.text)?;
        return Ok(if findings.problems { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    print(&if arguments.nsupdate { nsupdate(&records) } else { zone_file(&records) })?;
    Ok(ExitCode::SUCCESS)
}

fn check(server: Option<SocketAddr>, records: &[Record]) -> Result<Findings, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(async {
        let resolver = match server {
            Some(server) => Resolver::at(server)?,
            None => Resolver::system()?,
        };
        Ok(Findings::look(&resolver, records).await)
    })
}

impl Records {
    fn records(&self, config: &Config) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        for domain in self.domains(config)? {
            let host = match &self.host {
                Some(host) => host.trim_end_matches('.').to_owned(),
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
fn own_name(Domain { realm, discovery, .. }: &Domain) -> Result<String, Failure> {
    let announced = discovery.as_ref().and_then(|discovery| discovery.host.clone());
    let of_host = || gethostname().ok().and_then(|name| name.into_string().ok());
    let unknown = || Failure::Process("this host's name is unknown; name it with --host".to_owned());
    let name = announced.or_else(of_host).ok_or_else(unknown)?;
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_bare = !name.contains('.');
    Ok(if is_bare { format!("{name}.{}", realm.to_ascii_lowercase()) } else { name })
}
