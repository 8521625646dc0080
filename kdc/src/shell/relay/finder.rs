//! Where upstreams are: addresses as they are written, names and SRV records as DNS has them now.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::own_addresses::OwnAddresses;
use super::upstreams::Upstreams;
use crate::config::{HostPort, Relay};
use crate::dns::names;
use crate::relay::Upstream;
use crate::shell::complaint::Complaint;
use crate::shell::resolver::{LookupError, Resolver, Srv};

/// Between two looks, and where the last one failed.
const PAUSE: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_secs(5);

/// Keeps one list of upstreams.
pub struct Finder {
    realm: Arc<str>,
    sought: Sought,
    own: OwnAddresses,
    upstreams: Arc<Upstreams>,
    unfound: Complaint,
    ourselves: Complaint,
}

/// What is looked for.
enum Sought {
    /// These, in this order.
    Servers(Vec<HostPort>),
    /// The domain controllers of the domain.
    DomainControllers,
}

impl Finder {
    /// Of those that answer what is no exchange; `None` where nobody is to.
    pub(super) fn of_kdcs(realm: &Arc<str>, relay: &Relay, own: &OwnAddresses) -> Option<Self> {
        match (relay.srv, relay.kdcs.is_empty()) {
            (true, _) => Some(Self::new(realm, "kerberos", Sought::DomainControllers, own)),
            (false, false) => Some(Self::new(realm, "kerberos", Sought::Servers(relay.kdcs.clone()), own)),
            (false, true) => None,
        }
    }

    /// Of those that change passwords; `None` where nobody is to.
    pub(super) fn of_kpasswd(realm: &Arc<str>, relay: &Relay, own: &OwnAddresses) -> Option<Self> {
        let servers = Sought::Servers(relay.kpasswd.clone());
        (!relay.kpasswd.is_empty()).then(|| Self::new(realm, "kpasswd", servers, own))
    }

    fn new(realm: &Arc<str>, service: &'static str, sought: Sought, own: &OwnAddresses) -> Self {
        let finder = Self {
            realm: Arc::clone(realm),
            sought,
            own: own.clone(),
            upstreams: Arc::new(Upstreams::new(realm, service)),
            unfound: Complaint::default(),
            ourselves: Complaint::default(),
        };
        // What needs no DNS is there at once.
        if let Sought::Servers(servers) = &finder.sought {
            let written = servers.iter().enumerate().filter_map(|(place, server)| {
                let address = server.address()?;
                (!finder.own.hold(address)).then(|| at_place(place, address))
            });
            finder.upstreams.set(written.collect());
        }
        finder
    }

    /// The list that is kept.
    pub(super) fn upstreams(&self) -> &Arc<Upstreams> {
        &self.upstreams
    }

    /// Looks again and again. What was found last stays until something else is found.
    pub async fn run(mut self) {
        loop {
            let pause = match self.look().await {
                Ok(found) => {
                    self.publish(found);
                    PAUSE
                }
                Err(error) => {
                    if self.unfound.is_due(&error.to_string(), Instant::now()) {
                        warn!(realm = &*self.realm, "whom to relay to cannot be looked up: {error}");
                    }
                    RETRY
                }
            };
            sleep(pause).await;
        }
    }

    fn publish(&mut self, found: Vec<Upstream>) {
        if self.unfound.is_over() {
            info!(realm = &*self.realm, "whom to relay to is found again");
        }
        let (ours, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|upstream| self.own.hold(upstream.address));
        if ours.is_empty() {
            self.ourselves.is_over();
        } else {
            let addresses: Vec<SocketAddr> = ours.iter().map(|upstream| upstream.address).collect();
            let text = format!("left out as upstreams, because they are this daemon itself: {addresses:?}");
            if self.ourselves.is_due(&text, Instant::now()) {
                // Among SRV records it is as it should be that we are there.
                match self.sought {
                    Sought::DomainControllers => info!(realm = &*self.realm, "{text}"),
                    Sought::Servers(_) => warn!(realm = &*self.realm, "{text}"),
                }
            }
        }
        if others.is_empty() && self.unfound.is_due("nobody", Instant::now()) {
            warn!(realm = &*self.realm, "there is nobody to relay to; what is no exchange is refused");
        }
        self.upstreams.set(others);
    }

    async fn look(&self) -> Result<Vec<Upstream>, LookupError> {
        match &self.sought {
            Sought::Servers(servers) if servers.iter().all(|server| server.address().is_some()) => {
                let written = servers.iter().enumerate();
                Ok(written.filter_map(|(place, server)| Some(at_place(place, server.address()?))).collect())
            }
            // The configuration of DNS may have changed since the last look.
            Sought::Servers(servers) => resolve(&Resolver::system()?, servers).await,
            Sought::DomainControllers => domain_controllers(&Resolver::system()?, &self.realm).await,
        }
    }
}

/// The addresses of servers in their order. One whose name is unknown is left out, as long as another one is known.
async fn resolve(resolver: &Resolver, servers: &[HostPort]) -> Result<Vec<Upstream>, LookupError> {
    let mut found = Vec::new();
    let mut failed = None;
    for (place, server) in servers.iter().enumerate() {
        match resolver.addresses(&server.host).await {
            Ok(addresses) => {
                let at = |address| at_place(place, SocketAddr::new(address, server.port));
                found.extend(addresses.into_iter().map(at));
            }
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// The domain controllers of a domain, as Windows' clients find them ([MS-ADTS] 6.3.2.3).
///
/// Under the name of KDCs stand other instances of this daemon as well, to which nothing should be relayed: they would
/// pass it on. A domain controller is one for LDAP too, which they are not.
async fn domain_controllers(resolver: &Resolver, realm: &str) -> Result<Vec<Upstream>, LookupError> {
    let mut kdcs = resolver.servers(&names::domain_kdcs(realm)).await?;
    let directory_servers: HashSet<String> = match resolver.servers(&names::domain_ldap_servers(realm)).await
    {
        Ok(servers) => servers.into_iter().map(|server| server.target).collect(),
        // Better one relay too many than none.
        Err(_) => HashSet::new(),
    };
    if kdcs.iter().any(|kdc| directory_servers.contains(&kdc.target)) {
        kdcs.retain(|kdc| directory_servers.contains(&kdc.target));
    }
    let mut found = Vec::new();
    let mut failed = None;
    for Srv { priority, weight, port, target, .. } in &kdcs {
        match resolver.addresses(target).await {
            Ok(addresses) => found.extend(addresses.into_iter().map(|address| Upstream {
                priority: rank(u32::from(*priority), address),
                weight: *weight,
                address: SocketAddr::new(address, *port),
            })),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

fn at_place(place: usize, address: SocketAddr) -> Upstream {
    Upstream { priority: rank(u32::try_from(place).unwrap_or(u32::MAX), address.ip()), weight: 0, address }
}

/// Of one priority, IPv4 goes first: every domain controller has it.
fn rank(priority: u32, address: IpAddr) -> u32 {
    priority.saturating_mul(2).saturating_add(u32::from(address.is_ipv6()))
}
