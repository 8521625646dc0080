//! A whole directory out of an LDIF file, with the attributes that a domain controller constructs on each
//! read.
//!
//! An LDIF file holds what is stored. `tokenGroups`, `tokenGroupsGlobalAndUniversal`,
//! `msDS-User-Account-Control-Computed` and `msDS-UserPasswordExpiryTimeComputed` are computed here where the
//! file does not give them.

use std::collections::BTreeMap;

use pac::{FileTime, Sid};
use policy::flags;

use super::attribute_error::AttributeError;
use super::authentication::AUTHENTICATION_CLASSES;
use super::branch_accounts::BranchAccounts;
use super::dn::DnKey;
use super::entry::Entry;
use super::error::DirectoryError;
use super::interval::Interval;
use super::key_change::KeyChange;
use super::ldif;
use super::membership::{Memberships, TOKENS};
use super::name::{AccountNames, ClientName};
use super::path::{Node, Reference};
use super::principal::is_account;
use super::sites::{Sites, SitesFault};
use super::view::{DirectoryView, DomainObjects, is_cross_ref_of};
use super::view_rules::ViewRules;

/// `userAccountControl` bits of accounts whose password does not expire ([MS-ADTS] 3.1.1.4.5.27):
/// DONT_EXPIRE_PASSWORD, SMARTCARD_REQUIRED, and the three kinds of trust accounts.
const PASSWORD_NEVER_EXPIRES: u32 = 0x0001_0000
    | 0x0004_0000
    | flags::WORKSTATION_TRUST_ACCOUNT
    | flags::SERVER_TRUST_ACCOUNT
    | flags::INTERDOMAIN_TRUST_ACCOUNT;

/// The objects of one domain, found by name and by SID.
#[derive(Clone, Debug)]
pub struct Tree {
    entries: Vec<Entry>,
    by_dn: BTreeMap<DnKey, usize>,
    by_sid: BTreeMap<Sid, usize>,
    memberships: Memberships,
    domain_sid: Sid,
    dns_domain_name: String,
    max_password_age: Interval,
    lockout_duration: Interval,
}

impl Tree {
    /// Reads LDIF text.
    ///
    /// # Errors
    /// [`DirectoryError`] if the text is no LDIF, two objects have the same name or SID, a security group has
    /// no SID or there is not one domain in it.
    pub fn parse(text: &str) -> Result<Self, DirectoryError> {
        Self::new(ldif::parse(text)?)
    }

    fn new(entries: Vec<Entry>) -> Result<Self, DirectoryError> {
        let (mut by_dn, mut by_sid) = (BTreeMap::new(), BTreeMap::new());
        let twin =
            |first: Option<usize>, second: &Entry, both| match first.and_then(|index| entries.get(index)) {
                None => Ok(()),
                Some(first) => Err(DirectoryError::Ambiguous {
                    first: first.dn().to_owned(),
                    second: second.dn().to_owned(),
                    both,
                }),
            };
        for (index, entry) in entries.iter().enumerate() {
            twin(by_dn.insert(DnKey::of(entry.dn()), index), entry, "are the same name")?;
            if entry.has("objectSid") {
                twin(by_sid.insert(entry.sid("objectSid")?, index), entry, "have the same objectSid")?;
            }
        }
        let (head, cross_ref) = domain(&entries)?;
        // A domain without `lockoutDuration` is none that a directory made; lockouts there end by hand.
        let lockout_duration = head.optional_integer("lockoutDuration")?;
        Ok(Self {
            memberships: Memberships::of(&entries)?,
            domain_sid: head.sid("objectSid")?,
            dns_domain_name: cross_ref.text("dnsRoot")?.to_owned(),
            max_password_age: Interval::from_attribute(head.integer("maxPwdAge")?),
            lockout_duration: lockout_duration.map_or(Interval::NEVER_ENDS, Interval::from_attribute),
            by_dn,
            by_sid,
            entries,
        })
    }

    /// Every object, in the order of the file and without constructed attributes.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The domain and its branches, as `rules` want them. LogonServer is theirs or else the first domain
    /// controller's name.
    ///
    /// # Errors
    /// As [`DirectoryView::from_objects`], and [`DirectoryError::Missing`] if there is no domain controller
    /// to name.
    pub fn view(&self, rules: &ViewRules) -> Result<DirectoryView, DirectoryError> {
        let (head, cross_ref) = domain(&self.entries)?;
        let krbtgt_sid = self.domain_sid.with_rid(502);
        let objects = DomainObjects {
            head,
            cross_ref,
            krbtgt: krbtgt_sid.and_then(|sid| self.by_sid(&sid)),
            dns_host_name: if rules.logon_server.is_some() { "" } else { self.domain_controller()? },
            branch_krbtgts: self.having("msDS-SecondaryKrbTgtNumber"),
            branch_computers: self.having("msDS-KrbTgtLink"),
            authentication: self.entries.iter().filter(|entry| is_authentication(entry)).collect(),
            named: self.entries.iter().collect(),
            sites: if rules.sites {
                Sites::from_entries(&self.entries).map_err(|error| SitesFault(error.to_string()))
            } else {
                Ok(Sites::default())
            },
        };
        DirectoryView::from_objects(&objects, rules, &|dn| self.sid_of(dn))
    }

    /// Every branch, whether or not it is as it should be.
    ///
    /// # Errors
    /// As [`BranchAccounts::all`].
    pub fn branch_accounts(&self) -> Result<Vec<BranchAccounts>, AttributeError> {
        BranchAccounts::all(&self.having("msDS-SecondaryKrbTgtNumber"), &self.having("msDS-KrbTgtLink"))
    }

    /// When the password of the account of that distinguished name was changed, where the file tells.
    ///
    /// # Errors
    /// As [`KeyChange::of`].
    pub fn key_change(&self, dn: &str) -> Result<Option<KeyChange>, AttributeError> {
        let account = self.by_dn.get(&DnKey::of(dn)).and_then(|index| self.entries.get(*index));
        account.map_or(Ok(None), KeyChange::of)
    }

    /// The SID of the object of that distinguished name.
    #[must_use]
    pub fn sid_of(&self, dn: &str) -> Option<Sid> {
        let entry = self.entries.get(*self.by_dn.get(&DnKey::of(dn))?)?;
        entry.sid("objectSid").ok()
    }

    /// The object with that SID as a domain controller would show it at `now`: constructed attributes
    /// included.
    ///
    /// # Errors
    /// [`AttributeError`] if an attribute that a constructed one is made of is absent or malformed.
    pub fn find(&self, sid: &Sid, now: FileTime) -> Result<Option<Entry>, AttributeError> {
        self.by_sid(sid).map(|entry| self.constructed(entry, now)).transpose()
    }

    /// The account of that name, without constructed attributes: sAMAccountName, or for an enterprise name
    /// the user principal name, compared as [`Principal::is_named`](super::Principal::is_named) does.
    #[must_use]
    pub fn find_by_name(&self, name: &ClientName<'_>) -> Option<&Entry> {
        let mut accounts = self.entries.iter().filter(|entry| is_account(entry));
        accounts.find(|entry| {
            let names = entry.text("sAMAccountName").ok().zip(entry.optional_text("userPrincipalName").ok());
            names.is_some_and(|(sam_account_name, user_principal_name)| {
                AccountNames::new(sam_account_name, user_principal_name, &self.dns_domain_name).include(name)
            })
        })
    }

    /// The object as a step of a path: `memberOf`, which a file does not hold, is worked out from `member`.
    ///
    /// # Errors
    /// [`AttributeError`] if it has no SID or an attribute is malformed.
    pub fn node(&self, reference: &Reference) -> Result<Option<Node>, AttributeError> {
        let entry = match reference {
            Reference::Dn(dn) => self.by_dn.get(&DnKey::of(dn)).and_then(|index| self.entries.get(*index)),
            Reference::Sid(sid) => self.by_sid(sid),
        };
        let Some(entry) = entry else { return Ok(None) };
        let listing = self.memberships.groups_listing(&DnKey::of(entry.dn()));
        let groups = listing.iter().filter_map(|key| self.entries.get(*self.by_dn.get(key)?));
        let member_of = groups.map(|group| group.dn().to_owned()).collect();
        Ok(Some(Node { member_of, ..Node::from_entry(entry)? }))
    }

    /// `userAccountControl` of the account of that name, if there is one.
    ///
    /// # Errors
    /// [`AttributeError`] if it is malformed.
    pub fn account_control(&self, name: &ClientName<'_>) -> Result<Option<u32>, AttributeError> {
        self.find_by_name(name).map(|entry| entry.flags("userAccountControl")).transpose()
    }

    fn by_sid(&self, sid: &Sid) -> Option<&Entry> {
        self.entries.get(*self.by_sid.get(sid)?)
    }

    fn having(&self, attribute: &str) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.has(attribute)).collect()
    }

    /// `dNSHostName` of the first writable domain controller.
    fn domain_controller(&self) -> Result<&str, DirectoryError> {
        let is_server = |entry: &&Entry| {
            let flags = entry.optional_flags("userAccountControl").ok().flatten();
            flags.is_some_and(|flags| flags & flags::SERVER_TRUST_ACCOUNT != 0) && entry.has("dNSHostName")
        };
        let server = self.entries.iter().find(is_server);
        let missing = "domain controller with a dNSHostName in the LDIF file: add one, or set `logon-server`";
        Ok(server.ok_or(DirectoryError::Missing(missing))?.text("dNSHostName")?)
    }

    /// The entry with the attributes that the file does not give and a domain controller constructs.
    fn constructed(&self, entry: &Entry, now: FileTime) -> Result<Entry, AttributeError> {
        let mut full = entry.clone();
        let key = DnKey::of(entry.dn());
        let primary = entry.optional_flags("primaryGroupID")?.and_then(|rid| self.domain_sid.with_rid(rid));
        let listing = self.memberships.groups_listing(&key);
        for (name, scope) in TOKENS {
            if !entry.has(name) {
                for sid in self.memberships.groups_of(listing, primary, scope) {
                    full.insert(name, sid.to_bytes());
                }
            }
        }
        if !entry.has("userAccountControl") {
            return Ok(full);
        }
        let expires = match entry.optional_file_time("msDS-UserPasswordExpiryTimeComputed")? {
            Some(expires) => expires,
            None => {
                let expires = self.password_expires(entry)?;
                full.insert("msDS-UserPasswordExpiryTimeComputed", expires.as_u64().to_string());
                expires
            }
        };
        if !entry.has("msDS-User-Account-Control-Computed") {
            let locked = if self.is_locked(entry, now)? { flags::LOCKOUT } else { 0 };
            let expired = if expires <= now { flags::PASSWORD_EXPIRED } else { 0 };
            full.insert("msDS-User-Account-Control-Computed", (locked | expired).to_string());
        }
        Ok(full)
    }

    /// `msDS-UserPasswordExpiryTimeComputed` ([MS-ADTS] 3.1.1.4.5.27). Password settings objects are not
    /// looked at.
    fn password_expires(&self, entry: &Entry) -> Result<FileTime, AttributeError> {
        if entry.flags("userAccountControl")? & PASSWORD_NEVER_EXPIRES != 0 {
            return Ok(FileTime::NEVER);
        }
        let last_set = entry.optional_file_time("pwdLastSet")?.unwrap_or(FileTime::ZERO);
        Ok(match (last_set, self.max_password_age) {
            (FileTime::ZERO, _) => FileTime::ZERO,
            (_, Interval::ZERO) => FileTime::NEVER,
            (last_set, age) => age.after(last_set),
        })
    }

    /// UF_LOCKOUT ([MS-ADTS] 3.1.1.4.5.17): locked at `lockoutTime`, and `lockoutDuration` has not passed
    /// since. A duration of zero means until an administrator unlocks the account.
    fn is_locked(&self, entry: &Entry, now: FileTime) -> Result<bool, AttributeError> {
        let since = entry.optional_file_time("lockoutTime")?.unwrap_or(FileTime::ZERO);
        let forever = self.lockout_duration == Interval::ZERO;
        Ok(since != FileTime::ZERO && (forever || now < self.lockout_duration.after(since)))
    }
}

fn is_authentication(entry: &Entry) -> bool {
    AUTHENTICATION_CLASSES.iter().any(|class| entry.is_a(class))
}

/// The domain's head and its crossRef. Application partitions have heads too, but no SID.
fn domain(entries: &[Entry]) -> Result<(&Entry, &Entry), DirectoryError> {
    let heads = || entries.iter().filter(|entry| entry.is_a("domainDNS") && entry.has("objectSid"));
    let head = match (heads().next(), heads().nth(1)) {
        (None, _) => {
            return Err(DirectoryError::Missing("domain head (objectClass domainDNS with an objectSid)"));
        }
        (Some(head), None) => head,
        (Some(first), Some(second)) => {
            return Err(DirectoryError::Ambiguous {
                first: first.dn().to_owned(),
                second: second.dn().to_owned(),
                both: "are both domain heads; one file holds one domain",
            });
        }
    };
    let key = DnKey::of(head.dn());
    let cross_ref = entries.iter().find(|entry| is_cross_ref_of(entry, &key));
    Ok((head, cross_ref.ok_or(DirectoryError::Missing("crossRef object whose nCName is the domain head"))?))
}

#[cfg(test)]
mod tests;
