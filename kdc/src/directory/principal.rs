//! One account, read from the directory: who it is, what policy must know of it, and its PAC all but the
//! signatures.

use std::borrow::Cow;

use pac::{AttributesInfo, FileTime, PreparedPac, SamNameAndSid, Sid, UpnDnsInfo};
use policy::{Account, AccountKind, LogonHours, SidSet};

use super::attribute_error::{AttributeError, Fault};
use super::authentication::Assigned;
use super::entry::Entry;
use super::error::DirectoryError;
use super::logon_info::{SidHistory, former_sids, logon_info, required_sids};
use super::name::{AccountNames, ClientName};
use super::view::DirectoryView;

/// Everything to ask of an account. The constructed ones (`tokenGroups` and `*Computed`) need a search with
/// base scope ([MS-ADTS] 3.1.1.4.5.19).
pub const PRINCIPAL_ATTRIBUTES: &[&str] = &[
    "objectClass",
    "objectSid",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "scriptPath",
    "profilePath",
    "homeDirectory",
    "homeDrive",
    "primaryGroupID",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "msDS-UserPasswordExpiryTimeComputed",
    "msDS-SecondaryKrbTgtNumber",
    "msDS-AssignedAuthNPolicy",
    "msDS-AssignedAuthNPolicySilo",
    "accountExpires",
    "logonHours",
    "pwdLastSet",
    "lastLogon",
    "logonCount",
    "badPwdCount",
    "sIDHistory",
    "tokenGroups",
    "tokenGroupsGlobalAndUniversal",
];

/// The object classes of managed service accounts.
const SERVICE_ACCOUNT_CLASSES: [&str; 3] =
    ["msDS-GroupManagedServiceAccount", "msDS-ManagedServiceAccount", "msDS-DelegatedManagedServiceAccount"];

/// An account ready to be judged and to be issued a PAC for. A large site's are all remembered at once, so that none has
/// more octets than it needs.
#[derive(Clone, Debug)]
pub struct Principal {
    /// `sAMAccountName`.
    pub sam_account_name: Box<str>,
    /// `userPrincipalName`, or where that is unset `sAMAccountName@dnsDomain`.
    principal_name: Box<str>,
    /// Whether it is unset.
    principal_name_constructed: bool,
    /// What policy decides by.
    pub account: Account,
    /// The authentication policy and silo assigned to the account.
    pub authentication: Assigned,
    /// Former SIDs that were kept out of the PAC though it was to have them: no account of another domain's.
    pub dropped_sids: Box<[Sid]>,
    /// The PAC, all but what a single ticket adds.
    pub pac: PreparedPac,
}

/// Whether an object can be anybody's account. A group or a foreign security principal has a SID too, and nobody is
/// one. An object without a class is not complete, which is for [`Principal::from_entry`] to say.
#[must_use]
pub fn is_account(entry: &Entry) -> bool {
    !entry.has("objectClass") || entry.is_a("user")
}

impl Principal {
    /// Makes a principal of an object read with [`PRINCIPAL_ATTRIBUTES`] at `now`.
    ///
    /// `now` decides nothing but LogoffTime of an account with logon hours.
    ///
    /// # Errors
    /// [`DirectoryError::Attribute`] if an attribute that decides is absent or malformed. Absent and
    /// unreadable look alike in LDAP, so nothing is taken for granted: an account whose groups cannot be read
    /// is not served.
    pub fn from_entry(
        entry: &Entry,
        view: &DirectoryView,
        sid_history: SidHistory,
        now: FileTime,
    ) -> Result<Self, DirectoryError> {
        let account = account(entry, view)?;
        let sam_account_name = entry.text("sAMAccountName")?;
        let user_principal_name = entry.optional_text("userPrincipalName")?;
        let (former_sids, dropped_sids) = match sid_history {
            SidHistory::Include => former_sids(&account, view),
            SidHistory::Omit => (Vec::new(), Vec::new()),
        };
        let logon_info = logon_info(entry, &account, view, now, &former_sids)?;
        let names = AccountNames::new(sam_account_name, user_principal_name, &view.dns_domain_name);
        let upn_dns_info = UpnDnsInfo {
            upn: names.principal_name.clone().into_owned(),
            dns_domain_name: view.dns_domain_name.to_uppercase(),
            upn_constructed: user_principal_name.is_none(),
            extended: Some(SamNameAndSid { sam_name: sam_account_name.to_owned(), sid: account.object_sid }),
        };
        // A TGT always has a PAC and says so, whatever the partial one said ([MS-KILE] 3.3.5.6.4.7).
        let attributes = AttributesInfo { flags: AttributesInfo::WAS_REQUESTED };
        let pac = PreparedPac::new(&logon_info, &upn_dns_info, &account.object_sid, attributes)
            .map_err(|reason| DirectoryError::Pac { object: entry.dn().to_owned(), reason })?;
        Ok(Self {
            sam_account_name: sam_account_name.into(),
            principal_name: names.principal_name.into(),
            principal_name_constructed: user_principal_name.is_none(),
            account,
            authentication: assigned(entry)?,
            dropped_sids: dropped_sids.into_boxed_slice(),
            pac,
        })
    }

    /// `objectSid`.
    #[must_use]
    pub fn sid(&self) -> Sid {
        self.account.object_sid
    }

    /// `userPrincipalName`, if it is set.
    #[must_use]
    pub fn user_principal_name(&self) -> Option<&str> {
        (!self.principal_name_constructed).then_some(&self.principal_name)
    }

    /// Whether a client of this name is this account: compared character by character after simple
    /// upper-casing and without normalisation with sAMAccountName, or for an NT-ENTERPRISE name and only then
    /// with userPrincipalName (`sAMAccountName@dnsDomain` where that is unset).
    #[must_use]
    pub fn is_named(&self, name: &ClientName<'_>) -> bool {
        let names = AccountNames {
            sam_account_name: &self.sam_account_name,
            principal_name: Cow::Borrowed(&self.principal_name),
        };
        names.include(name)
    }
}

fn account(entry: &Entry, view: &DirectoryView) -> Result<Account, AttributeError> {
    let object_sid = entry.sid("objectSid")?;
    let primary_group = view.domain_sid.with_rid(entry.flags("primaryGroupID")?);
    let token_groups = required_sids(entry, "tokenGroups")?;
    // `tokenGroups` has the primary group in it; that it never be missing is worth naming it.
    let sids: SidSet = token_groups.into_iter().chain(primary_group).chain([object_sid]).collect();
    Ok(Account {
        object_sid,
        sids,
        former_sids: entry.sids("sIDHistory")?,
        user_account_control: entry.flags("userAccountControl")?
            | entry.flags("msDS-User-Account-Control-Computed")?,
        kind: kind(entry)?,
        krbtgt_number: entry.optional_flags("msDS-SecondaryKrbTgtNumber")?,
        account_expires: entry.file_time("accountExpires")?,
        logon_hours: logon_hours(entry)?,
        password_expires: entry.file_time("msDS-UserPasswordExpiryTimeComputed")?,
    })
}

fn kind(entry: &Entry) -> Result<AccountKind, AttributeError> {
    if entry.values("objectClass")?.is_empty() {
        Err(entry.error("objectClass", Fault::Absent))
    } else if SERVICE_ACCOUNT_CLASSES.iter().any(|class| entry.is_a(class)) {
        Ok(AccountKind::ServiceAccount)
    } else if entry.is_a("computer") {
        Ok(AccountKind::Computer)
    } else {
        Ok(AccountKind::User)
    }
}

fn logon_hours(entry: &Entry) -> Result<Option<LogonHours>, AttributeError> {
    let hours = entry.optional_bytes("logonHours")?.map(<[u8; 21]>::try_from).transpose();
    hours.map(|hours| hours.map(LogonHours)).map_err(|_| entry.error("logonHours", Fault::NotLogonHours))
}

fn assigned(entry: &Entry) -> Result<Assigned, AttributeError> {
    let name = |attribute| Ok(entry.optional_text(attribute)?.map(Box::from));
    Ok(Assigned { policy: name("msDS-AssignedAuthNPolicy")?, silo: name("msDS-AssignedAuthNPolicySilo")? })
}

#[cfg(test)]
mod tests;
