//! The SRV records that an administrator creates for an instance.
//!
//! They lead to it as a KDC and, where it relays password changes, as a password server. The `_ldap` names are never
//! among them: by those a client takes a host for a domain controller in everything.

use std::fmt::Write as _;

use serde::Serialize;

use super::names;

/// What is to be found.
#[derive(Debug, Clone, Copy)]
pub struct Instance<'a> {
    /// DNS name of its host.
    pub host: &'a str,
    /// DNS name of the domain.
    pub domain: &'a str,
    /// The sites whose clients are to find it first.
    pub sites: &'a [String],
    /// Where it serves Kerberos.
    pub port: u16,
    /// Where it relays password changes.
    pub kpasswd_port: Option<u16>,
    /// The lowest goes first; domain controllers register 0.
    pub priority: u16,
    /// Its share among those of its priority; domain controllers register 100.
    pub weight: u16,
    /// Seconds that the records may be remembered.
    pub ttl: u32,
}

/// An SRV record, its names without a dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// What it stands under.
    pub name: String,
    /// Seconds that it may be remembered.
    pub ttl: u32,
    /// The lowest goes first.
    pub priority: u16,
    /// Its share among those of its priority.
    pub weight: u16,
    /// Where the host listens.
    pub port: u16,
    /// The host.
    pub target: String,
}

impl Instance<'_> {
    /// The records: of the whole domain, then site by site.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let domain = self.domain;
        let mut named = vec![
            (names::service("kerberos", "tcp", domain), self.port),
            (names::service("kerberos", "udp", domain), self.port),
            (names::domain_kdcs(domain), self.port),
        ];
        for site in self.sites {
            named.push((names::site_service(site, domain), self.port));
            named.push((names::site_kdcs(site, domain), self.port));
        }
        if let Some(port) = self.kpasswd_port {
            named.push((names::service("kpasswd", "tcp", domain), port));
            named.push((names::service("kpasswd", "udp", domain), port));
        }
        let record = |(name, port)| Record {
            name,
            ttl: self.ttl,
            priority: self.priority,
            weight: self.weight,
            port,
            target: self.host.to_ascii_lowercase(),
        };
        named.into_iter().map(record).collect()
    }
}

impl Record {
    /// As a zone file has it (RFC 1035 §5.1, RFC 2782), without the end of the line.
    #[must_use]
    pub fn zone_line(&self) -> String {
        let Self { name, ttl, priority, weight, port, target } = self;
        format!("{name}. {ttl} IN SRV {priority} {weight} {port} {target}.")
    }
}

/// A fragment of a zone file.
#[must_use]
pub fn zone_file(records: &[Record]) -> String {
    lines(records, "")
}

/// Input of `nsupdate`, which adds the records to those of others and sends them.
#[must_use]
pub fn nsupdate(records: &[Record]) -> String {
    lines(records, "update add ") + "send\n"
}

fn lines(records: &[Record], before: &str) -> String {
    let mut text = String::new();
    for record in records {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{before}{}", record.zone_line());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(sites: &[String], kpasswd_port: Option<u16>) -> Instance<'_> {
        Instance {
            host: "KDC1.lab.example",
            domain: "LAB.EXAMPLE",
            sites,
            port: 88,
            kpasswd_port,
            priority: 0,
            weight: 100,
            ttl: 600,
        }
    }

    #[test]
    fn a_zone_file_has_the_domains_names_and_those_of_each_site() {
        let sites = ["Berlin".to_owned(), "Bonn".to_owned()];
        let expected = "\
            _kerberos._tcp.lab.example. 600 IN SRV 0 100 88 kdc1.lab.example.\n\
            _kerberos._udp.lab.example. 600 IN SRV 0 100 88 kdc1.lab.example.\n\
            _kerberos._tcp.dc._msdcs.lab.example. 600 IN SRV 0 100 88 kdc1.lab.example.\n\
            _kerberos._tcp.berlin._sites.lab.example. 600 IN SRV 0 100 88 kdc1.lab.example.\n\
            _kerberos._tcp.berlin._sites.dc._msdcs.lab.example. 600 IN SRV 0 100 88 kdc1.lab.example.\n\
            _kerberos._tcp.bonn._sites.lab.example. 600 IN SRV 0 100 88 kdc1.lab.example.\n\
            _kerberos._tcp.bonn._sites.dc._msdcs.lab.example. 600 IN SRV 0 100 88 kdc1.lab.example.\n";
        assert_eq!(zone_file(&instance(&sites, None).records()), expected);
    }

    #[test]
    fn password_servers_are_named_only_where_changes_are_relayed_and_directory_servers_never() {
        let names = |kpasswd_port| -> Vec<String> {
            instance(&[], kpasswd_port).records().into_iter().map(|record| record.name).collect()
        };
        assert!(!names(None).iter().any(|name| name.starts_with("_kpasswd")));
        let with = names(Some(464));
        assert!(with.contains(&"_kpasswd._tcp.lab.example".to_owned()));
        assert!(with.contains(&"_kpasswd._udp.lab.example".to_owned()));
        assert!(!with.iter().any(|name| name.contains("_ldap") || name.contains("_gc")));
    }

    #[test]
    fn nsupdate_adds_each_record_and_sends() {
        let text = nsupdate(&instance(&[], None).records());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "update add _kerberos._tcp.dc._msdcs.lab.example. 600 IN SRV 0 100 88 kdc1.lab.example."
        );
        assert_eq!((lines.len(), lines[3]), (4, "send"));
    }
}
