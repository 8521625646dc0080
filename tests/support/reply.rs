//! What a KDC, or Entra ID, makes around a TGT, for tests that play one.

use kdc::client::Credential;
use kdc::krb::crypto::{CipherKey, EncryptionKey, KeyUsage};
use kdc::krb::der::{Der, SequenceOf};
use kdc::krb::messages::{
    EncKdcRepPart, EncPartTag, EncryptedData, KdcRep, LastReqEntry, ReplyType, Ticket, WireInt,
};

use crate::device::random;

/// A reply with this TGT (RFC 4120 §5.4.2), under the key that the client shares with whoever replies.
///
/// # Panics
/// Where the credential holds no ticket.
pub fn reply(msg_type: ReplyType, tgt: &Credential, key: &EncryptionKey, nonce: WireInt) -> Vec<u8> {
    let ticket = Ticket::parse(&tgt.ticket).expect("a ticket");
    let (tag, usage) = match msg_type {
        ReplyType::AsRep => (EncPartTag::EncAsRepPart, KeyUsage::AsRepEncPart),
        ReplyType::TgsRep => (EncPartTag::EncTgsRepPart, KeyUsage::TgsRepSessionKey),
    };
    let plain = EncKdcRepPart {
        tag,
        key: tgt.key.to_wire(),
        last_req: SequenceOf::of(&[LastReqEntry { lr_type: 0, lr_value: tgt.times.authtime }]),
        nonce,
        key_expiration: None,
        flags: tgt.flags,
        authtime: tgt.times.authtime,
        starttime: tgt.times.starttime,
        endtime: tgt.times.endtime,
        renew_till: tgt.times.renew_till,
        srealm: ticket.realm,
        sname: ticket.sname,
        caddr: None,
        encrypted_pa_data: None,
    }
    .to_der();
    let mut cipher = Vec::new();
    CipherKey::new(key, usage).seal(&random(), &plain, &mut cipher);
    KdcRep {
        msg_type,
        padata: None,
        crealm: &tgt.client.realm,
        cname: tgt.client.to_wire().as_name(),
        ticket,
        enc_part: EncryptedData { etype: key.etype().as_i32(), kvno: None, cipher: &cipher },
    }
    .to_der()
}
