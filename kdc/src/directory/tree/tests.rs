//! The embedded directory of `tgtx demo`, and what is constructed from what an LDIF file stores.

use policy::{Denials, Rules, Standing, Verdict};

use super::*;
use crate::directory::{Branch, Principal, SidHistory};

const DEMO: &str = include_str!("../../cli/demo.ldif");

/// 2026-06-01 00:00:00 UTC, ten days after the demo's passwords were set.
fn client(name: &str, enterprise: bool) -> ClientName<'_> {
    ClientName { name, enterprise }
}

fn now() -> FileTime {
    FileTime::from_unix_seconds(1_780_272_000)
}

fn demo() -> Tree {
    Tree::parse(DEMO).expect("the embedded directory")
}

fn principal(tree: &Tree, name: &str) -> Principal {
    let stored = tree.find_by_name(&client(name, false)).expect(name);
    let sid = stored.sid("objectSid").expect("a SID");
    let entry = tree.find(&sid, now()).expect("constructed attributes").expect(name);
    let view = tree.view(&ViewRules::default()).expect("view");
    Principal::from_entry(&entry, &view, SidHistory::Omit, now()).expect(name)
}

fn texts(sids: &[Sid]) -> Vec<String> {
    sids.iter().map(ToString::to_string).collect()
}

/// A domain with one user, whose record ends with `more`.
fn one_user(head: &str, more: &str) -> String {
    format!(
        "dn: DC=demo\nobjectClass: domainDNS\nobjectSid: S-1-5-21-1-2-3\nmaxPwdAge: -1000\n{head}\n\
         dn: CN=DEMO,CN=Partitions,CN=Configuration,DC=demo\nobjectClass: crossRef\nnCName: DC=demo\n\
         dnsRoot: demo\n\n\
         dn: CN=alice,DC=demo\nobjectClass: user\nobjectSid: S-1-5-21-1-2-3-1104\nsAMAccountName: alice\n\
         primaryGroupID: 513\n{more}"
    )
}

fn alice(head: &str, more: &str, now: u64) -> Entry {
    let tree = Tree::parse(&one_user(head, more)).expect("LDIF");
    let sid = "S-1-5-21-1-2-3-1104".parse().expect("a SID");
    tree.find(&sid, FileTime::from_u64(now)).expect("constructed attributes").expect("alice")
}

#[test]
fn the_embedded_directory_is_a_domain_with_a_branch_that_serves() {
    let view = demo().view(&ViewRules::default()).expect("view");
    assert_eq!((view.netbios_name.as_str(), view.dns_domain_name.as_str()), ("DEMO", "demo.example"));
    assert_eq!((view.dns_forest_name.as_str(), view.logon_server.as_str()), ("demo.example", "DC1"));
    assert_eq!((view.krbtgt_version, view.behavior_version), (Some(2), 7));
    assert_eq!(view.branches.len(), 1);
    let Some(Branch::Serving { policy, .. }) = view.branches.get(&30775) else {
        panic!("{:?}", view.branches)
    };
    assert_eq!((policy.never_reveal().len(), policy.reveal_on_demand().len()), (5, 1));
}

#[test]
fn the_embedded_accounts_are_judged_as_the_file_says() {
    let tree = demo();
    let view = tree.view(&ViewRules::default()).expect("view");
    let Some(Branch::Serving { policy, .. }) = view.branches.get(&30775) else { panic!("no branch") };
    let rid = |rid| view.domain_sid.with_rid(rid).expect("a SID");
    let administrators = "S-1-5-32-544".parse().expect("a SID");
    let cases = [
        ("alice", Verdict::Reveal(rid(513)), Standing::Good),
        ("zoë.müller", Verdict::Reveal(rid(513)), Standing::Good),
        ("dora", Verdict::NeverReveal(administrators), Standing::Good),
        ("dave", Verdict::Reveal(rid(513)), Standing::Disabled),
        ("guido", Verdict::NotListed, Standing::Good),
    ];
    for (name, verdict, standing) in cases {
        let account = principal(&tree, name).account;
        assert_eq!(account.admissible(&Rules::users_of(view.domain_sid)), Ok(()), "{name}");
        assert_eq!(policy.judge(&account, &Denials::default()), verdict, "{name}");
        assert_eq!(account.standing(now()), standing, "{name}");
    }
    let mut dora = principal(&tree, "dora").account;
    dora.sids = dora.sids.iter().filter(|sid| *sid != administrators).collect();
    let verdict = policy.judge(&dora, &Denials::default());
    assert_eq!(verdict, Verdict::NeverReveal(rid(572)), "the domain-local group denies her too");
}

#[test]
fn the_embedded_memberships_are_nested_through_every_kind_of_group() {
    let tree = demo();
    let sid = tree.sid_of("cn=alice ångström, ou=Staff,dc=demo,dc=example").expect("alice");
    let entry = tree.find(&sid, now()).expect("constructed attributes").expect("alice");
    let domain = "S-1-5-21-2718281828-3141592653-1618033988";
    let own = |rid: u32| format!("{domain}-{rid}");
    let global_and_universal = entry.sids("tokenGroupsGlobalAndUniversal").expect("SIDs");
    assert_eq!(texts(&global_and_universal), [own(513), own(1201), own(1202)]);
    let mut all = entry.sids("tokenGroups").expect("SIDs");
    all.sort_unstable();
    let mut expected = [own(513), own(1201), own(1202), own(1203), "S-1-5-32-545".to_owned()]
        .map(|sid| sid.parse().expect("a SID"));
    expected.sort_unstable();
    assert_eq!(all, expected);
}

#[test]
fn every_link_of_the_embedded_directory_names_an_object_of_it() {
    let tree = demo();
    let links = ["member", "msDS-KrbTgtLink", "msDS-NeverRevealGroup", "msDS-RevealOnDemandGroup", "nCName"];
    for entry in tree.entries() {
        for link in links {
            for value in entry.texts(link).expect("names") {
                assert!(tree.sid_of(value).is_some(), "{}: {link} {value}", entry.dn());
            }
        }
    }
}

#[test]
fn accounts_are_found_by_either_name() {
    let tree = demo();
    let cases = [
        ("ALICE", false, true),
        ("alice@demo.example", false, false),
        ("Alice@Demo.Example", true, true),
        ("ZOË.MÜLLER@demo.example", true, true),
        ("Domain Admins", false, false),
        ("nobody", false, false),
    ];
    for (name, enterprise, found) in cases {
        assert_eq!(tree.find_by_name(&client(name, enterprise)).is_some(), found, "{name}");
    }
}

#[test]
fn the_operators_denials_are_resolved_or_leave_nobody_served() {
    let tree = demo();
    let denials = |groups: &[&str]| {
        let deny_groups = groups.iter().map(|text| text.parse().expect(text)).collect();
        tree.view(&ViewRules { deny_groups, ..ViewRules::default() }).expect("view").denials
    };
    let names = ["domain admins", "CN=Engineering,OU=Staff,DC=demo,DC=example", "S-1-5-21-9-9-9-1"];
    let found = denials(&names).expect("SIDs");
    assert_eq!(found.groups().iter().map(Sid::rid).collect::<Vec<_>>(), [Some(1), Some(512), Some(1201)]);
    let fault = denials(&["alice", "no such group"]).expect_err("a name that is nobody's");
    assert!(fault.to_string().contains("\"no such group\""), "{fault}");
}

#[test]
fn the_password_expires_by_age_unless_the_account_says_never() {
    let cases = [
        ("userAccountControl: 512\npwdLastSet: 5000\n", "6000"),
        ("userAccountControl: 512\npwdLastSet: 0\n", "0"),
        ("userAccountControl: 512\n", "0"),
        ("userAccountControl: 66048\npwdLastSet: 5000\n", "9223372036854775807"),
        ("userAccountControl: 262656\npwdLastSet: 0\n", "9223372036854775807"),
        ("userAccountControl: 4096\npwdLastSet: 5000\n", "9223372036854775807"),
        ("userAccountControl: 512\npwdLastSet: 5000\nmsDS-UserPasswordExpiryTimeComputed: 7\n", "7"),
    ];
    for (more, expected) in cases {
        assert_eq!(alice("", more, 5500).text("msDS-UserPasswordExpiryTimeComputed"), Ok(expected), "{more}");
    }
}

#[test]
fn the_computed_flags_tell_lockout_and_expiry() {
    let unlocked = "userAccountControl: 66048\nlockoutTime: 0\n";
    let locked = "userAccountControl: 66048\nlockoutTime: 5000\n";
    let cases = [
        ("lockoutDuration: -1000\n", unlocked, 5500, 0),
        ("lockoutDuration: -1000\n", locked, 5999, 0x10),
        ("lockoutDuration: -1000\n", locked, 6000, 0),
        ("lockoutDuration: 0\n", locked, 9_000_000, 0x10),
        ("", locked, 9_000_000, 0x10),
        ("", "userAccountControl: 512\npwdLastSet: 5000\n", 5999, 0),
        ("", "userAccountControl: 512\npwdLastSet: 5000\n", 6000, 0x80_0000),
        ("", "userAccountControl: 512\nmsDS-User-Account-Control-Computed: 16\n", 0, 0x10),
    ];
    for (head, more, now, expected) in cases {
        let entry = alice(head, more, now);
        assert_eq!(entry.flags("msDS-User-Account-Control-Computed"), Ok(expected), "{head}{more}{now}");
    }
}

#[test]
fn a_file_that_is_not_one_domain_is_refused() {
    let twice = one_user("", "userAccountControl: 512\n\ndn: cn=Alice, dc=DEMO\nobjectClass: user\n");
    let same_sid = one_user("", "\ndn: CN=bob,DC=demo\nobjectSid: S-1-5-21-1-2-3-1104\n");
    let two_heads = one_user("", "\ndn: DC=other\nobjectClass: domainDNS\nobjectSid: S-1-5-21-4-5-6\n");
    let cases = [
        ("", "there is no domain head"),
        ("dn: DC=demo\nobjectClass: domainDNS\nobjectSid: S-1-5-21-1-2-3\n", "there is no crossRef"),
        (&twice, "are the same name"),
        (&same_sid, "have the same objectSid"),
        (&two_heads, "one file holds one domain"),
        ("dn CN=a\n", "LDIF line 1"),
    ];
    for (text, expected) in cases {
        let error = Tree::parse(text).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn without_a_domain_controller_the_logon_server_must_be_configured() {
    let text =
        one_user("objectGUID: 3f02ce52-7579-4597-9454-d9f32d98f16e\nminPwdAge: 0\nforceLogoff: 0\n", "")
            .replace("dnsRoot: demo\n", "dnsRoot: demo\nnETBIOSName: DEMO\n");
    let tree = Tree::parse(&text).expect("LDIF");
    assert!(matches!(tree.view(&ViewRules::default()), Err(DirectoryError::Missing(_))));
    let rules = ViewRules { logon_server: Some("dc7".to_owned()), ..ViewRules::default() };
    assert_eq!(tree.view(&rules).map(|view| view.logon_server), Ok("DC7".to_owned()));
}
