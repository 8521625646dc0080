//! Which kind of file it is, and what it says.

use super::contents::{elements, sealed, ticket};
use super::document::{Fields, Value};
use super::keyring::Keyring;
use super::names;
use super::pac::{Signed, pac};
use crate::cli::decode_error::DecodeError;
use crate::client::ccache::Ccache;
use crate::client::{Credential, SessionKey};
use crate::krb::crypto::{CipherKey, KeyUsage, MacKey, md5_matches};
use crate::krb::der::{Der, DerError};
use crate::krb::error_names::{error_name, nt_status_name};
use crate::krb::messages::{
    ApReq, Authenticator, Checksum, EncKdcRepPart, KdcRep, KdcReq, KerbErrorData, KerbExtError,
    KerbKeyListRep, KerbKeyListReq, KrbError, PaData, PaDatas, PaPacOptions, PaSupportedEnctypes, ReplyType,
    RequestType, Ticket, pa_type,
};

/// Decodes whatever it is.
pub(super) fn decode(file: &[u8], keyring: &Keyring) -> Result<Fields, DecodeError> {
    let (octets, framed) = unframed(file);
    let malformed = |what| move |error: DerError| DecodeError::Malformed(what, error);
    let fields = match octets {
        [] => return Err(DecodeError::Empty),
        [5, 4, ..] => ccache(octets, keyring)?,
        [0x61, ..] => {
            let parsed = Ticket::parse(octets).map_err(malformed("ticket"))?;
            ticket(&parsed, keyring).0.before("kind", "ticket")
        }
        [0x6a | 0x6c, ..] => request(&KdcReq::parse(octets)?, keyring),
        [0x6b | 0x6d, ..] => reply(&KdcRep::parse(octets).map_err(malformed("KDC-REP"))?, keyring),
        [0x6e, ..] => {
            let parsed = ApReq::parse(octets).map_err(malformed("AP-REQ"))?;
            ap_req(&parsed, None, keyring).before("kind", "ap_req")
        }
        [0x7e, ..] => error(&KrbError::parse(octets).map_err(malformed("KRB-ERROR"))?),
        // A PAC begins with a small count and a version of zero, least significant octets first.
        [1..=64, 0, 0, 0, 0, 0, 0, 0, ..] => {
            pac(octets, &Signed { keyring, opener: None, ticket: None })?.before("kind", "pac")
        }
        _ => return Err(DecodeError::Unknown),
    };
    Ok(if framed { fields.with("tcp_length", octets.len()) } else { fields })
}

/// The message behind TCP's length, where there is one (RFC 4120 §7.2.2).
fn unframed(file: &[u8]) -> (&[u8], bool) {
    match file.split_first_chunk::<4>() {
        Some((length, rest))
            if usize::try_from(u32::from_be_bytes(*length)) == Ok(rest.len()) && !rest.is_empty() =>
        {
            (rest, true)
        }
        _ => (file, false),
    }
}

fn request(request: &KdcReq<'_>, keyring: &Keyring) -> Fields {
    let body = request.body();
    let padata = request.padata.map(|padata| {
        let one = |element: PaData<'_>| match (element.kind, ApReq::parse(element.value)) {
            (pa_type::TGS_REQ, Ok(presented)) => {
                padata_header(&element).with("ap_req", ap_req(&presented, Some(request.body_der()), keyring))
            }
            _ => one_padata(&element, keyring),
        };
        padata.iter().map(one).collect::<Value>()
    });
    let sname = body.sname.map(|sname| names::principal(body.realm, &sname));
    let additional = body
        .additional_tickets
        .map(|tickets| tickets.iter().map(|additional| ticket(&additional, keyring).0).collect::<Value>());
    let fields = Fields::new()
        .with("kdc_options", Value::flags(body.kdc_options, names::KDC_OPTIONS))
        .with("client", body.cname.map(|cname| names::principal(body.realm, &cname)))
        .with("realm", String::from_utf8_lossy(body.realm).into_owned())
        .with("server", sname)
        .with("from", body.from.map(names::time))
        .with("till", names::time(body.till))
        .with("rtime", body.rtime.map(names::time))
        .with("nonce", body.nonce.as_u32())
        .with("etypes", body.etypes.iter().map(names::etype).collect::<Value>())
        .with("addresses", names::addresses(body.addresses))
        .with("enc_authorization_data", body.enc_authorization_data.as_ref().map(sealed))
        .with("additional_tickets", additional);
    let kind = if request.msg_type == RequestType::AsReq { "as_req" } else { "tgs_req" };
    Fields::new().with("kind", kind).with("pvno", request.pvno).with("padata", padata).with("body", fields)
}

fn ap_req(request: &ApReq<'_>, body: Option<&[u8]>, keyring: &Keyring) -> Fields {
    let (presented, session_key) = ticket(&request.ticket, keyring);
    let fields = Fields::new()
        .with("ap_options", Value::flags(request.ap_options, names::AP_OPTIONS))
        .with("ticket", presented);
    let sealed_part = sealed(&request.authenticator);
    let opened = session_key.and_then(|key| authenticator(request, &key, body, keyring));
    match opened {
        Some(authenticator) => fields.with("authenticator", authenticator),
        None => {
            fields.with("authenticator", sealed_part.with("closed", "the ticket's session key is needed"))
        }
    }
}

fn authenticator(
    request: &ApReq<'_>,
    session_key: &SessionKey,
    body: Option<&[u8]>,
    keyring: &Keyring,
) -> Option<Fields> {
    // RFC 4120 §7.5.1: an authenticator has another usage outside of a TGS-REQ, which a file on its own may be.
    let key = session_key.encryption_key().ok()?;
    let plain =
        CipherKey::new(&key, KeyUsage::TgsReqAuthenticator).open(request.authenticator.cipher).ok()?;
    let part = Authenticator::parse(&plain).ok()?;
    let verdict = |checksum: &Checksum<'_>| match body {
        None => "not_checked",
        Some(body) if checksum.kind == 7 && md5_matches(body, checksum.value) => "holds",
        Some(body) if checksum.kind == key.etype().checksum_type() => {
            let keyed = MacKey::new(&key, KeyUsage::TgsReqAuthenticatorChecksum);
            if keyed.verify(body, checksum.value) { "holds" } else { "broken" }
        }
        Some(_) if checksum.kind == 7 => "broken",
        Some(_) => "not_checked",
    };
    let checksum = part.cksum.as_ref().map(|checksum| {
        Fields::new()
            .with("type", Value::named(i64::from(checksum.kind), names::checksum(checksum.kind)))
            .with("verdict", verdict(checksum))
    });
    Some(
        Fields::new()
            .with("client", names::principal(part.crealm, &part.cname))
            .with("ctime", names::time(part.ctime))
            .with("cusec", part.cusec)
            .with("body_checksum", checksum)
            .with("subkey", part.subkey.map(|subkey| keyring.key(subkey.etype, subkey.value)))
            .with("seq_number", part.seq_number.map(|number| number.as_u32()))
            .with("authorization_data", part.authorization_data.as_ref().map(elements)),
    )
}

fn reply(reply: &KdcRep<'_>, keyring: &Keyring) -> Fields {
    let is_as = reply.msg_type == ReplyType::AsRep;
    let fields = Fields::new()
        .with("kind", if is_as { "as_rep" } else { "tgs_rep" })
        .with("client", names::principal(reply.crealm, &reply.cname))
        .with("padata", reply.padata.map(|padata| all_padata(&padata, keyring)))
        .with("ticket", ticket(&reply.ticket, keyring).0);
    let part = sealed(&reply.enc_part);
    if !is_as {
        return fields
            .with("enc_part", part.with("closed", "the session key of the request's ticket is needed"));
    }
    // RFC 4120 §5.4.2: an AS-REP is sealed with the client's own key, unless it signed in with a certificate.
    let Some(plain) = keyring.open(&reply.enc_part, KeyUsage::AsRepEncPart) else {
        return fields.with("enc_part", part.with("closed", keyring.why_closed()));
    };
    match EncKdcRepPart::parse(&plain) {
        Ok(opened) => fields.with("enc_part", part.with("contents", reply_part(&opened, keyring))),
        Err(error) => fields.with("enc_part", part.with("problem", error.to_string())),
    }
}

fn reply_part(part: &EncKdcRepPart<'_>, keyring: &Keyring) -> Fields {
    let last_req = part
        .last_req
        .iter()
        .map(|entry| Fields::new().with("type", entry.lr_type).with("time", names::time(entry.lr_value)));
    Fields::new()
        .with("session_key", keyring.key(part.key.etype, part.key.value))
        .with("last_req", last_req.collect::<Value>())
        .with("nonce", part.nonce.as_u32())
        .with("key_expiration", part.key_expiration.map(names::time))
        .with("flags", Value::flags(part.flags, names::TICKET_FLAGS))
        .with("authtime", names::time(part.authtime))
        .with("starttime", part.starttime.map(names::time))
        .with("endtime", names::time(part.endtime))
        .with("renew_till", part.renew_till.map(names::time))
        .with("server", names::principal(part.srealm, &part.sname))
        .with("addresses", names::addresses(part.caddr))
        .with("encrypted_padata", part.encrypted_pa_data.map(|padata| all_padata(&padata, keyring)))
}

fn all_padata(padata: &PaDatas<'_>, keyring: &Keyring) -> Value {
    padata.iter().map(|element| one_padata(&element, keyring)).collect()
}

fn padata_header(element: &PaData<'_>) -> Fields {
    Fields::new()
        .with("type", Value::named(i64::from(element.kind), names::padata(element.kind)))
        .with("octets", element.value.len())
}

fn one_padata(element: &PaData<'_>, keyring: &Keyring) -> Fields {
    let value = element.value;
    let contents = match element.kind {
        pa_type::PAC_OPTIONS => {
            PaPacOptions::parse(value).ok().map(|options| Value::flags(options.0, names::PAC_OPTIONS))
        }
        pa_type::SUPPORTED_ENCTYPES => PaSupportedEnctypes::from_octets(value)
            .map(|bits| Value::flags(bits.0, names::SUPPORTED_ENCTYPES)),
        pa_type::KERB_KEY_LIST_REQ => {
            KerbKeyListReq::parse(value).ok().map(|etypes| etypes.iter().map(names::etype).collect())
        }
        pa_type::KERB_KEY_LIST_REP => KerbKeyListRep::parse(value)
            .ok()
            .map(|keys| keys.iter().map(|key| keyring.key(key.etype, key.value)).collect()),
        _ => None,
    };
    padata_header(element).with("contents", contents)
}

fn error(error: &KrbError<'_>) -> Fields {
    let client = error.crealm.zip(error.cname).map(|(realm, name)| names::principal(realm, &name));
    let status = error
        .e_data
        .and_then(|data| KerbErrorData::parse(data).ok())
        .and_then(|data| data.data_value.filter(|_| data.data_type == KerbErrorData::EXTENDED))
        .and_then(KerbExtError::from_octets);
    let nt_status = status.map(|status| {
        Fields::new()
            .with("code", format!("{:#010x}", status.status))
            .with("name", nt_status_name(status.status))
            .with("flags", status.flags)
    });
    // KDC_ERR_PREAUTH_REQUIRED and the like: METHOD-DATA.
    let no_keys = Keyring::new(None, false);
    let padata =
        error.e_data.and_then(|data| PaDatas::parse(data).ok()).map(|data| all_padata(&data, &no_keys));
    Fields::new()
        .with("kind", "krb_error")
        .with("error", Value::named(i64::from(error.error_code), error_name(error.error_code)))
        .with("nt_status", nt_status)
        .with("stime", names::time(error.stime))
        .with("susec", error.susec)
        .with("ctime", error.ctime.map(names::time))
        .with("cusec", error.cusec)
        .with("client", client)
        .with("server", names::principal(error.realm, &error.sname))
        .with("e_text", error.e_text.map(|text| String::from_utf8_lossy(text).into_owned()))
        .with("e_data_octets", error.e_data.map(<[u8]>::len))
        .with("method_data", padata)
}

fn ccache(octets: &[u8], keyring: &Keyring) -> Result<Fields, DecodeError> {
    let cache = Ccache::parse(octets)?;
    let credentials = cache.credentials.iter().map(|one| credential(one, keyring)).collect::<Value>();
    Ok(Fields::new()
        .with("kind", "ccache")
        .with("principal", names::whole_name(&cache.principal))
        .with("credentials", credentials))
}

fn credential(credential: &Credential, keyring: &Keyring) -> Fields {
    let times = &credential.times;
    let fields = Fields::new()
        .with("client", names::whole_name(&credential.client))
        .with("server", names::whole_name(&credential.server))
        .with("session_key", keyring.key(credential.key.etype, &credential.key.octets))
        .with("flags", Value::flags(credential.flags, names::TICKET_FLAGS))
        .with("authtime", names::time(times.authtime))
        .with("starttime", times.starttime.map(names::time))
        .with("endtime", names::time(times.endtime))
        .with("renew_till", times.renew_till.map(names::time))
        .with("addresses", names::owned_addresses(&credential.addresses));
    match Ticket::parse(&credential.ticket) {
        Ok(parsed) => fields.with("ticket", ticket(&parsed, keyring).0),
        Err(error) => fields.with("problem", format!("the ticket: {error}")),
    }
}
