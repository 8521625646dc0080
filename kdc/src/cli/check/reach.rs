//! Whom the daemon relies on: directory servers, whom it relays to, and the records of DNS that lead clients to it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::dns::own_name;
use crate::cli::findings::{About, Findings, Subject};
use crate::config::{Config, Domain};
use crate::directory::DirectoryView;
use crate::dns::names;
use crate::shell::clock_offset::ClockOffset;
use crate::shell::prepared::PreparedDomain;
use crate::shell::relay::{Finder, OwnAddresses};
use crate::shell::resolver::Resolver;

/// From here on a clock's offset is warned of: there is time to mend it before tickets are refused.
const WARNED_OFFSET: Duration = Duration::from_secs(60);

/// For a connection to whom is relayed to.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// Reads the domain from each server as the daemon does from one; the view of the first that answers.
pub(super) async fn directory(
    findings: &mut Findings,
    settings: &Domain,
    domain: PreparedDomain,
) -> Option<DirectoryView> {
    let realm = &*settings.realm;
    let numbers = domain.branch_numbers();
    let (servers, rules) = domain.connect_to_each();
    let mut first = None;
    let mut faults = Vec::new();
    for (url, directory) in servers {
        match directory.view(&numbers, &rules.view).await {
            Err(error) => faults.push(error),
            Ok((view, _)) => {
                if let Some(ldap) = settings.ldap() {
                    let bound = format!("{url} answers, bound as {}", ldap.bind.name());
                    findings.about(Subject::Directory, realm).ok(&bound);
                    let offset = directory.clock_offset().await;
                    let mut clock = findings.about(Subject::Clock, realm);
                    match offset {
                        Ok(Some(offset)) => tell_clock(&mut clock, &url, offset, settings),
                        Ok(None) => {}
                        Err(error) => clock.warning(&error),
                    }
                }
                first = first.or(Some(view));
            }
        }
    }
    let mut found = findings.about(Subject::Directory, realm);
    for fault in faults {
        // As long as another one answers, nobody is refused.
        if first.is_some() { found.warning(&fault) } else { found.error(&fault) }
    }
    first
}

fn tell_clock(clock: &mut About<'_>, url: &str, offset: ClockOffset, settings: &Domain) {
    let skew = settings.tickets.clock_skew.duration();
    let told = format!("our clock is {offset} that of {url}");
    if offset.magnitude() > skew {
        clock.error(&format!("{told}, more than clock-skew, so that tickets are refused; set it, by NTP"));
    } else if offset.magnitude() > WARNED_OFFSET {
        clock.warning(&format!("{told}; set it, by NTP, before it is more than clock-skew"));
    } else {
        clock.ok(&told);
    }
}

/// Whether whom is relayed to takes connections.
pub(super) async fn relays(findings: &mut Findings, config: &Config, settings: &Domain) {
    let own = OwnAddresses::new([config.listen.kerberos.as_slice(), &config.listen.kpasswd].concat());
    let realm = settings.realm.as_str().into();
    let finders = [
        ("kdcs", Finder::of_kdcs(&realm, &settings.relay, &own)),
        ("kpasswd", Finder::of_kpasswd(&realm, &settings.relay, &own)),
    ];
    for (key, finder) in finders {
        let Some(finder) = finder else { continue };
        let (upstreams, fault) = finder.find().await;
        let mut relay = findings.about(Subject::Relay, &settings.realm);
        if let Some(fault) = fault {
            relay.warning(&format!("[domain.relay] {key}: {fault}; check the name and DNS"));
        }
        let mut faults = Vec::new();
        for upstream in &upstreams {
            match reach(*upstream).await {
                Ok(()) => relay.ok(&format!("[domain.relay] {key}: {upstream} answers over TCP")),
                Err(fault) => faults.push(format!("[domain.relay] {key}: {upstream} {fault}")),
            }
        }
        let none_answers = faults.len() == upstreams.len();
        for fault in faults {
            let line = format!("{fault}; check the address, the server and the way to it");
            if none_answers { relay.error(&line) } else { relay.warning(&line) }
        }
        if upstreams.is_empty() {
            relay.error(&format!("[domain.relay] {key}: nobody to relay to; name a domain controller"));
        }
    }
}

async fn reach(upstream: SocketAddr) -> Result<(), String> {
    match timeout(CONNECT_PATIENCE, TcpStream::connect(upstream)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("cannot be reached ({error})")),
        Err(_) => Err(format!("does not answer within {CONNECT_PATIENCE:?}")),
    }
}

/// Whether clients that look for a KDC are led here. Where somebody else leads them here, they need not be.
pub(super) async fn records(findings: &mut Findings, settings: &Domain) {
    let realm = &*settings.realm;
    let mut dns = findings.about(Subject::Dns, realm);
    let asked = match (own_name(settings), Resolver::system()) {
        (Ok(host), Ok(resolver)) => Ok((host, resolver)),
        (Err(error), _) => Err(error.to_string()),
        (_, Err(error)) => Err(error.to_string()),
    };
    let (host, resolver) = match asked {
        Ok(asked) => asked,
        Err(fault) => return dns.warning(&format!("records are not looked at: {fault}")),
    };
    let names = [
        names::domain_kdcs(realm),
        names::service("kerberos", "tcp", realm),
        names::service("kerberos", "udp", realm),
    ];
    for name in names {
        match resolver.servers(&name).await {
            // One unanswered question is enough to wait for.
            Err(error) => return dns.warning(&format!("{error}; check DNS")),
            Ok(servers) if servers.iter().any(|server| server.target == host) => {
                dns.ok(&format!("{name} leads to {host}"));
            }
            Ok(_) => dns.warning(&format!(
                "{name} does not lead to {host}, so that clients do not find it; create what `tgtx dns records` prints"
            )),
        }
    }
}
