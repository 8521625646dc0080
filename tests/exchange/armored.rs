//! FAST beyond single rows: keys of every type, what a flipped bit may do, errors that only the shell comes to, and
//! what an onlooker learns.

use kdc::client::SessionKey;
use kdc::client::fast::Fast;
use kdc::client::reply::{Denied, Outcome, ReplyError};
use kdc::client::request::BodyChecksum;
use kdc::exchange::{self, Refusal, Rejected, Unidentified};
use kdc::krb::crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage, MacKey};
use kdc::krb::der::Der;
use kdc::krb::messages::{
    AuthorizationData, AuthorizationElement, EncryptedData, KdcRep, KdcReq, KrbError, PaDatas,
    PaFxFastRequest, Ticket, ad_type, fast_options, pa_type,
};
use tgtx_tests::scene::{REALM, Scene, at};

use crate::cases::with_padata;

#[test]
fn subkeys_of_every_type_armour() {
    for (etype, length) in [(18, 32), (17, 16), (20, 32), (19, 16)] {
        let scene = Scene::new().request(move |request| {
            let subkey = SessionKey::of(etype, &vec![0x5b; length]);
            request.arm(subkey, [0xc3; 16]).unwrap();
        });
        let granted = scene.full().granted;
        assert_eq!(granted.reply_etype, etype, "the reply key is of the subkey's type");
        let fast = granted.fast.unwrap();
        assert_eq!(fast.strengthen_key.unwrap().etype, etype);
        let checksum = if etype == 18 || etype == 17 { etype - 2 } else { etype };
        assert_eq!(fast.finished.unwrap().checksum_type, checksum);
    }
}

#[test]
fn an_rc4_subkey_armours_where_rc4_is_allowed() {
    let rc4 = |scene: Scene| {
        scene.request(|request| request.arm(SessionKey::of(23, &[0x5b; 16]), [0xc3; 16]).unwrap())
    };
    assert_eq!(rc4(Scene::new()).refusal(), Refusal::SubkeyType);
    assert_eq!(rc4(Scene::new().allowing_rc4()).full().granted.reply_etype, 23);
}

/// The same ticket as without, and finished by the KDC's clock.
#[test]
fn armour_changes_nothing_of_what_is_granted() {
    let (open, armored) = (Scene::new().full(), Scene::new().armored().full());
    assert_eq!(open.ticket.times, armored.ticket.times);
    assert_eq!((open.ticket.flags, &open.ticket.client), (armored.ticket.flags, &armored.ticket.client));
    assert_eq!(open.pac().octets.len(), armored.pac().octets.len());
    assert_eq!(open.granted.encrypted_padata, armored.granted.encrypted_padata);
    let finished = armored.granted.fast.unwrap().finished.unwrap();
    assert_eq!((finished.timestamp, finished.usec), (at(0), 123_456));
}

/// RFC 6113 §5.4.3: without the armour the reply does not open, since its key has the strengthen-key in it.
#[test]
fn a_client_without_the_armour_cannot_read_the_reply() {
    let scene = Scene::new().armored();
    let reply = scene.run().unwrap().reply;
    let credential = scene.credential();
    let mut other = scene.exchange(&credential);
    other.fast = None;
    assert!(matches!(Outcome::read(&reply, &other), Err(ReplyError::Integrity(_))));
    let stranger = SessionKey::aes256(&[1; 32]);
    other.fast = Some(Fast::new(&stranger, &stranger, [0; 16]).unwrap());
    assert!(matches!(Outcome::read(&reply, &other), Err(ReplyError::Integrity(_))));
}

/// The client notices another ticket in the reply, and a reply that was stripped of its armour.
#[test]
fn a_reply_that_was_changed_on_its_way_is_found_out() {
    let scene = Scene::new().armored();
    let credential = scene.credential();
    let request = scene.exchange(&credential);
    let reply = scene.run().unwrap().reply;
    let read = |reply: KdcRep<'_>| Outcome::read(&reply.to_der(), &request).map(|_| ());
    let good = KdcRep::parse(&reply).unwrap();
    assert_eq!(read(good), Ok(()));
    let other = Scene::new().run().unwrap().reply;
    let ticket = KdcRep::parse(&other).unwrap().ticket;
    let mut cipher = ticket.enc_part.cipher.to_vec();
    cipher[40] ^= 1;
    let enc_part = EncryptedData { cipher: &cipher, ..ticket.enc_part };
    let ticket = Ticket { enc_part, ..ticket };
    assert_eq!(read(KdcRep { ticket, ..good }), Err(ReplyError::TicketChecksum));
    assert_eq!(read(KdcRep { padata: None, ..good }), Err(ReplyError::Unarmored));
}

/// Every bit of an armoured request that says so under its authenticator's seal, or else its PA-FX-FAST could be made
/// another padata. Nothing of the AP-REQ may be changed, since the armour is tied to all its octets; what stands beside
/// the armour, where nobody reads it, may.
#[test]
fn a_flipped_bit_is_refused_where_it_is_protected() {
    let served = Scene::new().served();
    let used = AuthorizationElement { ad_type: ad_type::FX_FAST_USED, data: &[] };
    let used = AuthorizationData::of(&[used]).to_der();
    let signed =
        Scene::new().armored().request(move |request| request.authenticator_data = Some(used.clone()));
    let good = signed.encode();
    assert!(served.exchange(&good).is_ok());
    let request = KdcReq::parse(&good).unwrap();
    let end_of = |part: &[u8]| part.as_ptr() as usize - good.as_ptr() as usize + part.len();
    let fast = end_of(request.padata.unwrap().of_kind(pa_type::FX_FAST).next().unwrap());
    let body = end_of(request.body_der()) - request.body_der().len();
    let ap_req = request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap();
    let ap_req = end_of(ap_req) - ap_req.len()..end_of(ap_req);
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut octets = good.clone();
            octets[position] ^= 1 << bit;
            let granted = served.exchange(&octets);
            let beside = (fast..body).contains(&position);
            assert!(granted.is_err() || beside, "octet {position}, bit {bit}");
            if let Err(Rejected::Refused(refused)) = granted
                && ap_req.contains(&position)
            {
                assert!(refused.armor.is_none(), "octet {position}, bit {bit}: answered as authentic");
            }
        }
    }
}

/// What is in the armour, cut anywhere under its seal or with an octet behind it, is none of it read; the seal itself,
/// cut anywhere, does not open.
#[test]
fn what_is_in_the_armour_counts_whole_or_not_at_all() {
    let scene = Scene::new().armored();
    let (served, good) = (scene.served(), scene.encode());
    let refusal = |octets: &[u8]| match served.exchange(octets) {
        Err(Rejected::Refused(refused)) => refused.why.reason,
        other => panic!("{other:?}"),
    };
    let request = KdcReq::parse(&good).unwrap();
    let fast =
        PaFxFastRequest::parse(request.padata.unwrap().of_kind(pa_type::FX_FAST).next().unwrap()).unwrap();
    let sealed = fast.enc_fast_req;
    let key = armor_key(&scene);
    let inside = CipherKey::new(&key, KeyUsage::FastEnc).open(sealed.cipher).unwrap().to_vec();

    let resealed =
        |inside: Vec<u8>| Scene::new().fast(move |fast| fast.sealed = Some(inside.clone())).encode();
    assert!(served.exchange(&resealed(inside.clone())).is_ok());
    for end in 0..inside.len() {
        assert_eq!(refusal(&resealed(inside[..end].to_vec())), Refusal::FastMalformed, "cut to {end}");
    }
    assert_eq!(refusal(&resealed([&inside[..], &[0]].concat())), Refusal::FastMalformed);

    for end in 0..sealed.cipher.len() {
        let enc_fast_req = EncryptedData { cipher: &sealed.cipher[..end], ..sealed };
        let cut = PaFxFastRequest { enc_fast_req, ..fast }.to_der();
        assert_eq!(
            refusal(&with_padata(&good, pa_type::FX_FAST, |value| value.clone_from(&cut)).unwrap()),
            Refusal::FastIntegrity,
            "cut to {end}"
        );
    }
}

/// RFC 6113 §5.4.2: the checksum is the armour key's, of its own usage, whole, over this AP-REQ.
#[test]
fn the_armour_is_tied_to_its_ap_req_by_no_other_checksum() {
    let scene = Scene::new().armored();
    let good = scene.encode();
    let ap_req = ap_req(&good);
    let armor = armor_key(&scene);
    let [session_key, subkey] = [[0x5e; 32], [0x5b; 32]]
        .map(|octets| EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &octets).unwrap());
    let mac = |key, usage, octets: &[u8]| MacKey::new(key, usage).mac(octets).as_bytes().to_vec();
    let usage = KeyUsage::FastReqChecksum;
    let right = mac(&armor, usage, &ap_req);
    let refusal = |value: &[u8]| {
        let checksum = BodyChecksum::Other(16, value.to_vec());
        Scene::new().fast(move |fast| fast.checksum = checksum.clone()).run().map_err(|rejected| {
            match rejected {
                Rejected::Refused(refused) => refused.why.reason,
                other => panic!("{other:?}"),
            }
        })
    };
    assert!(refusal(&right).is_ok());
    let other = Scene::new().request(|request| request.cusec ^= 1).armored().encode();
    let wrong = [
        ("the session key", mac(&session_key, usage, &ap_req)),
        ("the subkey", mac(&subkey, usage, &ap_req)),
        ("another usage", mac(&armor, KeyUsage::TgsReqAuthenticatorChecksum, &ap_req)),
        ("the body", mac(&armor, usage, KdcReq::parse(&good).unwrap().body_der())),
        ("another authenticator", mac(&armor, usage, &self::ap_req(&other))),
        ("cut", right[..11].to_vec()),
        ("longer", [&right[..], &[0]].concat()),
        ("nothing", Vec::new()),
    ];
    for (name, value) in wrong {
        assert_eq!(refusal(&value).map(|_| ()), Err(Refusal::FastChecksumMismatch), "{name}");
    }
}

fn armor_key(scene: &Scene) -> EncryptionKey {
    let credential = scene.credential();
    scene.exchange(&credential).fast.unwrap().key.encryption_key().unwrap()
}

/// The value of PA-TGS-REQ.
fn ap_req(request: &[u8]) -> Vec<u8> {
    KdcReq::parse(request).unwrap().padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap().to_vec()
}

/// What the shell refuses is answered in the armour too: a replay, a directory that is away, a name to be looked up.
#[test]
fn what_is_refused_between_the_halves_is_armoured() {
    let scene = Scene::new().armored();
    let (served, octets) = (scene.served(), scene.encode());
    let client = || exchange::verify(&octets, &served.snapshot()).unwrap();
    for reason in [Refusal::Replay, Refusal::DirectoryUnavailable, Refusal::DirectoryData] {
        let refused = client().refuse(reason);
        assert_eq!((refused.why.reason, denied(&scene, &refused).code), (reason, reason.code()));
    }
    let stale = client().identify(None, None).unwrap_err().refuse(true);
    assert_eq!(denied(&scene, &stale).code, 29);
    let client = client();
    let view = client.domain().directory.as_deref();
    let unidentified = client.identify(None, view).unwrap_err();
    assert!(matches!(unidentified, Unidentified::Name { .. }));
    assert_eq!(denied(&scene, &unidentified.refuse(false)).code, 6);
}

/// The error in the armour of a refusal, as the client reads it.
fn denied(scene: &Scene, refused: &exchange::RefusedRequest) -> Denied {
    let armor = refused.armor.as_deref().expect("an armour");
    let octets = scene.encode();
    let reply =
        exchange::armored_error_reply(&octets, refused.why.reason, armor, REALM, scene.now, &[0xc4; 16]);
    let credential = scene.credential();
    let outcome = Outcome::read(&reply, &scene.exchange(&credential)).unwrap();
    let denied = outcome.denied().unwrap().clone();
    assert!(denied.armored.is_some());
    denied
}

/// An account's state is told to the client, not to whoever looks on.
#[test]
fn an_onlooker_sees_the_code_alone() {
    let scene = Scene::new()
        .set("Alice", "userAccountControl", "514")
        .fast(|fast| fast.options |= fast_options::HIDE_CLIENT_NAMES);
    let Err(Rejected::Refused(refused)) = scene.run() else { panic!("granted") };
    let denied = denied(&scene, &refused);
    assert_eq!((denied.code, denied.nt_status), (18, Some(0xc000_0072)));
    let kinds: Vec<i32> = denied.armored.iter().flatten().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [137, 133, 3, 167]);

    let octets = scene.encode();
    let armor = refused.armor.unwrap();
    let reply =
        exchange::armored_error_reply(&octets, refused.why.reason, &armor, REALM, scene.now, &[0xc4; 16]);
    let outside = KrbError::parse(&reply).unwrap();
    assert_eq!(outside.cname.unwrap().to_string(), "WELLKNOWN/ANONYMOUS");
    let method_data = PaDatas::parse(outside.e_data.unwrap()).unwrap();
    assert!(method_data.iter().map(|padata| padata.kind).eq([pa_type::FX_FAST]));
    assert!(!reply.windows(4).any(|octets| octets == 0xc000_0072_u32.to_le_bytes()));
    assert!(reply.len() <= octets.len());
}

#[test]
fn nothing_of_the_armour_is_shown() {
    let Err(Rejected::Refused(refused)) = Scene::new().armored().user("guido", 1112).run() else {
        panic!("granted")
    };
    assert_eq!(format!("{:?}", refused.armor.unwrap()), "Armor(aes256-cts-hmac-sha1-96, redacted)");
}
