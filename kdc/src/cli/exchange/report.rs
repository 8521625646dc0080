//! The answer to an exchange, for people and as JSON.
//!
//! The JSON's shape is versioned: within one `version`, fields are added and none is renamed or removed. No key is
//! in either form; of a key list, only the types are told, unless its keys are asked for.

use std::fmt;
use std::net::SocketAddr;

use pac::BufferType;
use serde::Serialize;

use crate::cli::ticket::names::{self, etype_text, hexadecimal};
use crate::client::SessionKey;
use crate::client::inspect::{OpenedPac, OpenedTicket, SignatureFound};
use crate::client::reply::{Denied, Granted, Outcome};
use crate::krb::error_names::{error_name, nt_status_name};
use crate::krb::messages::KerberosTime;

#[derive(Serialize)]
pub(super) struct Report {
    version: u32,
    kdc: String,
    #[serde(flatten)]
    result: Answer,
}

#[derive(Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Answer {
    Granted(Box<Grant>),
    Denied(Denial),
}

#[derive(Serialize)]
struct Grant {
    client: String,
    server: String,
    ticket_etype: i32,
    ticket_kvno: Option<u32>,
    session_key_etype: i32,
    reply_etype: i32,
    flags: Flags,
    authtime: String,
    starttime: Option<String>,
    endtime: String,
    renew_till: Option<String>,
    key_expiration: Option<String>,
    supported_enctypes: Option<u32>,
    pac_options: Option<u32>,
    encrypted_padata_types: Vec<i32>,
    key_list_etypes: Vec<i32>,
    armored: bool,
    /// Only where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_list: Option<Vec<ShownKey>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<Opened>,
}

#[derive(Serialize)]
struct ShownKey {
    etype: i32,
    key: String,
}

#[derive(Debug, Serialize)]
struct Flags {
    bits: u32,
    names: Vec<&'static str>,
}

/// What only the ticket's key shows.
#[derive(Debug, Serialize)]
struct Opened {
    client: String,
    session_key_agrees: bool,
    pac: Option<PacContents>,
}

#[derive(Debug, Serialize)]
struct PacContents {
    octets: usize,
    buffers: Vec<PacBuffer>,
    account: Option<String>,
    domain: Option<String>,
    logon_server: Option<String>,
    upn: Option<String>,
    requestor: Option<String>,
    primary_group_rid: Option<u32>,
    groups: Vec<String>,
    server_signature: SignatureState,
    kdc_signature: SignatureState,
}

#[derive(Debug, Serialize)]
struct PacBuffer {
    #[serde(rename = "type")]
    kind: u32,
    name: Option<&'static str>,
    octets: usize,
}

#[derive(Debug, Serialize)]
struct SignatureState {
    #[serde(rename = "type")]
    kind: i32,
    rodc_identifier: Option<u16>,
    holds: bool,
}

#[derive(Debug, Serialize)]
struct Denial {
    code: i32,
    name: Option<&'static str>,
    nt_status: Option<String>,
    nt_status_name: Option<&'static str>,
    server: String,
    stime: String,
    text: Option<String>,
    armored: bool,
}

impl Report {
    /// `show_keys`: with the keys of a key list.
    pub(super) fn new(
        kdc: SocketAddr,
        outcome: &Outcome,
        opened: Option<&OpenedTicket>,
        show_keys: bool,
    ) -> Self {
        Self {
            version: 1,
            kdc: kdc.to_string(),
            result: match outcome {
                Outcome::Granted(granted) => {
                    Answer::Granted(Box::new(Grant::new(granted, opened, show_keys)))
                }
                Outcome::Denied(denied) => Answer::Denied(Denial::new(denied)),
            },
        }
    }
}

impl Grant {
    fn new(granted: &Granted, opened: Option<&OpenedTicket>, show_keys: bool) -> Self {
        let credential = &granted.credential;
        let text = |time: Option<KerberosTime>| time.map(|time| time.to_string());
        Self {
            client: credential.client.to_string(),
            server: credential.server.to_string(),
            ticket_etype: granted.ticket_etype,
            ticket_kvno: granted.ticket_kvno.map(|kvno| kvno.as_u32()),
            session_key_etype: credential.key.etype,
            reply_etype: granted.reply_etype,
            flags: Flags { bits: credential.flags, names: flag_names(credential.flags) },
            authtime: credential.times.authtime.to_string(),
            starttime: text(credential.times.starttime),
            endtime: credential.times.endtime.to_string(),
            renew_till: text(credential.times.renew_till),
            key_expiration: text(granted.key_expiration),
            supported_enctypes: granted.supported_enctypes,
            pac_options: granted.pac_options,
            encrypted_padata_types: granted.encrypted_padata.iter().map(|(kind, _)| *kind).collect(),
            key_list_etypes: granted.key_list.iter().map(|key| key.etype).collect(),
            armored: granted.fast.is_some(),
            key_list: show_keys.then(|| {
                let shown = |key: &SessionKey| ShownKey { etype: key.etype, key: hexadecimal(&key.octets) };
                granted.key_list.iter().map(shown).collect()
            }),
            opened: opened.map(|ticket| Opened {
                client: ticket.client.to_string(),
                session_key_agrees: ticket.key.etype == credential.key.etype
                    && ticket.key.octets == credential.key.octets,
                pac: ticket.pac.as_ref().map(PacContents::new),
            }),
        }
    }
}

impl PacContents {
    fn new(pac: &OpenedPac) -> Self {
        let logon_info = pac.logon_info.as_ref();
        Self {
            octets: pac.octets.len(),
            buffers: pac
                .buffers
                .iter()
                .map(|&(BufferType(kind), octets)| PacBuffer { kind, name: BufferType(kind).name(), octets })
                .collect(),
            account: logon_info.map(|info| info.effective_name.clone()),
            domain: logon_info.map(|info| info.logon_domain_name.clone()),
            logon_server: logon_info.map(|info| info.logon_server.clone()),
            upn: pac.upn_dns_info.as_ref().map(|info| info.upn.clone()),
            requestor: pac.requestor.map(|sid| sid.to_string()),
            primary_group_rid: logon_info.map(|info| info.primary_group_id),
            groups: pac.groups().iter().map(ToString::to_string).collect(),
            server_signature: pac.server_signature.into(),
            kdc_signature: pac.kdc_signature.into(),
        }
    }
}

impl From<SignatureFound> for SignatureState {
    fn from(found: SignatureFound) -> Self {
        Self { kind: found.kind, rodc_identifier: found.rodc_identifier, holds: found.holds }
    }
}

impl Denial {
    fn new(denied: &Denied) -> Self {
        Self {
            code: denied.code,
            name: error_name(denied.code),
            nt_status: denied.nt_status.map(|status| format!("{status:#010X}").replacen('X', "x", 1)),
            nt_status_name: denied.nt_status.and_then(nt_status_name),
            server: denied.server.to_string(),
            stime: denied.stime.to_string(),
            text: denied.text.clone(),
            armored: denied.armored.is_some(),
        }
    }
}

fn flag_names(flags: u32) -> Vec<&'static str> {
    names::TICKET_FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect()
}

/// One aligned line: what, and its value.
macro_rules! line {
    ($f:expr, $what:literal, $($value:tt)+) => {
        writeln!($f, "  {:<16} {}", $what, format_args!($($value)+))
    };
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Answer::Granted(grant) => {
                writeln!(f, "full TGT for {} from {}", grant.client, self.kdc)?;
                grant.fmt(f)
            }
            Answer::Denied(denial) => {
                writeln!(f, "refused by {}", self.kdc)?;
                denial.fmt(f)
            }
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kvno = self.ticket_kvno.map_or_else(|| "none".to_owned(), |kvno| kvno.to_string());
        let starttime = self.starttime.as_ref().unwrap_or(&self.authtime);
        line!(f, "server", "{}", self.server)?;
        line!(f, "ticket", "{}, kvno {kvno}", etype_text(self.ticket_etype))?;
        line!(f, "session key", "{}", etype_text(self.session_key_etype))?;
        line!(f, "flags", "{:#010x} {}", self.flags.bits, self.flags.names.join(" "))?;
        line!(f, "authenticated", "{}", self.authtime)?;
        line!(f, "valid", "{starttime} to {}", self.endtime)?;
        if let Some(renew_till) = &self.renew_till {
            line!(f, "renewable", "until {renew_till}")?;
        }
        if let Some(bits) = self.supported_enctypes {
            line!(f, "encryption types", "{bits:#x}")?;
        }
        if let Some(bits) = self.pac_options {
            line!(f, "PAC options", "{bits:#010x}")?;
        }
        if self.armored {
            line!(f, "armour", "FAST")?;
        }
        if !self.key_list_etypes.is_empty() {
            line!(
                f,
                "key list",
                "{}",
                self.key_list_etypes.iter().map(|&kind| etype_text(kind)).collect::<Vec<_>>().join(" ")
            )?;
        }
        for key in self.key_list.iter().flatten() {
            line!(f, "user's key", "{} {}", etype_text(key.etype), key.key)?;
        }
        self.opened.as_ref().map_or(Ok(()), |opened| opened.fmt(f))
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line!(
            f,
            "in the ticket",
            "{}, session key {}",
            self.client,
            if self.session_key_agrees { "agrees" } else { "DIFFERS" }
        )?;
        let Some(pac) = &self.pac else {
            return line!(f, "PAC", "none");
        };
        line!(f, "PAC", "{} octets", pac.octets)?;
        for buffer in &pac.buffers {
            writeln!(f, "    {:>2} {:<18} {}", buffer.kind, buffer.name.unwrap_or("unknown"), buffer.octets)?;
        }
        line!(f, "server signature", "{}", pac.server_signature)?;
        line!(f, "KDC signature", "{}", pac.kdc_signature)?;
        for (what, value) in [
            ("account", &pac.account),
            ("domain", &pac.domain),
            ("logon server", &pac.logon_server),
            ("UPN", &pac.upn),
            ("requestor", &pac.requestor),
        ] {
            if let Some(value) = value {
                writeln!(f, "  {what:<16} {}", value.escape_debug())?;
            }
        }
        line!(f, "groups", "{}", pac.groups.len())?;
        for group in &pac.groups {
            writeln!(f, "    {group}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SignatureState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {}, {}", self.kind, if self.holds { "holds" } else { "DOES NOT HOLD" })?;
        match self.rodc_identifier {
            Some(number) => write!(f, ", branch {number}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line!(f, "error", "{} {}", self.code, self.name.unwrap_or("unknown"))?;
        if let Some(status) = &self.nt_status {
            line!(f, "NTSTATUS", "{status} {}", self.nt_status_name.unwrap_or("unknown"))?;
        }
        line!(f, "server", "{}", self.server)?;
        line!(f, "KDC's time", "{}", self.stime)?;
        if self.armored {
            line!(f, "armour", "FAST")?;
        }
        match &self.text {
            Some(text) => line!(f, "text", "{}", text.escape_debug()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
