//! The daemon's own answers: what it does not answer, how often, and for which of its domains.

use std::fs;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Instant;

use kdc::discovery::{DsFlags, Form, Opcode, PingAnswer, ping};
use kdc::krb::keytab::{Entry, Keytab};
use tgtx_tests::folder::Folder;
use zeroize::Zeroizing;

use super::wire::{
    Client, EX, Elements, REALM, captured_domain, captured_domain_at, extended, for_domain, vector,
};

#[test]
fn what_is_no_search_gets_silence_and_is_counted() {
    let daemon = captured_domain("pings-per-source = 0", "");
    let client = Client::of(daemon.cldap()[0]);
    let good = for_domain(7);
    let mut malformed: Vec<Vec<u8>> = vec![vec![0], vec![0x30; 4096], b"GET / HTTP/1.1\r\n\r\n".to_vec()];
    // A bind, an abandon, and a search cut at every length.
    malformed.push(b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00".to_vec());
    malformed.push(b"\x30\x06\x02\x01\x02\x50\x01\x01".to_vec());
    malformed.extend((1..good.len()).map(|length| good[..length].to_vec()));
    // Ten thousand filters within each other.
    malformed.push([&[0x30, 0x84, 0, 0, 0x0f, 0xf0, 2, 1, 1, 0x63], &[0xa0, 0x80].repeat(2000)[..]].concat());
    for datagram in &malformed {
        client.send(datagram);
    }
    assert!(client.is_silent_until(&for_domain(1000)));
    let series = "tgtx_discovery_pings_total{result=\"malformed\"}";
    daemon.wait_until("counted", || daemon.counter(series) == malformed.len() as u64);
    client.send(&vec![0x30; 4097]);
    daemon.wait_until("counted", || daemon.counter("tgtx_dropped_total{reason=\"oversize\"}") == 1);
    assert_eq!(daemon.counter("tgtx_panics_total"), 0);
}

#[test]
fn pings_about_other_domains_get_the_empty_entry() {
    let daemon = captured_domain("pings-per-source = 0", "");
    let client = Client::of(daemon.cldap()[0]);
    let cases: [Elements<'_>; 4] = [
        &[("DnsDomain", b"lab.example"), EX],
        &[("DomainGuid", &[0; 16]), EX],
        &[("DomainGuid", &[0; 3]), EX],
        &[("DomainSid", b"x"), EX],
    ];
    for elements in cases {
        let answer = client.ask(&ping(3, elements));
        assert_eq!(PingAnswer::parse(&answer), Ok(PingAnswer { message_id: 3, value: None }), "{elements:?}");
    }
    assert_eq!(daemon.counter("tgtx_discovery_pings_total{result=\"empty\"}"), cases.len() as u64);
}

#[test]
fn one_source_gets_so_many_answers_a_second_and_others_theirs() {
    let daemon = captured_domain("pings-per-source = 3", "");
    let client = Client::of(daemon.cldap()[0]);
    let count = |result: &str| daemon.counter(&format!("tgtx_discovery_pings_total{{result=\"{result}\"}}"));
    let started = Instant::now();
    for _ in 0..200 {
        client.send(&for_domain(2));
    }
    daemon.wait_until("all are dealt with", || count("answered") + count("limited") == 200);
    let seconds = started.elapsed().as_secs();
    Client::from("127.0.0.2", daemon.cldap()[0]).ask(&for_domain(3));
    // Three in each second of the daemon's clock, of which the pings may have met one at either end in part.
    let answered = 200 - count("limited");
    assert!((3..=3 * (seconds + 2)).contains(&answered), "{answered} in {seconds} s");
    assert_eq!(count("answered"), answered + 1, "the other source's too");
}

#[test]
fn many_sources_take_no_memory() {
    let daemon = captured_domain("", "");
    let resident = || {
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    // None of them twice.
    let first = Ipv4Addr::new(127, 1, 0, 0).to_bits();
    let ask_from = |hosts: Range<u32>| {
        for some in hosts.collect::<Vec<_>>().chunks(100) {
            let source = |host| Ipv4Addr::from_bits(first + host).to_string();
            let ask = |&host| {
                let client = Client::from(&source(host), daemon.cldap()[0]);
                client.send(&for_domain(host + 1));
                client
            };
            some.iter().map(ask).collect::<Vec<_>>().iter().for_each(|client| drop(client.receive()));
        }
    };
    ask_from(0..4_000);
    let before = resident();
    ask_from(4_000..64_000);
    let after = resident();
    // An address with a count and a time would take more than 17 octets.
    assert!(after < before + 1024, "{before} KiB became {after}");
}

#[test]
fn each_domain_answers_for_itself() {
    // The captured domain once more under another name, GUID and SID.
    let ldif = fs::read_to_string(vector("testuser.ldif")).unwrap();
    let ldif = ldif.replace("DC=aforest,DC=ad", "DC=other,DC=example").replace("aforest.ad", "other.example");
    let ldif = ldif
        .replace("nETBIOSName: AFOREST", "nETBIOSName: OTHER")
        .replace("Us4CP3l1l0WUVNnzLZjxbg==", "AAAAAAAAAAAAAAAAAAAAAQ==");
    let ldif = ldif.replace("UVAAAAQII62qP63OplUzna", "UVAAAAAQAAAAIAAAADAAAA");
    let folder = Folder::new();
    let ldif = folder.write("other.ldif", ldif, 0o644);
    let keytab = Keytab::parse(&fs::read(vector("keytab")).unwrap()).unwrap();
    let entries = keytab.entries().iter().map(|entry| Entry {
        realm: b"OTHER.EXAMPLE".to_vec(),
        components: entry.components.clone(),
        name_type: entry.name_type,
        timestamp: entry.timestamp,
        kvno: entry.kvno,
        etype: entry.etype,
        key: Zeroizing::new(entry.key.to_vec()),
    });
    let keytab = Keytab::new(entries.collect());
    let keytab = folder.write("keytab", keytab.to_bytes().unwrap(), 0o600);
    let more = format!(
        "[[domain]]\nrealm = \"OTHER.EXAMPLE\"\nkeytabs = [{keytab:?}]\ndirectory = \"ldif:{}\"\n\
         [domain.discovery]\nhost = \"KDC2\"\nflags = [\"WRITABLE\"]\n",
        ldif.display()
    );
    let daemon = captured_domain_at("127.0.0.1:0", "pings-per-source = 0", "host = \"KDC1\"", &more);
    let client = Client::of(daemon.cldap()[0]);
    let guid = [&[0; 15][..], &[1]].concat();
    let cases: [(Elements<'_>, &str, &str, bool); 4] = [
        (&[EX], "aforest.ad", "kdc1.aforest.ad", false),
        (&[("DnsDomain", REALM.as_bytes()), EX], "aforest.ad", "kdc1.aforest.ad", false),
        (&[("DnsDomain", b"other.example"), EX], "other.example", "kdc2.other.example", true),
        (&[("DomainGuid", &guid), EX], "other.example", "kdc2.other.example", true),
    ];
    for (elements, domain, host, writable) in cases {
        let answer = extended(&client.ask(&ping(2, elements)));
        assert_eq!((&*answer.dns_domain_name, &*answer.dns_host_name), (domain, host), "{elements:?}");
        assert_eq!(answer.flags.contains(DsFlags::WRITABLE), writable, "{elements:?}");
    }
}

#[test]
fn an_account_is_looked_up_only_where_that_is_configured() {
    let known: [(&str, &[u8]); 3] = [EX, ("User", b"testuser"), ("AAC", &[0x10])];
    let unknown: [(&str, &[u8]); 3] = [EX, ("User", b"nobody"), ("AAC", &[0x10])];
    for (setting, opcode) in [("", Opcode::Response), ("user-lookup = true", Opcode::UserUnknown)] {
        let daemon = captured_domain("pings-per-source = 0", setting);
        let client = Client::of(daemon.cldap()[0]);
        for (elements, expected) in [(&known, Opcode::Response), (&unknown, opcode)] {
            let answer = extended(&client.ask(&ping(2, elements)));
            assert_eq!(answer.opcode, expected, "{setting} {elements:?}");
            assert_eq!(answer.user_name.as_bytes(), elements[1].1);
        }
    }
}

#[test]
fn the_daemon_answers_over_ipv6_and_from_the_address_asked() {
    let daemon = captured_domain_at("0.0.0.0:0", "", "", "");
    let port = daemon.cldap()[0].port();
    // A connected socket hears nothing from another address.
    Client::of(([127, 0, 0, 7], port).into()).ask(&for_domain(1));
    if std::net::UdpSocket::bind("[::1]:0").is_ok() {
        let daemon = captured_domain_at("[::1]:0", "", "", "");
        let answer = extended(&Client::from("::1", daemon.cldap()[0]).ask(&ping(1, &[("NtVer", &[8])])));
        assert_eq!(answer.form, Form::Extended(None));
    }
}
