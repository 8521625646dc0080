//! The domain as a whole: who it is, how long its passwords live, and its branches.

use std::collections::BTreeMap;

use pac::{FileTime, Sid};
use policy::Denials;

use super::attribute_error::AttributeError;
use super::authentication::AuthenticationPolicies;
use super::branch::{Branch, branches};
use super::denials::{DenialFault, denials};
use super::dn::{DnKey, dns_name};
use super::entry::Entry;
use super::error::DirectoryError;
use super::interval::Interval;
use super::sites::{Sites, SitesFault};
use super::view_rules::ViewRules;

/// What to read of the domain's head.
pub const HEAD_ATTRIBUTES: &[&str] =
    &["objectSid", "objectGUID", "minPwdAge", "lockoutDuration", "forceLogoff", "msDS-Behavior-Version"];

/// What to read of the domain's crossRef object: class `crossRef`, `nCName` the domain's head.
pub const CROSS_REF_ATTRIBUTES: &[&str] = &["nCName", "dnsRoot", "nETBIOSName"];

/// What to read of the domain's krbtgt account, RID 502.
pub const KRBTGT_ATTRIBUTES: &[&str] = &["objectSid", "msDS-KeyVersionNumber", "pwdLastSet"];

/// The objects a [`DirectoryView`] is made of, wherever they were read from.
#[derive(Clone, Debug)]
pub struct DomainObjects<'a> {
    /// The domain's head, with [`HEAD_ATTRIBUTES`], and with its security descriptor where [`ViewRules`] need it.
    pub head: &'a Entry,
    /// Its crossRef, with [`CROSS_REF_ATTRIBUTES`].
    pub cross_ref: &'a Entry,
    /// Its krbtgt account, with [`KRBTGT_ATTRIBUTES`], if it may be read.
    pub krbtgt: Option<&'a Entry>,
    /// `dNSHostName` of the domain controller that was read from. May be empty where [`ViewRules`] has another name.
    pub dns_host_name: &'a str,
    /// Every object with `msDS-SecondaryKrbTgtNumber`.
    pub branch_krbtgts: Vec<&'a Entry>,
    /// Every object with `msDS-KrbTgtLink`.
    pub branch_computers: Vec<&'a Entry>,
    /// Every authentication policy and silo, with
    /// [`AUTHENTICATION_ATTRIBUTES`](super::authentication::AUTHENTICATION_ATTRIBUTES).
    pub authentication: Vec<&'a Entry>,
    /// Every object that `deny-groups` names, with [`NAMED_ATTRIBUTES`](super::denials::NAMED_ATTRIBUTES).
    pub named: Vec<&'a Entry>,
    /// The forest's sites, none where [`ViewRules`] want none.
    pub sites: Result<Sites, SitesFault>,
}

/// A domain, read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryView {
    /// Distinguished name of the domain's head.
    pub domain_dn: String,
    /// `objectSid` of the head.
    pub domain_sid: Sid,
    /// `objectGUID` of the head, in the order it is stored.
    pub domain_guid: [u8; 16],
    /// `nETBIOSName` of the crossRef.
    pub netbios_name: String,
    /// `dnsRoot` of the crossRef.
    pub dns_domain_name: String,
    /// The forest's root domain, from the name of the Configuration container.
    pub dns_forest_name: String,
    /// What LogonServer becomes: a host name without domain and backslashes, in upper case.
    pub logon_server: String,
    /// `msDS-KeyVersionNumber` of krbtgt: the version of its current key.
    pub krbtgt_version: Option<u32>,
    /// When keys were changed last.
    pub keys_set: KeysSet,
    /// `minPwdAge`: how long a password must be kept.
    pub min_password_age: Interval,
    /// `forceLogoff`: how long after the logon hours end a session is cut.
    pub force_logoff: Interval,
    /// `msDS-Behavior-Version`: the functional level.
    pub behavior_version: u32,
    /// The branches that have objects, by `msDS-SecondaryKrbTgtNumber`.
    pub branches: BTreeMap<u16, Branch>,
    /// Whom the operator denies, or why nobody can be served.
    pub denials: Result<Denials, DenialFault>,
    /// Authentication policies and silos.
    pub authentication: AuthenticationPolicies,
    /// The forest's sites; decides about nobody.
    pub sites: Result<Sites, SitesFault>,
}

/// When accounts whose keys matter here had them changed last (`pwdLastSet`), as far as that may be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysSet {
    /// The domain's krbtgt.
    pub krbtgt: Option<FileTime>,
    /// The branches' krbtgt accounts, by `msDS-SecondaryKrbTgtNumber`.
    pub branches: BTreeMap<u32, FileTime>,
}

impl KeysSet {
    fn of(objects: &DomainObjects<'_>) -> Result<Self, AttributeError> {
        let set = |entry: &Entry| entry.optional_file_time("pwdLastSet");
        let mut branches = BTreeMap::new();
        for krbtgt in &objects.branch_krbtgts {
            if let Some(set) = set(krbtgt)? {
                branches.insert(krbtgt.flags("msDS-SecondaryKrbTgtNumber")?, set);
            }
        }
        Ok(Self { krbtgt: objects.krbtgt.map(set).transpose()?.flatten(), branches })
    }
}

impl DirectoryView {
    /// Makes the view out of a domain's objects, as `rules` want it. `resolve` gives the SID of the object of a distinguished
    /// name, for the values of the policy lists and members of silos; values that carry their SID are not asked for.
    ///
    /// # Errors
    /// [`DirectoryError::Attribute`] if an attribute every domain has is absent or malformed. A broken branch
    /// is no error: it is a [`Branch`] that serves nobody. Nor are denials that cannot be resolved.
    pub fn from_objects(
        objects: &DomainObjects<'_>,
        rules: &ViewRules,
        resolve: &dyn Fn(&str) -> Option<Sid>,
    ) -> Result<Self, DirectoryError> {
        let DomainObjects { head, cross_ref, krbtgt, .. } = objects;
        let interval = |name| head.integer(name).map(Interval::from_attribute);
        let dns_domain_name = cross_ref.text("dnsRoot")?.to_owned();
        Ok(Self {
            domain_dn: head.dn().to_owned(),
            domain_sid: head.sid("objectSid")?,
            domain_guid: head.guid("objectGUID")?,
            netbios_name: cross_ref.text("nETBIOSName")?.to_owned(),
            dns_forest_name: dns_name(cross_ref.dn()).unwrap_or_else(|| dns_domain_name.clone()),
            dns_domain_name,
            logon_server: host_part(rules.logon_server.as_deref().unwrap_or(objects.dns_host_name)),
            krbtgt_version: match krbtgt {
                Some(krbtgt) => krbtgt.optional_flags("msDS-KeyVersionNumber")?,
                None => None,
            },
            keys_set: KeysSet::of(objects)?,
            min_password_age: interval("minPwdAge")?,
            force_logoff: interval("forceLogoff")?,
            behavior_version: head.optional_flags("msDS-Behavior-Version")?.unwrap_or(0),
            branches: branches(&objects.branch_krbtgts, &objects.branch_computers, resolve)?,
            authentication: AuthenticationPolicies::of(&objects.authentication, resolve),
            denials: denials(rules, head, &objects.named),
            sites: objects.sites.clone(),
        })
    }
}

/// Whether that entry is the crossRef of the domain whose head has that name.
pub(super) fn is_cross_ref_of(entry: &Entry, head: &DnKey) -> bool {
    entry.is_a("crossRef") && entry.text("nCName").is_ok_and(|name| DnKey::of(name) == *head)
}

/// `dc1.demo.example` becomes `DC1`.
fn host_part(name: &str) -> String {
    name.split('.').next().unwrap_or(name).to_uppercase()
}
