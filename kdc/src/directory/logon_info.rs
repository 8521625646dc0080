//! KERB_VALIDATION_INFO of an account, field by field ([MS-PAC] 2.5, [MS-KILE] 3.3.5.6.4.1).

use std::collections::BTreeSet;

use pac::{FileTime, GROUP_ENABLED, GroupMembership, LOGON_EXTRA_SIDS, LogonInfo, Sid, SidAndAttributes};
use policy::Account;

use super::account_control;
use super::attribute_error::{AttributeError, Fault};
use super::entry::Entry;
use super::view::DirectoryView;

/// Whether an account's `sIDHistory` goes into its PAC: only wanted where accounts were migrated within a
/// forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidHistory {
    /// Former SIDs become ExtraSids.
    Include,
    /// The attribute is ignored.
    Omit,
}

/// What the PAC says of an account that the directory shows as `entry`, at `now`.
///
/// Nothing of it comes from the partial TGT. The session key field and the inter-logon fields are zero, as
/// Windows writes them (`tests/vectors/windows-server-2022/tgt-pac.bin`); resource groups belong to service
/// tickets.
pub(super) fn logon_info(
    entry: &Entry,
    account: &Account,
    view: &DirectoryView,
    now: FileTime,
    former_sids: &[Sid],
) -> Result<LogonInfo, AttributeError> {
    let text = |name| Ok::<_, AttributeError>(entry.optional_text(name)?.unwrap_or_default().to_owned());
    let logoff_time = account.logon_hours.and_then(|hours| hours.closing(now)).unwrap_or(FileTime::NEVER);
    let password_last_set = entry.file_time("pwdLastSet")?;
    let (groups, extra_sids) = memberships(entry, view, former_sids)?;
    Ok(LogonInfo {
        logon_time: entry.optional_file_time("lastLogon")?.unwrap_or(FileTime::ZERO),
        logoff_time,
        kick_off_time: view.force_logoff.after(logoff_time),
        password_last_set,
        password_can_change: if password_last_set == FileTime::ZERO {
            FileTime::ZERO
        } else {
            view.min_password_age.after(password_last_set)
        },
        password_must_change: account.password_expires,
        effective_name: entry.text("sAMAccountName")?.to_owned(),
        full_name: text("displayName")?,
        logon_script: text("scriptPath")?,
        profile_path: text("profilePath")?,
        home_directory: text("homeDirectory")?,
        home_directory_drive: text("homeDrive")?,
        logon_count: low_word(entry, "logonCount")?,
        bad_password_count: low_word(entry, "badPwdCount")?,
        user_id: account.object_sid.rid().ok_or_else(|| entry.error("objectSid", Fault::NotSid))?,
        primary_group_id: entry.flags("primaryGroupID")?,
        groups,
        user_flags: LOGON_EXTRA_SIDS,
        user_session_key: [0; 16],
        logon_server: view.logon_server.clone(),
        logon_domain_name: view.netbios_name.clone(),
        logon_domain_id: view.domain_sid,
        user_account_control: account_control::to_sam(account.user_account_control),
        sub_auth_status: 0,
        last_successful_interactive_logon: FileTime::ZERO,
        last_failed_interactive_logon: FileTime::ZERO,
        failed_interactive_logon_count: 0,
        extra_sids,
        resource_groups: None,
    })
}

/// GroupIds and ExtraSids: the global and universal groups of the own domain by ascending RID, the primary
/// group in its place; then other domains' groups, the former SIDs, and S-1-18-1.
///
/// Windows asserts S-1-18-1 (the authentication authority vouched for the client) in every TGT it builds, so
/// it is always there. Domain-local and BUILTIN groups never are: each service's domain controller adds its
/// own.
fn memberships(
    entry: &Entry,
    view: &DirectoryView,
    former_sids: &[Sid],
) -> Result<(Vec<GroupMembership>, Vec<SidAndAttributes>), AttributeError> {
    let mut rids = BTreeSet::from([entry.flags("primaryGroupID")?]);
    let mut foreign = BTreeSet::new();
    for sid in required_sids(entry, "tokenGroupsGlobalAndUniversal")? {
        match sid.rid().filter(|_| sid.is_in_domain(&view.domain_sid)) {
            Some(rid) => drop(rids.insert(rid)),
            None if sid.is_of_another_domain(&view.domain_sid) => drop(foreign.insert(sid)),
            // S-1-5-9 or BUILTIN in a TGT would be a way to become a domain controller or an administrator.
            None => return Err(entry.error("tokenGroupsGlobalAndUniversal", Fault::NotGroupOfDomain)),
        }
    }
    foreign.extend(former_sids);
    let extra_sids = foreign.into_iter().chain([Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY]);
    Ok((
        rids.into_iter().map(|rid| GroupMembership { rid, attributes: GROUP_ENABLED }).collect(),
        extra_sids.map(|sid| SidAndAttributes { sid, attributes: GROUP_ENABLED }).collect(),
    ))
}

/// Every value of a list of SIDs that no account is without: absent means that it could not be read.
pub(super) fn required_sids(entry: &Entry, name: &str) -> Result<Vec<Sid>, AttributeError> {
    let sids = entry.sids(name)?;
    if sids.is_empty() { Err(entry.error(name, Fault::Absent)) } else { Ok(sids) }
}

/// `sIDHistory`: accounts of other domains, for the PAC, and the rest, which is dropped. One of the own domain, or one
/// that is no account of a domain, is what an attacker writes there to become an administrator.
pub(super) fn former_sids(account: &Account, view: &DirectoryView) -> (Vec<Sid>, Vec<Sid>) {
    account.former_sids.iter().copied().partition(|sid| sid.is_of_another_domain(&view.domain_sid))
}

/// The low 16 bits of a counter, zero if the directory has none: it is each domain controller's own count.
fn low_word(entry: &Entry, name: &str) -> Result<u16, AttributeError> {
    let [low, high, ..] = entry.optional_flags(name)?.unwrap_or(0).to_le_bytes();
    Ok(u16::from_le_bytes([low, high]))
}
