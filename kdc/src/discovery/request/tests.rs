//! Filters as clients write them, and as nobody should.

use proptest::prelude::*;

use super::*;
use crate::discovery::ber::Writer;

const CAPTURED: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/vectors/windows-server-2022/cldap-netlogon-request.bin"
));

/// Equality tests of a filter.
type Clauses<'a> = &'a [(&'a str, &'a [u8])];

/// A search with this filter, for these attributes, at `base`.
fn search(base: &str, attributes: &[&str], filter: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constructed(ber::SEQUENCE, |message| {
        message.number(ber::INTEGER, 7);
        message.constructed(SEARCH_REQUEST, |search| {
            search.primitive(ber::OCTET_STRING, base.as_bytes());
            search.number(ber::ENUMERATED, 0);
            search.number(ber::ENUMERATED, 0);
            search.number(ber::INTEGER, 0);
            search.number(ber::INTEGER, 0);
            search.primitive(ber::BOOLEAN, &[0]);
            filter(search);
            search.constructed(ber::SEQUENCE, |list| {
                attributes.iter().for_each(|name| list.primitive(ber::OCTET_STRING, name.as_bytes()));
            });
        });
    });
    writer.finish()
}

fn equality(writer: &mut Writer, name: &str, value: &[u8]) {
    writer.constructed(EQUALITY, |test| {
        test.primitive(ber::OCTET_STRING, name.as_bytes());
        test.primitive(ber::OCTET_STRING, value);
    });
}

/// What a ping with these equality tests asks.
fn asked(clauses: &[(&str, &[u8])]) -> Result<Ping<'static>, InvalidFilter> {
    let datagram = search("", &["netlogon"], |writer| {
        writer.constructed(AND, |and| clauses.iter().for_each(|(name, value)| equality(and, name, value)));
    });
    let datagram: &'static [u8] = datagram.leak();
    match Request::parse(datagram).unwrap() {
        Request { message_id: 7, asked: Asked::Netlogon(ping) } => ping,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_what_windows_sends() {
    let ping = Ping { dns_domain: Some("AFOREST.AD"), nt_version: 0x2000_0016, ..Ping::default() };
    assert_eq!(Request::parse(CAPTURED), Ok(Request { message_id: 1, asked: Asked::Netlogon(Ok(ping)) }));
}

#[test]
fn every_element_is_read_in_any_order_and_letter_case() {
    let sid: Sid = "S-1-5-21-1-2-3".parse().unwrap();
    let guid: [u8; 16] = std::array::from_fn(|index| index as u8);
    let (sid_octets, expected) = (
        sid.to_bytes(),
        Ping {
            dns_domain: Some("lab.example."),
            domain_guid: Some(guid),
            domain_sid: Some(sid),
            user: Some("alice"),
            aac: Some(0x10),
            nt_version: 6,
        },
    );
    let clauses: [(&str, &[u8]); 9] = [
        ("ntver", &[6, 0, 0, 0]),
        ("AAC", &[0x10]),
        ("HOST", b"PC"),
        ("user", b"alice"),
        ("DOMAINSID", &sid_octets),
        ("DnsHostName", b"pc.lab.example"),
        ("domainguid", &guid),
        ("SomethingNew", b"\xff"),
        ("dnsdomain", b"lab.example."),
    ];
    assert_eq!(asked(&clauses), Ok(expected.clone()));

    let nested = search("", &["NETLOGON", "x"], |writer| {
        writer.constructed(AND, |and| {
            and.primitive(PRESENT, b"objectClass");
            and.constructed(AND, |and| {
                clauses[..4].iter().for_each(|(name, value)| equality(and, name, value))
            });
            and.constructed(AND, |and| {
                clauses[4..].iter().for_each(|(name, value)| equality(and, name, value))
            });
        });
    });
    assert_eq!(Request::parse(&nested).unwrap().asked, Asked::Netlogon(Ok(expected)));
    assert_eq!(asked(&[]), Ok(Ping::default()));
}

#[test]
fn what_the_specification_forbids_is_an_invalid_filter() {
    let cases: [(&str, Clauses<'_>); 9] = [
        ("an element twice", &[("NtVer", &[6]), ("ntver", &[6])]),
        ("a GUID of 15 octets", &[("DomainGuid", &[0; 15])]),
        ("a GUID of 17 octets", &[("DomainGuid", &[0; 17])]),
        ("no SID", &[("DomainSid", b"S-1-5-21-1-2-3")]),
        ("an NtVer of five octets", &[("NtVer", &[6, 0, 0, 0, 0])]),
        ("an unknown bit in NtVer", &[("NtVer", &[0x26])]),
        ("an AAC of five octets", &[("AAC", &[0x10, 0, 0, 0, 0])]),
        ("an unknown bit in AAC", &[("AAC", &[0, 0, 0x40])]),
        ("a domain that is not UTF-8", &[("DnsDomain", b"\xff")]),
    ];
    for (what, clauses) in cases {
        assert_eq!(asked(clauses), Err(InvalidFilter::Element), "{what}");
    }
    for tag in [0xa1, 0xa2, 0xa4, 0xa5, 0xa9] {
        let datagram = search("", &["Netlogon"], |writer| {
            writer.constructed(AND, |and| and.constructed(tag, |inside| equality(inside, "NtVer", &[6])));
        });
        let expected = Asked::Netlogon(Err(InvalidFilter::Operator));
        assert_eq!(Request::parse(&datagram).unwrap().asked, expected, "{tag:#x}");
    }
}

#[test]
fn searches_for_other_things_are_told_apart() {
    let present = |writer: &mut Writer| writer.primitive(PRESENT, b"objectClass");
    let kind = |datagram: &[u8]| match Request::parse(datagram).unwrap().asked {
        Asked::Netlogon(_) => "netlogon".to_owned(),
        Asked::RootDse(names) => format!("rootDSE {}", names.len()),
        Asked::Elsewhere => "elsewhere".to_owned(),
    };
    assert_eq!(kind(&search("", &[], present)), "rootDSE 0");
    assert_eq!(kind(&search("", &["a", "b"], present)), "rootDSE 2");
    assert_eq!(kind(&search("DC=lab", &["Netlogon"], present)), "elsewhere");
}

#[test]
fn more_than_a_client_has_use_for_is_no_request() {
    let levels = |count: usize| {
        let mut filter = Vec::new();
        for _ in 0..count {
            let mut writer = Writer::default();
            writer.primitive(AND, &filter);
            filter = writer.finish();
        }
        search("", &["Netlogon"], |writer| {
            let mut inside = Reader::new(&filter);
            let (tag, contents) = inside.element().unwrap();
            writer.primitive(tag, contents);
        })
    };
    assert!(Request::parse(&levels(DEPTH)).is_ok());
    assert!(Request::parse(&levels(DEPTH + 1)).is_err());
    assert!(Request::parse(&levels(1_000)).is_err());

    let clauses = |count: usize| {
        search("", &["Netlogon"], |writer| {
            writer.constructed(AND, |and| (0..count).for_each(|_| equality(and, "a", b"")));
        })
    };
    assert!(Request::parse(&clauses(CLAUSES)).is_ok());
    assert!(Request::parse(&clauses(CLAUSES + 1)).is_err());
    let names = |count: usize| search("", &vec!["a"; count], |writer| writer.primitive(PRESENT, b"x"));
    assert!(Request::parse(&names(ATTRIBUTES)).is_ok());
    assert!(Request::parse(&names(ATTRIBUTES + 1)).is_err());
}

#[test]
fn a_ping_cut_or_with_something_behind_it_is_no_request() {
    for length in 0..CAPTURED.len() {
        assert_eq!(Request::parse(&CAPTURED[..length]), Err(BerError), "{length}");
    }
    assert_eq!(Request::parse(&[CAPTURED, &[0]].concat()), Err(BerError));
    assert_eq!(Request::parse(&[0x30; LONGEST_REQUEST + 1]), Err(BerError));
}

proptest! {
    #[test]
    fn any_octets_are_a_request_or_none(octets: Vec<u8>) {
        let _ = Request::parse(&octets);
    }

    #[test]
    fn a_captured_ping_with_changed_octets_is_a_request_or_none(changes: Vec<(prop::sample::Index, u8)>) {
        let mut datagram = CAPTURED.to_vec();
        for (index, octet) in changes {
            let at = index.index(datagram.len());
            datagram[at] = octet;
        }
        let _ = Request::parse(&datagram);
    }
}
