//! What is refused, and what stands in the KRB-ERROR: beyond what `cases` says of each row.

use std::time::Duration;

use kdc::client::request::{BodyChecksum, Exchange};
use kdc::client::{Principal, SessionKey};
use kdc::directory::ClientName;
use kdc::exchange::{self, Refusal, Rejected};
use kdc::krb::der::Der;
use kdc::krb::messages::{KdcReq, KrbError, PrincipalName, name_type};
use pac::Sid;
use tgtx_tests::scene::{REALM, Scene, at, sid};

use crate::cases::{self, Case};
use crate::order::refusals;

/// Reasons that `exchange` alone cannot come to.
const OUT_OF_REACH: &[(Refusal, &str)] = &[
    (Refusal::Replay, "the replay memory is the shell's"),
    (Refusal::DirectoryUnavailable, "the directory is read by the shell"),
    (Refusal::DirectoryData, "the directory is read by the shell, which makes the principals"),
    (Refusal::AuditUnavailable, "the shell writes events: tests/shell/audit.rs"),
    (Refusal::RelayUnanswered, "the shell relays: tests/shell/relay.rs"),
    (Refusal::RelayFull, "the shell relays: tests/shell/relay.rs"),
    (Refusal::RelayCircle, "the shell relays: tests/shell/relay.rs"),
    (Refusal::ShadowMode, "the shell answers in its place: tests/shell/shadow.rs"),
    (Refusal::Internal, "a fault of our own: no input is known to cause one"),
];

/// Reasons for which a relay would be asked: a real KDC may have another answer.
pub(crate) const NOT_OURS: &[Refusal] = &[
    Refusal::AsRequest,
    Refusal::WrongRealm,
    Refusal::TicketNotKrbtgt,
    Refusal::NotPartial,
    Refusal::UnknownBranch,
    Refusal::ServiceTicket,
    Refusal::KdcOption,
    Refusal::UnsupportedField,
    Refusal::S4u,
    Refusal::Postdated,
];

fn broken(case: &Case) -> Scene {
    (case.breaks)(Scene::new())
}

#[test]
fn each_reason_has_a_row_or_is_out_of_reach() {
    for reason in Refusal::ALL {
        let rows =
            cases::all().filter_map(Case::refused).filter(|expected| expected.refusal() == *reason).count();
        let out_of_reach = OUT_OF_REACH.iter().any(|(other, _)| other == reason);
        assert!((rows > 0) != out_of_reach, "{reason:?}: {rows} rows, out of reach: {out_of_reach}");
    }
}

#[test]
fn a_request_without_names_is_answered_in_the_domains() {
    let now = Scene::new().now;
    let reply = exchange::error_reply(b"no request", Refusal::MessageTooLarge, REALM, now);
    let error = KrbError::parse(&reply).unwrap();
    assert_eq!((error.realm, error.sname.to_string().as_str()), (REALM.as_bytes(), "krbtgt/LAB.EXAMPLE"));
    let too_big = exchange::too_big_reply(REALM, now);
    let error = KrbError::parse(&too_big).unwrap();
    assert_eq!((error.error_code, error.sname.to_string().as_str()), (52, "krbtgt/LAB.EXAMPLE"));
}

/// attacks.md 4.6 and D31: answers, other requests and what is no DER get no answer at all.
#[test]
fn what_is_no_request_is_dropped() {
    let served = Scene::new().served();
    let good = Scene::new().encode();
    let granted = served.exchange(&good).unwrap().reply;
    let error = exchange::error_reply(&good, Refusal::ClockSkew, REALM, Scene::new().now);
    let request = KdcReq::parse(&good).unwrap();
    let ap_req = request.padata.unwrap().of_kind(1).next().unwrap().to_vec();
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
        assert!(matches!(served.exchange(&octets), Err(Rejected::Dropped)), "{name}");
    }
}

/// Whoever has the ticket can send it; who has its session key too is a client whose clock can be told of.
#[test]
fn how_far_a_clock_is_off_is_known_once_the_authenticator_has_opened_and_not_before() {
    type Break = fn(Scene) -> Scene;
    let cases: [(Refusal, Option<i64>, Break); 6] = [
        (Refusal::TicketExpired, None, |scene| scene.ticket(|ticket| ticket.times.endtime = at(60))),
        (Refusal::AuthenticatorIntegrity, None, |scene| {
            scene.request(|request| request.session_key = SessionKey::aes256(&[7; 32]))
        }),
        (Refusal::ClientMismatch, None, |scene| {
            scene.request(|request| request.authenticator_client = Principal::user(REALM, "dora"))
        }),
        (Refusal::ClockSkew, Some(301), |scene| scene.request(|request| request.ctime = at(301))),
        (Refusal::ClockSkew, Some(-330), |scene| scene.request(|request| request.ctime = at(-330))),
        (Refusal::ChecksumMissing, Some(-200), |scene| {
            scene.request(|request| {
                request.ctime = at(-200);
                request.checksum = BodyChecksum::Absent;
            })
        }),
    ];
    for (reason, ahead, breaks) in cases {
        let mut scene = breaks(Scene::new());
        scene.now.microseconds = 0;
        let Err(Rejected::Refused(refused)) = scene.run() else { panic!("{reason:?}") };
        assert_eq!(refused.why.reason, reason);
        let skew = ahead.map(|ahead| Duration::from_secs(ahead.unsigned_abs()));
        assert_eq!(refused.who.unwrap().clock_skew, skew, "{reason:?}");
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
        let question = unidentified.name().expect("the name decides");
        assert_eq!(question, ClientName { name: "DC1", enterprise: false });
        assert_eq!(unidentified.refuse(account_has_the_name).why.reason, expected);
    }
}

/// Nobody is named before the ticket has opened, and nobody's SID before the PAC holds.
#[test]
fn whom_a_refusal_is_about_is_said_as_soon_as_it_is_known() {
    let known = |case: &Case| match broken(case).run() {
        Err(Rejected::NotOurs(refused) | Rejected::Refused(refused)) => {
            refused.who.map(|who| (who.name().to_string(), who.sid))
        }
        other => panic!("{other:?}"),
    };
    let refusals = refusals();
    let position = |reason| refusals.iter().position(|(_, other)| *other == reason).unwrap();
    let (opens, identifies) = (position(Refusal::SessionKeyType), position(Refusal::DirectoryStale));
    for (index, (case, _)) in refusals.iter().enumerate() {
        let who: Option<(String, Option<Sid>)> = known(case);
        assert_eq!(who.is_some(), index >= opens, "{}: {who:?}", case.name);
        let sid = who.and_then(|(_, sid)| sid);
        assert_eq!(sid.is_some(), index >= identifies, "{}: {sid:?}", case.name);
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
