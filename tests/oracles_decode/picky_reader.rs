//! picky-krb's reader.

use picky_asn1::wrapper::{BitStringAsn1, GeneralStringAsn1, GeneralizedTimeAsn1, IntegerAsn1};
use picky_krb::data_types::{EncryptedData, EncryptionKey, PaData, PrincipalName};
use serde::{Deserialize, Serialize};

use super::{Fields, hex, key_text, name_text, padata_text, sealed_text, text};

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
