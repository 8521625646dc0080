//! Samba's clients look for us, and we stand in front of Samba's own responder.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kdc::discovery::{DsFlags, PingAnswer, SamLogonResponse, ping};
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{Ended, end, run};
use tgtx_tests::settings::Settings;

use super::wire::{Client, Elements};

/// One test at a time: pings come to a fixed port, and Samba is stopped meanwhile by one of them.
fn alone() -> MutexGuard<'static, ()> {
    static LAB: Mutex<()> = Mutex::new(());
    LAB.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A daemon of the lab's domain that answers pings there.
fn daemon(lab: &Lab, cldap: SocketAddr, discovery: &str) -> Daemon {
    let settings = Settings { more: format!("[domain.discovery]\n{discovery}\n"), ..Settings::of(lab) };
    let toml = settings.to_toml().replacen("[listen]\n", &format!("[listen]\ncldap = [\"{cldap}\"]\n"), 1);
    let daemon = Daemon::launch_in(Folder::new(), &toml);
    daemon.wait_until("ready", || daemon.is_ready());
    daemon
}

/// What Samba's Python client makes of the server, which must have these flags.
fn finddc(server: SocketAddr, domain: &str, flags: &[&str]) -> Ended {
    // The bindings belong to Debian's own Python.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/finddc.py"));
    end(command.arg(server.ip().to_string()).arg(domain).args(flags))
}

fn net_ads_lookup(lab: &Lab, server: SocketAddr) -> Ended {
    let folder = Folder::new();
    let realm = &lab.realm;
    let config = folder.write("smb.conf", format!("[global]\nrealm = {realm}\nworkgroup = LAB\n"), 0o600);
    let mut command = Command::new("net");
    end(command.args(["ads", "lookup", "-S", &server.ip().to_string(), "-s"]).arg(config))
}

fn answer(server: SocketAddr, elements: &[(&str, &[u8])]) -> Vec<u8> {
    Client::from("127.0.0.1", server).ask(&ping(9, elements))
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn samba_clients_find_us() {
    let _alone = alone();
    let lab = Lab::from_environment();
    let server = SocketAddr::new(lab.daemon_address, 389);
    let daemon = daemon(&lab, server, "host = \"KDC1\"");

    let found = finddc(server, &lab.dns_domain, &["KDC"]);
    assert_eq!(found.status, Some(0), "{}", found.errors);
    let found: Value = serde_json::from_str(&found.output).unwrap();
    let expected = [
        ("domain_guid", lab.domain_guid.as_str()),
        ("forest", &lab.dns_domain),
        ("dns_domain", &lab.dns_domain),
        ("dc", "kdc1.lab.example"),
        ("netbios_domain", &lab.netbios_name),
        ("netbios_name", "KDC1"),
        ("dc_site", "Default-First-Site-Name"),
        ("client_site", "Default-First-Site-Name"),
    ];
    for (field, value) in expected {
        assert_eq!(found[field], value, "{found}");
    }
    let flags = DsFlags::from_bits(u32::try_from(found["flags"].as_u64().unwrap()).unwrap());
    assert!(flags.contains(DsFlags::KDC.with(DsFlags::KEY_LIST).with(DsFlags::CLOSEST)), "{flags:?}");
    // Who needs more than a KDC passes us by.
    assert_ne!(finddc(server, &lab.dns_domain, &["LDAP", "DS", "WRITABLE"]).status, Some(0));
    assert_ne!(finddc(server, "elsewhere.example", &["KDC"]).status, Some(0));

    // `net` looks for LDAP servers only.
    assert_ne!(net_ads_lookup(&lab, server).status, Some(0));
    drop(daemon);
    let _daemon = self::daemon(&lab, server, "host = \"KDC1\"\nflags = [\"LDAP\"]");
    let found = net_ads_lookup(&lab, server);
    assert_eq!(found.status, Some(0), "{}{}", found.output, found.errors);
    for line in [
        "Domain Controller: kdc1.lab.example",
        "Pre-Win2k Hostname: KDC1",
        "Is running a KDC: yes",
        "Is writable: no",
    ] {
        let squeezed = found.output.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(line), "{line}: {}", found.output);
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn in_front_of_samba_its_answers_get_key_list_and_nothing_else() {
    let _alone = alone();
    let lab = Lab::from_environment();
    let before = run(["dsgetdc", &lab.dns_domain, "--keylist", "--kdc", "--server", &lab.cldap.to_string()]);
    assert_eq!(before.status, Some(1));
    assert!(before.errors.contains("answers without KEYLIST"), "{}", before.errors);

    let server = SocketAddr::new(lab.cldap.ip(), 389);
    let daemon = daemon(&lab, server, &format!("upstream = \"{}\"", lab.cldap));
    let domain = lab.dns_domain.as_bytes();
    let pings: [Elements<'_>; 7] = [
        &[("DnsDomain", domain), ("NtVer", &[0x16, 0, 0, 0x20])],
        &[("DnsDomain", domain), ("NtVer", &[0x0e, 0, 0, 0])],
        &[("DnsDomain", domain), ("User", b"alice"), ("AAC", &[0x10, 0, 0, 0]), ("NtVer", &[6, 0, 0, 0])],
        &[("DnsDomain", domain), ("User", b"nobody"), ("AAC", &[0x10, 0, 0, 0]), ("NtVer", &[6, 0, 0, 0])],
        &[("DnsDomain", domain), ("NtVer", &[2, 0, 0, 0])],
        &[("DnsDomain", domain), ("NtVer", &[1, 0, 0, 0])],
        &[("NtVer", &[6, 0, 0, 0])],
    ];
    for elements in pings {
        let (ours, samba) = (answer(server, elements), answer(lab.cldap, elements));
        let extended = |octets: &[u8]| PingAnswer::parse(octets).unwrap().extended();
        match extended(&samba) {
            Some(response) => {
                let expected = SamLogonResponse { flags: response.flags.with(DsFlags::KEY_LIST), ..response };
                assert_eq!(extended(&ours), Some(expected), "{elements:?}");
                assert_eq!(ours.len(), samba.len());
            }
            None => assert_eq!(ours, samba, "{elements:?}"),
        }
    }

    let after = run(["dsgetdc", &lab.dns_domain, "--keylist", "--kdc", "--server", &server.to_string()]);
    assert_eq!(after.status, Some(0), "{}", after.errors);
    // What joining a domain asks for.
    assert_eq!(finddc(server, &lab.dns_domain, &["LDAP", "DS", "WRITABLE"]).status, Some(0));
    let found = net_ads_lookup(&lab, server);
    assert!(
        found.status == Some(0) && found.output.contains("dc1.lab.example"),
        "{}{}",
        found.output,
        found.errors
    );

    // A responder that hangs: the whole of Samba does.
    let samba = SambaStopped::new(&lab);
    let client = Client::from("127.0.0.1", server);
    let silent = || daemon.counter("tgtx_discovery_pings_total{result=\"upstream_silent\"}");
    let counted = silent();
    client.send(&ping(9, pings[0]));
    daemon.wait_until("given up", || silent() > counted);
    assert!(client.hears_nothing());
    drop(samba);
    answer(server, pings[0]);
}

/// Where both answer for the same domain, what we say of it is what Samba says.
#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn our_own_answers_say_what_sambas_say() {
    let _alone = alone();
    let lab = Lab::from_environment();
    let server = SocketAddr::new(lab.daemon_address, 389);
    let flags = "[\"PDC\", \"GC\", \"DS\", \"LDAP\", \"TIMESERV\", \"GOOD_TIMESERV\", \"WRITABLE\", \"FULL_SECRET_DOMAIN_6\"]";
    let _daemon = daemon(&lab, server, &format!("host = \"DC1\"\nuser-lookup = true\nflags = {flags}"));
    let domain = lab.dns_domain.as_bytes();
    let sid = lab.domain_sid.parse::<pac::Sid>().unwrap().to_bytes();
    let cases: [Elements<'_>; 14] = [
        &[("DnsDomain", domain), ("NtVer", &[6, 0, 0, 0])],
        &[("DnsDomain", b"LAB.EXAMPLE."), ("NtVer", &[6, 0, 0, 0])],
        &[("NtVer", &[6, 0, 0, 0])],
        &[("NtVer", &[2, 0, 0, 0])],
        &[("NtVer", &[1, 0, 0, 0])],
        &[("DnsDomain", domain), ("User", b"alice"), ("AAC", &[0x10, 0, 0, 0]), ("NtVer", &[6, 0, 0, 0])],
        &[("DnsDomain", domain), ("User", b"alice"), ("AAC", &[0x80, 0, 0, 0]), ("NtVer", &[6, 0, 0, 0])],
        &[("DnsDomain", domain), ("User", b"alice"), ("NtVer", &[6, 0, 0, 0])],
        &[("DnsDomain", domain), ("User", b"nobody"), ("AAC", &[0x10, 0, 0, 0]), ("NtVer", &[6, 0, 0, 0])],
        &[("DnsDomain", domain), ("User", b"nobody"), ("AAC", &[0x10, 0, 0, 0]), ("NtVer", &[2, 0, 0, 0])],
        &[("DnsDomain", domain), ("User", b"alice"), ("AAC", &[0x10, 0, 0, 0]), ("NtVer", &[1, 0, 0, 0])],
        &[("DnsDomain", domain), ("DomainSid", &sid), ("NtVer", &[6, 0, 0, 0])],
        &[("DnsDomain", b"elsewhere.example"), ("NtVer", &[6, 0, 0, 0])],
        &[("DomainGuid", &[7; 16]), ("NtVer", &[6, 0, 0, 0])],
    ];
    for elements in cases {
        let (ours, samba) = (answer(server, elements), answer(lab.cldap, elements));
        let (ours, samba) = (PingAnswer::parse(&ours).unwrap(), PingAnswer::parse(&samba).unwrap());
        assert_eq!(comparable(&ours), comparable(&samba), "{elements:?}");
    }
}

/// An answer but for what is meant to differ: addresses, and flags that tell of versions or of us.
fn comparable(answer: &PingAnswer<'_>) -> (Option<SamLogonResponse>, Option<Vec<u8>>) {
    match answer.extended() {
        Some(response) => {
            let differing = DsFlags::KEY_LIST.with(DsFlags::of_behavior_version(7)).with(DsFlags::TIMESERV);
            let flags =
                DsFlags::from_bits(response.flags.bits() & !differing.with(DsFlags::GOOD_TIMESERV).bits());
            (Some(SamLogonResponse { flags, ..response }), None)
        }
        None => (None, answer.value.map(|value| value[..value.len().min(40)].to_vec())),
    }
}

/// Every process of the lab's Samba, stopped until dropped.
struct SambaStopped(String);

impl SambaStopped {
    fn new(lab: &Lab) -> Self {
        let pid = std::fs::read_to_string(lab.folder.join("samba.pid")).unwrap();
        let group = pid.split(' ').next().unwrap().to_owned();
        signal("STOP", &group);
        Self(group)
    }
}

impl Drop for SambaStopped {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

fn signal(name: &str, group: &str) {
    let kill = format!("kill -{name} -- -{group}");
    assert!(Command::new("/bin/bash").args(["-c", &kill]).status().unwrap().success());
}
