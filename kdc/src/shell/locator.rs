//! Finding a domain controller as a client does ([MS-ADTS] 6.3.6): names from DNS, then a ping to each until one is what is wanted.
//!
//! Where a key list or a KDC is wanted, the names are those of KDCs, else those of LDAP servers, of the site first. A server that
//! answers and says that the client is nearer to another site is kept, and that site's servers are asked before it is taken.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::entropy::{self, EntropyError};
use super::resolver::{LookupError, Resolver, Srv};
use super::udp_client::UdpClient;
use crate::config::{HostPort, socket_address};
use crate::discovery::request::nt_version;
use crate::discovery::{DsFlags, Opcode, PingAnswer, SamLogonResponse, ping};
use crate::dns::names;

/// CLDAP.
const PORT: u16 = 389;
/// A ping is sent this often.
const ATTEMPTS: u32 = 2;
/// From one server to the next, while those before may still answer.
const STAGGER: Duration = Duration::from_millis(200);
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 4096;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The domain's DNS name.
    pub domain: String,
    /// What the server must be.
    pub flags: DsFlags,
    /// Servers of this site are asked first.
    pub site: Option<String>,
    /// HOST or HOST:PORT: this server is asked and no other, and no SRV record.
    pub server: Option<String>,
    /// The server of DNS to ask; those of the system if absent.
    pub dns: Option<SocketAddr>,
    /// How long to wait for each answer.
    pub timeout: Duration,
    /// What this host calls itself.
    pub host: String,
}

/// A server that is what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it answered.
    pub address: SocketAddr,
    /// What it said.
    pub response: SamLogonResponse,
}

/// What came of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The server, if there is one.
    pub found: Option<Found>,
    /// Why each of the others is none, a line each.
    pub passed_over: Vec<String>,
}

/// Why nothing could be looked for.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// The name of the server has no address.
    #[error("{0}: no address found; write HOST or HOST:PORT")]
    Server(String),
    /// DNS cannot be asked.
    #[error(transparent)]
    Dns(#[from] LookupError),
    /// There are no random octets to be had.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Looks for a domain controller.
///
/// # Errors
/// [`LocateError`]; that there is none is no error.
pub async fn locate(wanted: &Wanted) -> Result<Search, LocateError> {
    let mut search = Search::default();
    if let Some(server) = &wanted.server {
        let addresses = server_addresses(server, wanted).await?;
        search.ping_each(wanted, addresses).await?;
        return Ok(search);
    }
    let resolver = resolver(wanted)?;
    if let Some(site) = &wanted.site {
        search.ask_site(wanted, &resolver, Some(site)).await?;
    }
    if search.found.is_none() {
        search.ask_site(wanted, &resolver, None).await?;
        if let Some(found) = search.found.take() {
            search.found = Some(search.nearer(wanted, &resolver, found).await?);
        }
    }
    Ok(search)
}

impl Search {
    /// Asks the servers of a site, or of the whole domain.
    async fn ask_site(
        &mut self,
        wanted: &Wanted,
        resolver: &Resolver,
        site: Option<&str>,
    ) -> Result<(), LocateError> {
        let name = srv_name(wanted, site);
        let mut servers = match resolver.servers(&name).await {
            // The whole domain is asked too, or has been.
            Err(error) if site.is_some() => {
                self.passed_over.push(error.to_string());
                return Ok(());
            }
            servers => servers?,
        };
        if servers.is_empty() {
            self.passed_over.push(format!("{name}: no such SRV record"));
        }
        // The most likely of each priority first.
        servers.sort_by(|one, other| {
            (one.priority, other.weight, &one.target).cmp(&(other.priority, one.weight, &other.target))
        });
        let mut addresses = Vec::new();
        for Srv { target, .. } in &servers {
            match resolver.addresses(target).await {
                Ok(found) => {
                    addresses.extend(found.into_iter().map(|address| SocketAddr::new(address, PORT)))
                }
                Err(error) => self.passed_over.push(error.to_string()),
            }
        }
        addresses.dedup();
        self.ping_each(wanted, addresses).await
    }

    /// A server of the site that `found` says is the client's, if there is one.
    async fn nearer(
        &mut self,
        wanted: &Wanted,
        resolver: &Resolver,
        found: Found,
    ) -> Result<Found, LocateError> {
        let site = &found.response.client_site_name;
        if wanted.site.is_none() && !site.is_empty() && !found.response.flags.contains(DsFlags::CLOSEST) {
            self.ask_site(wanted, resolver, Some(site)).await?;
        }
        Ok(self.found.take().unwrap_or(found))
    }

    /// Pings one server after the other, without waiting for the whole patience of each, and takes the first that is wanted.
    async fn ping_each(&mut self, wanted: &Wanted, servers: Vec<SocketAddr>) -> Result<(), LocateError> {
        let mut waiting = JoinSet::new();
        let mut servers = servers.into_iter();
        loop {
            match servers.next() {
                Some(server) => {
                    let number = u32::from_be_bytes(entropy::octets()?) & 0x7fff_ffff;
                    let (octets, timeout) = (question(wanted, number), wanted.timeout);
                    waiting.spawn(async move { (server, ask(server, &octets, number, timeout).await) });
                }
                None if waiting.is_empty() => return Ok(()),
                None => {}
            }
            let answered = tokio::select! {
                Some(answered) = waiting.join_next() => answered,
                () = sleep(STAGGER) => continue,
            };
            let Ok((server, answered)) = answered else { continue };
            match judge(wanted, answered) {
                Ok(response) => {
                    self.found = Some(Found { address: server, response });
                    return Ok(());
                }
                Err(why) => self.passed_over.push(format!("{server}: {why}")),
            }
        }
    }
}

/// Whether an answer is what is wanted, or why not.
fn judge(
    wanted: &Wanted,
    answered: io::Result<Option<SamLogonResponse>>,
) -> Result<SamLogonResponse, String> {
    let domain = wanted.domain.trim_end_matches('.');
    let response = match answered {
        Ok(Some(response)) => response,
        Ok(None) => return Err(format!("is no domain controller of {domain}")),
        Err(error) => return Err(error.to_string()),
    };
    if !response.dns_domain_name.eq_ignore_ascii_case(domain) {
        return Err(format!("answers for {}", response.dns_domain_name.escape_debug()));
    }
    if response.opcode != Opcode::Response {
        return Err("takes no logons now".to_owned());
    }
    let missing = DsFlags::from_bits(wanted.flags.bits() & !response.flags.bits());
    if missing == DsFlags::default() {
        Ok(response)
    } else {
        Err(format!("answers without {}", missing.nltest()))
    }
}

fn resolver(wanted: &Wanted) -> Result<Resolver, LookupError> {
    wanted.dns.map_or_else(Resolver::system, Resolver::at)
}

async fn server_addresses(server: &str, wanted: &Wanted) -> Result<Vec<SocketAddr>, LocateError> {
    let unknown = || LocateError::Server(server.to_owned());
    if let Some(address) = socket_address(server, PORT) {
        return Ok(vec![address]);
    }
    let server = HostPort::parse(server, PORT).map_err(|_| unknown())?;
    if let Some(address) = server.address() {
        return Ok(vec![address]);
    }
    let addresses = resolver(wanted)?.addresses(&server.host).await?;
    if addresses.is_empty() {
        return Err(unknown());
    }
    Ok(addresses.into_iter().map(|address| SocketAddr::new(address, server.port)).collect())
}

/// Where a KDC is what is wanted, KDCs are looked up, else LDAP servers.
fn srv_name(wanted: &Wanted, site: Option<&str>) -> String {
    let of_kdcs = DsFlags::KDC.with(DsFlags::KEY_LIST).bits();
    let domain = wanted.domain.trim_end_matches('.');
    match (wanted.flags.bits() & of_kdcs != 0, site) {
        (true, None) => names::domain_kdcs(domain),
        (true, Some(site)) => names::site_kdcs(site, domain),
        (false, None) => names::domain_ldap_servers(domain),
        (false, Some(site)) => names::site_ldap_servers(site, domain),
    }
}

/// The ping that Windows' locator sends.
fn question(wanted: &Wanted, number: u32) -> Vec<u8> {
    let version = nt_version::V5 | nt_version::V5EX | nt_version::WITH_CLOSEST_SITE | nt_version::IP;
    ping(
        number,
        &[
            ("DnsDomain", wanted.domain.as_bytes()),
            ("Host", wanted.host.as_bytes()),
            ("NtVer", &version.to_le_bytes()),
            ("DnsHostName", wanted.host.as_bytes()),
        ],
    )
}

/// One server's answer; `None` if it has none that is about the domain.
async fn ask(
    server: SocketAddr,
    octets: &[u8],
    number: u32,
    patience: Duration,
) -> io::Result<Option<SamLogonResponse>> {
    let client = UdpClient::of(server).await?;
    for _ in 0..ATTEMPTS {
        client.send(octets).await?;
        let read = async {
            loop {
                let answer = client.receive(LONGEST_ANSWER).await?;
                match PingAnswer::parse(&answer) {
                    Ok(read) if read.message_id == number => return Ok(read.extended()),
                    _ => {}
                }
            }
        };
        if let Ok(answered) = timeout(patience, read).await {
            return answered;
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "does not answer"))
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;

    fn wanted(flags: DsFlags) -> Wanted {
        Wanted {
            domain: "lab.example.".to_owned(),
            flags,
            site: None,
            server: None,
            dns: None,
            timeout: Duration::from_millis(100),
            host: "PC".to_owned(),
        }
    }

    #[test]
    fn the_records_are_those_that_windows_looks_up() {
        let cases = [
            (DsFlags::default(), None, "_ldap._tcp.dc._msdcs.lab.example"),
            (DsFlags::KDC, None, "_kerberos._tcp.dc._msdcs.lab.example"),
            (DsFlags::default(), Some("Vienna"), "_ldap._tcp.vienna._sites.dc._msdcs.lab.example"),
            (DsFlags::KEY_LIST, Some("Vienna"), "_kerberos._tcp.vienna._sites.dc._msdcs.lab.example"),
        ];
        for (flags, site, name) in cases {
            assert_eq!(srv_name(&wanted(flags), site), name);
        }
    }

    #[tokio::test]
    async fn a_server_is_written_as_name_or_address_with_or_without_a_port() {
        for (server, address) in [
            ("192.0.2.1", "192.0.2.1:389"),
            ("192.0.2.1:1389", "192.0.2.1:1389"),
            ("2001:db8::1", "[2001:db8::1]:389"),
            ("[2001:db8::1]", "[2001:db8::1]:389"),
            ("[2001:db8::1]:1389", "[2001:db8::1]:1389"),
        ] {
            let addresses = server_addresses(server, &wanted(DsFlags::default())).await.unwrap();
            assert_eq!(addresses, [address.parse().unwrap()], "{server}");
        }
        assert!(server_addresses("dc1:x", &wanted(DsFlags::default())).await.is_err());
    }

    #[tokio::test]
    async fn the_first_that_is_what_is_wanted_is_taken_and_others_are_told_of() {
        let answer = include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/vectors/windows-server-2022/cldap-netlogon-response.bin"
        ));
        let value = PingAnswer::parse(answer).unwrap().value.unwrap();
        let captured = SamLogonResponse::decode_extended(value).unwrap();
        let complete = SamLogonResponse { dns_domain_name: "LAB.example".to_owned(), ..captured.clone() };
        let without = SamLogonResponse { flags: DsFlags::KDC, ..complete.clone() };
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut servers = vec![silent.local_addr().unwrap()];
        let paused = SamLogonResponse { opcode: Opcode::Paused, ..complete.clone() };
        for response in [captured, paused, without, complete.clone()] {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            servers.push(socket.local_addr().unwrap());
            tokio::spawn(async move {
                let mut question = [0; 512];
                let (length, peer) = socket.recv_from(&mut question).await.unwrap();
                let id = crate::discovery::Request::parse(&question[..length]).unwrap().message_id;
                let octets = crate::discovery::message::netlogon(id, &response.encode().unwrap());
                socket.send_to(&octets, peer).await.unwrap();
            });
        }
        let mut search = Search::default();
        search.ping_each(&wanted(DsFlags::KEY_LIST.with(DsFlags::KDC)), servers.clone()).await.unwrap();
        assert_eq!(search.found, Some(Found { address: servers[4], response: complete }));
        let reasons = ["answers for aforest.ad", "takes no logons now", "answers without KEYLIST"];
        for (server, reason) in servers[1..4].iter().zip(reasons) {
            assert!(search.passed_over.contains(&format!("{server}: {reason}")), "{:?}", search.passed_over);
        }
    }
}
