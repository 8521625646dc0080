//! What we write, read by two decoders that are not ours: rasn-kerberos and picky-krb agree with us field by field,
//! and write the same octets again. Where one of them cannot read what Kerberos allows, a test says so.
//!
//! A message is compared as a list of named fields, each rendered as text: one list from each of three readers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use kdc::client::request::BodyChecksum;
use kdc::client::{BranchKey, SessionKey};
use kdc::krb::crypto::{CipherKey, KeyUsage};
use kdc::krb::der::Der;
use kdc::krb::messages::{
    ApReq, Authenticator, EncKdcRepPart, EncTicketPart, EncryptedData, KdcRep, KdcReq, PrincipalName,
    WireInt, pa_type,
};
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

mod ours {
    use super::*;

    pub(super) fn request(octets: &[u8]) -> Fields {
        let request = KdcReq::parse(octets).unwrap();
        assert_eq!(request.to_der(), octets);
        let body = request.body();
        let mut fields = vec![
            ("pvno", request.pvno.to_string()),
            ("msg-type", "12".to_owned()),
            ("kdc-options", hex(&body.kdc_options.to_be_bytes())),
            ("realm", hex(body.realm)),
            ("sname", text(body.sname.as_ref().map(name))),
            ("till", body.till.to_string()),
            ("rtime", text(body.rtime)),
            ("nonce", body.nonce.as_u32().to_string()),
            ("etype", format!("{:?}", body.etypes.iter().collect::<Vec<_>>())),
        ];
        fields.extend(
            request
                .padata
                .into_iter()
                .flatten()
                .map(|padata| ("padata", padata_text(padata.kind, padata.value))),
        );
        fields
    }

    pub(super) fn ap_req(octets: &[u8]) -> Fields {
        let ap_req = ApReq::parse(octets).unwrap();
        vec![
            ("ap-options", hex(&ap_req.ap_options.to_be_bytes())),
            ("realm", hex(ap_req.ticket.realm)),
            ("sname", name(&ap_req.ticket.sname)),
            ("ticket", sealed(&ap_req.ticket.enc_part)),
            ("authenticator", sealed(&ap_req.authenticator)),
        ]
    }

    pub(super) fn authenticator(octets: &[u8]) -> Fields {
        let authenticator = Authenticator::parse(octets).unwrap();
        vec![
            ("crealm", hex(authenticator.crealm)),
            ("cname", name(&authenticator.cname)),
            ("cksum", text(authenticator.cksum.map(|cksum| key_text(cksum.kind, cksum.value)))),
            ("cusec", authenticator.cusec.to_string()),
            ("ctime", authenticator.ctime.to_string()),
            ("subkey", text(authenticator.subkey.map(|key| key_text(key.etype, key.value)))),
            ("seq-number", text(authenticator.seq_number.map(WireInt::as_u32))),
        ]
    }

    pub(super) fn ticket_part(octets: &[u8]) -> Fields {
        let part = EncTicketPart::parse(octets).unwrap();
        let mut fields = vec![
            ("flags", hex(&part.flags.to_be_bytes())),
            ("key", key_text(part.key.etype, part.key.value)),
            ("crealm", hex(part.crealm)),
            ("cname", name(&part.cname)),
            ("transited", key_text(part.transited.tr_type, part.transited.contents)),
            ("authtime", part.authtime.to_string()),
            ("starttime", text(part.starttime)),
            ("endtime", part.endtime.to_string()),
            ("renew-till", text(part.renew_till)),
        ];
        let data = part.authorization_data.into_iter().flatten();
        fields.extend(data.map(|element| ("authorization-data", key_text(element.ad_type, element.data))));
        fields
    }

    pub(super) fn reply(octets: &[u8]) -> Fields {
        let reply = KdcRep::parse(octets).unwrap();
        vec![
            ("crealm", hex(reply.crealm)),
            ("cname", name(&reply.cname)),
            ("realm", hex(reply.ticket.realm)),
            ("sname", name(&reply.ticket.sname)),
            ("ticket", sealed(&reply.ticket.enc_part)),
            ("enc-part", sealed(&reply.enc_part)),
        ]
    }

    pub(super) fn reply_part(octets: &[u8]) -> Fields {
        let part = EncKdcRepPart::parse(octets).unwrap();
        let mut fields = vec![
            ("key", key_text(part.key.etype, part.key.value)),
            ("nonce", part.nonce.as_u32().to_string()),
            ("key-expiration", text(part.key_expiration)),
            ("flags", hex(&part.flags.to_be_bytes())),
            ("authtime", part.authtime.to_string()),
            ("starttime", text(part.starttime)),
            ("endtime", part.endtime.to_string()),
            ("renew-till", text(part.renew_till)),
            ("srealm", hex(part.srealm)),
            ("sname", name(&part.sname)),
        ];
        fields.extend(
            part.last_req.iter().map(|last| ("last-req", format!("{} {}", last.lr_type, last.lr_value))),
        );
        let padata = part.encrypted_pa_data.into_iter().flatten();
        fields.extend(padata.map(|padata| ("encrypted-pa-data", padata_text(padata.kind, padata.value))));
        fields
    }

    fn name(name: &PrincipalName<'_>) -> String {
        name_text(name.name_type, name.components())
    }

    fn sealed(data: &EncryptedData<'_>) -> String {
        sealed_text(data.etype, data.kvno.map(WireInt::as_u32), data.cipher)
    }
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

mod rasn_reader {
    use super::*;
    use rasn_kerberos::{
        EncryptedData, EncryptionKey, KerberosFlags, KerberosTime, PaData, PrincipalName, Realm,
    };

    fn decode<T: rasn::Decode + rasn::Encode>(octets: &[u8]) -> T {
        let value: T = rasn::der::decode(octets).unwrap();
        assert_eq!(rasn::der::encode(&value).unwrap(), octets, "written again");
        value
    }

    pub(super) fn is_same<T: rasn::Decode + rasn::Encode>(octets: &[u8]) -> bool {
        let value = rasn::der::decode::<T>(octets).ok();
        value.and_then(|value| rasn::der::encode(&value).ok()).is_some_and(|again| again == octets)
    }

    pub(super) fn request(octets: &[u8]) -> Fields {
        let request = decode::<rasn_kerberos::TgsReq>(octets).0;
        let body = request.req_body;
        let mut fields = vec![
            ("pvno", request.pvno.to_string()),
            ("msg-type", request.msg_type.to_string()),
            ("kdc-options", flags(&body.kdc_options.0)),
            ("realm", realm(&body.realm)),
            ("sname", text(body.sname.as_ref().map(name))),
            ("till", time(&body.till)),
            ("rtime", text(body.rtime.as_ref().map(time))),
            ("nonce", body.nonce.to_string()),
            ("etype", format!("{:?}", body.etype)),
        ];
        fields.extend(
            request.padata.into_iter().flatten().map(|padata_value| ("padata", padata(&padata_value))),
        );
        fields
    }

    pub(super) fn ap_req(octets: &[u8]) -> Fields {
        let ap_req: rasn_kerberos::ApReq = decode(octets);
        vec![
            ("ap-options", flags(&ap_req.ap_options.0)),
            ("realm", realm(&ap_req.ticket.realm)),
            ("sname", name(&ap_req.ticket.sname)),
            ("ticket", sealed(&ap_req.ticket.enc_part)),
            ("authenticator", sealed(&ap_req.authenticator)),
        ]
    }

    pub(super) fn authenticator(octets: &[u8]) -> Fields {
        let authenticator: rasn_kerberos::Authenticator = decode(octets);
        vec![
            ("crealm", realm(&authenticator.crealm)),
            ("cname", name(&authenticator.cname)),
            ("cksum", text(authenticator.cksum.map(|cksum| key_text(cksum.r#type, &cksum.checksum)))),
            ("cusec", authenticator.cusec.to_string()),
            ("ctime", time(&authenticator.ctime)),
            ("subkey", text(authenticator.subkey.as_ref().map(key))),
            ("seq-number", text(authenticator.seq_number)),
        ]
    }

    pub(super) fn ticket_part(octets: &[u8]) -> Fields {
        let part: rasn_kerberos::EncTicketPart = decode(octets);
        let mut fields = vec![
            ("flags", flags(&part.flags.0)),
            ("key", key(&part.key)),
            ("crealm", realm(&part.crealm)),
            ("cname", name(&part.cname)),
            ("transited", key_text(part.transited.r#type, &part.transited.contents)),
            ("authtime", time(&part.auth_time)),
            ("starttime", text(part.start_time.as_ref().map(time))),
            ("endtime", time(&part.end_time)),
            ("renew-till", text(part.renew_till.as_ref().map(time))),
        ];
        let data = part.authorization_data.into_iter().flatten();
        fields.extend(data.map(|element| ("authorization-data", key_text(element.r#type, &element.data))));
        fields
    }

    pub(super) fn reply(octets: &[u8]) -> Fields {
        let reply = decode::<rasn_kerberos::TgsRep>(octets).0;
        assert!(reply.padata.is_none());
        vec![
            ("crealm", realm(&reply.crealm)),
            ("cname", name(&reply.cname)),
            ("realm", realm(&reply.ticket.realm)),
            ("sname", name(&reply.ticket.sname)),
            ("ticket", sealed(&reply.ticket.enc_part)),
            ("enc-part", sealed(&reply.enc_part)),
        ]
    }

    pub(super) fn reply_part(octets: &[u8]) -> Fields {
        let part = decode::<rasn_kerberos::EncTgsRepPart>(octets).0;
        let mut fields = vec![
            ("key", key(&part.key)),
            ("nonce", part.nonce.to_string()),
            ("key-expiration", text(part.key_expiration.as_ref().map(time))),
            ("flags", flags(&part.flags.0)),
            ("authtime", time(&part.auth_time)),
            ("starttime", text(part.start_time.as_ref().map(time))),
            ("endtime", time(&part.end_time)),
            ("renew-till", text(part.renew_till.as_ref().map(time))),
            ("srealm", realm(&part.srealm)),
            ("sname", name(&part.sname)),
        ];
        fields.extend(
            part.last_req.iter().map(|last| ("last-req", format!("{} {}", last.r#type, time(&last.value)))),
        );
        let encrypted = part.encrypted_pa_data.into_iter().flatten();
        fields.extend(encrypted.map(|padata_value| ("encrypted-pa-data", padata(&padata_value))));
        fields
    }

    fn realm(realm: &Realm) -> String {
        hex(realm.as_bytes())
    }

    fn name(name: &PrincipalName) -> String {
        name_text(name.r#type, name.string.iter().map(|component| component.as_bytes()))
    }

    fn time(time: &KerberosTime) -> String {
        time.0.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    fn flags(flags: &KerberosFlags) -> String {
        hex(flags.as_raw_slice())
    }

    fn key(key: &EncryptionKey) -> String {
        key_text(key.r#type, &key.value)
    }

    fn padata(padata: &PaData) -> String {
        padata_text(padata.r#type, &padata.value)
    }

    fn sealed(data: &EncryptedData) -> String {
        sealed_text(data.etype, data.kvno, &data.cipher)
    }
}

mod picky_reader {
    use super::*;
    use picky_asn1::wrapper::{BitStringAsn1, GeneralStringAsn1, GeneralizedTimeAsn1, IntegerAsn1};
    use picky_krb::data_types::{EncryptedData, EncryptionKey, PaData, PrincipalName};
    use serde::{Deserialize, Serialize};

    fn decode<'a, T: Deserialize<'a> + Serialize>(octets: &'a [u8]) -> T {
        let value: T = picky_asn1_der::from_bytes(octets).unwrap();
        assert_eq!(picky_asn1_der::to_vec(&value).unwrap(), octets, "written again");
        value
    }

    pub(super) fn is_same<'a, T: Deserialize<'a> + Serialize>(octets: &'a [u8]) -> bool {
        let value = picky_asn1_der::from_bytes::<T>(octets).ok();
        value.and_then(|value| picky_asn1_der::to_vec(&value).ok()).is_some_and(|again| again == octets)
    }

    pub(super) fn request(octets: &[u8]) -> Fields {
        let request = decode::<picky_krb::messages::TgsReq>(octets).0;
        let body = request.req_body.0;
        let etypes: Vec<i64> = body.etype.0.0.iter().map(integer).collect();
        let mut fields = vec![
            ("pvno", integer(&request.pvno.0).to_string()),
            ("msg-type", integer(&request.msg_type.0).to_string()),
            ("kdc-options", flags(&body.kdc_options.0)),
            ("realm", realm(&body.realm.0)),
            ("sname", text(body.sname.0.as_ref().map(|sname| name(&sname.0)))),
            ("till", time(&body.till.0)),
            ("rtime", text(body.rtime.0.as_ref().map(|rtime| time(&rtime.0)))),
            ("nonce", integer(&body.nonce.0).to_string()),
            ("etype", format!("{etypes:?}")),
        ];
        for padata_value in request.padata.0.iter().flat_map(|list| &list.0.0) {
            fields.push(("padata", padata(padata_value)));
        }
        fields
    }

    pub(super) fn ap_req(octets: &[u8]) -> Fields {
        let ap_req = decode::<picky_krb::messages::ApReq>(octets).0;
        let ticket = ap_req.ticket.0.0;
        vec![
            ("ap-options", flags(&ap_req.ap_options.0)),
            ("realm", realm(&ticket.realm.0)),
            ("sname", name(&ticket.sname.0)),
            ("ticket", sealed(&ticket.enc_part.0)),
            ("authenticator", sealed(&ap_req.authenticator.0)),
        ]
    }

    pub(super) fn authenticator(octets: &[u8]) -> Fields {
        let authenticator = decode::<picky_krb::data_types::Authenticator>(octets).0;
        let cksum = authenticator.cksum.0.map(|cksum| {
            let cksum = cksum.0;
            key_text(small(&cksum.cksumtype.0), &cksum.checksum.0.0)
        });
        vec![
            ("crealm", realm(&authenticator.crealm.0)),
            ("cname", name(&authenticator.cname.0)),
            ("cksum", text(cksum)),
            ("cusec", integer(&authenticator.cusec.0).to_string()),
            ("ctime", time(&authenticator.ctime.0)),
            ("subkey", text(authenticator.subkey.0.map(|subkey| key(&subkey.0)))),
            ("seq-number", text(authenticator.seq_number.0.map(|number| integer(&number.0)))),
        ]
    }

    pub(super) fn ticket_part(octets: &[u8]) -> Fields {
        let part = decode::<picky_krb::data_types::EncTicketPart>(octets).0;
        let transited = part.transited.0;
        let mut fields = vec![
            ("flags", flags(&part.flags.0)),
            ("key", key(&part.key.0)),
            ("crealm", realm(&part.crealm.0)),
            ("cname", name(&part.cname.0)),
            ("transited", key_text(small(&transited.tr_type.0), &transited.contents.0.0)),
            ("authtime", time(&part.auth_time.0)),
            ("starttime", text(part.starttime.0.map(|starttime| time(&starttime.0)))),
            ("endtime", time(&part.endtime.0)),
            ("renew-till", text(part.renew_till.0.map(|renew_till| time(&renew_till.0)))),
        ];
        for element in part.authorization_data.0.iter().flat_map(|data| &data.0.0) {
            let data = key_text(small(&element.ad_type.0), &element.ad_data.0.0);
            fields.push(("authorization-data", data));
        }
        fields
    }

    pub(super) fn reply(octets: &[u8]) -> Fields {
        let reply = decode::<picky_krb::messages::TgsRep>(octets).0;
        let ticket = reply.ticket.0.0;
        vec![
            ("crealm", realm(&reply.crealm.0)),
            ("cname", name(&reply.cname.0)),
            ("realm", realm(&ticket.realm.0)),
            ("sname", name(&ticket.sname.0)),
            ("ticket", sealed(&ticket.enc_part.0)),
            ("enc-part", sealed(&reply.enc_part.0)),
        ]
    }

    pub(super) fn reply_part(octets: &[u8]) -> Fields {
        let part = decode::<picky_krb::messages::EncTgsRepPart>(octets).0;
        let mut fields = vec![
            ("key", key(&part.key.0)),
            ("nonce", integer(&part.nonce.0).to_string()),
            ("key-expiration", text(part.key_expiration.0.map(|expiration| time(&expiration.0)))),
            ("flags", flags(&part.flags.0)),
            ("authtime", time(&part.auth_time.0)),
            ("starttime", text(part.start_time.0.map(|starttime| time(&starttime.0)))),
            ("endtime", time(&part.end_time.0)),
            ("renew-till", text(part.renew_till.0.map(|renew_till| time(&renew_till.0)))),
            ("srealm", realm(&part.srealm.0)),
            ("sname", name(&part.sname.0)),
        ];
        for last in &part.last_req.0.0 {
            fields.push(("last-req", format!("{} {}", integer(&last.lr_type.0), time(&last.lr_value.0))));
        }
        for padata_value in part.encrypted_pa_data.0.iter().flat_map(|list| &list.0.0) {
            fields.push(("encrypted-pa-data", padata(padata_value)));
        }
        fields
    }

    fn integer(value: &IntegerAsn1) -> i64 {
        let octets = value.as_signed_bytes_be();
        let negative = octets.first().is_some_and(|octet| octet & 0x80 != 0);
        octets.iter().fold(if negative { -1 } else { 0 }, |value, octet| value << 8 | i64::from(*octet))
    }

    fn small(value: &IntegerAsn1) -> i32 {
        i32::try_from(integer(value)).unwrap()
    }

    fn realm(realm: &GeneralStringAsn1) -> String {
        hex(realm.as_bytes())
    }

    fn name(name: &PrincipalName) -> String {
        let components = name.name_string.0.0.iter().map(|component| component.as_bytes());
        name_text(small(&name.name_type.0), components)
    }

    fn time(time: &GeneralizedTimeAsn1) -> String {
        let (date, clock) =
            ((time.year(), time.month(), time.day()), (time.hour(), time.minute(), time.second()));
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", date.0, date.1, date.2, clock.0, clock.1, clock.2)
    }

    fn flags(flags: &BitStringAsn1) -> String {
        hex(flags.payload_view())
    }

    fn key(key: &EncryptionKey) -> String {
        key_text(small(&key.key_type.0), &key.key_value.0.0)
    }

    fn padata(padata: &PaData) -> String {
        padata_text(small(&padata.padata_type.0), &padata.padata_data.0.0)
    }

    fn sealed(data: &EncryptedData) -> String {
        let kvno = data.kvno.0.as_ref().map(|kvno| u32::try_from(integer(&kvno.0)).unwrap());
        sealed_text(small(&data.etype.0), kvno, &data.cipher.0.0)
    }
}
