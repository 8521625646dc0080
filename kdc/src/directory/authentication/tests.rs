//! Which policy applies, by the objects of a directory and what is assigned.

use super::super::ldif;
use super::*;
use pac::FileTime;

const OBJECTS: &str = "\
dn: CN=Hour,DC=lab
objectClass: msDS-AuthNPolicy
msDS-AuthNPolicyEnforced: TRUE
msDS-UserTGTLifetime: 36000000000
msDS-ComputerTGTLifetime: 72000000000
msDS-ServiceTGTLifetime: 108000000000
msDS-ServiceAllowedToAuthenticateFrom:: AQ==

dn: CN=Device,DC=lab
objectClass: msDS-AuthNPolicy
msDS-AuthNPolicyEnforced: TRUE
msDS-UserTGTLifetime: 0
msDS-UserAllowedToAuthenticateFrom:: AQ==

dn: CN=Audit,DC=lab
objectClass: msDS-AuthNPolicy
msDS-AuthNPolicyEnforced: FALSE
msDS-UserTGTLifetime: 36000000000
msDS-UserAllowedToAuthenticateFrom:: AQ==

dn: CN=Unsaid,DC=lab
objectClass: msDS-AuthNPolicy
msDS-UserTGTLifetime: 36000000000

dn: CN=Negative,DC=lab
objectClass: msDS-AuthNPolicy
msDS-AuthNPolicyEnforced: TRUE
msDS-UserTGTLifetime: -36000000000

dn: CN=Yes,DC=lab
objectClass: msDS-AuthNPolicy
msDS-AuthNPolicyEnforced: yes

dn: CN=Vault,DC=lab
objectClass: msDS-AuthNPolicySilo
msDS-AuthNPolicySiloEnforced: TRUE
msDS-AuthNPolicySiloMembers: <SID=S-1-5-21-1-2-3-1199>;CN=Bob,DC=lab
msDS-AuthNPolicySiloMembers: CN=Alice,DC=lab
msDS-UserAuthNPolicy: CN=Audit,DC=lab
msDS-ServiceAuthNPolicy: cn=hour, dc=lab

dn: CN=Watched,DC=lab
objectClass: msDS-AuthNPolicySilo
msDS-AuthNPolicySiloEnforced: FALSE
msDS-AuthNPolicySiloMembers: CN=Alice,DC=lab
msDS-UserAuthNPolicy: CN=Device,DC=lab

dn: CN=Others,DC=lab
objectClass: msDS-AuthNPolicySilo
msDS-AuthNPolicySiloEnforced: TRUE
msDS-UserAuthNPolicy: CN=Device,DC=lab

dn: CN=Open,DC=lab
objectClass: msDS-AuthNPolicySilo
msDS-AuthNPolicySiloEnforced: TRUE
msDS-AuthNPolicySiloMembers: CN=Alice,DC=lab

dn: CN=Torn,DC=lab
objectClass: msDS-AuthNPolicySilo
msDS-AuthNPolicySiloEnforced: TRUE
msDS-AuthNPolicySiloMembers: CN=Gone,DC=lab

dn: CN=Dangling,DC=lab
objectClass: msDS-AuthNPolicySilo
msDS-AuthNPolicySiloEnforced: TRUE
msDS-AuthNPolicySiloMembers: CN=Alice,DC=lab
msDS-UserAuthNPolicy: CN=Gone,DC=lab
";

fn account(kind: AccountKind) -> Account {
    let object_sid: Sid = "S-1-5-21-1-2-3-1104".parse().expect("a SID");
    Account {
        object_sid,
        sids: [object_sid].into_iter().collect(),
        former_sids: vec![],
        user_account_control: 0x200,
        kind,
        krbtgt_number: None,
        account_expires: FileTime::NEVER,
        logon_hours: None,
        password_expires: FileTime::NEVER,
    }
}

fn policies() -> AuthenticationPolicies {
    let entries = ldif::parse(OBJECTS).expect("LDIF");
    let resolve = |dn: &str| (dn == "CN=Alice,DC=lab").then(|| account(AccountKind::User).object_sid);
    AuthenticationPolicies::of(&entries.iter().collect::<Vec<_>>(), &resolve)
}

/// The policy that an account is under to which policy and silo of these names are assigned; the names may be empty.
fn in_effect(kind: AccountKind, policy: &str, silo: &str) -> Result<Option<InEffect>, AuthenticationFault> {
    let dn = |name: &str| (!name.is_empty()).then(|| format!("CN={name},DC=lab").into());
    policies().in_effect(&account(kind), &Assigned { policy: dn(policy), silo: dn(silo) })
}

/// What it enforces.
fn enforced(kind: AccountKind, policy: &str, silo: &str) -> Result<Restrictions, AuthenticationFault> {
    let enforced = in_effect(kind, policy, silo)?.and_then(|in_effect| in_effect.enforced);
    Ok(enforced.unwrap_or(NOTHING))
}

fn hours(hours: u64) -> Restrictions {
    Restrictions {
        tgt_lifetime: Some(Duration::from_secs(hours.saturating_mul(3600))),
        demands_device: false,
    }
}

const NOTHING: Restrictions = Restrictions { tgt_lifetime: None, demands_device: false };
const DEVICE: Restrictions = Restrictions { tgt_lifetime: None, demands_device: true };

#[test]
fn the_silo_comes_before_the_policy_and_what_is_not_enforced_has_no_effect() {
    let audit = Restrictions { demands_device: true, ..hours(1) };
    let cases = [
        ("", "", NOTHING),
        ("Hour", "", hours(1)),
        ("Device", "", DEVICE),
        ("Audit", "", NOTHING),
        ("Unsaid", "", NOTHING),
        // The silo enforces its policy, whatever that says of itself.
        ("", "Vault", audit),
        ("Hour", "Vault", audit),
        // A member of a silo that only watches is not restricted by its own policy either.
        ("Device", "Watched", NOTHING),
        ("Device", "Open", NOTHING),
        // Assigned to a silo that does not list the account.
        ("Hour", "Others", hours(1)),
        ("", "Others", NOTHING),
    ];
    for (policy, silo, expected) in cases {
        assert_eq!(enforced(AccountKind::User, policy, silo), Ok(expected), "{policy:?} {silo:?}");
    }
}

#[test]
fn each_kind_of_account_has_attributes_of_its_own() {
    let service = Restrictions { demands_device: true, ..hours(3) };
    let cases = [
        (AccountKind::User, "Hour", "", hours(1)),
        (AccountKind::Computer, "Hour", "", hours(2)),
        (AccountKind::ServiceAccount, "Hour", "", service),
        (AccountKind::ServiceAccount, "", "Vault", service),
        (AccountKind::Computer, "", "Vault", NOTHING),
        (AccountKind::Computer, "Device", "", NOTHING),
    ];
    for (kind, policy, silo, expected) in cases {
        assert_eq!(enforced(kind, policy, silo), Ok(expected), "{kind:?} {policy:?} {silo:?}");
    }
}

#[test]
fn what_is_not_known_is_not_taken_for_nothing() {
    let cases = [
        ("Gone", "", "CN=Gone,DC=lab is no authentication policy or silo that may be read"),
        ("", "Gone", "CN=Gone,DC=lab is no authentication policy or silo that may be read"),
        ("Hour", "Gone", "CN=Gone,DC=lab is no authentication policy"),
        // A silo is no policy.
        ("Vault", "", "CN=Vault,DC=lab is no authentication policy"),
        ("", "Dangling", "CN=Gone,DC=lab is no authentication policy"),
        ("Hour", "Torn", "CN=Torn,DC=lab: its member CN=Gone,DC=lab has no SID"),
        ("Negative", "", "CN=Negative,DC=lab: attribute msDS-UserTGTLifetime is not a time"),
        ("Yes", "", "CN=Yes,DC=lab: attribute msDS-AuthNPolicyEnforced is neither TRUE nor FALSE"),
    ];
    for (policy, silo, expected) in cases {
        let fault = enforced(AccountKind::User, policy, silo).expect_err(expected).to_string();
        assert!(fault.starts_with(expected), "{fault}");
    }
    assert_eq!(policies().faults().count(), 3);
}

#[test]
fn what_is_in_effect_says_by_which_objects() {
    let cases = [
        ("Hour", "", Some(("CN=Hour,DC=lab", None, true))),
        ("Audit", "", Some(("CN=Audit,DC=lab", None, false))),
        ("Hour", "Vault", Some(("CN=Audit,DC=lab", Some("CN=Vault,DC=lab"), true))),
        ("Hour", "Watched", Some(("CN=Device,DC=lab", Some("CN=Watched,DC=lab"), false))),
        ("Hour", "Others", Some(("CN=Hour,DC=lab", None, true))),
        ("Hour", "Open", None),
        ("", "", None),
    ];
    for (policy, silo, expected) in cases {
        let got = in_effect(AccountKind::User, policy, silo).expect("known");
        let got = got.as_ref().map(|got| (&*got.policy, got.silo.as_deref(), got.enforced.is_some()));
        assert_eq!(got, expected, "{policy:?} {silo:?}");
    }
    let extended = Assigned { policy: Some("<GUID=01>;<SID=02>;CN=Hour,DC=lab".into()), silo: None };
    let got = policies().in_effect(&account(AccountKind::User), &extended).expect("known");
    assert_eq!(got.map(|got| got.policy), Some("CN=Hour,DC=lab".to_owned()));
}

#[test]
fn a_policy_that_only_audits_need_not_be_there() {
    let silo = "dn: CN=Watch,DC=lab\nobjectClass: msDS-AuthNPolicySilo\nmsDS-AuthNPolicySiloEnforced: FALSE\n\
                msDS-AuthNPolicySiloMembers: CN=Alice,DC=lab\nmsDS-UserAuthNPolicy: CN=Gone,DC=lab\n";
    let entries = ldif::parse(silo).expect("LDIF");
    let alice = account(AccountKind::User);
    let resolve = |_: &str| Some(alice.object_sid);
    let policies = AuthenticationPolicies::of(&entries.iter().collect::<Vec<_>>(), &resolve);
    let assigned = Assigned { policy: None, silo: Some("CN=Watch,DC=lab".into()) };
    assert_eq!(
        policies.in_effect(&alice, &assigned).expect("of no matter").map(|got| got.enforced),
        Some(None)
    );
}

#[test]
fn who_keeps_users_out_is_told_silo_or_not() {
    // Audit's own flag does not count: Vault enforces it.
    assert_eq!(policies().keeping_users_out().collect::<Vec<_>>(), ["CN=Audit,DC=lab", "CN=Device,DC=lab"]);
}
