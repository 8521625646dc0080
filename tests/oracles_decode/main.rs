//! What we write, read by two decoders that are not ours: rasn-kerberos and picky-krb agree with us field by field,
//! and write the same octets again. Where one of them cannot read what Kerberos allows, a test says so.
//!
//! A message is compared as a list of named fields, each rendered as text: one list from each of three readers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ours;
mod picky_reader;
mod rasn_reader;

use kdc::client::request::BodyChecksum;
use kdc::client::{BranchKey, SessionKey};
use kdc::krb::crypto::{CipherKey, KeyUsage};
use kdc::krb::der::Der;
use kdc::krb::messages::{ApReq, EncryptedData, KdcRep, KdcReq, WireInt, pa_type};
use tgtx_tests::scene::{BRANCH_KEY, KRBTGT_KEYS, Scene, at};

/// The fields of a message by name, in the message's order.
type Fields = Vec<(&'static str, String)>;

#[test]
fn a_request_reads_the_same_everywhere() {
    for scene in scenes() {
        let octets = scene.encode();
        let expected = ours::request(&octets);
        assert_eq!(rasn_reader::request(&octets), expected);
        assert_eq!(picky_reader::request(&octets), expected);

        let request = KdcReq::parse(&octets).unwrap();
        let ap_req = request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap();
        let expected = ours::ap_req(ap_req);
        assert_eq!(rasn_reader::ap_req(ap_req), expected);
        assert_eq!(picky_reader::ap_req(ap_req), expected);

        let ap_req = ApReq::parse(ap_req).unwrap();
        let key = scene.credential().key.encryption_key().unwrap();
        let plain =
            CipherKey::new(&key, KeyUsage::TgsReqAuthenticator).open(ap_req.authenticator.cipher).unwrap();
        let expected = ours::authenticator(&plain);
        assert_eq!(rasn_reader::authenticator(&plain), expected);
        assert_eq!(picky_reader::authenticator(&plain), expected);

        let partial = opened(&BRANCH_KEY, &ap_req.ticket.enc_part);
        the_ticket_part_reads_the_same(&partial);
    }
}

#[test]
fn a_reply_reads_the_same_everywhere() {
    for scene in scenes() {
        let octets = scene.run().unwrap().reply;
        let expected = ours::reply(&octets);
        assert_eq!(rasn_reader::reply(&octets), expected);
        assert_eq!(picky_reader::reply(&octets), expected);

        let reply = KdcRep::parse(&octets).unwrap();
        the_ticket_part_reads_the_same(&opened(&KRBTGT_KEYS[0], &reply.ticket.enc_part));

        let credential = scene.credential();
        let (key, usage) = match &scene.exchange(&credential).subkey {
            Some(subkey) => (subkey.encryption_key().unwrap(), KeyUsage::TgsRepSubkey),
            None => (credential.key.encryption_key().unwrap(), KeyUsage::TgsRepSessionKey),
        };
        let plain = CipherKey::new(&key, usage).open(reply.enc_part.cipher).unwrap();
        let expected = ours::reply_part(&plain);
        assert_eq!(rasn_reader::reply_part(&plain), expected);
        assert_eq!(picky_reader::reply_part(&plain), expected);
    }
}

fn the_ticket_part_reads_the_same(plain: &[u8]) {
    let expected = ours::ticket_part(plain);
    assert_eq!(rasn_reader::ticket_part(plain), expected);
    assert_eq!(picky_reader::ticket_part(plain), expected);
}

fn opened(key: &BranchKey, sealed: &EncryptedData<'_>) -> Vec<u8> {
    key.open_ticket(sealed.cipher).unwrap().to_vec()
}

/// Requests that differ in what is optional.
fn scenes() -> [Scene; 4] {
    [
        Scene::new(),
        Scene::new().request(|request| {
            request.checksum = BodyChecksum::Keyed;
            request.subkey = Some(SessionKey::aes128(&[2; 16]));
            request.rtime = Some(at(86_400));
            request.key_list = Some(vec![23]);
        }),
        Scene::new().ticket(|ticket| ticket.times.renew_till = None).request(|request| {
            request.seq_number = None;
            request.pac_options = None;
            request.kdc_options = 0;
            request.nonce = WireInt::unsigned(0x7fff_ffff);
        }),
        Scene::new().request(|request| request.nonce = WireInt::unsigned(u32::MAX)),
    ]
}

// Known disagreements. Each is something that Kerberos allows, or Windows does, and that one of the oracles cannot
// read: when a new version of it can, the test fails and the row goes.

/// Who reads a request, and its AP-REQ, and writes both again as they were.
#[derive(Debug, PartialEq, Eq)]
struct Reads {
    ours: bool,
    rasn: bool,
    picky: bool,
}

fn reads(octets: &[u8]) -> Reads {
    let request = KdcReq::parse(octets).unwrap();
    let ap_req = request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap();
    Reads {
        ours: request.to_der() == octets && ApReq::parse(ap_req).unwrap().to_der() == ap_req,
        rasn: rasn_reader::is_same::<rasn_kerberos::TgsReq>(octets)
            && rasn_reader::is_same::<rasn_kerberos::ApReq>(ap_req),
        picky: picky_reader::is_same::<picky_krb::messages::TgsReq>(octets)
            && picky_reader::is_same::<picky_krb::messages::ApReq>(ap_req),
    }
}

#[test]
fn known_disagreements_are_these() {
    let everyone = Reads { ours: true, rasn: true, picky: true };
    assert_eq!(reads(&Scene::new().encode()), everyone);
    let table: [(&str, Scene, Reads); 5] = [
        (
            "a kvno of a branch from 0x8000 as Windows writes it, negative",
            Scene::new().ticket(|ticket| ticket.kvno = Some(WireInt::signed(0xb651_0001))),
            Reads { rasn: false, ..everyone },
        ),
        (
            "the same kvno as RFC 4120 has it, of five octets",
            Scene::new().ticket(|ticket| ticket.kvno = Some(WireInt::unsigned(0xb651_0001))),
            Reads { ours: true, rasn: true, picky: true },
        ),
        (
            "a nonce written as a negative number",
            Scene::new().request(|request| request.nonce = WireInt::signed(u32::MAX)),
            Reads { rasn: false, ..everyone },
        ),
        (
            "a server name that is not ASCII: to picky-krb there is none",
            Scene::new().request(|request| request.server.components[1] = "müller".into()),
            Reads { picky: false, ..everyone },
        ),
        (
            "a server name with an octet that Latin-1 has no character for",
            Scene::new().request(|request| request.server.components[1] = "MÜLLER".into()),
            Reads { rasn: false, picky: false, ..everyone },
        ),
    ];
    for (name, scene, expected) in table {
        assert_eq!(reads(&scene.encode()), expected, "{name}");
    }
}

/// A user whose name is not ASCII: rasn-kerberos reads the octets, picky-krb refuses the whole reply, because there
/// the name is not optional.
#[test]
fn picky_reads_no_name_that_is_not_ascii() {
    let octets = Scene::new().user("müller", 1105).run().unwrap().reply;
    assert_eq!(rasn_reader::reply(&octets), ours::reply(&octets));
    assert!(picky_asn1_der::from_bytes::<picky_krb::messages::TgsRep>(&octets).is_err());
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn name_text<'a>(name_type: i32, components: impl Iterator<Item = &'a [u8]>) -> String {
    let components: Vec<String> = components.map(hex).collect();
    format!("{name_type} {}", components.join("/"))
}

fn key_text(kind: i32, octets: &[u8]) -> String {
    format!("{kind} {}", hex(octets))
}

fn padata_text(kind: i32, octets: &[u8]) -> String {
    key_text(kind, octets)
}

fn sealed_text(etype: i32, kvno: Option<u32>, cipher: &[u8]) -> String {
    format!("{etype} {} {}", text(kvno), hex(cipher))
}
