//! Full TGTs: that a real KDC and a real directory server take them, and what is in them.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use kdc::client::ccache::Ccache;
use kdc::client::inspect::OpenedTicket;
use kdc::client::reply::{Granted, Outcome};
use kdc::client::transport::{Kdc, Protocol};
use kdc::client::{Credential, Principal};
use kdc::krb::messages::error_code;
use kdc::krb::messages::ticket_flags;
use pac::Sid;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{self, Entra, ask, exchange};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::{Lab, User};
use tgtx_tests::program;
use tgtx_tests::settings::Settings;

/// Large enough for every reply, as fragments.
const NO_LIMIT: u32 = 65_507;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_full_tgt_serves_at_a_real_domain_controller_however_it_was_asked_for() {
    let lab = Lab::from_environment();
    let listen = |limit| Settings {
        kerberos: vec![format!("{}:0", lab.daemon_address), "[::1]:0".to_owned()],
        udp_reply_limit: limit,
        ..Settings::of(&lab)
    };
    let (fragments, default) = (Daemon::start(&listen(NO_LIMIT)), Daemon::start(&listen(1465)));
    let entra = Entra::of(&lab, "azuread");
    let alice = lab.user("alice");
    let cases = [
        ("udp", &fragments, Protocol::Udp),
        ("udp, then tcp", &default, Protocol::UdpThenTcp),
        ("tcp", &default, Protocol::Tcp),
    ];
    for (way, daemon, protocol) in cases {
        for &address in daemon.kerberos() {
            let kdc = Kdc { protocol, ..Kdc::at(address) };
            let partial = entra.credential(alice);
            let full = granted(ask(&kdc, &exchange(&partial)), way).credential;
            assert_ticket_is_of(&lab, alice, &full, &partial);
            assert_samba_takes(&lab, alice, full);
        }
    }
    assert_eq!(default.counter("tgtx_responses_too_big_total"), 2, "one an address");
    assert_eq!(fragments.counter("tgtx_responses_too_big_total"), 0);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_reply_over_the_limit_sends_the_client_to_tcp() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let partial = Entra::of(&lab, "azuread").credential(lab.user("bob"));
    let refused = ask(&daemon.kdc(Protocol::Udp), &exchange(&partial));
    let denied = refused.denied().expect("a reply too big");
    assert_eq!((denied.code, &denied.server), (error_code::RESPONSE_TOO_BIG, &Principal::krbtgt(&lab.realm)));
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_wildcard_socket_replies_from_the_address_that_was_asked() {
    let lab = Lab::from_environment();
    let wildcards = vec!["0.0.0.0:0".to_owned(), "[::]:0".to_owned()];
    let settings = Settings { kerberos: wildcards, udp_reply_limit: NO_LIMIT, ..Settings::of(&lab) };
    let daemon = Daemon::start(&settings);
    let entra = Entra::of(&lab, "azuread");
    let [v4, v6] = [daemon.kerberos()[0].port(), daemon.kerberos()[1].port()];
    let asked = [
        SocketAddr::new(lab.daemon_address, v4),
        SocketAddr::new("127.0.0.14".parse().unwrap(), v4),
        SocketAddr::new("127.0.0.1".parse().unwrap(), v4),
        SocketAddr::new("::1".parse().unwrap(), v6),
    ];
    for address in asked {
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        // Not connected: it takes datagrams from anywhere, and tells from where.
        let socket = UdpSocket::bind(any).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let partial = entra.credential(lab.user("bob"));
        let request = exchange(&partial);
        socket.send_to(&request.encode().unwrap(), address).unwrap();
        let mut reply = vec![0; 65_535];
        let (length, from) = socket.recv_from(&mut reply).expect("a reply");
        assert_eq!(from, address);
        granted(Outcome::read(&reply[..length], &request).unwrap(), "over a wildcard socket");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn names_beyond_ascii_foreign_suffixes_and_many_groups_work() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    for key in ["mueller", "tanaka", "upn_foreign", "many", "smartcard", "bob"] {
        let user = lab.user(key);
        let partial = entra.credential(user);
        let full = granted(ask(&daemon.kdc(Protocol::UdpThenTcp), &exchange(&partial)), key).credential;
        assert_ticket_is_of(&lab, user, &full, &partial);
        assert_samba_takes(&lab, user, full);
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn an_enterprise_name_is_the_account_s_user_principal_name() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    // bob has none, so his is made of his account name and the domain's.
    for (key, upn) in [("upn_foreign", "upn_foreign@contoso.example"), ("bob", "bob@lab.example")] {
        let user = lab.user(key);
        let mut partial = entra.partial_tgt(upn, &user.sid);
        partial.client = Principal::enterprise(&lab.realm, upn);
        let partial = partial.mint().unwrap();
        let full = granted(ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial)), key).credential;
        assert_ticket_is_of(&lab, user, &full, &partial);
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_branch_number_above_32767_is_served() {
    let lab = Lab::from_environment();
    let keytabs = vec![lab.keytabs.krbtgt.clone(), lab.branch("high").keytab.clone()];
    let daemon = Daemon::start(&Settings { keytabs, ..Settings::of(&lab) });
    let partial = Entra::of(&lab, "high").credential(lab.user("alice"));
    let full = granted(ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial)), "high").credential;
    assert_ticket_is_of(&lab, lab.user("alice"), &full, &partial);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn protected_users_get_four_hours_and_nobody_s_delegate() {
    const TEN_HOURS: i64 = 36_000;
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    let cases = [
        ("bob", TEN_HOURS, true, true),
        ("protected", 4 * 3600, false, false),
        ("notdelegated", TEN_HOURS, false, true),
    ];
    for (key, lifetime, forwardable, renewable) in cases {
        let partial = entra.credential(lab.user(key));
        let full = granted(ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial)), key).credential;
        let opened = device::open(&lab, &full);
        for (flags, times) in [(full.flags, full.times), (opened.flags, opened.times)] {
            let lived = times.endtime.unix_seconds() - times.starttime.unwrap().unix_seconds();
            assert!((lifetime - 2..=lifetime).contains(&lived), "{key}: {lived} s");
            assert_eq!(flags & ticket_flags::FORWARDABLE != 0, forwardable, "{key}: {flags:08x}");
            assert_eq!(flags & ticket_flags::PROXIABLE, 0, "{key}: {flags:08x}");
            assert_eq!(flags & ticket_flags::RENEWABLE != 0, renewable, "{key}: {flags:08x}");
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn mint_and_exchange_do_the_same_from_the_command_line() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let (folder, alice) = (Folder::new(), lab.user("alice"));
    let (partial, full) = (folder.path("partial.ccache"), folder.path("full.ccache"));
    let (partial, full) = (partial.to_str().unwrap(), full.to_str().unwrap());
    let keytab = lab.keytabs.azuread.to_str().unwrap();
    let minted = program::run([
        "mint",
        "--keytab",
        keytab,
        "--realm",
        &lab.realm,
        "--user",
        &alice.name,
        "--sid",
        &alice.sid,
        "--out",
        partial,
    ]);
    assert_eq!(minted.status, Some(0), "{minted:?}");

    let kdc = daemon.kerberos()[0].to_string();
    let krbtgt = lab.keytabs.krbtgt.to_str().unwrap();
    let traded =
        program::run(["exchange", &kdc, "--ccache", partial, "--out", full, "--keytab", krbtgt, "--json"]);
    assert_eq!(traded.status, Some(0), "{traded:?}");
    let report: Value = serde_json::from_str(&traded.output).expect("JSON");
    assert!(report.to_string().contains(&alice.sid), "{report}");
    assert_mit_uses(&lab, alice, full);
}

/// The full TGT of an outcome.
fn granted(outcome: Outcome, what: &str) -> Granted {
    match outcome {
        Outcome::Granted(granted) => *granted,
        Outcome::Denied(denied) => panic!("{what}: {denied:?}"),
    }
}

/// Whose it is, from when, and that its PAC names the groups that Windows would put into a TGT: nested global and
/// universal ones, none that is domain-local or BUILTIN.
pub(crate) fn assert_ticket_is_of(lab: &Lab, user: &User, full: &Credential, partial: &Credential) {
    let opened: OpenedTicket = device::open(lab, full);
    assert_eq!((&full.client, &opened.client), (&partial.client, &partial.client));
    assert_eq!(full.server, Principal::krbtgt(&lab.realm));
    assert_eq!(opened.key.octets, full.key.octets, "{}", user.name);
    assert_eq!(opened.times.authtime, partial.times.authtime, "{}", user.name);
    let pac = opened.pac.expect("a PAC");
    assert!(pac.server_signature.holds && pac.kdc_signature.holds, "{}", user.name);
    let user_sid: Sid = user.sid.parse().unwrap();
    assert_eq!(pac.requestor, Some(user_sid));
    let upn_dns = pac.upn_dns_info.as_ref().expect("UPN_DNS_INFO");
    let constructed = format!("{}@{}", user.name, lab.dns_domain);
    assert_eq!(&upn_dns.upn, user.upn.as_ref().unwrap_or(&constructed));

    let logon_info = pac.logon_info.as_ref().expect("LOGON_INFO");
    assert_eq!(logon_info.effective_name, user.name);
    assert_eq!(logon_info.logon_domain_id.with_rid(logon_info.user_id), Some(user_sid));
    let mut expected = user.tgt_groups.clone();
    // The authentication authority vouched for the user: the only SID that is no group of the domain.
    expected.push("S-1-18-1".to_owned());
    let named: Vec<String> = pac.groups().iter().map(Sid::to_string).collect();
    assert_eq!(named, expected, "{}", user.name);
}

/// Samba's KDC gives a service ticket for it, and its LDAP server then knows the user.
pub(crate) fn assert_samba_takes(lab: &Lab, user: &User, full: Credential) {
    let folder = Folder::new();
    let file = Ccache::of(full).to_bytes().expect("a credential cache");
    let ccache = folder.write("full.ccache", &*file, 0o600);
    assert_mit_uses(lab, user, ccache.to_str().unwrap());
}

fn assert_mit_uses(lab: &Lab, user: &User, ccache: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/mit_use_tgt");
    let used = program::end(Command::new(script).arg(ccache).arg(&lab.folder));
    assert_eq!(used.status, Some(0), "{}: {used:?}", user.name);
    assert!(used.output.contains("kvno: ldap/127.0.0.10@"), "{used:?}");
    let mut token = used.output.lines().filter_map(|line| line.strip_prefix("sid: "));
    assert_eq!(token.next(), Some(&*user.sid), "{used:?}");
    let others: Vec<&str> = token.collect();
    for group in &user.tgt_groups {
        assert!(others.contains(&&**group), "{}: {group} is not in the token", user.name);
    }
}
