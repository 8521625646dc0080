//! A captured ping sent to a daemon that is configured as the domain controller it was sent to.

use super::wire::{Client, captured_domain, extended, vector};

const FLAGS: &str = "host = \"WIN2K22-1\"\n\
    flags = [\"PDC\", \"GC\", \"DS\", \"LDAP\", \"TIMESERV\", \"GOOD_TIMESERV\", \"WRITABLE\", \"FULL_SECRET_DOMAIN_6\", \"WS\"]";

#[test]
fn a_windows_ping_gets_the_answer_of_windows_octet_by_octet() {
    let daemon = captured_domain("", FLAGS);
    let client = Client::of(daemon.cldap()[0]);
    let answer = client.ask(&std::fs::read(vector("cldap-netlogon-request.bin")).unwrap());
    assert_eq!(answer, std::fs::read(vector("cldap-netlogon-response.bin")).unwrap());
    assert!(!daemon.is_ready(), "no key of a branch is loaded");
}

#[test]
fn without_switches_only_what_is_true_is_claimed() {
    let daemon = captured_domain("", "host = \"kdc1\"");
    let client = Client::of(daemon.cldap()[0]);
    let answer = extended(&client.ask(&std::fs::read(vector("cldap-netlogon-request.bin")).unwrap()));
    assert_eq!(answer.flags.nltest(), "KDC CLOSE_SITE DS_8 DS_9 DS_10 KEYLIST");
    assert_eq!((&*answer.dns_host_name, &*answer.netbios_computer_name), ("kdc1.aforest.ad", "KDC1"));
}
