//! Where upstreams are: addresses as they are written, names and SRV records as DNS has them now.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::own_addresses::OwnAddresses;
use super::remembered::{Remembered, Unfound};
use super::upstreams::{self, Upstreams};
use crate::config::{HostPort, Relay};
use crate::dns::names;
use crate::relay::Upstream;
use crate::shell::observe::complaint::Complaint;
use crate::shell::resolver::{Resolver, Srv};

/// Between two looks, and where the last one failed.
const PAUSE: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_secs(5);

/// Keeps one list of upstreams.
pub struct Finder {
    realm: Arc<str>,
    sought: Sought,
    own: OwnAddresses,
    upstreams: Arc<Upstreams>,
    servers: Remembered<Srv>,
    addresses: Remembered<IpAddr>,
    unfound: Complaint,
    ourselves: Complaint,
    nobody: Complaint,
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
    #[must_use]
    pub fn of_kdcs(realm: &Arc<str>, relay: &Relay, own: &OwnAddresses) -> Option<Self> {
        match (relay.srv, relay.kdcs.is_empty()) {
            (true, _) => Some(Self::new(realm, "kerberos", Sought::DomainControllers, own)),
            (false, false) => Some(Self::new(realm, "kerberos", Sought::Servers(relay.kdcs.clone()), own)),
            (false, true) => None,
        }
    }

    /// Of those that change passwords; `None` where nobody is to.
    #[must_use]
    pub fn of_kpasswd(realm: &Arc<str>, relay: &Relay, own: &OwnAddresses) -> Option<Self> {
        let servers = Sought::Servers(relay.kpasswd.clone());
        (!relay.kpasswd.is_empty()).then(|| Self::new(realm, "kpasswd", servers, own))
    }

    fn new(realm: &Arc<str>, service: &'static str, sought: Sought, own: &OwnAddresses) -> Self {
        let finder = Self {
            realm: Arc::clone(realm),
            sought,
            own: own.clone(),
            upstreams: Arc::new(Upstreams::new(realm, service)),
            servers: Remembered::default(),
            addresses: Remembered::default(),
            unfound: Complaint::default(),
            ourselves: Complaint::default(),
            nobody: Complaint::default(),
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

    /// Looks once: whom there is to be asked, in no order, and what DNS did not tell.
    pub async fn find(mut self) -> (Vec<SocketAddr>, Option<String>) {
        let Found { upstreams, fault } = self.look().await;
        let addresses = upstreams.into_iter().map(|upstream| upstream.address);
        let others = addresses.filter(|address| !self.own.hold(*address)).collect();
        (others, fault.map(|fault| fault.to_string()))
    }

    /// Looks again and again. What was found last stays until something else is found, name by name.
    pub async fn run(mut self) {
        loop {
            let Found { upstreams, fault } = self.look().await;
            let pause = if fault.is_some() { RETRY } else { PAUSE };
            self.tell(fault);
            if !upstreams.is_empty() {
                self.publish(upstreams);
            }
            sleep(pause).await;
        }
    }

    fn tell(&mut self, fault: Option<Unfound>) {
        if let Some(fault) = fault {
            if self.unfound.is_due(&fault.to_string(), Instant::now()) {
                warn!(realm = &*self.realm, "whom to relay to cannot be looked up: {fault}");
            }
        } else if self.unfound.is_over() {
            info!(realm = &*self.realm, "whom to relay to is found again");
        }
    }

    fn publish(&mut self, found: Vec<Upstream>) {
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
        if others.is_empty() && self.nobody.is_due("", Instant::now()) {
            warn!(realm = &*self.realm, "there is nobody to relay to; what is no exchange is refused");
        }
        if !others.is_empty() {
            self.nobody.is_over();
        }
        self.upstreams.set(others);
    }

    async fn look(&mut self) -> Found {
        let mut found = Found::default();
        if let Sought::Servers(servers) = &self.sought
            && servers.iter().all(|server| server.address().is_some())
        {
            let written = servers.iter().enumerate();
            found
                .upstreams
                .extend(written.filter_map(|(place, server)| Some(at_place(place, server.address()?))));
            return found;
        }
        // The configuration of DNS may have changed since the last look.
        match Resolver::system() {
            Ok(resolver) => match &self.sought {
                Sought::Servers(servers) => found.resolve(&resolver, servers, &mut self.addresses).await,
                Sought::DomainControllers => {
                    let names = (&mut self.servers, &mut self.addresses);
                    found.domain_controllers(&resolver, &self.realm, names).await;
                }
            },
            Err(error) => found.fault = Some(error.into()),
        }
        found
    }
}

/// What a look came to.
#[derive(Default)]
struct Found {
    upstreams: Vec<Upstream>,
    /// The first thing that DNS did not tell.
    fault: Option<Unfound>,
}

impl Found {
    /// The addresses of servers in their order.
    async fn resolve(&mut self, resolver: &Resolver, servers: &[HostPort], known: &mut Remembered<IpAddr>) {
        for (place, server) in servers.iter().enumerate() {
            let (addresses, fault) = known.latest(&server.host, resolver.addresses(&server.host).await);
            self.fault = self.fault.take().or(fault);
            let at = |address| at_place(place, SocketAddr::new(address, server.port));
            self.upstreams.extend(addresses.into_iter().map(at));
        }
    }

    /// The domain controllers of a domain, as Windows' clients find them ([MS-ADTS] 6.3.2.3).
    ///
    /// Under the name of KDCs stand other instances of this daemon as well, to which nothing should be relayed: they
    /// would pass it on. A domain controller is one for LDAP too, which they are not.
    async fn domain_controllers(
        &mut self,
        resolver: &Resolver,
        realm: &str,
        (known_servers, known_addresses): (&mut Remembered<Srv>, &mut Remembered<IpAddr>),
    ) {
        let name = names::domain_kdcs(realm);
        let (mut kdcs, fault) = known_servers.latest(&name, resolver.servers(&name).await);
        self.fault = fault;
        // Where they are unknown: better one relay too many than none.
        let name = names::domain_ldap_servers(realm);
        let (directory_servers, _) = known_servers.latest(&name, resolver.servers(&name).await);
        let directory_servers: HashSet<String> =
            directory_servers.into_iter().map(|server| server.target).collect();
        if kdcs.iter().any(|kdc| directory_servers.contains(&kdc.target)) {
            kdcs.retain(|kdc| directory_servers.contains(&kdc.target));
        }
        kdcs.truncate(upstreams::MOST);
        known_addresses.keep(&kdcs.iter().map(|kdc| kdc.target.as_str()).collect());
        let mut missing = None;
        for Srv { priority, weight, port, target } in &kdcs {
            let (addresses, fault) = known_addresses.latest(target, resolver.addresses(target).await);
            match fault {
                Some(Unfound::Lookup(_)) => self.fault = self.fault.take().or(fault),
                // Records of domain controllers that are no more lie about in many a domain.
                Some(Unfound::Nothing(_)) => missing = missing.or(fault),
                None => {}
            }
            self.upstreams.extend(addresses.into_iter().map(|address| Upstream {
                priority: rank(u32::from(*priority), address),
                weight: *weight,
                address: SocketAddr::new(address, *port),
            }));
        }
        if self.upstreams.is_empty() {
            self.fault = self.fault.take().or(missing);
        }
    }
}

fn at_place(place: usize, address: SocketAddr) -> Upstream {
    Upstream { priority: rank(u32::try_from(place).unwrap_or(u32::MAX), address.ip()), weight: 0, address }
}

/// Of one priority, IPv4 goes first: every domain controller has it.
fn rank(priority: u32, address: IpAddr) -> u32 {
    priority.saturating_mul(2).saturating_add(u32::from(address.is_ipv6()))
}
