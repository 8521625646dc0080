//! An explanation, for people and as JSON.
//!
//! The JSON's shape is versioned: within one `version`, fields are added and none is renamed or removed.

use std::fmt;

use serde::Serialize;

use crate::cli::path_step::PathStep;
use crate::cli::ticket::names::etype_text;
use crate::directory::InEffect;
use crate::exchange::Refused;
use crate::krb::error_names::{error_name, nt_status_name};
use crate::shell::explain::{Deciding, Explanation, Path};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    realm: String,
    branch: u16,
    account: Account,
    verdict: Verdict,
    /// Label of the table of refusals; absent where the account is allowed.
    reason: Option<&'static str>,
    detail: Option<String>,
    error: Option<KrbError>,
    nt_status: Option<NtStatus>,
    decided_by: Option<DecidedBy>,
    /// The authentication policy that the account is under.
    authentication_policy: Option<AuthenticationPolicy>,
    /// Long-term keys that the account would get with its TGT if it asked for them; null where it would get none.
    key_list: Option<KeyList>,
}

#[derive(Debug, Serialize)]
struct KeyList {
    etypes: Vec<i32>,
    kvno: u32,
}

#[derive(Debug, Serialize)]
struct Account {
    /// Absent, as its object, where it is another domain's.
    name: Option<String>,
    sid: String,
    dn: Option<String>,
    user_principal_name: Option<String>,
    /// How many SIDs policy looks at: the account's own and those of all its groups. Absent where they are not known.
    sids: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Allowed,
    Refused,
}

#[derive(Debug, Serialize)]
struct KrbError {
    code: i32,
    name: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct NtStatus {
    code: String,
    name: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct AuthenticationPolicy {
    /// Distinguished names.
    policy: String,
    silo: Option<String>,
    /// Otherwise it is for auditing, and the others say nothing.
    enforced: bool,
    tgt_lifetime_seconds: Option<u64>,
    demands_device: bool,
}

#[derive(Debug, Serialize)]
struct DecidedBy {
    list: &'static str,
    sid: String,
    name: Option<String>,
    path_search: PathSearch,
    /// Why the search was broken off.
    path_problem: Option<String>,
    path: Vec<PathStep>,
    /// Where no path is found: groups of other domains that the account is in, through which it may lead.
    other_domains: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum PathSearch {
    Found,
    NotFound,
    GivenUp,
}

impl Report {
    pub(super) fn new(explanation: &Explanation) -> Self {
        let Explanation {
            realm,
            branch,
            sid,
            object,
            principal,
            decision,
            key_list,
            deciding,
            authentication,
        } = explanation;
        let principal = principal.as_ref();
        let refused = decision.as_ref().err();
        Self {
            version: 1,
            realm: realm.to_string(),
            branch: *branch,
            account: Account {
                name: object.as_ref().map(|object| object.name.clone()),
                sid: sid.to_string(),
                dn: object.as_ref().map(|object| object.dn.clone()),
                user_principal_name: principal
                    .and_then(|principal| principal.user_principal_name().map(str::to_owned)),
                sids: principal.map(|principal| principal.account.sids.len()),
            },
            verdict: if refused.is_some() { Verdict::Refused } else { Verdict::Allowed },
            reason: refused.map(|refused| refused.reason.label()),
            detail: refused.and_then(detail),
            error: refused
                .map(|refused| refused.reason.code())
                .map(|code| KrbError { code, name: error_name(code) }),
            nt_status: refused
                .and_then(|refused| refused.reason.nt_status())
                .map(|status| NtStatus { code: format!("{status:#010x}"), name: nt_status_name(status) }),
            decided_by: deciding.as_ref().map(DecidedBy::new),
            authentication_policy: authentication.as_ref().map(AuthenticationPolicy::new),
            key_list: key_list.as_ref().map(|keys| KeyList {
                etypes: keys.etypes.iter().map(|etype| etype.as_i32()).collect(),
                kvno: keys.kvno,
            }),
        }
    }
}

fn detail(refused: &Refused) -> Option<String> {
    let detail = refused.detail.to_string();
    (!detail.is_empty()).then_some(detail)
}

impl AuthenticationPolicy {
    fn new(in_effect: &InEffect) -> Self {
        let enforced = in_effect.enforced.unwrap_or_default();
        Self {
            policy: in_effect.policy.clone(),
            silo: in_effect.silo.clone(),
            enforced: in_effect.enforced.is_some(),
            tgt_lifetime_seconds: enforced.tgt_lifetime.map(|lifetime| lifetime.as_secs()),
            demands_device: enforced.demands_device,
        }
    }
}

impl DecidedBy {
    fn new(deciding: &Deciding) -> Self {
        let (path_search, path, path_problem) = match &deciding.path {
            Path::Found(steps) => (PathSearch::Found, steps.iter().map(PathStep::new).collect(), None),
            Path::NotFound { .. } => (PathSearch::NotFound, Vec::new(), None),
            Path::GivenUp(problem) => (PathSearch::GivenUp, Vec::new(), Some(problem.clone())),
        };
        let other_domains = match &deciding.path {
            Path::NotFound { other_domains } => other_domains.iter().map(ToString::to_string).collect(),
            Path::Found(_) | Path::GivenUp(_) => Vec::new(),
        };
        Self {
            list: deciding.list,
            sid: deciding.sid.to_string(),
            name: deciding.name.clone(),
            path_search,
            path_problem,
            path,
            other_domains,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |what: &str, value: &dyn fmt::Display| writeln!(f, "  {what:<12} {value}");
        let verdict = if self.verdict == Verdict::Allowed { "allowed" } else { "refused" };
        let account = &self.account;
        match &account.name {
            Some(name) => line("account", &format_args!("{}, {}", name.escape_debug(), account.sid))?,
            None => line("account", &account.sid)?,
        }
        if let Some(dn) = &account.dn {
            line("object", &dn.escape_debug())?;
        }
        line("branch", &format_args!("{} of {}", self.branch, self.realm))?;
        if let Some(sids) = account.sids {
            line("SIDs", &format_args!("{sids}, its own and those of its groups"))?;
        }
        if let Some(reason) = self.reason {
            line("reason", &reason)?;
        }
        // A SID on a list is told further down, with its name.
        if let Some(detail) = self.detail.as_ref().filter(|_| self.decided_by.is_none()) {
            line("detail", &detail.escape_debug())?;
        }
        if let Some(error) = &self.error {
            line("error", &format_args!("{} {}", error.code, error.name.unwrap_or("unknown")))?;
        }
        if let Some(status) = &self.nt_status {
            line("NTSTATUS", &format_args!("{} {}", status.code, status.name.unwrap_or("unknown")))?;
        }
        if let Some(decided_by) = &self.decided_by {
            let name = decided_by.name.as_deref().unwrap_or("unknown name");
            line(
                "decided by",
                &format_args!("{}, {}, on {}", name.escape_debug(), decided_by.sid, decided_by.list),
            )?;
            line("path", decided_by)?;
        }
        if let Some(policy) = &self.authentication_policy {
            line("policy", policy)?;
        }
        if let Some(keys) = &self.key_list {
            let etypes: Vec<String> = keys.etypes.iter().map(|&etype| etype_text(etype)).collect();
            line(
                "key list",
                &format_args!("{}, kvno {}: released if asked for", etypes.join(" and "), keys.kvno),
            )?;
        }
        writeln!(f, "{verdict}")
    }
}

/// In one line: `CN=Tier 0,…, of the silo CN=Vault,…: TGTs live 7200 s at most`.
impl fmt::Display for AuthenticationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.policy.escape_debug())?;
        if let Some(silo) = &self.silo {
            write!(f, ", of the silo {}", silo.escape_debug())?;
        }
        if !self.enforced {
            return f.write_str(": not enforced");
        }
        let device = self.demands_device.then(|| "demands a device".to_owned());
        let lifetime = self.tgt_lifetime_seconds.map(|seconds| format!("TGTs live {seconds} s at most"));
        let rules: Vec<String> = [device, lifetime].into_iter().flatten().collect();
        write!(
            f,
            ": {}",
            if rules.is_empty() { "restricts nothing here".to_owned() } else { rules.join(", ") }
        )
    }
}

/// The path in one line: `alice → Helpdesk-L3 → Server Operators → msDS-NeverRevealGroup`.
impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path_search {
            PathSearch::NotFound if self.other_domains.is_empty() => {
                return f.write_str(
                    "none found: tokenGroups names the group, but no link that may be read leads there (what everybody \
                     is in, or members that are hidden from the account that reads the directory)",
                );
            }
            PathSearch::NotFound => {
                return write!(
                    f,
                    "none found: tokenGroups names the group, but no link of this domain that may be read leads there; \
                     the account is also in groups of other domains, whose links only those show: {}",
                    self.other_domains.join(", "),
                );
            }
            PathSearch::GivenUp => {
                let problem = self.path_problem.as_deref().unwrap_or_default();
                return write!(f, "not searched to the end: {}", problem.escape_debug());
            }
            PathSearch::Found => {}
        }
        for step in &self.path {
            write!(f, "{step} → ")?;
        }
        f.write_str(self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::assert_documented;
    use crate::directory::path::{Edge, Step};

    #[test]
    fn the_documentation_lists_what_json_has() {
        let sid = pac::Sid::EVERYONE;
        let step = Step { name: String::new(), dn: String::new(), sid, edge: Edge::Start };
        let report = Report {
            version: 1,
            realm: String::new(),
            branch: 30775,
            account: Account {
                name: None,
                sid: sid.to_string(),
                dn: None,
                user_principal_name: None,
                sids: None,
            },
            verdict: Verdict::Refused,
            reason: None,
            detail: None,
            error: Some(KrbError { code: 20, name: None }),
            nt_status: Some(NtStatus { code: String::new(), name: None }),
            decided_by: Some(DecidedBy {
                list: "",
                sid: sid.to_string(),
                name: None,
                path_search: PathSearch::Found,
                path_problem: None,
                path: vec![PathStep::new(&step)],
                other_domains: Vec::new(),
            }),
            authentication_policy: Some(AuthenticationPolicy {
                policy: String::new(),
                silo: None,
                enforced: true,
                tgt_lifetime_seconds: None,
                demands_device: false,
            }),
            key_list: Some(KeyList { etypes: vec![23], kvno: 1 }),
        };
        assert_documented("Explain", &report);
    }
}
