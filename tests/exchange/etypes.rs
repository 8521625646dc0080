//! Encryption types: which the keys of a domain and its configuration allow, and for what.

use std::sync::LazyLock;

use kdc::client::inspect::OpenedTicket;
use kdc::client::mint::PartialTgt;
use kdc::client::reply::Outcome;
use kdc::client::request::BodyChecksum;
use kdc::client::{BranchKey, SessionKey};
use kdc::exchange::Refusal;
use kdc::krb::crypto::{EncryptionKey, EncryptionType};
use kdc::krb::messages::PaSupportedEnctypes;
use tgtx_tests::scene::{BRANCH_KVNO, KRBTGT_KVNO, REALM, Scene, keytab_entry};

const TYPES: [i32; 5] = [17, 18, 19, 20, 23];

fn octets(etype: i32, octet: u8) -> Vec<u8> {
    vec![octet; EncryptionType::from_i32(etype).unwrap().key_len()]
}

fn key(kvno: u32, etype: i32, octet: u8) -> BranchKey {
    let known = EncryptionType::from_i32(etype).unwrap();
    BranchKey::new(kvno, &EncryptionKey::from_bytes(known, &octets(etype, octet)).unwrap())
}

/// A domain whose krbtgt has keys of these types, each of octets `etype`.
fn krbtgt_of(mut scene: Scene, etypes: &[i32]) -> Scene {
    scene.keytab.retain(|entry| entry.kvno != KRBTGT_KVNO);
    for etype in etypes {
        let key = octets(*etype, *etype as u8);
        scene.keytab.push(keytab_entry(REALM, &["krbtgt", REALM], KRBTGT_KVNO, *etype, &key));
    }
    scene
}

fn listing(scene: Scene, etypes: &'static [i32]) -> Scene {
    scene.request(move |request| request.etypes = etypes.to_vec())
}

/// protocol.md 6.1, 6.4, 6.8 (attacks D20, D21): the types of krbtgt's keys, whether RC4 is allowed, what the client
/// lists; the ticket's type, its session key's and PA-SUPPORTED-ENCTYPES, or no common type.
#[test]
fn the_keys_of_krbtgt_and_the_clients_list_decide() {
    type Case = (&'static [i32], bool, &'static [i32], Option<(i32, i32, u32)>);
    let cases: [Case; 15] = [
        (&[18, 17], false, &[20, 19, 18, 17], Some((18, 18, 0x18))),
        (&[18, 17], false, &[23, 20, 19, 17], Some((18, 17, 0x18))),
        (&[18, 17], false, &[20, 19], None),
        (&[18, 17], false, &[23], None),
        (&[20, 18], false, &[20, 19, 18], Some((18, 18, 0x10))),
        (&[20, 18], false, &[19, 20], Some((18, 20, 0x10))),
        (&[20, 18], false, &[19], Some((18, 19, 0x10))),
        (&[19, 17], false, &[20, 23], Some((17, 20, 0x08))),
        (&[20, 19], false, &[17, 19], Some((20, 17, 0))),
        (&[19], false, &[20, 19], Some((19, 20, 0))),
        (&[20], false, &[23], None),
        (&[18], true, &[23, 17], Some((18, 17, 0x14))),
        (&[18], true, &[3, 23], Some((18, 23, 0x14))),
        (&[18], true, &[20, 24], None),
        (&[23, 20], true, &[23, 19], Some((20, 19, 0x04))),
    ];
    for (krbtgt, rc4, listed, expected) in cases {
        let case = format!("krbtgt {krbtgt:?}, RC4 {rc4}, listed {listed:?}");
        let mut scene = listing(krbtgt_of(Scene::new(), krbtgt), listed);
        if rc4 {
            scene = scene.allowing_rc4();
        }
        let Some((ticket_etype, session_etype, supported)) = expected else {
            assert_eq!(scene.refusal(), Refusal::NoCommonEtype, "{case}");
            continue;
        };
        let credential = scene.credential();
        let issued = scene.run().unwrap_or_else(|rejected| panic!("{case}: {rejected:?}"));
        let granted = Outcome::read(&issued.reply, &scene.exchange(&credential)).unwrap().granted().unwrap();
        assert_eq!(
            (granted.ticket_etype, granted.credential.key.etype),
            (ticket_etype, session_etype),
            "{case}"
        );
        assert_eq!(granted.supported_enctypes, Some(supported | PaSupportedEnctypes::FAST), "{case}");

        let krbtgt_key = key(KRBTGT_KVNO, ticket_etype, ticket_etype as u8);
        let checksum_type = krbtgt_key.pac_signature_type().as_i32();
        let ticket = OpenedTicket::open(&granted.credential.ticket, &[krbtgt_key]).unwrap();
        let pac = ticket.pac.unwrap();
        assert_eq!(
            (pac.server_signature.kind, pac.kdc_signature.kind),
            (checksum_type, checksum_type),
            "{case}"
        );
        assert!(pac.server_signature.holds && pac.kdc_signature.holds, "{case}");
    }
}

/// attacks A23, E10: every type but RC4, and RC4 where it is allowed, opens authenticators and seals replies.
#[test]
fn session_keys_and_subkeys_are_of_every_type_that_is_accepted() {
    for session in TYPES {
        for subkey in [None, Some(17), Some(18), Some(19), Some(20), Some(23)] {
            for checksum in [BodyChecksum::RsaMd5, BodyChecksum::Keyed] {
                let scene = Scene::new()
                    .ticket(move |ticket| ticket.session_key = SessionKey::of(session, &octets(session, 1)))
                    .request(move |request| {
                        request.subkey = subkey.map(|etype| SessionKey::of(etype, &octets(etype, 2)));
                        request.checksum = checksum.clone();
                    });
                if session == 23 {
                    assert_eq!(scene.refusal(), Refusal::SessionKeyType);
                } else if subkey == Some(23) {
                    assert_eq!(scene.refusal(), Refusal::SubkeyType);
                } else {
                    assert_eq!(scene.full().granted.reply_etype, subkey.unwrap_or(session));
                }
                let reply_etype = scene.allowing_rc4().full().granted.reply_etype;
                assert_eq!(reply_etype, subkey.unwrap_or(session));
            }
        }
    }
}

static BRANCH_KEYS: LazyLock<[BranchKey; 5]> =
    LazyLock::new(|| TYPES.map(|etype| key(BRANCH_KVNO, etype, 0x77)));

/// attacks A09, B14: a partial TGT sealed and signed with a branch key of each type.
#[test]
fn partial_tgts_open_under_a_branch_key_of_every_type_that_is_accepted() {
    for (etype, branch_key) in TYPES.into_iter().zip(&*BRANCH_KEYS) {
        let sealed = move |ticket: &mut PartialTgt<'static>| {
            ticket.key = branch_key;
            ticket.etype = etype;
            ticket.pac.server.key = branch_key.pac_key();
            ticket.pac.kdc.key = branch_key.pac_key();
        };
        let scene = || {
            let mut scene = Scene::new().ticket(sealed);
            scene.keytab.retain(|entry| entry.kvno != BRANCH_KVNO || entry.etype == 18);
            if etype == 18 {
                scene.keytab.retain(|entry| entry.kvno != BRANCH_KVNO);
            }
            let key = octets(etype, 0x77);
            scene.keytab.push(keytab_entry(REALM, &["krbtgt_AzureAD"], BRANCH_KVNO, etype, &key));
            scene
        };
        match etype {
            23 => assert_eq!(scene().refusal(), Refusal::NoKey),
            _ => assert!(scene().run().is_ok(), "{etype}"),
        }
        assert!(scene().allowing_rc4().run().is_ok(), "{etype}");

        // Even where RC4 is allowed, it signs only what it sealed.
        let downgraded =
            scene().allowing_rc4().ticket(|ticket| ticket.pac.server.key = BRANCH_KEYS[4].pac_key());
        match etype {
            23 => assert!(downgraded.run().is_ok()),
            _ => assert_eq!(downgraded.refusal(), Refusal::PacSignature, "{etype}"),
        }
    }
}

/// protocol.md row 38: for a Protected User no key is of RC4, also where it is allowed.
#[test]
fn protected_users_have_no_rc4_key() {
    let paula = || Scene::new().allowing_rc4().user("paula", 1106);
    let rc4 = || SessionKey::of(23, &[1; 16]);
    let refused = [
        ("listed", listing(paula(), &[23])),
        ("session key", paula().ticket(move |ticket| ticket.session_key = rc4())),
        ("subkey", paula().request(move |request| request.subkey = Some(rc4()))),
    ];
    for (what, scene) in refused {
        assert_eq!(scene.refusal(), Refusal::ProtectedUserEtype, "{what}");
    }
    assert!(listing(paula(), &[23, 17]).run().is_ok());
    assert_eq!(listing(paula(), &[3]).refusal(), Refusal::NoCommonEtype);
    assert!(listing(Scene::new().allowing_rc4(), &[23]).run().is_ok());
}
