//! Which domain, which form, which flags: table by table, and the captured answer octet by octet.

use super::*;
use crate::directory::{Tree, ViewRules};
use crate::discovery::message::{PingAnswer, ping};
use crate::discovery::request::LONGEST_REQUEST;

const LDIF: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/windows-server-2022/testuser.ldif"));
const CAPTURED: [&[u8]; 2] = [
    include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/windows-server-2022/cldap-netlogon-request.bin"
    )),
    include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/windows-server-2022/cldap-netlogon-response.bin"
    )),
];
const GUID: [u8; 16] =
    [0x52, 0xce, 0x02, 0x3f, 0x79, 0x75, 0x97, 0x45, 0x94, 0x54, 0xd9, 0xf3, 0x2d, 0x98, 0xf1, 0x6e];
const SID: &str = "S-1-5-21-3661267520-3940350627-3661189989";
/// Of a filter.
type Elements<'a> = &'a [(&'a str, &'a [u8])];

/// V5EX.
const EX: (&str, &[u8]) = ("NtVer", &[6]);

fn view() -> DirectoryView {
    Tree::parse(LDIF).unwrap().view(&ViewRules { sites: true, ..ViewRules::default() }).unwrap()
}

fn announcement() -> Announcement {
    Announcement {
        host: "WIN2K22-1".to_owned(),
        site: None,
        subnets: Vec::new(),
        flags: DsFlags::default(),
        user_lookup: false,
    }
}

fn domain(announcement: Announcement, view: Option<DirectoryView>) -> DiscoveredDomain {
    DiscoveredDomain {
        realm: "AFOREST.AD".into(),
        announcement: announcement.into(),
        view: view.map(Arc::new),
    }
}

/// The captured domain, and another one after it.
fn domains() -> [DiscoveredDomain; 2] {
    let other = DirectoryView {
        domain_guid: [7; 16],
        domain_sid: "S-1-5-21-1-2-3".parse().unwrap(),
        dns_domain_name: "other.example".to_owned(),
        ..view()
    };
    let other = DiscoveredDomain { realm: "OTHER.EXAMPLE".into(), ..domain(announcement(), Some(other)) };
    [domain(announcement(), Some(view())), other]
}

fn from(client: &str) -> Addresses {
    Addresses { client: client.parse().unwrap(), server: "10.0.0.1".parse().unwrap() }
}

/// The answer to a ping with these elements.
fn ask(domains: &[DiscoveredDomain], elements: &[(&str, &[u8])], client: &str) -> (Kind, Vec<u8>) {
    let datagram = ping(5, elements);
    match decide(&Request::parse(&datagram).unwrap(), domains, from(client), None) {
        Decision::Answer(kind, octets) => (kind, octets),
        other => panic!("{other:?}"),
    }
}

/// The same, read as a NETLOGON_SAM_LOGON_RESPONSE_EX.
fn ask_extended(domains: &[DiscoveredDomain], elements: &[(&str, &[u8])], client: &str) -> SamLogonResponse {
    let (kind, octets) = ask(domains, elements, client);
    assert_eq!(kind, Kind::Netlogon);
    PingAnswer::parse(&octets).unwrap().extended().unwrap()
}

#[test]
fn the_captured_ping_gets_the_captured_answer() {
    let names =
        ["PDC", "GC", "DS", "LDAP", "TIMESERV", "GOOD_TIMESERV", "WRITABLE", "FULL_SECRET_DOMAIN_6", "WS"];
    let flags =
        names.iter().fold(DsFlags::default(), |flags, name| flags.with(DsFlags::named(name).unwrap()));
    let domains = [domain(Announcement { flags, ..announcement() }, Some(view()))];
    let request = Request::parse(CAPTURED[0]).unwrap();
    let answer = decide(&request, &domains, from("10.0.0.9"), None);
    assert_eq!(answer, Decision::Answer(Kind::Netlogon, CAPTURED[1].to_vec()));
}

#[test]
fn by_default_only_what_is_true_is_claimed() {
    let response = ask_extended(&domains(), &[EX], "10.0.0.9");
    assert_eq!(response.flags.nltest(), "KDC CLOSE_SITE DS_8 DS_9 DS_10 KEYLIST");
    let old = DirectoryView { behavior_version: 4, ..view() };
    let response = ask_extended(&[domain(announcement(), Some(old))], &[EX], "10.0.0.9");
    assert_eq!(response.flags.nltest(), "KDC CLOSE_SITE KEYLIST");
}

#[test]
fn a_domain_is_named_by_dns_name_guid_or_sid() {
    let sid = SID.parse::<pac::Sid>().unwrap().to_bytes();
    let other_sid = "S-1-5-21-1-2-3".parse::<pac::Sid>().unwrap().to_bytes();
    let strange_sid = "S-1-5-21-9-9-9".parse::<pac::Sid>().unwrap().to_bytes();
    let cases: [(Elements<'_>, Option<&str>); 16] = [
        (&[], Some("aforest.ad")),
        (&[("DnsDomain", b"aforest.ad")], Some("aforest.ad")),
        (&[("DnsDomain", b"AForest.AD.")], Some("aforest.ad")),
        (&[("DnsDomain", b"other.example")], Some("other.example")),
        (&[("DnsDomain", b"elsewhere.example")], None),
        (&[("DnsDomain", b"AFOREST")], None),
        (&[("DnsDomain", b"")], None),
        (&[("DnsDomain", b".")], None),
        (&[("DomainGuid", &GUID)], Some("aforest.ad")),
        (&[("DomainGuid", &[7; 16])], Some("other.example")),
        (&[("DomainGuid", &[0; 16])], None),
        (&[("DnsDomain", b"aforest.ad"), ("DomainGuid", &[0; 16])], None),
        (&[("DomainSid", &sid), ("DnsDomain", b"aforest.ad")], Some("aforest.ad")),
        (&[("DomainSid", &other_sid)], Some("other.example")),
        (&[("DomainSid", &other_sid), ("DnsDomain", b"aforest.ad")], None),
        (&[("DomainSid", &strange_sid)], None),
    ];
    for (elements, expected) in cases {
        let (kind, octets) = ask(&domains(), &[elements, &[EX]].concat(), "10.0.0.9");
        let named = PingAnswer::parse(&octets).unwrap().extended().map(|response| response.dns_domain_name);
        assert_eq!(named.as_deref(), expected, "{elements:?}");
        assert_eq!(kind, if expected.is_some() { Kind::Netlogon } else { Kind::Empty });
        if expected.is_none() {
            assert_eq!(octets, message::entry(5, &[]), "{elements:?}");
        }
    }
}

#[test]
fn the_version_asked_for_decides_the_form() {
    // Opcode, and NtVersion of the answer.
    let cases: [(&[u8], u16, u32); 9] = [
        (&[], 19, 1),
        (&[0], 19, 1),
        (&[1], 19, 1),
        (&[2], 19, 3),
        (&[3, 0, 0, 0x20], 19, 3),
        (&[4], 23, 5),
        (&[8], 23, 13),
        (&[0x16, 0, 0, 0x20], 23, 5),
        (&[0x1e], 23, 13),
    ];
    for (version, opcode, of_answer) in cases {
        let elements: &[(&str, &[u8])] = if version.is_empty() { &[] } else { &[("NtVer", version)] };
        let (_, octets) = ask(&domains(), elements, "10.0.0.9");
        let value = PingAnswer::parse(&octets).unwrap().value.unwrap();
        assert_eq!(value[..2], opcode.to_le_bytes(), "{version:?}");
        assert_eq!(value[value.len() - 8..][..4], of_answer.to_le_bytes(), "{version:?}");
    }
    let with_address = ask_extended(&domains(), &[("NtVer", &[8])], "10.0.0.9");
    assert_eq!(with_address.form, Form::Extended(Some([10, 0, 0, 1].into())));
}

#[test]
fn an_address_that_has_no_ipv4_form_is_left_out() {
    let datagram = ping(5, &[("NtVer", &[8])]);
    for (server, expected) in [("2001:db8::1", None), ("::ffff:10.0.0.1", Some([10, 0, 0, 1].into()))] {
        let addresses = Addresses { client: "2001:db8::2".parse().unwrap(), server: server.parse().unwrap() };
        let decision = decide(&Request::parse(&datagram).unwrap(), &domains(), addresses, None);
        let Decision::Answer(_, octets) = decision else { panic!("{decision:?}") };
        let response = PingAnswer::parse(&octets).unwrap().extended().unwrap();
        assert_eq!(response.form, Form::Extended(expected), "{server}");
    }
}

#[test]
fn subnets_tell_both_sites() {
    let sites = |names: &[&str], subnets: &[(&str, &str)]| {
        Ok(Sites {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            subnets: subnets
                .iter()
                .map(|(subnet, site)| (subnet.parse().unwrap(), (*site).to_owned()))
                .collect(),
        })
    };
    let fault = Err(crate::directory::SitesFault("denied".to_owned()));
    let two = || sites(&["Vienna", "Graz"], &[("10.0.0.0/24", "Vienna"), ("10.9.0.0/16", "Graz")]);
    let site = |name: &str| Announcement { site: Some(name.to_owned()), ..announcement() };
    let own = |name: &str| Announcement { subnets: vec!["10.0.0.0/8".parse().unwrap()], ..site(name) };
    let default = DEFAULT_FIRST_SITE_NAME;
    // Announcement, sites, client, our site, the client's, whether it is the closest.
    let cases = [
        (announcement(), sites(&[], &[]), "192.0.2.1", default, default, true),
        (announcement(), sites(&["Vienna"], &[]), "192.0.2.1", "Vienna", "Vienna", true),
        (announcement(), two(), "10.0.0.9", "Vienna", "Vienna", true),
        (announcement(), two(), "10.9.0.9", "Vienna", "Graz", false),
        (announcement(), two(), "192.0.2.1", "Vienna", "", false),
        (site("Graz"), two(), "10.9.0.9", "Graz", "Graz", true),
        (site("Graz"), sites(&["Vienna", "Graz"], &[]), "10.9.0.9", "Graz", "", false),
        (own("Graz"), sites(&["Vienna", "Graz"], &[]), "10.9.0.9", "Graz", "Graz", true),
        (own("Graz"), sites(&["Vienna", "Graz"], &[]), "192.0.2.1", "Graz", "", false),
        (own("Graz"), two(), "10.0.0.9", "Graz", "Vienna", false),
        (announcement(), fault.clone(), "10.0.0.9", default, "", false),
        (own("Graz"), fault, "10.0.0.9", "Graz", "Graz", true),
    ];
    for (announcement, sites, client, server_site, client_site, closest) in cases {
        let what = format!("{announcement:?} {sites:?} {client}");
        let domains = [domain(announcement, Some(DirectoryView { sites, ..view() }))];
        let response = ask_extended(&domains, &[EX], client);
        assert_eq!(
            (&*response.dc_site_name, &*response.client_site_name),
            (server_site, client_site),
            "{what}"
        );
        assert_eq!(response.flags.contains(DsFlags::CLOSEST), closest, "{what}");
    }
}

#[test]
fn a_user_is_echoed_and_looked_up_only_where_that_is_configured() {
    let elements: [(&str, &[u8]); 3] = [EX, ("User", b"no.body"), ("AAC", &[0x10])];
    let response = ask_extended(&domains(), &elements, "10.0.0.9");
    assert_eq!((response.opcode, &*response.user_name), (Opcode::Response, "no.body"));

    let domains = [domain(Announcement { user_lookup: true, ..announcement() }, Some(view()))];
    let datagram = ping(5, &elements);
    let request = Request::parse(&datagram).unwrap();
    assert_eq!(decide(&request, &domains, from("10.0.0.9"), None), Decision::LookUp(0, "no.body"));
    assert_eq!(ask_extended(&domains, &[EX, ("User", b"")], "10.0.0.9").opcode, Opcode::Response);
}

#[test]
fn an_account_that_is_absent_disabled_or_of_another_kind_is_unknown() {
    let domains = [domain(Announcement { user_lookup: true, ..announcement() }, Some(view()))];
    let (user, computer, disabled) =
        (Account::Present(0x200), Account::Present(0x1000), Account::Present(0x202));
    let cases: [(Account, Option<&[u8]>, Opcode); 9] = [
        (Account::Absent, None, Opcode::UserUnknown),
        (user, None, Opcode::UserUnknown),
        (user, Some(&[0x10]), Opcode::Response),
        (user, Some(&[0x80]), Opcode::UserUnknown),
        (user, Some(&[0]), Opcode::UserUnknown),
        (user, Some(&[0, 2]), Opcode::UserUnknown),
        (computer, Some(&[0x90]), Opcode::Response),
        (computer, Some(&[0x10]), Opcode::UserUnknown),
        (disabled, Some(&[0x10]), Opcode::UserUnknown),
    ];
    for (account, kinds, opcode) in cases {
        let mut elements: Vec<(&str, &[u8])> = vec![EX, ("User", b"alice")];
        elements.extend(kinds.map(|kinds| ("AAC", kinds)));
        let datagram = ping(5, &elements);
        let decision = decide(&Request::parse(&datagram).unwrap(), &domains, from("10.0.0.9"), Some(account));
        let Decision::Answer(Kind::Netlogon, octets) = decision else { panic!("{decision:?}") };
        let response = PingAnswer::parse(&octets).unwrap().extended().unwrap();
        assert_eq!((response.opcode, &*response.user_name), (opcode, "alice"), "{account:?} {kinds:?}");
    }
}

#[test]
fn nothing_is_said_of_a_domain_whose_directory_is_not_known() {
    let [first, second] = domains();
    let domains = [DiscoveredDomain { view: None, ..first }, second];
    let decide = |elements: &[(&str, &[u8])]| {
        let datagram = ping(5, elements);
        match decide(&Request::parse(&datagram).unwrap(), &domains, from("10.0.0.9"), None) {
            Decision::Answer(kind, _) => Some(kind),
            Decision::NotReady => None,
            Decision::LookUp(..) => panic!("nothing is looked up"),
        }
    };
    assert_eq!(decide(&[EX]), None);
    assert_eq!(decide(&[EX, ("DnsDomain", b"aforest.ad")]), None);
    assert_eq!(decide(&[EX, ("DomainGuid", &GUID)]), None, "whose it is cannot be told");
    assert_eq!(decide(&[EX, ("DomainGuid", &[7; 16])]), Some(Kind::Netlogon));
    assert_eq!(decide(&[EX, ("DnsDomain", b"other.example")]), Some(Kind::Netlogon));
    assert_eq!(decide(&[EX, ("DnsDomain", b"elsewhere.example")]), Some(Kind::Empty));
}

#[test]
fn a_user_that_fits_no_label_and_an_invalid_filter_get_the_empty_entry() {
    let user_lookup = [domain(Announcement { user_lookup: true, ..announcement() }, Some(view()))];
    for version in [&[1], &[2], &[4], &[8]] {
        for element in [("User", &[b'a'; 64][..]), ("AAC", &[0; 5]), ("DomainGuid", &[1])] {
            let elements = [("NtVer", &version[..]), element];
            for domains in [&domains()[..], &user_lookup] {
                let answer = ask(domains, &elements, "10.0.0.9");
                assert_eq!(answer, (Kind::Empty, message::entry(5, &[])), "{elements:?}");
            }
        }
        let longest = [("NtVer", &version[..]), ("User", &[b'a'; 63])];
        assert_eq!(ask(&domains(), &longest, "10.0.0.9").0, Kind::Netlogon, "{version:?}");
    }
}

#[test]
fn an_upstreams_answer_may_announce_us_only_where_we_serve_its_domain() {
    let ours = PingAnswer::parse(CAPTURED[1]).unwrap().extended().unwrap();
    let upper = SamLogonResponse { dns_domain_name: "AFOREST.ad.".to_owned(), ..ours.clone() };
    let foreign = SamLogonResponse { dns_domain_name: "bforest.ad".to_owned(), ..ours.clone() };
    let known = domain(announcement(), Some(view()));
    let unknown = domain(announcement(), None);
    for (response, expected) in [(&ours, true), (&upper, true), (&foreign, false)] {
        assert_eq!(known.may_announce(response), expected, "{response:?}");
        assert!(!unknown.may_announce(response), "{response:?}");
    }
}

#[test]
fn the_root_dse_is_the_little_that_is_true() {
    let announcement = announcement();
    let names = |attributes: &[&[u8]]| {
        let octets = root_dse(5, attributes, &announcement, &view());
        ["defaultNamingContext", "dnsHostName", "domainFunctionality"]
            .iter()
            .filter(|name| octets.windows(name.len()).any(|piece| piece == name.as_bytes()))
            .count()
    };
    assert_eq!(names(&[]), 3);
    assert_eq!(names(&[b"*"]), 3);
    assert_eq!(names(&[b"DNSHOSTNAME", b"supportedLDAPVersion"]), 1);
    assert_eq!(names(&[b"supportedLDAPVersion"]), 0);
}

/// The figures of `docs/discovery.md`: octets of an answer for octets of a request.
#[test]
fn answers_are_as_large_as_documented() {
    let answered = |datagram: &[u8]| {
        let decision = decide(&Request::parse(datagram).unwrap(), &domains(), from("10.0.0.9"), None);
        let Decision::Answer(_, octets) = decision else { panic!("{decision:?}") };
        (datagram.len(), octets.len())
    };
    assert_eq!(answered(CAPTURED[0]), (167, 175));
    // As short as BER allows: `(&(NtVer=\04))` for Netlogon, and `(x=*)` for everything of the rootDSE.
    let search: &[u8] = b"\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0";
    let shortest = |rest: &[u8]| {
        let operation = [search, rest].concat();
        let message = [&[2, 1, 1, 0x63, operation.len() as u8], &operation[..]].concat();
        [&[0x30, message.len() as u8], &message[..]].concat()
    };
    let netlogon = |version: u8| {
        let filter = [&b"\xa0\x0c\xa3\x0a\x04\x05NtVer\x04\x01"[..], &[version]].concat();
        shortest(&[&filter[..], b"\x30\x0a\x04\x08Netlogon"].concat())
    };
    assert_eq!(answered(&netlogon(4)), (50, 175));
    assert_eq!(answered(&netlogon(2)), (50, 187));
    // As long as a ping may be, for a user's name that every form but the newest could echo.
    for version in [1, 2, 4] {
        let with_user = |length| ping(1, &[("NtVer", &[version]), ("User", &vec![b'a'; length])]);
        let overhead = with_user(4000).len() - 4000;
        assert_eq!(answered(&with_user(LONGEST_REQUEST - overhead)), (LONGEST_REQUEST, 45), "{version}");
    }
    let root_dse = shortest(b"\x87\x01x\x30\0");
    assert_eq!(answered(&root_dse), (29, 180));
}
