//! The key list: which keys are released, to whom, and where in the reply they stand.

use kdc::client::SessionKey;
use kdc::client::request::Exchange;
use kdc::exchange::{Note, Refusal, ReleasedKeys};
use kdc::krb::crypto::EncryptionType::{self, Aes128Sha1, Aes128Sha256, Aes256Sha1, Aes256Sha384, Rc4Hmac};
use kdc::krb::messages::{WireInt, kdc_options, name_type, pa_type, ticket_flags};
use tgtx_tests::scene::{Full, KRBTGT_KVNO, Scene, USER_KVNO, user_key};

/// Type and octets of the keys that came.
fn keys(full: &Full) -> Vec<(i32, Vec<u8>)> {
    full.granted.key_list.iter().map(|key| (key.etype, key.octets.to_vec())).collect()
}

fn alices(etypes: &[EncryptionType]) -> Vec<(i32, Vec<u8>)> {
    etypes.iter().map(|etype| (etype.as_i32(), user_key("alice", *etype))).collect()
}

fn kinds(full: &Full) -> Vec<i32> {
    full.granted.encrypted_padata.iter().map(|(kind, _)| *kind).collect()
}

fn is_noted(full: &Full) -> bool {
    full.issued.notes.iter().any(|note| note == Note::KeyListIgnored)
}

#[test]
fn what_is_asked_for_and_may_be_released_comes_in_the_request_s_order_once() {
    let all = [Rc4Hmac, Aes256Sha1, Aes128Sha1, Aes256Sha384, Aes128Sha256];
    let cases: [(&[EncryptionType], &'static [i32], &[EncryptionType]); 8] = [
        (&[Rc4Hmac], &[23], &[Rc4Hmac]),
        (&[Rc4Hmac], &[18, 17, 23], &[Rc4Hmac]),
        (&[Rc4Hmac], &[18, 17], &[]),
        (&[Rc4Hmac], &[24, -128, 3, i32::MAX], &[]),
        (&[Rc4Hmac], &[23; 16], &[Rc4Hmac]),
        (&[Aes256Sha1], &[23, 18, 17], &[Aes256Sha1]),
        (&all, &[17, 23, 17, 18, 23], &[Aes128Sha1, Rc4Hmac, Aes256Sha1]),
        (&all, &[19, 20, 17, 18, 23], &[Aes128Sha256, Aes256Sha384, Aes128Sha1, Aes256Sha1, Rc4Hmac]),
    ];
    for (released, asked, expected) in cases {
        let full = Scene::new().releasing(released).asking_keys(asked).full();
        assert_eq!(keys(&full), alices(expected), "{asked:?} of {released:?}");
        let told =
            (!expected.is_empty()).then(|| ReleasedKeys { kvno: USER_KVNO, etypes: expected.to_vec() });
        assert_eq!(full.issued.released, told, "{asked:?} of {released:?}");
        assert_eq!(is_noted(&full), expected.is_empty(), "{asked:?} of {released:?}");
    }
}

#[test]
fn an_absurd_list_is_as_none() {
    for asked in [&[] as &'static [i32], &[23; 17], &[23; 1000]] {
        let full = Scene::new().releasing(&[Rc4Hmac]).asking_keys(asked).full();
        assert_eq!((keys(&full), is_noted(&full), &full.issued.released), (vec![], false, &None));
    }
}

#[test]
fn keys_stand_first_in_the_encrypted_padata_and_nowhere_in_clear() {
    let releasing = || Scene::new().releasing(&[Rc4Hmac]).asking_keys(&[23]);
    let with_subkey = |request: &mut Exchange<'_>| request.subkey = Some(SessionKey::aes256(&[7; 32]));
    for scene in [releasing(), releasing().request(with_subkey), releasing().armored()] {
        let full = scene.full();
        let expected = [pa_type::KERB_KEY_LIST_REP, pa_type::SUPPORTED_ENCTYPES, pa_type::PAC_OPTIONS];
        assert_eq!(kinds(&full), expected);
        assert!(full.granted.padata.iter().all(|(kind, _)| *kind == pa_type::FX_FAST));
        let key = user_key("alice", Rc4Hmac);
        assert!(!full.issued.reply.windows(key.len()).any(|octets| octets == key));
        assert!(!format!("{:?}", full.issued).contains(&format!("{key:?}")));
    }
}

#[test]
fn a_released_key_alone_announces_the_encrypted_padata() {
    let plain = |scene: Scene| {
        scene.request(|request| {
            request.kdc_options &= !kdc_options::CANONICALIZE;
            request.pac_options = None;
        })
    };
    let cases: [(Scene, &[i32]); 3] = [
        (Scene::new().releasing(&[Rc4Hmac]).asking_keys(&[23]), &[pa_type::KERB_KEY_LIST_REP]),
        (Scene::new().releasing(&[Rc4Hmac]).asking_keys(&[18]), &[]),
        (Scene::new().asking_keys(&[23]), &[]),
    ];
    for (scene, expected) in cases {
        let full = plain(scene).full();
        assert_eq!(kinds(&full), expected);
        for flags in [full.granted.credential.flags, full.ticket.flags] {
            assert_eq!(flags & ticket_flags::ENC_PA_REP != 0, !expected.is_empty());
        }
    }
}

/// What stands outside of an armour is for a KDC without FAST.
#[test]
fn a_key_list_outside_of_the_armour_is_not_even_read() {
    let outside = |request: &mut Exchange<'_>| {
        let inside = request.fast.as_mut().and_then(|fast| fast.padata.replace(Vec::new()));
        assert_eq!(inside, None);
    };
    let full = Scene::new().releasing(&[Rc4Hmac]).asking_keys(&[23]).armored().request(outside).full();
    assert_eq!((keys(&full), is_noted(&full)), (vec![], false));
}

/// The account is read by its SID, and its own sAMAccountName finds the key: a name in the ticket does not.
#[test]
fn the_directory_s_name_finds_the_keys_and_the_ticket_s_does_not() {
    let releasing = || Scene::new().releasing(&[Rc4Hmac]).asking_keys(&[23]);
    for scene in [
        releasing().named(b"ALICE", name_type::PRINCIPAL),
        releasing().set("Alice", "userPrincipalName", "").named(b"alice@lab.example", name_type::ENTERPRISE),
        // The keytab has no key of that name, but has one of the account's.
        releasing().set("Alice", "userPrincipalName", "nina").named(b"nina", name_type::ENTERPRISE),
    ] {
        assert_eq!(keys(&scene.full()), alices(&[Rc4Hmac]));
    }
    let renamed = releasing().user("zoe", 1104).set("Alice", "sAMAccountName", "zoe").full();
    assert_eq!((keys(&renamed), is_noted(&renamed)), (vec![], true));
}

#[test]
fn a_protected_user_gets_a_ticket_and_no_key() {
    let releasing = || Scene::new().releasing(&[Rc4Hmac, Aes256Sha1]).asking_keys(&[23, 18]);
    for scene in [
        releasing().user("paula", 1106),
        releasing().set("Protected Users", "member", "CN=Alice,OU=Staff,DC=lab,DC=example"),
    ] {
        let full = scene.full();
        assert_eq!((keys(&full), is_noted(&full), &full.issued.released), (vec![], true, &None));
        assert!(!kinds(&full).contains(&pa_type::KERB_KEY_LIST_REP));
    }
}

/// Policy, account state and a full TGT in place of a partial one: the keytab has keys of all of these users.
#[test]
fn who_is_refused_gets_no_key() {
    let releasing = || Scene::new().releasing(&[Rc4Hmac]).asking_keys(&[23]);
    let cases = [
        (releasing().user("dora", 1108), Refusal::NeverReveal),
        (releasing().set("Alice", "userAccountControl", "514"), Refusal::AccountDisabled),
        (releasing().user("nina", 1104), Refusal::RequestorMismatch),
        (
            releasing().ticket(|ticket| ticket.kvno = Some(WireInt::unsigned(KRBTGT_KVNO))),
            Refusal::NotPartial,
        ),
    ];
    for (scene, expected) in cases {
        assert_eq!(scene.refusal(), expected);
    }
}
