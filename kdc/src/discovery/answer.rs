//! The decision: which domain a ping is about, and what is said of it ([MS-ADTS] 6.3.3.2, 6.3.3.3).
//!
//! A ping about no domain of ours gets an entry without attributes, by which clients know that we are not its domain
//! controller. Of a domain whose directory has not been read, or not for too long, nothing is said at all: nobody would be served.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use policy::flags;

use super::ds_flags::DsFlags;
use super::message::{self, ResultCode};
use super::names::LONGEST_LABEL;
use super::netlogon::{Form, Opcode, SamLogonResponse};
use super::request::{Asked, Ping, Request, nt_version};
use crate::directory::sites::DEFAULT_FIRST_SITE_NAME;
use crate::directory::{DirectoryView, Sites, Subnet, account_control};

/// What the configuration says of a domain's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// This host's name without a domain, in upper case.
    pub host: String,
    /// Our site, where the directory's subnets are not to tell it.
    pub site: Option<String>,
    /// Of that site, where the directory has none.
    pub subnets: Vec<Subnet>,
    /// Claimed beside those that are true of every such daemon.
    pub flags: DsFlags,
    /// Whether `User` is looked up.
    pub user_lookup: bool,
}

/// A domain as pings see it.
#[derive(Clone, Debug)]
pub struct DiscoveredDomain {
    /// Its DNS name in upper case.
    pub realm: Arc<str>,
    /// What the configuration says.
    pub announcement: Arc<Announcement>,
    /// What the directory says, if that was read and is fresh.
    pub view: Option<Arc<DirectoryView>>,
}

/// Both ends of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where it came from.
    pub client: IpAddr,
    /// Where it was sent to.
    pub server: IpAddr,
}

/// What the directory says of the account that a ping names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// There is none.
    Absent,
    /// It has this `userAccountControl`.
    Present(u32),
}

/// What to do about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Send these octets.
    Answer(Kind, Vec<u8>),
    /// Look up the account of this name in the domain at this position, and decide again.
    LookUp(usize, &'a str),
    /// The directory has not been read: say nothing.
    NotReady,
}

/// The kind of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With a `Netlogon` value.
    Netlogon,
    /// Without attributes: not about a domain of ours, or not a filter that is allowed.
    Empty,
    /// Of the rootDSE.
    RootDse,
    /// An error: a search for something else.
    Refused,
}

/// The position of the domain that a request is about: the first where it names none, `None` where it names none of
/// these, or in a way that is not allowed.
#[must_use]
pub fn addressed(request: &Request<'_>, domains: &[DiscoveredDomain]) -> Option<usize> {
    match &request.asked {
        Asked::Netlogon(Ok(ping)) => of_ping(ping, domains),
        Asked::Netlogon(Err(_)) => None,
        Asked::RootDse(_) | Asked::Elsewhere => (!domains.is_empty()).then_some(0),
    }
}

/// [MS-ADTS] 6.3.3.2: every element that is there must be of a domain of ours, and the SID of the one that the others name.
/// A SID alone names one, too.
fn of_ping(ping: &Ping<'_>, domains: &[DiscoveredDomain]) -> Option<usize> {
    let with_view = |holds: &dyn Fn(&DirectoryView) -> bool| {
        domains.iter().position(|domain| domain.view.as_deref().is_some_and(holds))
    };
    let by_guid = match ping.domain_guid {
        Some(guid) => Some(with_view(&|view| view.domain_guid == guid)?),
        None => None,
    };
    let by_name = match ping.dns_domain {
        Some(name) => Some(domains.iter().position(|domain| domain.is_named(name))?),
        None => None,
    };
    let by_sid = match ping.domain_sid {
        Some(sid) => Some(with_view(&|view| view.domain_sid == sid)?),
        None => None,
    };
    match (by_name.or(by_guid), by_sid) {
        (Some(named), Some(by_sid)) => (named == by_sid).then_some(named),
        (named, by_sid) => named.or(by_sid).or((!domains.is_empty()).then_some(0)),
    }
}

/// Answers a request. `account` is what was found of the account that [`Decision::LookUp`] asked for.
#[must_use]
pub fn decide<'a>(
    request: &Request<'a>,
    domains: &[DiscoveredDomain],
    addresses: Addresses,
    account: Option<Account>,
) -> Decision<'a> {
    let id = request.message_id;
    let empty = || Decision::Answer(Kind::Empty, message::entry(id, &[]));
    let place = addressed(request, domains);
    let served = place.and_then(|place| domains.get(place)).map(|domain| (domain, domain.view.as_deref()));
    match &request.asked {
        Asked::Elsewhere => Decision::Answer(Kind::Refused, message::done(id, ResultCode::OperationsError)),
        Asked::Netlogon(Err(_)) => empty(),
        Asked::RootDse(attributes) => match served {
            Some((domain, Some(view))) => {
                Decision::Answer(Kind::RootDse, root_dse(id, attributes, &domain.announcement, view))
            }
            _ => Decision::NotReady,
        },
        Asked::Netlogon(Ok(ping)) => match (place, served) {
            (Some(place), Some((domain, Some(view)))) => {
                let user = ping.user.filter(|user| !user.is_empty());
                // No account has such a name. The older forms could echo it, in twice its octets.
                if user.is_some_and(|user| user.len() > LONGEST_LABEL) {
                    return empty();
                }
                let opcode = match (user, account) {
                    (Some(user), None) if domain.announcement.user_lookup => {
                        return Decision::LookUp(place, user);
                    }
                    (Some(_), Some(account)) => opcode(account, ping.aac),
                    _ => Opcode::Response,
                };
                match respond(ping, opcode, &domain.announcement, view, addresses).encode() {
                    Ok(value) => Decision::Answer(Kind::Netlogon, message::netlogon(id, &value)),
                    // A name of the domain's or of ours is too long.
                    Err(_) => empty(),
                }
            }
            (Some(_), _) => Decision::NotReady,
            // Whose GUID or SID it is cannot be told before every directory was read.
            (None, _) if ping.dns_domain.is_none() && domains.iter().any(|domain| domain.view.is_none()) => {
                Decision::NotReady
            }
            (None, _) => empty(),
        },
    }
}

/// An account counts if it is not disabled and of a kind that is asked for; without AAC none is (so Samba too).
/// The account types among USER_ACCOUNT codes ([MS-SAMR] 2.2.1.12): temporary duplicate, normal, interdomain trust,
/// workstation trust and server trust. No other code counts.
const ACCOUNT_TYPES: u32 = 0x0008 | 0x0010 | 0x0040 | 0x0080 | 0x0100;

fn opcode(account: Account, kinds: Option<u32>) -> Opcode {
    match account {
        Account::Present(control)
            if control & flags::ACCOUNT_DISABLE == 0
                && control & account_control::from_sam(kinds.unwrap_or(0) & ACCOUNT_TYPES) != 0 =>
        {
            Opcode::Response
        }
        _ => Opcode::UserUnknown,
    }
}

fn respond(
    ping: &Ping<'_>,
    opcode: Opcode,
    announcement: &Announcement,
    view: &DirectoryView,
    addresses: Addresses,
) -> SamLogonResponse {
    let places = Places::of(announcement, view, addresses);
    let closest = if places.client == places.server { DsFlags::CLOSEST } else { DsFlags::default() };
    let flags = DsFlags::KDC
        .with(DsFlags::KEY_LIST)
        .with(DsFlags::of_behavior_version(view.behavior_version))
        .with(announcement.flags)
        .with(closest);
    let version = |bits| ping.nt_version & bits != 0;
    let address = match addresses.server.to_canonical() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    };
    let form = if version(nt_version::V5EX | nt_version::V5EX_WITH_IP) {
        Form::Extended(address.filter(|_| version(nt_version::V5EX_WITH_IP)))
    } else if version(nt_version::V5) {
        Form::V5(address.unwrap_or(Ipv4Addr::UNSPECIFIED))
    } else {
        Form::Nt40
    };
    SamLogonResponse {
        opcode,
        flags,
        domain_guid: view.domain_guid,
        dns_forest_name: view.dns_forest_name.clone(),
        dns_domain_name: view.dns_domain_name.clone(),
        dns_host_name: dns_host_name(announcement, view),
        netbios_domain_name: view.netbios_name.clone(),
        netbios_computer_name: netbios_name(&announcement.host),
        user_name: ping.user.unwrap_or_default().to_owned(),
        dc_site_name: places.server.to_owned(),
        client_site_name: places.client.to_owned(),
        form,
    }
}

fn dns_host_name(announcement: &Announcement, view: &DirectoryView) -> String {
    format!("{}.{}", announcement.host.to_lowercase(), view.dns_domain_name)
}

/// At most 15 characters.
fn netbios_name(host: &str) -> String {
    host.chars().take(15).collect()
}

/// The sites of both ends; the client's is empty where it cannot be told.
struct Places<'a> {
    server: &'a str,
    client: &'a str,
}

impl<'a> Places<'a> {
    fn of(announcement: &'a Announcement, view: &'a DirectoryView, addresses: Addresses) -> Self {
        let none = const { &Sites { names: Vec::new(), subnets: Vec::new() } };
        let sites = view.sites.as_ref().unwrap_or(none);
        let server = own_site(announcement, sites, addresses.server);
        // A directory that has no site objects at all is a lab's: everybody is where we are.
        let is_only = sites.only().is_some()
            || view.sites.is_ok() && sites.names.is_empty() && announcement.subnets.is_empty();
        let by_subnet = if sites.subnets.is_empty() {
            announcement.subnets.iter().any(|subnet| subnet.holds(addresses.client)).then_some(server)
        } else {
            sites.of(addresses.client)
        };
        Self { server, client: by_subnet.unwrap_or(if is_only { server } else { "" }) }
    }
}

/// The site that answers from `address` name as ours.
#[must_use]
pub fn own_site<'a>(announcement: &'a Announcement, sites: &'a Sites, address: IpAddr) -> &'a str {
    let configured = announcement.site.as_deref();
    configured.or_else(|| sites.of(address)).or_else(|| sites.only()).unwrap_or(DEFAULT_FIRST_SITE_NAME)
}

/// What is true of the rootDSE ([MS-ADTS] 3.1.1.3.2) of a host that serves no LDAP: the attributes that are asked for.
fn root_dse(
    message_id: u32,
    attributes: &[&[u8]],
    announcement: &Announcement,
    view: &DirectoryView,
) -> Vec<u8> {
    let known = [
        ("defaultNamingContext", view.domain_dn.clone()),
        ("dnsHostName", dns_host_name(announcement, view)),
        ("domainFunctionality", view.behavior_version.to_string()),
    ];
    let is_wanted = |name: &str| {
        attributes.is_empty()
            || attributes.iter().any(|wanted| *wanted == b"*" || wanted.eq_ignore_ascii_case(name.as_bytes()))
    };
    let wanted: Vec<(&str, &[u8])> = known
        .iter()
        .filter(|(name, _)| is_wanted(name))
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    message::entry(message_id, &wanted)
}

impl DiscoveredDomain {
    /// Whether this is its DNS name as somebody wrote it: in any letter case, with or without a dot at the end.
    fn is_named(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.realm.eq_ignore_ascii_case(name)
    }

    /// Whether another server's answer is about this domain, and whoever comes here by it is served.
    #[must_use]
    pub fn may_announce(&self, response: &SamLogonResponse) -> bool {
        self.view.is_some() && self.is_named(&response.dns_domain_name)
    }
}

#[cfg(test)]
mod tests;
