//! `tgtx dsgetdc` from SRV records on.

use std::net::SocketAddr;

use serde_json::Value;
use tgtx_tests::dns::{DnsServer, Record};
use tgtx_tests::program::{Ended, run};

use super::wire::{Client, captured_domain, captured_domain_at, for_domain};

fn kdc(name: &str, priority: u16, target: &str) -> Record {
    Record::Srv(format!("_kerberos._tcp.{name}"), priority, 100, 88, target.to_owned())
}

fn host(name: &str, address: [u8; 4]) -> Record {
    Record::Address(name.to_owned(), address.into())
}

fn dsgetdc(dns: SocketAddr, more: &[&str]) -> Ended {
    let dns = dns.to_string();
    let fixed =
        ["dsgetdc", "aforest.ad", "--keylist", "--kdc", "--json", "--timeout", "500ms", "--dns-server", &dns];
    run(fixed.iter().chain(more))
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.output).expect(&ended.errors)
}

#[test]
#[ignore = "needs root, for port 389"]
fn the_locator_goes_from_records_to_the_first_server_that_is_what_is_wanted() {
    let kdc1 = captured_domain_at("127.0.0.21:389", "", "host = \"KDC1\"", "");
    let kdc2 = captured_domain_at("127.0.0.22:389", "", "host = \"KDC2\"\nsite = \"Vienna\"", "");
    let server = DnsServer::start(vec![
        kdc("dc._msdcs.aforest.ad", 0, "gone.aforest.ad"),
        kdc("dc._msdcs.aforest.ad", 10, "kdc1.aforest.ad"),
        kdc("dc._msdcs.aforest.ad", 20, "kdc2.aforest.ad"),
        kdc("vienna._sites.dc._msdcs.aforest.ad", 0, "kdc2.aforest.ad"),
        host("gone.aforest.ad", [127, 0, 0, 23]),
        host("kdc1.aforest.ad", [127, 0, 0, 21]),
        host("kdc2.aforest.ad", [127, 0, 0, 22]),
    ]);
    let dns = server.address;
    let ended = dsgetdc(dns, &[]);
    assert_eq!((ended.status, &json(&ended)["dc"]), (Some(0), &"kdc1.aforest.ad".into()), "{}", ended.errors);
    assert_eq!(json(&ended)["address"], "127.0.0.21");

    let ended = dsgetdc(dns, &["--site", "Vienna"]);
    assert_eq!((ended.status, &json(&ended)["dc"]), (Some(0), &"kdc2.aforest.ad".into()), "{}", ended.errors);
    // A site without servers: those of the domain.
    let ended = dsgetdc(dns, &["--site", "Graz"]);
    assert_eq!(json(&ended)["dc"], "kdc1.aforest.ad");
    assert!(ended.errors.contains("_kerberos._tcp.graz._sites.dc._msdcs.aforest.ad: no such SRV record"));

    let ended = dsgetdc(dns, &["--writable"]);
    assert_eq!((ended.status, &json(&ended)["status"]), (Some(1), &1355.into()), "{}", ended.errors);
    assert!(ended.errors.contains("127.0.0.21:389: answers without WRITABLE"), "{}", ended.errors);
    drop((kdc1, kdc2));
}

#[test]
fn where_no_record_is_the_domain_is_unknown() {
    let server = DnsServer::start(Vec::new());
    let ended = dsgetdc(server.address, &[]);
    assert_eq!((ended.status, &json(&ended)["name"]), (Some(1), &"ERROR_NO_SUCH_DOMAIN".into()));
    assert!(
        ended.errors.contains("_kerberos._tcp.dc._msdcs.aforest.ad: no such SRV record"),
        "{}",
        ended.errors
    );
}

#[test]
fn one_server_is_asked_where_it_is_named() {
    let daemon = captured_domain("", "host = \"KDC1\"");
    Client::of(daemon.cldap()[0]).ask(&for_domain(1));
    let server = daemon.cldap()[0].to_string();
    let ended = run(["dsgetdc", "aforest.ad", "--keylist", "--kdc", "--server", &server]);
    assert_eq!(ended.status, Some(0), "{}", ended.errors);
    assert!(ended.output.contains("           DC: \\\\kdc1.aforest.ad\n"), "{}", ended.output);
    assert!(ended.output.ends_with("KEYLIST\nThe command completed successfully\n"), "{}", ended.output);

    let ended = run(["dsgetdc", "lab.example", "--server", &server]);
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.output, "Getting DC name failed: Status = 1355 0x54b ERROR_NO_SUCH_DOMAIN\n");
    assert!(ended.errors.contains("is no domain controller of lab.example"), "{}", ended.errors);
}
