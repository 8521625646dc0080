//! An answer as a table of fields, so that two answers can be compared and a difference can be named.

use std::collections::{BTreeMap, BTreeSet};

use kdc::client::BranchKey;
use kdc::client::inspect::{OpenedPac, OpenedTicket};
use kdc::client::reply::{Denied, Granted, Outcome};
use kdc::client::request::Exchange;
use kdc::krb::der::Der;
use kdc::krb::error_names::error_name;
use kdc::krb::messages::{KerberosTime, KrbError, ticket_flags};
use pac::{FileTime, LogonInfo, Sid};

/// The flags of a ticket that a KDC may set, a field each.
const FLAGS: [(&str, u32); 12] = [
    ("flag forwardable", ticket_flags::FORWARDABLE),
    ("flag forwarded", ticket_flags::FORWARDED),
    ("flag proxiable", ticket_flags::PROXIABLE),
    ("flag proxy", ticket_flags::PROXY),
    ("flag may-postdate", ticket_flags::MAY_POSTDATE),
    ("flag renewable", ticket_flags::RENEWABLE),
    ("flag initial", ticket_flags::INITIAL),
    ("flag pre-authent", ticket_flags::PRE_AUTHENT),
    ("flag hw-authent", ticket_flags::HW_AUTHENT),
    ("flag transited-policy-checked", ticket_flags::TRANSITED_POLICY_CHECKED),
    ("flag ok-as-delegate", ticket_flags::OK_AS_DELEGATE),
    ("flag enc-pa-rep", ticket_flags::ENC_PA_REP),
];

/// What was seen, by the name of the field.
pub(super) type Observed = BTreeMap<&'static str, String>;

/// What the reply can be read with.
pub(super) struct Reader<'l> {
    pub(super) domain_sid: &'l str,
    /// The groups that a TGT of the user should name.
    pub(super) tgt_groups: &'l [String],
    pub(super) keys: &'l [BranchKey],
}

impl Reader<'_> {
    /// That there was no reply.
    pub(super) fn silence(&self) -> Observed {
        BTreeMap::from([("outcome", "no answer".to_owned())])
    }

    /// A reply to this request.
    pub(super) fn reply(&self, reply: &[u8], request: &Exchange<'_>) -> Observed {
        match Outcome::read(reply, request) {
            Ok(Outcome::Denied(denied)) => error(&denied, &KrbError::parse(reply).unwrap(), request),
            Ok(Outcome::Granted(granted)) => self.granted(&granted),
            Err(error) => BTreeMap::from([("outcome", format!("a reply that does not hold: {error}"))]),
        }
    }

    fn granted(&self, granted: &Granted) -> Observed {
        let mut seen = BTreeMap::from([("outcome", "granted".to_owned())]);
        let mut see = |field, value: String| seen.insert(field, value);
        let credential = &granted.credential;
        see("reply client", format!("{} {}", credential.client.name_type, credential.client));
        see("reply server", format!("{} {}", credential.server.name_type, credential.server));
        for (field, flag) in FLAGS {
            see(field, if credential.flags & flag == 0 { "clear" } else { "set" }.to_owned());
        }
        see("addresses", credential.addresses.len().to_string());
        see("reply etype", granted.reply_etype.to_string());
        see("ticket etype", granted.ticket_etype.to_string());
        see("session key etype", credential.key.etype.to_string());
        see("ticket kvno", granted.ticket_kvno.map_or("none".to_owned(), |kvno| kvno.as_u32().to_string()));
        see("key-expiration", present(granted.key_expiration.is_some()));
        see("last-req types", listed(granted.last_req.iter().map(|(kind, _)| kind)));
        see("client in the open", granted.client_in_the_open.to_string());
        let fast = granted.fast.as_ref();
        let finished = fast.and_then(|fast| fast.finished.as_ref());
        see(
            "padata in the armour",
            fast.map_or(String::new(), |fast| listed(fast.padata.iter().map(|(kind, _)| kind))),
        );
        see("strengthen-key", present(fast.is_some_and(|fast| fast.strengthen_key.is_some())));
        see(
            "ticket-checksum",
            finished.map_or("none".to_owned(), |finished| finished.checksum_type.to_string()),
        );
        see("padata", listed(granted.padata.iter().map(|(kind, _)| kind)));
        see("encrypted-pa-data", listed(granted.encrypted_padata.iter().map(|(kind, _)| kind)));
        see("PA-SUPPORTED-ENCTYPES", hex(granted.supported_enctypes));
        see("PA-PAC-OPTIONS", hex(granted.pac_options));

        // A service's is under the service's key.
        let Ok(ticket) = OpenedTicket::open(&credential.ticket, self.keys) else { return seen };
        let times = ticket.times;
        let start = times.starttime.unwrap_or(times.authtime);
        see("starttime", present(times.starttime.is_some()));
        see("starttime after authtime", minutes(start, Some(times.authtime)));
        see("lifetime", minutes(times.endtime, Some(start)));
        see("renewable for", times.renew_till.map_or("none".to_owned(), |till| minutes(till, Some(start))));
        let agrees = ticket.flags == credential.flags && times == credential.times;
        see("reply and ticket", if agrees { "agree" } else { "differ" }.to_owned());
        see("ticket client", format!("{} {}", ticket.client.name_type, ticket.client));
        see("transited", format!("{} {} octets", ticket.transited.0, ticket.transited.1.len()));
        see("ticket addresses", ticket.addresses.to_string());
        see("PAC", present(ticket.pac.is_some()));
        if let Some(pac) = &ticket.pac {
            self.pac(pac, &mut seen);
        }
        seen
    }

    fn pac(&self, pac: &OpenedPac, seen: &mut Observed) {
        let mut see = |field, value: String| seen.insert(field, value);
        see("PAC buffers", listed(pac.buffers.iter().map(|(kind, _)| kind.0)));
        for (field, signature) in
            [("PAC server signature", pac.server_signature), ("PAC KDC signature", pac.kdc_signature)]
        {
            let holds = if signature.holds { "holds" } else { "does not hold" };
            see(field, format!("{} {:?} {holds}", signature.kind, signature.rodc_identifier));
        }
        see("CLIENT_INFO", pac.client_info.as_ref().map_or("none".to_owned(), |info| info.name.clone()));
        see("ATTRIBUTES_INFO", hex(pac.attributes_info.map(|info| info.flags)));
        see("REQUESTOR", pac.requestor.map_or("none".to_owned(), |sid| self.sid(sid)));
        if let Some(info) = &pac.upn_dns_info {
            let constructed = if info.upn_constructed { " constructed" } else { "" };
            let extended = info.extended.as_ref();
            let extended =
                extended.map_or("none".to_owned(), |e| format!("{} {}", e.sam_name, self.sid(e.sid)));
            see("UPN_DNS_INFO", format!("{}{constructed} {} {extended}", info.upn, info.dns_domain_name));
        }
        let Some(info) = &pac.logon_info else { return };
        see("LogonTime", file_time(info.logon_time));
        see("LogoffTime", file_time(info.logoff_time));
        see("KickOffTime", file_time(info.kick_off_time));
        see("PasswordLastSet", file_time(info.password_last_set));
        see("PasswordCanChange", file_time(info.password_can_change));
        see("PasswordMustChange", file_time(info.password_must_change));
        see("EffectiveName", info.effective_name.clone());
        see("FullName", info.full_name.clone());
        see("LogonScript", info.logon_script.clone());
        see("ProfilePath", info.profile_path.clone());
        see("HomeDirectory", info.home_directory.clone());
        see("HomeDirectoryDrive", info.home_directory_drive.clone());
        see("LogonCount", info.logon_count.to_string());
        see("BadPasswordCount", info.bad_password_count.to_string());
        see("UserId", info.user_id.to_string());
        see("PrimaryGroupId", info.primary_group_id.to_string());
        see("UserFlags", format!("{:x}", info.user_flags));
        see("UserSessionKey", present(info.user_session_key != [0; 16]));
        see("LogonServer", info.logon_server.clone());
        see("LogonDomainName", info.logon_domain_name.clone());
        see("LogonDomainId", self.sid(info.logon_domain_id));
        see("UserAccountControl", format!("{:x}", info.user_account_control));
        see("SubAuthStatus", info.sub_auth_status.to_string());
        see("FailedILogonCount", info.failed_interactive_logon_count.to_string());
        see("ResourceGroups", present(info.resource_groups.is_some()));
        see("GroupIds", self.groups(info));
        let attributes = |all: &mut dyn Iterator<Item = u32>| {
            let all: BTreeSet<u32> = all.collect();
            listed(all.iter().map(|attributes| format!("{attributes:x}")))
        };
        see("GroupIds attributes", attributes(&mut info.groups.iter().map(|group| group.attributes)));
        let mut extra: Vec<String> = info.extra_sids.iter().map(|extra| self.sid(extra.sid)).collect();
        extra.sort_unstable();
        see("ExtraSids", extra.join(" "));
        see("ExtraSids attributes", attributes(&mut info.extra_sids.iter().map(|extra| extra.attributes)));
    }

    /// The groups of the domain, whose order is nobody's business, held against those that a TGT should name.
    fn groups(&self, info: &LogonInfo) -> String {
        let seen: BTreeSet<Option<Sid>> =
            info.groups.iter().map(|group| info.logon_domain_id.with_rid(group.rid)).collect();
        let expected: BTreeSet<Option<Sid>> = self.tgt_groups.iter().map(|sid| sid.parse().ok()).collect();
        let missing = expected.difference(&seen).count();
        let more = seen.difference(&expected).count();
        match (missing, more) {
            (0, 0) => "those of a TGT".to_owned(),
            _ => format!("{missing} of a TGT's missing, {more} more"),
        }
    }

    /// A SID, the lab's own domain, which is drawn anew with each lab, as `DOMAIN`.
    fn sid(&self, sid: Sid) -> String {
        sid.to_string().replacen(self.domain_sid, "DOMAIN", 1)
    }
}

fn error(denied: &Denied, error: &KrbError<'_>, request: &Exchange<'_>) -> Observed {
    let code = error.error_code;
    let name = error_name(code).unwrap_or("");
    let e_data = match (error.e_data, denied.nt_status) {
        (None, _) => "none".to_owned(),
        (Some(_), Some(status)) => format!("NTSTATUS {status:08x}"),
        (Some(_), None) if denied.armored.is_some() => "none".to_owned(),
        (Some(_), None) => "something else".to_owned(),
    };
    let armour = denied.armored.as_ref();
    let armour = armour.map_or("none".to_owned(), |padata| listed(padata.iter().map(|(kind, _)| kind)));
    let asked = request.names_server.then(|| request.server.to_string());
    let answered = format!("{}@{}", error.sname, String::from_utf8_lossy(error.realm));
    BTreeMap::from([
        ("outcome", format!("{code} {name}")),
        ("e-data", e_data),
        ("armour", if denied.code == code { armour } else { format!("says {}", denied.code) }),
        ("e-text", present(error.e_text.is_some())),
        ("client's time", present(error.ctime.is_some() || error.cusec.is_some())),
        ("client's name", present(error.cname.is_some() || error.crealm.is_some())),
        ("error's server", if asked == Some(answered.clone()) { "as asked".to_owned() } else { answered }),
    ])
}

fn present(there: bool) -> String {
    if there { "there" } else { "none" }.to_owned()
}

fn hex(value: Option<u32>) -> String {
    value.map_or("none".to_owned(), |value| format!("{value:08x}"))
}

fn listed<T: ToString>(values: impl Iterator<Item = T>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}

/// To the nearest minute: the two KDCs are not asked in the same second.
fn minutes(to: KerberosTime, from: Option<KerberosTime>) -> String {
    let seconds = to.unix_seconds() - from.map_or(0, KerberosTime::unix_seconds);
    format!("{} min", (seconds + 30).div_euclid(60))
}

fn file_time(time: FileTime) -> String {
    match time {
        time if time.is_zero() => "0".to_owned(),
        time if time.is_never() => "never".to_owned(),
        time => time.as_u64().to_string(),
    }
}
