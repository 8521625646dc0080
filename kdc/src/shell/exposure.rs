//! Accounts that the policy would let the cloud sign in as, and that are worth the domain: whoever rules the tenant, or holds
//! the branch's key, has what they have.

use std::collections::BTreeMap;
use std::sync::Arc;

use pac::{FileTime, Sid};
use policy::{EVERYBODY, flags};

use super::directory::ReadError;
use super::explain::{ExplainError, branch_meant};
use super::prepared::PreparedDomain;
use crate::directory::controllers::controllers;
use crate::directory::dn::DnKey;
use crate::directory::path::{Node, Step};
use crate::directory::replicators::replicators;
use crate::directory::{Entry, Principal};
use crate::exchange::{Grounds, Timestamp};

/// What is read of accounts beside what the exchange reads.
const MORE: &[&str] = &["adminCount"];

/// What accounts are called that tools of directory synchronisation make on-premises: Entra Connect's, of today and before.
const SYNCHRONISERS: [&str; 2] = ["MSOL_", "AAD_"];

/// Why an account is worth the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Danger {
    /// It may have every secret of the domain replicated to it, or give itself that right.
    Replicates,
    /// It owns, may write or may become these objects, domain controllers or a branch's.
    Controls(Vec<String>),
    /// `adminCount` is 1: it was in a protected group once, and may have kept rights from then.
    AdminCount,
    /// It synchronises the directory with the cloud, by its name.
    Synchronises,
    /// Whoever signs in to it leaves it their TGT (TRUSTED_FOR_DELEGATION).
    UnconstrainedDelegation,
}

impl Danger {
    /// A stable name.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Replicates => "replicates",
            Self::Controls(_) => "controls",
            Self::AdminCount => "admin_count",
            Self::Synchronises => "synchronises",
            Self::UnconstrainedDelegation => "unconstrained_delegation",
        }
    }
}

/// A danger, and how the account comes by it.
#[derive(Debug)]
pub struct Reason {
    /// The danger.
    pub danger: Danger,
    /// Who holds the right, if it is one: the account itself, or a group that it is in.
    pub holder: Option<Sid>,
    /// From the account to the holder; empty where no link of this domain leads there.
    pub path: Vec<Step>,
}

/// An account with its dangers.
#[derive(Debug)]
pub struct Exposed {
    /// The account.
    pub object: Node,
    /// At least one.
    pub reasons: Vec<Reason>,
}

/// What was found.
#[derive(Debug)]
pub struct Exposure {
    /// The realm.
    pub realm: Arc<str>,
    /// The branch whose policy it is.
    pub branch: u16,
    /// The computer object with the branch's lists.
    pub computer: String,
    /// The domain's head.
    pub domain_dn: String,
    /// Accounts of the domain.
    pub accounts: usize,
    /// Those that policy allows, whatever state they are in.
    pub allowed: usize,
    /// Those that cannot be read whole, which the exchange refuses (`directory_data`).
    pub undecidable: usize,
    /// Rights that everybody holds, and through whom: to be mended before anything else.
    pub everybody: Vec<(Danger, Sid)>,
    /// In the order of the directory.
    pub exposed: Vec<Exposed>,
}

/// Looks at every account; `progress` is told how many it was so far. Must be called within a tokio runtime.
///
/// # Errors
/// [`ExposureError`] where permissions of an object that matters may not be read, or the directory cannot be asked: then
/// nobody can be said to be harmless.
pub async fn exposure(
    domain: PreparedDomain,
    branch: Option<u16>,
    now: Timestamp,
    progress: &mut dyn FnMut(usize),
) -> Result<Exposure, ExposureError> {
    let branch = branch_meant(&domain, branch)?;
    let (realm, allowed_kinds) = (Arc::clone(&domain.realm), domain.rules.allowed_kinds);
    let (directory, rules) = domain.connect();
    let (view, _) = directory.view(&[branch], &rules.view).await?;
    let pillars = directory.pillars().await?;
    let powers = Powers::of(&pillars)?;
    let computer = computer_of(&pillars, branch).ok_or(ExposureError::NoBranch(branch))?.to_owned();

    let wall = FileTime::from_unix_seconds(now.seconds.unix_seconds());
    let mut census = directory.census(view.domain_sid, MORE, wall).await?;
    let mut found = Exposure {
        realm,
        branch,
        computer,
        domain_dn: view.domain_dn.clone(),
        accounts: 0,
        allowed: 0,
        undecidable: 0,
        everybody: EVERYBODY.iter().flat_map(|sid| powers.held_by(*sid)).collect(),
        exposed: Vec::new(),
    };
    let grounds = Grounds { view: &view, branch, allowed_kinds };
    while let Some(entry) = census.next().await? {
        found.accounts = found.accounts.saturating_add(1);
        progress(found.accounts);
        let Ok(account) = Principal::from_entry(&entry, &view, rules.sid_history, wall) else {
            found.undecidable = found.undecidable.saturating_add(1);
            continue;
        };
        if grounds.permit(&account).is_err() {
            continue;
        }
        found.allowed = found.allowed.saturating_add(1);
        let object = census.start(&entry)?;
        let mut reasons = of_its_own(&entry, &account)?;
        for (danger, holder) in account.account.sids.iter().flat_map(|sid| powers.held_by(sid)) {
            let path = census.path(&object, &account, holder)?;
            reasons.push(Reason { danger, holder: Some(holder), path });
        }
        if !reasons.is_empty() {
            found.exposed.push(Exposed { object, reasons });
        }
    }
    Ok(found)
}

/// What the account's own object says of it.
fn of_its_own(entry: &Entry, account: &Principal) -> Result<Vec<Reason>, ReadError> {
    let was_protected = entry.optional_flags("adminCount")?.is_some_and(|count| count != 0);
    let name = account.sam_account_name.to_ascii_uppercase();
    let synchronises = SYNCHRONISERS.iter().any(|prefix| name.starts_with(prefix));
    let delegates = account.account.user_account_control & flags::TRUSTED_FOR_DELEGATION != 0;
    let dangers = [
        was_protected.then_some(Danger::AdminCount),
        synchronises.then_some(Danger::Synchronises),
        delegates.then_some(Danger::UnconstrainedDelegation),
    ];
    let reason = |danger| Reason { danger, holder: None, path: Vec::new() };
    Ok(dangers.into_iter().flatten().map(reason).collect())
}

/// The computer object of a branch, which has its lists.
fn computer_of(pillars: &[Entry], branch: u16) -> Option<&str> {
    let number = |entry: &&Entry| entry.flags("msDS-SecondaryKrbTgtNumber") == Ok(u32::from(branch));
    let krbtgt = DnKey::of(pillars.iter().find(number)?.dn());
    let links = |entry: &&Entry| entry.text("msDS-KrbTgtLink").is_ok_and(|link| DnKey::of(link) == krbtgt);
    Some(pillars.iter().find(links)?.dn())
}

/// Who holds which right over what carries the domain.
#[derive(Default)]
struct Powers(BTreeMap<Sid, Power>);

#[derive(Default)]
struct Power {
    replicates: bool,
    controls: Vec<String>,
}

impl Powers {
    fn of(pillars: &[Entry]) -> Result<Self, ExposureError> {
        let mut powers = Self::default();
        let hidden = |error: crate::directory::AttributeError| ExposureError::Hidden(error.to_string());
        for pillar in pillars {
            if pillar.is_a("domainDNS") {
                for sid in replicators(pillar).map_err(hidden)? {
                    powers.0.entry(sid).or_default().replicates = true;
                }
                continue;
            }
            for sid in controllers(pillar).map_err(hidden)? {
                let controls = &mut powers.0.entry(sid).or_default().controls;
                if controls.last().map(String::as_str) != Some(pillar.dn()) {
                    controls.push(pillar.dn().to_owned());
                }
            }
        }
        Ok(powers)
    }

    fn held_by(&self, sid: Sid) -> Vec<(Danger, Sid)> {
        let Some(power) = self.0.get(&sid) else { return Vec::new() };
        let replicates = power.replicates.then_some(Danger::Replicates);
        let controls = (!power.controls.is_empty()).then(|| Danger::Controls(power.controls.clone()));
        replicates.into_iter().chain(controls).map(|danger| (danger, sid)).collect()
    }
}

/// Why nothing can be said. One line each.
#[derive(Debug, thiserror::Error)]
pub enum ExposureError {
    /// No realm or branch is meant, or several.
    #[error(transparent)]
    Explain(#[from] ExplainError),
    /// The directory cannot be asked, or shows too little.
    #[error(transparent)]
    Directory(#[from] ReadError),
    /// Permissions that may not be read.
    #[error(
        "{0}; let the account that reads the directory read the permissions of domain head, domain controllers and branches"
    )]
    Hidden(String),
    /// No such branch.
    #[error(
        "the directory has no branch {0}: no object has this msDS-SecondaryKrbTgtNumber, or none links to it"
    )]
    NoBranch(u16),
}
