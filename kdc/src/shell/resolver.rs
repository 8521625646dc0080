//! DNS: the servers of a service (SRV, RFC 2782) and the addresses of a host.
//!
//! Answers are not authenticated: whoever forges them chooses who is asked, never what is believed.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData};

/// How long one server of DNS is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server as an SRV record names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Srv {
    /// The lowest goes first.
    pub priority: u16,
    /// Its share among those of its priority.
    pub weight: u16,
    /// Where it listens.
    pub port: u16,
    /// Its name, in lower case and without the dot at the end.
    pub target: String,
}

/// DNS cannot be asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// `/etc/resolv.conf` cannot be read or names no server.
    #[error("/etc/resolv.conf: {0}")]
    System(NetError),
    /// The question was not answered.
    #[error("{name}: {fault}")]
    Unanswered {
        /// What was asked for.
        name: String,
        /// Why there is no answer.
        fault: NetError,
    },
}

/// Asks DNS. An answer is one message, of at most 64 KiB, and all of its records are looked at: a domain's own names stand
/// for every domain controller it has.
#[derive(Clone)]
pub struct Resolver(TokioResolver);

impl Resolver {
    /// Asks the servers of `/etc/resolv.conf`, as it is now; `/etc/hosts` counts for addresses.
    ///
    /// # Errors
    /// [`LookupError::System`]
    pub fn system() -> Result<Self, LookupError> {
        let mut builder = TokioResolver::builder_tokio().map_err(LookupError::System)?;
        tune(builder.options_mut());
        builder.build().map(Self).map_err(LookupError::System)
    }

    /// Asks this server and no other.
    ///
    /// # Errors
    /// [`LookupError::System`]
    pub fn at(server: SocketAddr) -> Result<Self, LookupError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let server = NameServerConfig::new(server.ip(), true, connections.into());
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        tune(builder.options_mut());
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        builder.build().map(Self).map_err(LookupError::System)
    }

    /// The servers that `name` names, by priority, then weight, port and name; none where the name does not exist.
    ///
    /// # Errors
    /// [`LookupError::Unanswered`]
    pub async fn servers(&self, name: &str) -> Result<Vec<Srv>, LookupError> {
        let lookup = match self.0.srv_lookup(absolute(name)).await {
            Ok(lookup) => lookup,
            Err(fault) if fault.is_no_records_found() => return Ok(Vec::new()),
            Err(fault) => return Err(LookupError::Unanswered { name: name.to_owned(), fault }),
        };
        let mut servers: Vec<Srv> = lookup
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(srv) => Some(Srv {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    target: text(&srv.target),
                }),
                _ => None,
            })
            // RFC 2782: a target of "." says that there is no such service.
            .filter(|srv| !srv.target.is_empty())
            .collect();
        servers.sort();
        Ok(servers)
    }

    /// The addresses of a host, IPv4 first; none where the name does not exist. An address is its own.
    ///
    /// # Errors
    /// [`LookupError::Unanswered`]
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let lookup = match self.0.lookup_ip(absolute(host)).await {
            Ok(lookup) => lookup,
            Err(fault) if fault.is_no_records_found() => return Ok(Vec::new()),
            Err(fault) => return Err(LookupError::Unanswered { name: host.to_owned(), fault }),
        };
        let mut addresses: Vec<IpAddr> = lookup.iter().collect();
        addresses.sort();
        addresses.dedup();
        Ok(addresses)
    }
}

fn tune(options: &mut ResolverOpts) {
    options.timeout = PATIENCE;
    options.use_hosts_file = ResolveHosts::Always;
}

/// A name with a dot in it is whole; only a bare host name is looked for in the search list.
fn absolute(name: &str) -> String {
    if name.contains('.') && !name.ends_with('.') { format!("{name}.") } else { name.to_owned() }
}

fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
