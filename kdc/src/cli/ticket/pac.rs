//! Every buffer of a PAC, with its fields.

use ::pac::{
    AttributesInfo, BufferType, ClientInfo, GroupMembership, LogonInfo, Pac, PacError, Sid, Signature,
    UpnDnsInfo,
};

use super::document::{Fields, Value};
use super::keyring::Keyring;
use super::names;
use crate::krb::keys::{Key, Lab};

/// What a PAC's signatures are checked with.
pub(super) struct Signed<'a> {
    pub(super) keyring: &'a Keyring,
    /// The key that opened the ticket, and so made the server's signature.
    pub(super) opener: Option<&'a Key<Lab>>,
    /// What the ticket's own signature covers, where the ticket is there ([MS-PAC] 2.8.2).
    pub(super) ticket: Option<&'a [u8]>,
}

/// Reads a PAC. A buffer that does not decode says so in its place.
pub(super) fn pac(octets: &[u8], signed: &Signed<'_>) -> Result<Fields, PacError> {
    let pac = Pac::parse(octets)?;
    let buffers = pac.buffers().iter().map(|buffer| {
        let fields = Fields::new()
            .with("type", Value::named(i64::from(buffer.kind.0), buffer.kind.name()))
            .with("octets", buffer.contents.len());
        match contents(&pac, buffer.kind, buffer.contents, signed) {
            Ok(contents) => fields.with("contents", contents),
            Err(problem) => fields.with("problem", problem),
        }
    });
    Ok(Fields::new().with("octets", octets.len()).with("buffers", buffers.collect::<Value>()))
}

fn contents(pac: &Pac<'_>, kind: BufferType, octets: &[u8], signed: &Signed<'_>) -> Result<Value, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    Ok(match kind {
        BufferType::LOGON_INFO => {
            let info = LogonInfo::decode(octets).map_err(|error| said(&error))?;
            logon_info(&info, signed.keyring).into()
        }
        BufferType::CLIENT_INFO => {
            let info = ClientInfo::decode(octets).map_err(|error| said(&error))?;
            Fields::new().with("client_id", names::file_time(info.client_id)).with("name", info.name).into()
        }
        BufferType::UPN_DNS_INFO => {
            upn_dns_info(UpnDnsInfo::decode(octets).map_err(|error| said(&error))?).into()
        }
        BufferType::ATTRIBUTES_INFO => {
            let info = AttributesInfo::decode(octets).map_err(|error| said(&error))?;
            Fields::new().with("flags", Value::flags(info.flags, names::PAC_ATTRIBUTES)).into()
        }
        BufferType::REQUESTOR => {
            let sid = Sid::from_bytes(octets).map_err(|error| said(&error))?;
            Fields::new().with("sid", sid.to_string()).into()
        }
        BufferType::SERVER_CHECKSUM
        | BufferType::KDC_CHECKSUM
        | BufferType::TICKET_CHECKSUM
        | BufferType::FULL_CHECKSUM => {
            signature(pac, kind, octets, signed).map_err(|error| said(&error))?.into()
        }
        // Credentials are sealed, claims and device groups compressed: their length is all we tell.
        _ => Value::Absent,
    })
}

fn signature(
    pac: &Pac<'_>,
    kind: BufferType,
    octets: &[u8],
    signed: &Signed<'_>,
) -> Result<Fields, PacError> {
    let signature = Signature::decode(octets)?;
    let judge = |data: &[u8], maker| signed.keyring.judge(signature.kind, data, signature.mac, maker);
    // A branch signs twice with one account's keys, which may be of two types; the domain controller's second
    // signature is krbtgt's, whose key did not necessarily open the ticket.
    let verdict = match kind {
        BufferType::SERVER_CHECKSUM => Some(judge(&pac.unsigned(), signed.opener)),
        BufferType::KDC_CHECKSUM => pac.server_signature().ok().map(|server| judge(server.mac, None)),
        BufferType::FULL_CHECKSUM => Some(judge(&without_full_checksum(pac), None)),
        _ => signed.ticket.map(|ticket| judge(ticket, None)),
    };
    let fields = Fields::new()
        .with(
            "signature_type",
            Value::named(i64::from(signature.kind.as_i32()), names::checksum(signature.kind.as_i32())),
        )
        .with("rodc_identifier", signature.rodc_identifier)
        .with("signature", names::hexadecimal(signature.mac));
    Ok(match verdict {
        Some(verdict) => fields.with("check", Value::from(Fields::from(verdict))),
        None => fields.with("check", Fields::new().with("verdict", "not_checked")),
    })
}

/// What the full checksum covers: the PAC with its own value zero too ([MS-PAC] 2.8.3).
fn without_full_checksum(pac: &Pac<'_>) -> Vec<u8> {
    let mut octets = pac.unsigned();
    for buffer in pac.buffers().iter().filter(|buffer| buffer.kind == BufferType::FULL_CHECKSUM) {
        let end = buffer.offset.saturating_add(buffer.contents.len());
        if let Some(area) = octets.get_mut(buffer.offset.saturating_add(4)..end) {
            area.fill(0);
        }
    }
    octets
}

fn upn_dns_info(info: UpnDnsInfo) -> Fields {
    let (sam_name, sid) = info.extended.map(|extended| (extended.sam_name, extended.sid.to_string())).unzip();
    Fields::new()
        .with("upn", info.upn)
        .with("dns_domain_name", info.dns_domain_name)
        .with("upn_constructed", info.upn_constructed)
        .with("sam_name", sam_name)
        .with("sid", sid)
}

fn logon_info(info: &LogonInfo, keyring: &Keyring) -> Fields {
    let member = |domain: &Sid, group: &GroupMembership| {
        let sid =
            domain.with_rid(group.rid).map_or_else(|| format!("RID {}", group.rid), |sid| sid.to_string());
        membership(sid, group.attributes)
    };
    let resource_groups = info.resource_groups.as_ref().map(|resource| {
        resource.groups.iter().map(|group| member(&resource.domain, group)).collect::<Value>()
    });
    Fields::new()
        .with("effective_name", info.effective_name.as_str())
        .with("full_name", info.full_name.as_str())
        .with("logon_domain_name", info.logon_domain_name.as_str())
        .with("logon_domain_id", info.logon_domain_id.to_string())
        .with("user_id", info.user_id)
        .with("primary_group_id", info.primary_group_id)
        .with(
            "groups",
            info.groups.iter().map(|group| member(&info.logon_domain_id, group)).collect::<Value>(),
        )
        .with(
            "extra_sids",
            info.extra_sids
                .iter()
                .map(|one| membership(one.sid.to_string(), one.attributes))
                .collect::<Value>(),
        )
        .with("resource_groups", resource_groups)
        .with("user_flags", Value::flags(info.user_flags, names::USER_FLAGS))
        .with("user_account_control", Value::flags(info.user_account_control, names::USER_ACCOUNT_CONTROL))
        .with("logon_time", names::file_time(info.logon_time))
        .with("logoff_time", names::file_time(info.logoff_time))
        .with("kick_off_time", names::file_time(info.kick_off_time))
        .with("password_last_set", names::file_time(info.password_last_set))
        .with("password_can_change", names::file_time(info.password_can_change))
        .with("password_must_change", names::file_time(info.password_must_change))
        .with("last_successful_logon", names::file_time(info.last_successful_interactive_logon))
        .with("last_failed_logon", names::file_time(info.last_failed_interactive_logon))
        .with("failed_logon_count", info.failed_interactive_logon_count)
        .with("logon_count", info.logon_count)
        .with("bad_password_count", info.bad_password_count)
        .with("logon_server", info.logon_server.as_str())
        .with("logon_script", info.logon_script.as_str())
        .with("profile_path", info.profile_path.as_str())
        .with("home_directory", info.home_directory.as_str())
        .with("home_directory_drive", info.home_directory_drive.as_str())
        .with("sub_auth_status", info.sub_auth_status)
        .with("user_session_key", keyring.secret(&info.user_session_key))
}

fn membership(sid: String, attributes: u32) -> Value {
    let usual = attributes == ::pac::GROUP_ENABLED;
    let text = if usual { sid.clone() } else { format!("{sid} ({attributes:#x})") };
    let fields =
        Fields::new().with("sid", sid).with("attributes", Value::flags(attributes, names::GROUP_ATTRIBUTES));
    Value::Shown(text, Box::new(fields.into()))
}
