//! What is found of a domain: its servers, its branches, our site, and whom there is to relay to.

use std::net::{IpAddr, SocketAddr};

use super::error::InitError;
use crate::cli::failure::Failure;
use crate::config::{Config, LdapUrl};
use crate::directory::{Branch, BranchAccounts, DirectoryView, ViewRules};
use crate::dns::names;
use crate::shell::directory::{Directory, ReadError};
use crate::shell::directory_source::DirectorySource;
use crate::shell::files::domain_files::DirectoryFiles;
use crate::shell::resolver::{LookupError, Resolver, Srv};
use crate::shell::udp_client::UdpClient;

/// The port of LDAP that SRV records of domain controllers name; what they serve with TLS has another.
const LDAP: u16 = 389;

/// A domain as it was found.
pub(super) struct Survey {
    /// Servers that answered.
    pub(super) servers: Vec<String>,
    /// Why others are not to be used, a line each.
    pub(super) passed_over: Vec<ReadError>,
    /// The domain, with all of its branches.
    pub(super) view: DirectoryView,
    /// The objects of its branches, at least one.
    pub(super) branches: Vec<BranchAccounts>,
    /// Our address on the way to the first server that answered.
    pub(super) address: Option<IpAddr>,
    /// The domain's KDCs, or why DNS does not tell them.
    pub(super) kdcs: Result<Vec<Srv>, LookupError>,
}

/// Who answers for names.
pub(super) fn resolver(server: Option<SocketAddr>) -> Result<Resolver, LookupError> {
    server.map_or_else(Resolver::system, Resolver::at)
}

/// The URLs of the domain's directory servers, as DNS names them.
pub(super) async fn servers(resolver: &Resolver, realm: &str) -> Result<Vec<String>, Failure> {
    let name = names::domain_ldap_servers(realm);
    let servers = resolver.servers(&name).await?;
    if servers.is_empty() {
        return Err(InitError::NoServers(name).into());
    }
    Ok(servers.iter().map(|server| format!("ldaps://{}", server.target)).collect())
}

impl Survey {
    /// Asks each server that the one domain of `config` names, and DNS. The first that answers describes the domain.
    pub(super) async fn of(config: &Config, resolver: &Resolver) -> Result<Self, Failure> {
        let (mut servers, mut passed_over) = (Vec::new(), Vec::new());
        let mut described = None;
        let mut address = None;
        for domain in &config.domains {
            let source = DirectorySource::of(DirectoryFiles::read(&domain.directory)?)?;
            let urls = domain.ldap().map_or(&[][..], |ldap| &ldap.urls);
            for (url, (name, directory)) in urls.iter().zip(source.connect_to_each(&domain.realm)) {
                match describe(&directory).await {
                    Err(fault) => passed_over.push(fault),
                    Ok(found) => {
                        if described.is_none() {
                            described = Some(found);
                            address = own_address(resolver, url).await;
                        }
                        servers.push(name);
                    }
                }
            }
        }
        let Some((branches, view)) = described else {
            return Err(InitError::NoneAnswers(passed_over).into());
        };
        if branches.is_empty() {
            return Err(InitError::NoBranch(view.dns_domain_name).into());
        }
        let kdcs = resolver.servers(&names::domain_kdcs(&view.dns_domain_name)).await;
        Ok(Self { servers, passed_over, view, branches, address, kdcs })
    }

    /// The branches to propose: Entra's, or where none has its name, all that serve.
    pub(super) fn is_proposed(&self, branch: &BranchAccounts) -> bool {
        let serves = |branch: &BranchAccounts| {
            matches!(self.view.branches.get(&branch.number), Some(Branch::Serving { .. }))
        };
        let entras = self.branches.iter().any(BranchAccounts::is_entras);
        if entras { branch.is_entras() } else { serves(branch) }
    }

    /// The site of our address, or the only one.
    pub(super) fn site(&self) -> Option<&str> {
        let sites = self.view.sites.as_ref().ok()?;
        self.address.and_then(|address| sites.of(address)).or_else(|| sites.only())
    }
}

async fn describe(directory: &Directory) -> Result<(Vec<BranchAccounts>, DirectoryView), ReadError> {
    let branches = directory.branch_accounts().await?;
    let numbers: Vec<u16> = branches.iter().map(|branch| branch.number).collect();
    let rules = ViewRules { sites: true, ..ViewRules::default() };
    Ok((branches, directory.view(&numbers, &rules).await?.0))
}

/// The address that the kernel would send from.
async fn own_address(resolver: &Resolver, url: &LdapUrl) -> Option<IpAddr> {
    let address = *resolver.addresses(&url.server.host).await.ok()?.first()?;
    let client = UdpClient::of(SocketAddr::new(address, LDAP)).await.ok()?;
    client.own_address().ok()
}
