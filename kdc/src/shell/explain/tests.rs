//! Explanations over the directory of the demonstration and variants of it.

use std::path::PathBuf;

use super::*;
use crate::config::{Config, Surroundings};
use crate::krb::keytab::{Entry, Keytab};
use crate::krb::messages::KerberosTime;
use crate::shell::files::domain_files::{DirectoryFiles, DomainFiles};
use zeroize::Zeroizing;

pub(in crate::shell) const DEMO: &str = include_str!("../../cli/demo.ldif");
pub(in crate::shell) const BRANCH: u16 = 30775;

/// 2026-06-01 00:00:00 UTC, ten days after the demo's passwords were set.
pub(in crate::shell) fn now() -> Timestamp {
    Timestamp { seconds: KerberosTime::from_unix_seconds(1_780_272_000).unwrap(), microseconds: 0 }
}

fn keytab(branches: &[u16]) -> Zeroizing<Vec<u8>> {
    let entry = |components: &[&str], kvno| Entry {
        realm: b"DEMO.EXAMPLE".to_vec(),
        components: components.iter().map(|component| component.as_bytes().to_vec()).collect(),
        name_type: 1,
        timestamp: 0,
        kvno,
        etype: 18,
        key: Zeroizing::new(vec![7; 32]),
    };
    let branches = branches.iter().map(|&number| entry(&["krbtgt_AzureAD"], u32::from(number) << 16 | 1));
    let entries = [entry(&["krbtgt", "DEMO.EXAMPLE"], 2)].into_iter().chain(branches).collect();
    Keytab::new(entries).to_bytes().unwrap()
}

pub(in crate::shell) fn prepared(text: &str, branches: &[u16]) -> PreparedDomain {
    configured("", text, branches)
}

/// With these lines in `[domain.policy]`.
fn configured(policy: &str, text: &str, branches: &[u16]) -> PreparedDomain {
    let config = format!(
        "[[domain]]\nrealm = \"DEMO.EXAMPLE\"\nkeytabs = [\"k\"]\ndirectory = \"ldif:d\"\n[domain.policy]\n{policy}\n"
    );
    let surroundings = Surroundings { file: std::path::Path::new("tgtx.toml"), credentials_directory: None };
    let config = Config::parse(&config, surroundings).unwrap();
    let files = DomainFiles {
        keytabs: vec![(PathBuf::from("k"), keytab(branches))],
        user_keys: None,
        directory: DirectoryFiles::Ldif { path: None, text: text.as_bytes().to_vec() },
    };
    PreparedDomain::new(&config.domains[0], files).unwrap()
}

async fn ask(text: &str, account: &str) -> Result<Explanation, ExplainError> {
    explain(prepared(text, &[BRANCH]), Question { account, branch: None }, now()).await
}

/// `label: path`, or `allowed: path`.
async fn told(text: &str, account: &str) -> String {
    told_under("", text, account).await
}

/// The same with these lines in `[domain.policy]`.
async fn told_under(policy: &str, text: &str, account: &str) -> String {
    let domain = configured(policy, text, &[BRANCH]);
    let explanation = explain(domain, Question { account, branch: None }, now()).await.unwrap();
    let verdict = explanation.decision.as_ref().map_or_else(|refused| refused.reason.label(), |_| "allowed");
    let path = explanation.deciding.map(|deciding| match deciding.path {
        Path::Found(steps) => {
            let names: Vec<_> = steps.into_iter().map(|step| step.name).collect();
            format!("{} > {}", names.join(" > "), deciding.list)
        }
        Path::NotFound { other_domains } => {
            format!("none, {} {other_domains:?}", deciding.name.unwrap_or_default())
        }
        Path::GivenUp(problem) => problem,
    });
    format!("{verdict}: {}", path.unwrap_or_default())
}

#[tokio::test]
async fn every_account_of_the_demonstration_is_explained() {
    let cases = [
        ("alice", "allowed: alice > Domain Users > msDS-RevealOnDemandGroup"),
        (
            "dora",
            "never_reveal: dora > Helpdesk Tier 0 > Domain Admins > Administrators > msDS-NeverRevealGroup",
        ),
        ("dave", "account_disabled: "),
        ("guido", "not_on_allow_list: "),
        ("Administrator", "administrator: "),
        ("Guest", "builtin_account: "),
        ("krbtgt", "krbtgt_account: "),
        ("krbtgt_30775", "krbtgt_account: "),
        ("DC1$", "domain_controller: "),
    ];
    for (account, expected) in cases {
        assert_eq!(told(DEMO, account).await, expected, "{account}");
    }
}

#[tokio::test]
async fn what_the_operator_denies_is_explained_with_the_way_to_it() {
    let cases = [
        ("\"all staff\"", "alice", "denied_by_operator: alice > Engineering > All Staff > deny-groups"),
        ("\"alice\"", "alice", "denied_by_operator: alice > deny-groups"),
        ("\"all staff\"", "guido", "not_on_allow_list: "),
        ("\"S-1-5-21-9-9-9-1\"", "alice", "denied_by_operator: alice > S-1-5-21-9-9-9-1 > deny-groups"),
        ("\"gone\"", "alice", "denials_unresolved: "),
    ];
    for (groups, account, expected) in cases {
        let policy = format!("deny-groups = [{groups}]");
        let text =
            DEMO.replace("sAMAccountName: alice\n", "sAMAccountName: alice\nsIDHistory: S-1-5-21-9-9-9-1\n");
        assert_eq!(told_under(&policy, &text, account).await, expected, "{groups}");
    }
}

#[tokio::test]
async fn the_authentication_policy_is_told_whether_or_not_it_decides() {
    const OBJECTS: &str = "\ndn: CN=Two Hours,DC=demo,DC=example\nobjectClass: msDS-AuthNPolicy\n\
        msDS-AuthNPolicyEnforced: TRUE\nmsDS-UserTGTLifetime: 72000000000\n\n\
        dn: CN=Device,DC=demo,DC=example\nobjectClass: msDS-AuthNPolicy\n\
        msDS-AuthNPolicyEnforced: TRUE\nmsDS-UserAllowedToAuthenticateFrom:: AQ==\n";
    let cases = [
        ("Two Hours", "allowed", Some(Some((Some(7200), false)))),
        ("Device", "authentication_policy", Some(Some((None, true)))),
        ("Gone", "authentication_policy_unresolved", None),
    ];
    for (policy, verdict, expected) in cases {
        let assigned =
            format!("sAMAccountName: alice\nmsDS-AssignedAuthNPolicy: CN={policy},DC=demo,DC=example\n");
        let text = DEMO.replace("sAMAccountName: alice\n", &assigned) + OBJECTS;
        let told = ask(&text, "alice").await.unwrap();
        let decision = told.decision.as_ref().map_or_else(|refused| refused.reason.label(), |_| "allowed");
        assert_eq!(decision, verdict, "{policy}");
        let enforced = told.authentication.map(|policy| policy.enforced);
        let enforced = enforced.map(|enforced| {
            enforced.map(|enforced| {
                (enforced.tgt_lifetime.map(|lifetime| lifetime.as_secs()), enforced.demands_device)
            })
        });
        assert_eq!(enforced, expected, "{policy}");
    }
}

#[tokio::test]
async fn an_account_is_found_by_each_of_its_names() {
    let sid = "S-1-5-21-2718281828-3141592653-1618033988-1104";
    for name in ["alice", "ALICE", "demo\\alice", "demo.example\\Alice", "alice@demo.example", sid] {
        assert_eq!(ask(DEMO, name).await.unwrap().sid.to_string(), sid, "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_explained_says_so_in_one_line() {
    let group = "S-1-5-21-2718281828-3141592653-1618033988-512";
    let cases = [
        ("nobody", "nobody: no account of DEMO.EXAMPLE has this name or SID, or it may not be read"),
        (
            "S-1-5-21-2718281828-3141592653-1618033988-9999",
            "S-1-5-21-2718281828-3141592653-1618033988-9999: no account of DEMO.EXAMPLE has this name or SID, or it may not be read",
        ),
        ("S-1-5-11", "S-1-5-11: no account of DEMO.EXAMPLE has this name or SID, or it may not be read"),
        (
            "OTHER\\alice",
            "OTHER: is not the domain that is served; leave the domain out or give the account's SID",
        ),
        (group, "CN=Domain Admins,CN=Users,DC=demo,DC=example: is no account"),
    ];
    for (account, expected) in cases {
        assert_eq!(ask(DEMO, account).await.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_group_without_a_readable_way_is_named_all_the_same() {
    let text = DEMO.replace(
        "sAMAccountName: guido\n",
        "sAMAccountName: guido\ntokenGroups: S-1-5-32-549\ntokenGroupsGlobalAndUniversal: S-1-5-21-2718281828-3141592653-1618033988-514\n",
    );
    assert_eq!(told(&text, "guido").await, "never_reveal: none, Server Operators []");
    // The way may lead through that group, whose members only its own domain shows.
    let text = text
        .replace("tokenGroups: S-1-5-32-549\n", "tokenGroups: S-1-5-32-549\ntokenGroups: S-1-5-21-9-9-9-7\n");
    assert_eq!(told(&text, "guido").await, "never_reveal: none, Server Operators [S-1-5-21-9-9-9-7]");
}

#[tokio::test]
async fn what_the_exchange_cannot_decide_on_is_refused_with_its_reason() {
    let text = DEMO.replace(
        "sAMAccountName: guido\n",
        "sAMAccountName: guido\ntokenGroups;range=0-1499: S-1-5-32-549\n",
    );
    let explanation = ask(&text, "guido").await.unwrap();
    let refused = explanation.decision.unwrap_err();
    assert_eq!(refused.reason, Refusal::DirectoryData);
    assert!(refused.detail.to_string().contains("tokenGroups"), "{}", refused.detail);
    assert!(explanation.principal.is_none() && explanation.deciding.is_none());
    assert_eq!(explanation.object.unwrap().name, "guido");
}

#[tokio::test]
async fn an_account_of_another_domain_is_refused_as_one() {
    let principal = "dn: CN=S-1-5-21-9-9-9-1,CN=ForeignSecurityPrincipals,DC=demo,DC=example\n\
                     objectClass: foreignSecurityPrincipal\nobjectSid: S-1-5-21-9-9-9-1\n";
    for text in [DEMO.to_owned(), format!("{DEMO}\n{principal}")] {
        let explanation = ask(&text, "S-1-5-21-9-9-9-1").await.unwrap();
        assert_eq!(explanation.decision.unwrap_err().reason, Refusal::RequestorForeign);
        assert!(explanation.object.is_none());
    }
}

#[tokio::test]
async fn the_branch_must_be_clear_and_one_without_a_key_is_refused() {
    let of = |branches: &'static [u16], branch| async move {
        explain(prepared(DEMO, branches), Question { account: "alice", branch }, now()).await
    };
    assert!(matches!(of(&[], None).await, Err(ExplainError::NoBranch { .. })));
    assert!(matches!(of(&[1, BRANCH], None).await, Err(ExplainError::SeveralBranches { .. })));
    let reason = |explanation: Explanation| explanation.decision.err().map(|refused| refused.reason);
    assert_eq!(reason(of(&[1, BRANCH], Some(BRANCH)).await.unwrap()), None);
    assert_eq!(reason(of(&[1, BRANCH], Some(1)).await.unwrap()), Some(Refusal::BranchUnusable));
    assert_eq!(reason(of(&[BRANCH], Some(9)).await.unwrap()), Some(Refusal::UnknownBranch));
}
