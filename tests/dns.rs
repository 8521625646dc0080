//! SRV records: how they are read, and `tgtx dns records`, against a server of DNS of the tests' own.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::net::IpAddr;

use kdc::shell::resolver::Resolver;
use tgtx_tests::dns::{DnsServer, Record};
use tgtx_tests::folder::Folder;
use tgtx_tests::nobody::nobody;
use tgtx_tests::program::{self, Ended};

const KDCS: &str = "_kerberos._tcp.dc._msdcs.lab.example";

fn srv(name: &str, priority: u16, weight: u16, port: u16, target: &str) -> Record {
    Record::Srv(name.to_owned(), priority, weight, port, target.to_owned())
}

fn address(name: &str, address: &str) -> Record {
    Record::Address(name.to_owned(), address.parse().unwrap())
}

#[tokio::test]
async fn servers_come_by_priority_and_a_name_that_is_not_there_has_none() {
    let server = DnsServer::start(vec![
        srv(KDCS, 10, 100, 1088, "dc2.lab.example"),
        srv(KDCS, 0, 100, 88, "DC1.lab.example"),
        // RFC 2782: no such service.
        srv("_kpasswd._tcp.lab.example", 0, 0, 0, ""),
    ]);
    let resolver = Resolver::at(server.address).unwrap();
    let found: Vec<(u16, u16, String)> = resolver
        .servers("_Kerberos._tcp.dc._msdcs.LAB.EXAMPLE")
        .await
        .unwrap()
        .into_iter()
        .map(|server| (server.priority, server.port, server.target))
        .collect();
    assert_eq!(found, [(0, 88, "dc1.lab.example".to_owned()), (10, 1088, "dc2.lab.example".to_owned())]);
    assert!(resolver.servers("_ldap._tcp.dc._msdcs.lab.example").await.unwrap().is_empty());
    assert!(resolver.servers("_kpasswd._tcp.lab.example").await.unwrap().is_empty());
}

#[tokio::test]
async fn hosts_have_addresses_of_both_kinds_and_an_address_is_its_own() {
    let server = DnsServer::start(vec![
        address("dc1.lab.example", "2001:db8::1"),
        address("dc1.lab.example", "192.0.2.1"),
        address("dc2.lab.example", "192.0.2.2"),
    ]);
    let resolver = Resolver::at(server.address).unwrap();
    let cases: [(&str, &[&str]); 5] = [
        ("dc1.lab.example", &["192.0.2.1", "2001:db8::1"]),
        ("dc2.lab.example", &["192.0.2.2"]),
        ("dc3.lab.example", &[]),
        ("192.0.2.9", &["192.0.2.9"]),
        ("2001:db8::9", &["2001:db8::9"]),
    ];
    for (host, expected) in cases {
        let expected: Vec<IpAddr> = expected.iter().map(|address| address.parse().unwrap()).collect();
        assert_eq!(resolver.addresses(host).await.unwrap(), expected, "{host}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_an_error() {
    let error = Resolver::at(nobody()).unwrap().servers(KDCS).await.unwrap_err();
    assert!(error.to_string().starts_with(KDCS), "{error}");
}

fn dns_records(more: &[&str]) -> Ended {
    let folder = Folder::new();
    let config = "[listen]\nkpasswd = [\"0.0.0.0:464\"]\n[[domain]]\nrealm = \"LAB.EXAMPLE\"\nkeytabs = [\"x\"]\n\
                  directory = \"ldif:y\"\n[domain.relay]\nkdcs = [\"dc1\"]\nkpasswd = [\"dc1\"]\n";
    let config = folder.write("tgtx.toml", config, 0o644);
    let arguments = ["dns", "records", "--config", config.to_str().unwrap(), "--host", "kdc1.lab.example"];
    program::run([&arguments[..], &["--site", "Berlin"], more].concat())
}

const WANTED: [&str; 7] = [
    "_kerberos._tcp.lab.example",
    "_kerberos._udp.lab.example",
    KDCS,
    "_kerberos._tcp.berlin._sites.lab.example",
    "_kerberos._tcp.berlin._sites.dc._msdcs.lab.example",
    "_kpasswd._tcp.lab.example",
    "_kpasswd._udp.lab.example",
];

#[test]
fn one_unanswered_question_is_enough_to_wait_for() {
    let away = dns_records(&["--check", "--dns-server", &nobody().to_string()]);
    assert_eq!((away.status, away.output.lines().count()), (Some(1), 1), "{away:?}");
    assert!(away.output.ends_with("; check DNS, or name another server with --dns-server\n"), "{away:?}");
}

fn port_of(name: &str) -> u16 {
    if name.starts_with("_kpasswd") { 464 } else { 88 }
}

#[test]
fn dns_records_prints_what_to_create() {
    let printed = dns_records(&["--weight", "300"]);
    let expected: String = WANTED
        .iter()
        .map(|name| format!("{name}. 600 IN SRV 0 300 {} kdc1.lab.example.\n", port_of(name)))
        .collect();
    assert_eq!((printed.status, printed.output), (Some(0), expected));
    let printed = dns_records(&["--nsupdate"]);
    assert!(printed.output.starts_with("update add _kerberos._tcp.lab.example. 600 IN SRV "), "{printed:?}");
    assert!(printed.output.ends_with("\nsend\n"), "{printed:?}");
}

#[test]
fn dns_records_compares_with_what_is_served() {
    let served = |weight: u16| -> Vec<Record> {
        let of_dc = |name: &&str| srv(name, 0, 100, port_of(name), "dc1.lab.example");
        let of_us = |name: &&str| srv(name, 0, weight, port_of(name), "kdc1.lab.example");
        let mut records: Vec<Record> = WANTED.iter().map(of_dc).chain(WANTED.iter().map(of_us)).collect();
        records.push(address("kdc1.lab.example", "192.0.2.3"));
        records
    };
    let check = |records: Vec<Record>| {
        let server = DnsServer::start(records);
        dns_records(&["--check", "--dns-server", &server.address.to_string()])
    };
    let good = check(served(100));
    assert_eq!(good.status, Some(0), "{good:?}");
    assert_eq!(good.output.matches("ok       ").count(), 8, "{good:?}");

    let other_weight = check(served(50));
    assert_eq!(other_weight.status, Some(1));
    assert!(
        other_weight
            .output
            .contains("error    served with priority 0, weight 50, port 88; wanted is _kerberos"),
        "{other_weight:?}"
    );

    let missing = check(vec![srv(KDCS, 0, 100, 88, "dc1.lab.example")]);
    assert_eq!(missing.status, Some(1));
    assert_eq!(missing.output.matches("error    not served; create ").count(), 7, "{missing:?}");
    assert!(missing.output.contains("kdc1.lab.example has no address"), "{missing:?}");
}
