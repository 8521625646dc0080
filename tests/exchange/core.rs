//! The cases through the pure exchange: octets in, octets out, the clock fixed.

use kdc::client::reply::Outcome;
use kdc::exchange::{self, Issued, Rejected};
use kdc::krb::der::Der;
use kdc::krb::messages::{KdcReq, KerberosTime, KrbError};
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
            if refused.reason == expected.in_the_core().refusal() =>
        {
            let expected = &expected.in_the_core();
            let not_ours = matches!(scene.run(), Err(Rejected::NotOurs(_)));
            assert_eq!(not_ours, NOT_OURS.contains(&refused.reason), "{name}: relayed or not");
            let reply = exchange::error_reply(&octets, refused.reason, REALM, scene.now);
            let now = scene.now.seconds;
            assert_error(name, expected, &octets, &reply, now..=now);
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
    request: &[u8],
    reply: &[u8],
    sent: std::ops::RangeInclusive<KerberosTime>,
) {
    let error = KrbError::parse(reply).unwrap();
    assert_eq!(error.error_code, expected.code, "{name}");
    assert!(sent.contains(&error.stime), "{name}: {:?} is not in {sent:?}", error.stime);
    assert!(error.susec < 1_000_000, "{name}");
    assert_eq!((error.ctime, error.cusec, error.crealm, error.cname), (None, None, None, None), "{name}");
    assert_eq!(error.e_text, None, "{name}: the client learns no reason");
    assert_eq!(error.e_data, expected.status.map(ext_error).as_deref(), "{name}");
    match KdcReq::parse(request) {
        Ok(request) => {
            assert_eq!(error.realm, request.body().realm, "{name}: the request's realm");
            match request.body().sname {
                Some(sname) => assert_eq!(error.sname, sname, "{name}: the request's sname"),
                None => assert_eq!(error.sname.to_string(), "krbtgt/LAB.EXAMPLE", "{name}"),
            }
        }
        Err(_) => assert_eq!(error.realm, REALM.as_bytes(), "{name}: the domain's realm"),
    }
    // R7: nothing that fails before its ticket opens is answered with more than was asked.
    assert!(reply.len() <= request.len(), "{name}");
}

/// KERB-EXT-ERROR in a KERB-ERROR-DATA of type 3 ([MS-KILE] 2.2.1, 2.2.2), flags 3 in answers to a TGS-REQ.
fn ext_error(status: u32) -> Vec<u8> {
    let mut value = vec![0x30, 0x15, 0xa1, 3, 2, 1, 3, 0xa2, 0x0e, 4, 0x0c];
    value.extend(status.to_le_bytes());
    value.extend([0, 0, 0, 0, 3, 0, 0, 0]);
    value
}
