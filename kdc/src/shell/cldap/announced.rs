//! What is said in answers to pings, and who gives them instead of us: what the configuration and this host say of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config;
use crate::discovery::Announcement;
use crate::discovery::names::LONGEST_LABEL;

/// How pings about one domain are answered.
#[derive(Debug, Clone)]
pub struct Announced {
    /// What we say ourselves.
    pub announcement: Arc<Announcement>,
    /// Who answers instead of us.
    pub upstream: Option<SocketAddr>,
}

/// What the configuration says of each domain, in its order; none where it says nothing of pings.
///
/// # Errors
/// This host has no name to go by.
pub fn announced(domains: &[config::Domain]) -> io::Result<Vec<Announced>> {
    domains.iter().filter_map(|domain| domain.discovery.as_ref()).map(Announced::new).collect()
}

impl Announced {
    fn new(discovery: &config::Discovery) -> io::Result<Self> {
        let announcement = Announcement {
            host: match &discovery.host {
                Some(host) => host.clone(),
                None => own_host()?,
            },
            site: discovery.site.clone(),
            subnets: discovery.subnets.clone(),
            flags: discovery.flags,
            user_lookup: discovery.user_lookup,
        };
        Ok(Self { announcement: Arc::new(announcement), upstream: discovery.upstream })
    }
}

/// This host's name, if answers can have it.
fn own_host() -> io::Result<String> {
    let name = this_host()?;
    if (1..=LONGEST_LABEL).contains(&name.len()) {
        Ok(name)
    } else {
        Err(io::Error::other("this host's name is empty or too long for pings; set [domain.discovery] host"))
    }
}

/// What this host calls itself, without a domain and in upper case.
pub fn this_host() -> io::Result<String> {
    let name = nix::unistd::gethostname()?;
    let name = name.to_string_lossy();
    Ok(name.split('.').next().unwrap_or_default().to_uppercase())
}
