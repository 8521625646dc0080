//! What is refused, with which code, which rule comes first, and what stands in the KRB-ERROR.

use std::collections::BTreeMap;

use kdc::client::request::Exchange;
use kdc::exchange::{self, Refusal, Rejected, Unidentified};
use kdc::krb::der::Der;
use kdc::krb::messages::{KdcReq, KrbError, PrincipalName, name_type};
use pac::Sid;
use tgtx_tests::scene::{REALM, Scene, at, sid};

use crate::rows::{NOT_OURS, OUT_OF_REACH, ROWS, Row};

fn broken(row: &Row) -> Scene {
    (row.breaks)(Scene::new())
}

#[test]
fn each_row_is_refused_for_its_reason() {
    let wrong: Vec<String> = ROWS
        .iter()
        .filter_map(|row| {
            let outcome = broken(row).run();
            let as_expected = match &outcome {
                Err(Rejected::NotOurs(refused)) => {
                    refused.reason == row.expected && NOT_OURS.contains(&refused.reason)
                }
                Err(Rejected::Refused(refused)) => {
                    refused.reason == row.expected && !NOT_OURS.contains(&refused.reason)
                }
                Ok(_) | Err(Rejected::Dropped) => false,
            };
            (!as_expected).then(|| format!("{}: expected {:?}, got {outcome:?}", row.name, row.expected))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_reason_has_a_row_or_is_out_of_reach() {
    for reason in Refusal::ALL {
        let rows = ROWS.iter().filter(|row| row.expected == *reason).count();
        let out_of_reach = OUT_OF_REACH.iter().any(|(other, _)| other == reason);
        assert!((rows > 0) != out_of_reach, "{reason:?}: {rows} rows, out of reach: {out_of_reach}");
    }
}

/// Of two rules broken, the one that stands first decides. A debug build tries every eighth pair.
#[test]
fn the_first_rule_broken_decides() {
    const EVERY: usize = if cfg!(debug_assertions) { 8 } else { 1 };
    let mut wrong = Vec::new();
    for (one, first) in ROWS.iter().enumerate() {
        for (other, second) in ROWS.iter().enumerate().skip(one) {
            let left_out = (one + other) % EVERY != 0;
            if left_out || first.subject == second.subject || contradict(first, second) {
                continue;
            }
            let outcome = (second.breaks)((first.breaks)(Scene::new())).run();
            match outcome {
                Err(Rejected::NotOurs(refused) | Rejected::Refused(refused))
                    if refused.reason == first.expected => {}
                other => wrong.push(format!("{} + {}: {other:?}", first.name, second.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} pairs: {wrong:#?}", wrong.len());
}

/// Of these, the second undoes the first.
fn contradict(first: &Row, second: &Row) -> bool {
    const PAIRS: &[(&str, &str)] = &[
        // Another name in the ticket is one in CLIENT_INFO too.
        ("CLIENT_INFO", "cname"),
        // Where RC4 is allowed, these are not broken.
        ("ticket etype", "allow-rc4"),
        ("session key", "allow-rc4"),
        ("subkey", "allow-rc4"),
        // It is alice's, and the ticket somebody else's.
        ("primary group", "user"),
    ];
    PAIRS.contains(&(first.subject, second.subject))
}

/// protocol.md 3: no client, no client time, no text; e-data only with account state.
#[test]
fn errors_are_filled_as_windows_fills_them() {
    for row in ROWS {
        let scene = broken(row);
        let octets = scene.encode();
        let reply = exchange::error_reply(&octets, row.expected, REALM, scene.now);
        let error = KrbError::parse(&reply).unwrap();
        let name = row.name;
        assert_eq!(error.error_code, row.expected.code(), "{name}");
        assert_eq!((error.stime, error.susec), (scene.now.seconds, 123_456), "{name}");
        assert_eq!((error.ctime, error.cusec, error.crealm, error.cname), (None, None, None, None), "{name}");
        assert_eq!(error.e_text, None, "{name}");
        let account_state = matches!(
            row.expected,
            Refusal::AccountDisabled
                | Refusal::AccountLocked
                | Refusal::AccountExpired
                | Refusal::LogonHours
                | Refusal::PasswordMustChange
                | Refusal::PasswordExpired
                | Refusal::AuthenticationPolicy
        );
        assert_eq!(error.e_data.is_some(), account_state, "{name}");
        if let Ok(request) = KdcReq::parse(&octets) {
            assert_eq!(error.realm, request.body().realm, "{name}: the request's realm");
            match request.body().sname {
                Some(sname) => assert_eq!(error.sname, sname, "{name}: the request's sname"),
                None => assert_eq!(error.sname.to_string(), "krbtgt/LAB.EXAMPLE", "{name}"),
            }
            // R7: nothing that fails before its ticket opens is answered with more than was asked.
            assert!(reply.len() <= octets.len(), "{name}");
        }
    }
}

/// KERB-EXT-ERROR in a KERB-ERROR-DATA of type 3 ([MS-KILE] 2.2.1, 2.2.2), flags 3 in answers to a TGS-REQ.
#[test]
fn account_state_comes_with_its_ntstatus() {
    let scene = Scene::new();
    let statuses = BTreeMap::from([
        ("account_disabled", 0xc000_0072_u32),
        ("account_locked", 0xc000_0234),
        ("account_expired", 0xc000_0193),
        ("logon_hours", 0xc000_006f),
        ("password_must_change", 0xc000_0224),
        ("password_expired", 0xc000_0071),
        ("authentication_policy", 0xc000_0070),
    ]);
    for reason in Refusal::ALL {
        let reply = exchange::error_reply(&scene.encode(), *reason, REALM, scene.now);
        let expected = statuses.get(reason.label()).map(|status| {
            let mut value = vec![0x30, 0x15, 0xa1, 3, 2, 1, 3, 0xa2, 0x0e, 4, 0x0c];
            value.extend(status.to_le_bytes());
            value.extend([0, 0, 0, 0, 3, 0, 0, 0]);
            value
        });
        assert_eq!(KrbError::parse(&reply).unwrap().e_data, expected.as_deref(), "{reason:?}");
    }
}

#[test]
fn a_request_without_names_is_answered_in_the_domains() {
    let now = Scene::new().now;
    let reply = exchange::error_reply(b"no request", Refusal::MessageTooLarge, REALM, now);
    let error = KrbError::parse(&reply).unwrap();
    assert_eq!((error.realm, error.sname.to_string().as_str()), (REALM.as_bytes(), "krbtgt/LAB.EXAMPLE"));
    let too_big = exchange::too_big_reply(b"no request", REALM, now);
    assert_eq!(KrbError::parse(&too_big).unwrap().error_code, 52);
}

/// attacks.md 4.6 and D31: answers, other requests and what is no DER get no answer at all.
#[test]
fn what_is_no_request_is_dropped() {
    let served = Scene::new().served();
    let good = Scene::new().encode();
    let granted = served.exchange(&good).unwrap().reply;
    let error = exchange::error_reply(&good, Refusal::ClockSkew, REALM, Scene::new().now);
    let request = KdcReq::parse(&good).unwrap();
    let ap_req = request.padata_of_kind(1).next().unwrap().to_vec();
    let mut long_form = good.clone();
    long_form.splice(1..4, [0x83, 0, good[2], good[3]]);
    let mut indefinite = good.clone();
    indefinite[1] = 0x80;
    let trailing = [good.as_slice(), &[0]].concat();
    let mut tgs_rep_type = good.clone();
    tgs_rep_type[17] = 13;
    let deep =
        [0x6c, 0x84, 0, 0, 0x7f, 0xff].into_iter().chain([0x30, 0x80].into_iter().cycle().take(0x7fff));
    let not_an_ap_req = {
        let credential = Scene::new().credential();
        let mut exchange = Exchange::new(&credential, at(0), 1, [0; 16]);
        exchange.presents_ticket = false;
        exchange.more_padata = vec![(1, b"no AP-REQ".to_vec())];
        exchange.encode().unwrap()
    };
    let dropped: [(&str, Vec<u8>); 12] = [
        ("nothing", Vec::new()),
        ("an octet", vec![0x6c]),
        ("a TGS-REP", granted),
        ("a KRB-ERROR", error),
        ("an AP-REQ", ap_req),
        ("length in long form", long_form),
        ("indefinite length", indefinite),
        ("trailing octets", trailing),
        ("tag and msg-type that disagree", tgs_rep_type),
        ("deep nesting", deep.collect()),
        ("text", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("a PA-TGS-REQ that holds none", not_an_ap_req),
    ];
    for (name, octets) in dropped {
        assert_eq!(served.exchange(&octets).map(|_| ()), Err(Rejected::Dropped), "{name}");
    }
}

/// protocol.md 3, rows 10, 11, 14 and 18: what is just inside of a limit is granted.
#[test]
fn limits_are_exact() {
    let inside = [
        ("starttime", Scene::new().ticket(|ticket| ticket.times.starttime = Some(at(300)))),
        ("endtime", Scene::new().ticket(|ticket| ticket.times.endtime = at(121))),
        ("ctime ahead", Scene::new().request(|request| request.ctime = at(300))),
        ("ctime behind", Scene::new().request(|request| request.ctime = at(-300))),
        ("from", Scene::new().request(|request| request.from = Some(at(300)))),
        ("till", Scene::new().request(|request| request.till = at(1))),
        ("cusec", Scene::new().request(|request| request.cusec = 999_999)),
        ("32 etypes", Scene::new().request(|request| request.etypes = [vec![23; 31], vec![18]].concat())),
        ("32 padata", Scene::new().request(|request| request.more_padata = vec![(149, Vec::new()); 30])),
        ("krbtgt key of the version before", Scene::new().set("krbtgt", "msDS-KeyVersionNumber", "3")),
        ("krbtgt key of a version to come", Scene::new().set("krbtgt", "msDS-KeyVersionNumber", "1")),
    ];
    for (name, scene) in inside {
        assert!(scene.run().is_ok(), "{name}: {:?}", scene.refusal());
    }
    let outside = Scene::new().request(|request| request.more_padata = vec![(149, Vec::new()); 31]);
    assert_eq!(outside.refusal(), Refusal::MessageTooLarge);
    let outside = Scene::new().request(|request| request.more_padata = vec![(149, vec![0; 65_536])]);
    assert_eq!(outside.refusal(), Refusal::MessageTooLarge);
}

/// attacks.md B22, G01: a name that no account has is 6, with no `$` appended; one that another has is 20. Which,
/// only the directory knows.
#[test]
fn a_name_that_is_nobodys_is_told_apart_by_asking() {
    let scene = Scene::new().named(b"DC1", name_type::PRINCIPAL);
    let served = scene.served();
    let octets = scene.encode();
    for (account_has_the_name, expected) in
        [(true, Refusal::RequestorUnknown), (false, Refusal::ClientUnknown)]
    {
        let client = exchange::verify(&octets, &served.snapshot()).unwrap();
        assert_eq!(client.requestor(), sid(1104));
        let view = client.domain().directory.as_deref();
        let unidentified = client.identify(None, view).unwrap_err();
        let Unidentified::Name(question, _) = &unidentified else { panic!("{unidentified:?}") };
        assert_eq!((question.name.as_str(), question.enterprise), ("DC1", false));
        assert_eq!(unidentified.refuse(account_has_the_name).reason, expected);
    }
}

/// Nobody is named before the ticket has opened, and nobody's SID before the PAC holds.
#[test]
fn whom_a_refusal_is_about_is_said_as_soon_as_it_is_known() {
    let known = |row: &Row| match broken(row).run() {
        Err(Rejected::NotOurs(refused) | Rejected::Refused(refused)) => {
            refused.who.map(|who| (who.name().to_string(), who.sid))
        }
        other => panic!("{other:?}"),
    };
    let position = |reason| ROWS.iter().position(|row| row.expected == reason).unwrap();
    let (opens, identifies) = (position(Refusal::SessionKeyType), position(Refusal::DirectoryStale));
    for (index, row) in ROWS.iter().enumerate() {
        let who: Option<(String, Option<Sid>)> = known(row);
        assert_eq!(who.is_some(), index >= opens, "{}: {who:?}", row.name);
        let sid = who.and_then(|(_, sid)| sid);
        assert_eq!(sid.is_some(), index >= identifies, "{}: {sid:?}", row.name);
    }
}

/// A KDC option in the ticket's own language: `PrincipalName` of the request is echoed octet for octet.
#[test]
fn an_error_echoes_the_name_asked_for() {
    let scene = Scene::new().request(|request| request.server.components = vec![b"k\xff".to_vec()]);
    let reply = exchange::error_reply(&scene.encode(), scene.refusal(), REALM, scene.now);
    let error = KrbError::parse(&reply).unwrap();
    let sname: PrincipalName<'_> = error.sname;
    assert!(sname.components().eq([b"k\xff".as_slice()]));
}
