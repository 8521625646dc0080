//! The cases through the pure exchange: octets in, octets out, the clock fixed.

use kdc::client::reply::Outcome;
use kdc::exchange::{self, Issued, Rejected};
use kdc::krb::der::Der;
use kdc::krb::messages::{KdcReqBody, KerberosTime, KrbError, PaDatas, anonymous, fast_options, pa_type};
use tgtx_tests::scene::{KRBTGT_KEYS, REALM, Scene};

use crate::cases::{Expectation, Expected, Got};
use crate::refused::NOT_OURS;

/// Holds the core to what is expected of a request that `breaks` has changed.
pub(crate) fn assert_outcome(name: &str, expected: &Expected, breaks: impl Fn(Scene) -> Scene) {
    let scene = breaks(Scene::new());
    let octets = scene.encode();
    match (expected, scene.run()) {
        (Expected::Granted(holds), Ok(issued)) => {
            let Issued { reply, notes, .. } = issued;
            let notes = notes.iter().map(|note| note.label().to_owned()).collect();
            holds(&opened(&reply, &scene, notes));
        }
        (Expected::Dropped, Err(Rejected::Dropped)) => {}
        (Expected::Refused(expected), Err(Rejected::NotOurs(refused) | Rejected::Refused(refused)))
            if refused.why.reason == expected.in_the_core().refusal() =>
        {
            let expected = &expected.in_the_core();
            let not_ours = matches!(scene.run(), Err(Rejected::NotOurs(_)));
            let relayed = NOT_OURS.contains(&refused.why.reason) && !expected.is_inside();
            assert_eq!(not_ours, relayed, "{name}: relayed or not");
            let reply = match refused.armor {
                None => exchange::error_reply(&octets, refused.why.reason, REALM, scene.now),
                Some(armor) => {
                    let reason = refused.why.reason;
                    exchange::armored_error_reply(&octets, reason, &armor, REALM, scene.now, &[0xc4; 16])
                }
            };
            let now = scene.now.seconds;
            assert_error(name, expected, &scene, &octets, &reply, now..=now);
        }
        (_, outcome) => panic!("{name}: {outcome:?}"),
    }
}

/// A reply as its client and a domain controller see it.
pub(crate) fn opened(reply: &[u8], scene: &Scene, notes: Vec<String>) -> Got {
    let credential = scene.credential();
    let outcome = Outcome::read(reply, &scene.exchange(&credential)).unwrap();
    let granted = outcome.granted().unwrap();
    let ticket = kdc::client::inspect::OpenedTicket::open(&granted.credential.ticket, &*KRBTGT_KEYS).unwrap();
    Got { granted, ticket, notes }
}

/// A KRB-ERROR as Windows fills it (protocol.md 3): the request's names, no client, no client time, no text; e-data
/// with the NTSTATUS of an account's state and nothing else.
pub(crate) fn assert_error(
    name: &str,
    expected: &Expectation,
    scene: &Scene,
    request: &[u8],
    reply: &[u8],
    sent: std::ops::RangeInclusive<KerberosTime>,
) {
    let error = KrbError::parse(reply).unwrap();
    assert_eq!(error.error_code, expected.code, "{name}");
    assert!(sent.contains(&error.stime), "{name}: {:?} is not in {sent:?}", error.stime);
    assert!(error.susec < 1_000_000, "{name}");
    assert_eq!((error.ctime, error.cusec, error.crealm, error.e_text), (None, None, None, None), "{name}");
    let credential = scene.credential();
    let asked = scene.exchange(&credential);
    match &asked.fast {
        Some(fast) if expected.is_armored() => {
            let hidden = (fast.options & fast_options::HIDE_CLIENT_NAMES != 0).then_some(anonymous::NAME);
            assert_eq!(error.cname, hidden, "{name}");
            let branch_aware = match &fast.padata {
                None => asked.pac_options.is_some(),
                Some(padata) => padata.iter().any(|(kind, _)| *kind == pa_type::PAC_OPTIONS),
            };
            let outcome = Outcome::read(reply, &asked).unwrap();
            assert_inside(name, expected, branch_aware, &error, &outcome);
            assert_names(name, &error_inside(&outcome), &KdcReqBody::parse(&asked.body().unwrap()).unwrap());
        }
        _ => {
            assert_eq!(error.cname, None, "{name}");
            assert_eq!(error.e_data, expected.status.map(ext_error).as_deref(), "{name}");
        }
    }
    assert_names(name, &error, &KdcReqBody::of_request(request).unwrap());
    // R7: nothing that fails before its ticket opens is answered with more than was asked.
    assert!(reply.len() <= request.len(), "{name}");
}

/// The realm and server that were asked for.
fn assert_names(name: &str, error: &KrbError<'_>, body: &KdcReqBody<'_>) {
    assert_eq!(error.realm, body.realm, "{name}: the request's realm");
    match body.sname {
        Some(sname) => assert_eq!(error.sname, sname, "{name}: the request's sname"),
        None => assert_eq!(error.sname.to_string(), "krbtgt/LAB.EXAMPLE", "{name}"),
    }
}

/// RFC 6113 §5.4.4: PA-FX-FAST alone in the e-data, and in it the same error without e-data, beside what Windows has
/// there: PA-FX-COOKIE, and PA-PAC-OPTIONS but with KRB_ERR_GENERIC. Each has its own names.
fn assert_inside(
    name: &str,
    expected: &Expectation,
    branch_aware: bool,
    outside: &KrbError<'_>,
    outcome: &Outcome,
) {
    let method_data = PaDatas::parse(outside.e_data.unwrap()).unwrap();
    assert!(method_data.iter().map(|padata| padata.kind).eq([pa_type::FX_FAST]), "{name}");
    let denied = outcome.denied().unwrap();
    assert_eq!((denied.code, denied.nt_status), (expected.code, expected.status), "{name}");
    let padata = denied.armored.as_ref().unwrap();
    let mut kinds: Vec<i32> = padata.iter().map(|(kind, _)| *kind).collect();
    kinds.retain(|kind| *kind != pa_type::KERB_ERROR_DATA);
    assert_eq!(&kinds[..2], [pa_type::FX_ERROR, pa_type::FX_COOKIE], "{name}");
    let options = expected.code != 60 && branch_aware;
    assert_eq!(kinds.get(2), options.then_some(&pa_type::PAC_OPTIONS), "{name}");
    let inside = error_inside(outcome);
    let (realm, sname) = (inside.realm, inside.sname);
    assert_eq!(inside, KrbError { cname: None, e_data: None, realm, sname, ..*outside }, "{name}");
}

/// The KRB-ERROR in the armour of another.
fn error_inside(outcome: &Outcome) -> KrbError<'_> {
    let padata = outcome.denied().unwrap().armored.as_ref().unwrap();
    let (_, error) = padata.iter().find(|(kind, _)| *kind == pa_type::FX_ERROR).unwrap();
    KrbError::parse(error).unwrap()
}

/// KERB-EXT-ERROR in a KERB-ERROR-DATA of type 3 ([MS-KILE] 2.2.1, 2.2.2), flags 3 in answers to a TGS-REQ.
fn ext_error(status: u32) -> Vec<u8> {
    let mut value = vec![0x30, 0x15, 0xa1, 3, 2, 1, 3, 0xa2, 0x0e, 4, 0x0c];
    value.extend(status.to_le_bytes());
    value.extend([0, 0, 0, 0, 3, 0, 0, 0]);
    value
}
