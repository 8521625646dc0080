//! rasn-kerberos' reader.

use rasn_kerberos::{
    EncryptedData, EncryptionKey, KerberosFlags, KerberosTime, PaData, PrincipalName, Realm,
};

use super::{Fields, hex, key_text, name_text, padata_text, sealed_text, text};

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
    fields.extend(request.padata.into_iter().flatten().map(|padata_value| ("padata", padata(&padata_value))));
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
