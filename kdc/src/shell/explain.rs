//! What the daemon would decide about an account now, and why: the directory read as the daemon reads it, the
//! exchange's own decision ([`Grounds::decide`]), and the path to the group that decided.

use std::sync::Arc;
use std::time::Duration;

use pac::{FileTime, Sid};
use tokio::time::timeout;

use super::directory::{Directory, ReadError};
use super::prepared::PreparedDomain;
use crate::directory::path::{Node, PathSearch, Reference, Step};
use crate::directory::{ClientName, DirectoryView, InEffect, Principal};
use crate::exchange::{Detail, Grounds, Refusal, Refused, ReleasedKeys, Timestamp, releasable};

/// How long a path is searched for: the verdict does not wait for more.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// A SID, a sAMAccountName, `DOMAIN\name` or a user principal name.
    pub account: &'a str,
    /// The branch whose ticket the account would bring; may be left out where keys of one alone are loaded.
    pub branch: Option<u16>,
}

/// The decision about an account, with its reasons.
#[derive(Debug)]
pub struct Explanation {
    /// The realm.
    pub realm: Arc<str>,
    /// The branch.
    pub branch: u16,
    /// The account's SID.
    pub sid: Sid,
    /// Its object; none of an account of another domain.
    pub object: Option<Node>,
    /// What the exchange makes of it; none where that reads too little, or does not read at all.
    pub principal: Option<Principal>,
    /// The SID that allows it, or the rule that refuses it.
    pub decision: Result<Sid, Refused>,
    /// The keys that a key list could be answered with; `None` where none would be.
    pub key_list: Option<ReleasedKeys>,
    /// What decided by being on a list, if something did.
    pub deciding: Option<Deciding>,
    /// The authentication policy that the account is under, whether or not it decided.
    pub authentication: Option<InEffect>,
}

/// A SID on one of a branch's two lists or denied by the operator, and how the account comes by it.
#[derive(Debug)]
pub struct Deciding {
    /// The attribute, or the configuration's key.
    pub list: &'static str,
    /// The SID.
    pub sid: Sid,
    /// Whose it is, where the directory shows that.
    pub name: Option<String>,
    /// From the account to it.
    pub path: Path,
}

/// What came of the search for a path. It explains the decision and has no part in it.
#[derive(Debug, PartialEq, Eq)]
pub enum Path {
    /// From the account, the first step, to what is listed, the last.
    Found(Vec<Step>),
    /// The links that may be read lead elsewhere, though `tokenGroups` names the group.
    NotFound {
        /// Groups of other domains that the account is in: a way through them, only their domains show.
        other_domains: Vec<Sid>,
    },
    /// The search was broken off or not all links could be read, and why.
    GivenUp(String),
}

/// Decides about an account as the daemon would, and finds out why. Must be called within a tokio runtime.
///
/// An answer about the account that the exchange refuses to decide on is a refusal here too
/// ([`Refusal::DirectoryData`]): the daemon has got the same.
///
/// # Errors
/// [`ExplainError`] where there is nothing to decide about, or the directory cannot be asked, or shows no domain.
pub async fn explain(
    domain: PreparedDomain,
    question: Question<'_>,
    now: Timestamp,
) -> Result<Explanation, ExplainError> {
    let loaded = domain.branch_numbers();
    let branch = branch_meant(&domain, question.branch)?;
    let (realm, keys) = (Arc::clone(&domain.realm), Arc::clone(&domain.keys));
    let allowed_kinds = domain.rules.allowed_kinds;
    let user_keys = domain.user_keys.as_ref().map(|keytabs| Arc::clone(keytabs.keys()));
    let (directory, rules) = domain.connect();
    let (view, _) = directory.view(&[branch], &rules.view).await?;
    let unknown =
        || ExplainError::NoSuchAccount { realm: Arc::clone(&realm), asked: question.account.to_owned() };
    let sid = find_sid(&directory, &view, question.account).await?.ok_or_else(unknown)?;
    let (object, principal) = if sid.is_of_another_domain(&view.domain_sid) {
        // The directory may hold an object for it, but not a client: the exchange does not ask.
        (None, Err(Refusal::RequestorForeign.into()))
    } else {
        let object = directory.nodes(&[Reference::Sid(sid)]).await?.pop().flatten().ok_or_else(unknown)?;
        if !object.is_account {
            return Err(ExplainError::NoAccount { dn: object.dn });
        }
        let wall = FileTime::from_unix_seconds(now.seconds.unix_seconds());
        let principal = match directory.find(&sid, &view, rules.sid_history, wall).await {
            Ok(principal) => Ok(principal.ok_or_else(unknown)?),
            Err(error @ ReadError::Data { .. }) => Err(Refused::from(error)),
            Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
        };
        (Some(object), principal)
    };

    let (principal, decision) = match principal {
        // The exchange refuses before it asks anybody.
        _ if !loaded.contains(&branch) => (principal.ok(), Err(Refusal::UnknownBranch.into())),
        Ok(principal) => {
            let decision = Grounds { view: &view, branch, allowed_kinds }.decide(&keys, &principal, now);
            (Some(principal), decision)
        }
        Err(refused) => (None, Err(refused)),
    };
    let deciding = match (deciding_sid(&decision), &object, &principal) {
        (Some((list, target)), Some(object), Some(principal)) => {
            let token: Vec<Sid> = principal.account.sids.iter().collect();
            let search = PathSearch::new(object, &view.domain_sid, &token, target);
            Some(deciding(&directory, search, list, target).await)
        }
        _ => None,
    };
    let released =
        |principal| ReleasedKeys::of(releasable(user_keys.as_deref(), principal, &view.domain_sid));
    let key_list = principal.as_ref().filter(|_| decision.is_ok()).and_then(released);
    // One that cannot be read refuses, and is told as the refusal's detail.
    let authentication = principal.as_ref().and_then(|principal| {
        let in_effect = view.authentication.in_effect(&principal.account, &principal.authentication);
        in_effect.ok().flatten()
    });
    Ok(Explanation { realm, branch, sid, object, principal, decision, key_list, deciding, authentication })
}

/// The branch that is asked about, or the only one.
pub(super) fn branch_meant(domain: &PreparedDomain, asked: Option<u16>) -> Result<u16, ExplainError> {
    let realm = || Arc::clone(&domain.realm);
    match (asked, domain.branch_numbers().as_slice()) {
        (Some(number), _) | (None, &[number]) => Ok(number),
        (None, []) => Err(ExplainError::NoBranch { realm: realm() }),
        (None, several) => Err(ExplainError::SeveralBranches { realm: realm(), numbers: several.to_vec() }),
    }
}

/// The list that decided and the SID on it. A refusal for the account's state is no list's doing.
pub(super) fn deciding_sid(decision: &Result<Sid, Refused>) -> Option<(&'static str, Sid)> {
    match decision {
        Ok(sid) => Some(("msDS-RevealOnDemandGroup", *sid)),
        Err(Refused { reason: Refusal::NeverReveal, detail: Detail::Sid(sid), .. }) => {
            Some(("msDS-NeverRevealGroup", *sid))
        }
        Err(Refused { reason: Refusal::DeniedByOperator, detail: Detail::Sid(sid), .. }) => {
            Some(("deny-groups", *sid))
        }
        Err(Refused { reason: Refusal::Replicator, detail: Detail::Sid(sid), .. }) => {
            Some(("deny-replicators", *sid))
        }
        Err(_) => None,
    }
}

/// The SID that is asked about: given as such, or of the account of that name, if there is one.
async fn find_sid(
    directory: &Directory,
    view: &DirectoryView,
    asked: &str,
) -> Result<Option<Sid>, ExplainError> {
    if let Ok(sid) = asked.parse::<Sid>() {
        return Ok(Some(sid));
    }
    let name = match asked.split_once('\\') {
        Some((domain, name)) if is_domain(domain, view) => name,
        Some((domain, _)) => return Err(ExplainError::OtherDomain { domain: domain.to_owned() }),
        None => asked,
    };
    Ok(directory.sid_named(&ClientName { name, enterprise: name.contains('@') }).await?)
}

fn is_domain(name: &str, view: &DirectoryView) -> bool {
    [&view.netbios_name, &view.dns_domain_name].into_iter().any(|known| known.eq_ignore_ascii_case(name))
}

async fn deciding(directory: &Directory, search: PathSearch, list: &'static str, sid: Sid) -> Deciding {
    let path = match timeout(PATIENCE, find_path(directory, search)).await {
        Ok(Ok(path)) => path,
        Ok(Err(error)) => Path::GivenUp(error.to_string()),
        Err(_elapsed) => Path::GivenUp(format!("it took longer than {PATIENCE:?}")),
    };
    let name = match &path {
        Path::Found(steps) => steps.last().map(|step| step.name.clone()),
        Path::NotFound { .. } | Path::GivenUp(_) => {
            let node = timeout(PATIENCE, directory.nodes(&[Reference::Sid(sid)])).await;
            node.ok().and_then(Result::ok).and_then(|mut nodes| nodes.pop().flatten()).map(|node| node.name)
        }
    };
    Deciding { list, sid, name, path }
}

async fn find_path(directory: &Directory, mut search: PathSearch) -> Result<Path, ReadError> {
    loop {
        let references = search.ask();
        if references.is_empty() {
            return Ok(match (search.path(), search.cut()) {
                (Some(steps), _) => Path::Found(steps),
                (None, Some(cut)) => Path::GivenUp(cut.to_string()),
                (None, None) => Path::NotFound { other_domains: search.other_domains().to_vec() },
            });
        }
        search.answer(directory.nodes(&references).await?);
    }
}

/// Why nothing can be explained. One line each.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The directory cannot be asked, or shows too little.
    #[error(transparent)]
    Directory(#[from] ReadError),
    /// The configuration has no such realm.
    #[error("{asked}: no such realm in the configuration, which has {}", .configured.join(", "))]
    NoSuchRealm {
        /// As asked for.
        asked: String,
        /// What there is.
        configured: Vec<String>,
    },
    /// The configuration has several, and none was chosen.
    #[error("the configuration has several realms; choose one of {} with --realm", .0.join(", "))]
    SeveralRealms(Vec<String>),
    /// No key of any branch.
    #[error(
        "{realm}: no key of a branch in its keytabs, so nothing can be exchanged; export krbtgt_AzureAD's"
    )]
    NoBranch {
        /// The realm.
        realm: Arc<str>,
    },
    /// Keys of several branches, and none was chosen.
    #[error("{realm}: keys of the branches {numbers:?} are loaded; choose one with --branch")]
    SeveralBranches {
        /// The realm.
        realm: Arc<str>,
        /// Their numbers.
        numbers: Vec<u16>,
    },
    /// No account, or none that the account which reads the directory may see.
    #[error("{asked}: no account of {realm} has this name or SID, or it may not be read")]
    NoSuchAccount {
        /// The realm.
        realm: Arc<str>,
        /// As asked for.
        asked: String,
    },
    /// A group, for example.
    #[error("{dn}: is no account")]
    NoAccount {
        /// Its distinguished name.
        dn: String,
    },
    /// `OTHER\name`.
    #[error("{domain}: is not the domain that is served; leave the domain out or give the account's SID")]
    OtherDomain {
        /// As asked for.
        domain: String,
    },
}

#[cfg(test)]
pub(super) mod tests;
