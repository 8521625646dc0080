//! Our own reader.

use kdc::krb::der::Der;
use kdc::krb::messages::{
    ApReq, Authenticator, EncKdcRepPart, EncTicketPart, EncryptedData, KdcRep, KdcReq, PrincipalName, WireInt,
};

use super::{Fields, hex, key_text, name_text, padata_text, sealed_text, text};

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
        request.padata.into_iter().flatten().map(|padata| ("padata", padata_text(padata.kind, padata.value))),
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
    fields
        .extend(part.last_req.iter().map(|last| ("last-req", format!("{} {}", last.lr_type, last.lr_value))));
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
