//! A ticket: what stands in clear, and with its key what is sealed.

use super::document::{Fields, Value};
use super::keyring::Keyring;
use super::names;
use super::pac::{Signed, pac};
use crate::client::SessionKey;
use crate::krb::Secret;
use crate::krb::der::Der;
use crate::krb::keys::{Key, Lab};
use crate::krb::messages::{
    AuthorizationData, AuthorizationElement, EncTicketPart, EncryptedData, Ticket, ad_type,
};

/// Describes a ticket, and hands over the session key of one that opened.
pub(super) fn ticket(ticket: &Ticket<'_>, keyring: &Keyring) -> (Fields, Option<SessionKey>) {
    let fields = Fields::new()
        .with("server", names::principal(ticket.realm, &ticket.sname))
        .with("sealed_with", sealed(&ticket.enc_part));
    let Some((key, plain)) = keyring.open_ticket(&ticket.enc_part) else {
        return (fields.with("closed", keyring.why_closed()), None);
    };
    let fields = fields.with("opened_with", names::kvno(key.kvno()));
    match EncTicketPart::parse(&plain) {
        Ok(part) => {
            let session_key = SessionKey::from_wire(&part.key);
            (fields.with("contents", opened(&part, key, keyring)), Some(session_key))
        }
        Err(error) => (fields.with("problem", error.to_string()), None),
    }
}

/// Encryption type, kvno and length of something sealed.
pub(super) fn sealed(data: &EncryptedData<'_>) -> Fields {
    Fields::new()
        .with("etype", names::etype(data.etype))
        .with("kvno", data.kvno.map(|kvno| names::kvno(kvno.as_u32())))
        .with("octets", data.cipher.len())
}

fn opened(part: &EncTicketPart<'_>, key: &Key<Lab>, keyring: &Keyring) -> Fields {
    let transited = Fields::new()
        .with("type", part.transited.tr_type)
        .with("contents", String::from_utf8_lossy(part.transited.contents).into_owned());
    let fields = Fields::new()
        .with("client", names::principal(part.crealm, &part.cname))
        .with("flags", Value::flags(part.flags, names::TICKET_FLAGS))
        .with("session_key", keyring.key(part.key.etype, part.key.value))
        .with("authtime", names::time(part.authtime))
        .with("starttime", part.starttime.map(names::time))
        .with("endtime", names::time(part.endtime))
        .with("renew_till", part.renew_till.map(names::time))
        .with("transited", transited)
        .with("addresses", names::addresses(part.caddr));
    let Some(data) = &part.authorization_data else { return fields };
    let fields = fields.with("authorization_data", elements(data));
    let found = data.pacs().ok().and_then(|found| found.if_relevant);
    let Some(octets) = found else { return fields };
    let covered = covered_by_ticket_checksum(part);
    let covered = covered.as_deref().map(Vec::as_slice);
    match pac(octets, &Signed { keyring, opener: Some(key), ticket: covered }) {
        Ok(pac) => fields.with("pac", pac),
        Err(error) => fields.with("pac", Fields::new().with("problem", error.to_string())),
    }
}

/// The types of authorization data, those inside an AD-IF-RELEVANT after it.
pub(super) fn elements(data: &AuthorizationData<'_>) -> Value {
    let mut list = Vec::new();
    let whole = data.each(|inside, element| {
        let name = names::authorization_data(element.ad_type);
        let fields = Fields::new()
            .with("type", Value::named(i64::from(element.ad_type), name))
            .with("octets", element.data.len())
            .with("inside_if_relevant", inside);
        let within = if inside { "  " } else { "" };
        let name = name.map_or_else(|| element.ad_type.to_string(), str::to_owned);
        list.push(Value::Shown(format!("{within}{name}"), Box::new(fields.into())));
    });
    if let Err(error) = whole {
        list.push(error.to_string().into());
    }
    Value::List(list)
}

/// What the ticket's signature covers: the sealed part, its PAC replaced by one zero octet ([MS-PAC] 2.8.2).
fn covered_by_ticket_checksum(part: &EncTicketPart<'_>) -> Option<Secret> {
    let outer: Vec<AuthorizationElement<'_>> = part.authorization_data.as_ref()?.iter().collect();
    let emptied = outer.iter().map(without_pac).collect::<Option<Vec<_>>>()?;
    let outer: Vec<AuthorizationElement<'_>> =
        outer.iter().zip(&emptied).map(|(element, data)| AuthorizationElement { data, ..*element }).collect();
    Some(EncTicketPart { authorization_data: Some(AuthorizationData::of(&outer)), ..*part }.to_der())
}

/// The data of an element; of an AD-IF-RELEVANT with every PAC in it replaced.
fn without_pac(element: &AuthorizationElement<'_>) -> Option<Vec<u8>> {
    if element.ad_type != ad_type::IF_RELEVANT {
        return Some(element.data.to_vec());
    }
    let inner: Vec<AuthorizationElement<'_>> = AuthorizationData::parse(element.data)
        .ok()?
        .iter()
        .map(|inner| match inner.ad_type {
            ad_type::WIN2K_PAC => AuthorizationElement { data: &[0], ..inner },
            _ => inner,
        })
        .collect();
    Some(AuthorizationData::of(&inner).to_der())
}
