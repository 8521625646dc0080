//! Whether what came back is what it should be: each gives what to say of it, or what is wrong with it.

use pac::Sid;

use super::expected::Expected;
use crate::cli::ticket::names::etype_text;
use crate::client::failure::ReplyError;
use crate::client::inspect::{OpenedPac, OpenedTicket};
use crate::client::reply::{Denied, Granted, Outcome};
use crate::client::{Credential, Principal, SessionKey};
use crate::krb::crypto::EncryptionType;
use crate::krb::error_names::{error_name, nt_status_name};
use crate::krb::messages::KerberosTime;

/// The ticket of an answer that grants one and should; none of one that refuses and should.
pub(super) fn reply(
    read: Result<Outcome, ReplyError>,
    expected: Expected,
) -> Result<(Option<Box<Granted>>, String), String> {
    match (read.map_err(|error| error.to_string())?, expected) {
        (Outcome::Granted(granted), Expected::Granted) => {
            let told = format!("opens, under {}", etype_text(granted.reply_etype));
            Ok((Some(granted), told))
        }
        (Outcome::Granted(_), _) => Err(format!("a full TGT, where {expected} was expected")),
        (Outcome::Denied(denied), _) if expected.is(&denied) => Ok((None, denial_text(&denied))),
        (Outcome::Denied(denied), Expected::Granted) => Err(denial_text(&denied)),
        (Outcome::Denied(denied), _) => {
            Err(format!("{}, where {expected} was expected", denial_text(&denied)))
        }
    }
}

/// What the client is told of its ticket.
pub(super) fn ticket(
    granted: &Granted,
    partial: &Credential,
    now: KerberosTime,
) -> Result<((), String), String> {
    let full = &granted.credential;
    let kvno = granted.ticket_kvno.map(|kvno| kvno.as_u32());
    let branch = kvno.map_or(0, |kvno| kvno >> 16);
    if !is_same(&full.client, &partial.client) {
        return Err(format!("is for {}, not for {}", full.client, partial.client));
    }
    if !is_same(&full.server, &partial.server) {
        return Err(format!("is for the server {}, not for {}", full.server, partial.server));
    }
    // [MS-KILE] 3.1.5.8: a ticket under a branch's key has the branch's number there.
    if branch != 0 {
        return Err(format!("is under the key of the branch {branch}: a partial TGT again"));
    }
    // RFC 4120 §3.3.3: a ticket that is made of another one keeps its authtime.
    if full.times.authtime != partial.times.authtime {
        return Err(format!(
            "was authenticated at {}, not at {}",
            full.times.authtime, partial.times.authtime
        ));
    }
    if full.times.endtime <= now {
        return Err(format!("has ended at {}", full.times.endtime));
    }
    let kvno = kvno.map_or_else(|| "none".to_owned(), |kvno| kvno.to_string());
    let kind = etype_text(granted.ticket_etype);
    Ok(((), format!("{kind}, kvno {kvno}, until {}", full.times.endtime)))
}

/// The PAC of a full TGT that was opened.
pub(super) fn pac(
    opened: OpenedTicket,
    full: &Credential,
    canary: Sid,
) -> Result<(OpenedPac, String), String> {
    if opened.key.etype != full.key.etype || opened.key.octets != full.key.octets {
        return Err("the ticket holds another session key than the reply".to_owned());
    }
    if opened.client != full.client {
        return Err(format!("the ticket is of {}, the reply of {}", opened.client, full.client));
    }
    let pac = opened.pac.ok_or("the ticket has no PAC")?;
    let (Some(requestor), Some(logon_info), Some(client_info)) =
        (pac.requestor, &pac.logon_info, &pac.client_info)
    else {
        return Err("the PAC lacks LOGON_INFO, CLIENT_INFO or REQUESTOR".to_owned());
    };
    let account = logon_info.logon_domain_id.with_rid(logon_info.user_id);
    if requestor != canary || account != Some(canary) {
        let account = account.map_or_else(|| "nobody".to_owned(), |sid| sid.to_string());
        return Err(format!("the PAC is of {account}, requested by {requestor}, not of {canary}"));
    }
    // [MS-PAC] 2.7: it ties the PAC to its ticket.
    if client_info.client_id.unix_seconds() != Some(opened.times.authtime.unix_seconds()) {
        return Err("CLIENT_INFO has another time than the ticket's authtime".to_owned());
    }
    let told =
        format!("{} groups, {} buffers, {} octets", pac.groups().len(), pac.buffers.len(), pac.octets.len());
    Ok((pac, told))
}

/// Both signatures of a full TGT's PAC.
pub(super) fn signatures(pac: &OpenedPac) -> Result<((), String), String> {
    let found = [("server", pac.server_signature), ("KDC", pac.kdc_signature)];
    let broken: Vec<&str> = found.iter().filter(|(_, found)| !found.holds).map(|(name, _)| *name).collect();
    match broken.as_slice() {
        [] => Ok(((), format!("server and KDC hold, type {}", pac.server_signature.kind))),
        [one] => Err(format!("the {one} signature does not hold")),
        _ => Err("neither the server's nor the KDC's signature holds".to_owned()),
    }
}

/// The user's keys in the reply. None of them is told.
pub(super) fn key_list(keys: &[SessionKey]) -> Result<((), String), String> {
    let is_nt_hash =
        |key: &SessionKey| key.etype == EncryptionType::Rc4Hmac.as_i32() && key.octets.len() == 16;
    match keys.iter().any(is_nt_hash) {
        true => Ok(((), format!("{} keys", keys.len()))),
        false => Err("the reply has no key of type 23".to_owned()),
    }
}

/// Number and name of a KRB-ERROR.
pub(super) fn error_text(code: i32) -> String {
    format!("KRB-ERROR {code} {}", error_name(code).unwrap_or("unknown"))
}

fn denial_text(denied: &Denied) -> String {
    let mut told = error_text(denied.code);
    if let Some(status) = denied.nt_status {
        told.push_str(&format!(", {}", nt_status_name(status).unwrap_or("an NTSTATUS")));
    }
    if let Some(text) = &denied.text {
        told.push_str(&format!(": {}", text.escape_debug()));
    }
    told
}

/// Name types and letter case are a KDC's to canonicalise ([MS-KILE] 3.3.5.6.1).
fn is_same(one: &Principal, other: &Principal) -> bool {
    one.realm.eq_ignore_ascii_case(&other.realm)
        && one.components.len() == other.components.len()
        && one.components.iter().zip(&other.components).all(|(one, other)| one.eq_ignore_ascii_case(other))
}
