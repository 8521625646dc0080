//! Paths through the trees of LDIF files.

use super::*;
use crate::directory::Tree;

const DOMAIN: &str = "S-1-5-21-1-2-3";
const GLOBAL: &str = "-2147483646";
const LOCAL: &str = "-2147483644";
const BUILTIN: &str = "-2147483643";
const DISTRIBUTION: &str = "2";

fn sid(text: &str) -> Sid {
    text.parse().expect("a SID")
}

/// A domain with alice, primary group 513, and these groups: name, SID (a RID of the domain or a whole one), type,
/// members.
fn tree(alice: &str, groups: &[(&str, &str, &str, &[&str])]) -> Tree {
    let mut text = format!(
        "dn: DC=demo\nobjectClass: domainDNS\nobjectSid: {DOMAIN}\nmaxPwdAge: -1000\n\n\
         dn: CN=DEMO,CN=Partitions,CN=Configuration,DC=demo\nobjectClass: crossRef\nnCName: DC=demo\ndnsRoot: demo\n\n\
         dn: CN=alice,DC=demo\nobjectClass: user\nobjectSid: {DOMAIN}-1104\nsAMAccountName: alice\n\
         userAccountControl: 512\nprimaryGroupID: 513\n{alice}\n"
    );
    for (name, group, kind, members) in groups {
        let group = if group.starts_with("S-") { (*group).to_owned() } else { format!("{DOMAIN}-{group}") };
        text += &format!(
            "dn: CN={name},DC=demo\nobjectClass: group\nobjectSid: {group}\nsAMAccountName: {name}\n"
        );
        text += &format!("groupType: {kind}\n");
        for member in *members {
            let container =
                if member.starts_with("S-") { "CN=ForeignSecurityPrincipals,DC=demo" } else { "DC=demo" };
            text += &format!("member: CN={member},{container}\n");
        }
        text += "\n";
    }
    Tree::parse(&text).expect("LDIF")
}

fn search(tree: &Tree, target: &str) -> Option<Vec<Step>> {
    search_with(tree, &[], target)
}

/// With these SIDs in the account's token.
fn search_with(tree: &Tree, token: &[&str], target: &str) -> Option<Vec<Step>> {
    let account = tree.node(&Reference::Sid(sid("S-1-5-21-1-2-3-1104"))).expect("attributes").expect("alice");
    let token: Vec<_> = token.iter().map(|text| sid(text)).collect();
    let mut search = PathSearch::new(&account, &sid(DOMAIN), &token, sid(target));
    loop {
        let references = search.ask();
        if references.is_empty() {
            return search.path();
        }
        search.answer(references.iter().map(|reference| tree.node(reference).expect("attributes")).collect());
    }
}

fn path(tree: &Tree, target: &str) -> Option<String> {
    let steps = search(tree, target)?;
    Some(steps.into_iter().map(|step| step.name).collect::<Vec<_>>().join(" > "))
}

#[test]
fn nesting_is_followed_through_five_groups_of_every_kind() {
    let tree = tree(
        "",
        &[
            ("one", "1201", GLOBAL, &["alice"]),
            ("two", "1202", GLOBAL, &["one"]),
            ("three", "1203", LOCAL, &["two"]),
            ("four", "1204", LOCAL, &["three"]),
            ("Server Operators", "S-1-5-32-549", BUILTIN, &["four"]),
        ],
    );
    let expected = "alice > one > two > three > four > Server Operators";
    assert_eq!(path(&tree, "S-1-5-32-549").as_deref(), Some(expected));
}

#[test]
fn the_shortest_path_wins_whatever_the_order_of_the_groups() {
    let tree = tree(
        "",
        &[
            ("a", "1201", GLOBAL, &["alice"]),
            ("b", "1202", GLOBAL, &["a"]),
            ("short", "1203", GLOBAL, &["alice"]),
            ("Administrators", "S-1-5-32-544", BUILTIN, &["b", "short"]),
        ],
    );
    assert_eq!(path(&tree, "S-1-5-32-544").as_deref(), Some("alice > short > Administrators"));
}

#[test]
fn the_primary_group_is_an_edge_of_its_own() {
    let tree = tree(
        "",
        &[("Domain Users", "513", GLOBAL, &[]), ("Users", "S-1-5-32-545", BUILTIN, &["Domain Users"])],
    );
    let steps = search(&tree, "S-1-5-32-545").expect("a path");
    let edges: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.edge)).collect();
    let expected = [("alice", Edge::Start), ("Domain Users", Edge::PrimaryGroup), ("Users", Edge::Member)];
    assert_eq!(edges, expected);
}

#[test]
fn a_former_sid_leads_through_its_foreign_security_principal() {
    let former = "S-1-5-21-9-9-9-1200";
    let more = format!(
        "sIDHistory: {former}\n\ndn: CN={former},CN=ForeignSecurityPrincipals,DC=demo\n\
         objectClass: foreignSecurityPrincipal\nobjectSid: {former}\n"
    );
    let tree = tree(&more, &[("Old hands", "1201", LOCAL, &[former])]);
    let steps = search(&tree, "S-1-5-21-1-2-3-1201").expect("a path");
    assert_eq!(steps[1].edge, Edge::ForeignSecurityPrincipal);
    assert_eq!(
        steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(),
        ["alice", former, "Old hands"]
    );
}

#[test]
fn a_group_of_another_domain_is_a_step_where_something_stands_for_it_here() {
    let group = "S-1-5-21-9-9-9-1200";
    let more = format!(
        "\ndn: CN={group},CN=ForeignSecurityPrincipals,DC=demo\nobjectClass: foreignSecurityPrincipal\n\
         objectSid: {group}\n"
    );
    let tree = tree(&more, &[("Partners", "1201", LOCAL, &[group])]);
    let told = |token: &[&str], target| {
        let steps = search_with(&tree, token, target)?;
        Some(steps.into_iter().map(|step| format!("{:?} {}", step.edge, step.name)).collect::<Vec<_>>())
    };
    let cases = [
        (
            &[group][..],
            "S-1-5-21-1-2-3-1201",
            Some(&["Start alice", "ForeignGroup S-1-5-21-9-9-9-1200", "Member Partners"][..]),
        ),
        // Nothing of the domain has to stand for what is itself on a list.
        (&["S-1-5-21-9-9-9-7"], "S-1-5-21-9-9-9-7", Some(&["Start alice", "ForeignGroup S-1-5-21-9-9-9-7"])),
        (&[], "S-1-5-21-1-2-3-1201", None),
        // No other domain's: its object would be there.
        (&["S-1-5-32-544"], "S-1-5-32-544", None),
        (&["S-1-5-21-1-2-3-7"], "S-1-5-21-1-2-3-7", None),
    ];
    for (token, target, expected) in cases {
        let expected = expected.map(|steps| steps.iter().map(ToString::to_string).collect());
        assert_eq!(told(token, target), expected, "{token:?} to {target}");
    }
}

#[test]
fn circles_end_with_and_without_the_target_in_them() {
    let tree = tree(
        "",
        &[
            ("a", "1201", GLOBAL, &["alice", "c", "a"]),
            ("b", "1202", GLOBAL, &["a"]),
            ("c", "1203", GLOBAL, &["b"]),
        ],
    );
    assert_eq!(path(&tree, "S-1-5-21-1-2-3-1203").as_deref(), Some("alice > a > b > c"));
    assert_eq!(path(&tree, "S-1-5-21-1-2-3-9999"), None);
}

#[test]
fn distribution_groups_lead_nowhere() {
    let tree = tree("", &[("list", "1201", DISTRIBUTION, &["alice"]), ("behind", "1202", GLOBAL, &["list"])]);
    assert_eq!(path(&tree, "S-1-5-21-1-2-3-1202"), None);
    assert_eq!(path(&tree, "S-1-5-21-1-2-3-1201"), None);
}

#[test]
fn an_account_that_is_listed_itself_needs_no_group() {
    assert_eq!(path(&tree("", &[]), "S-1-5-21-1-2-3-1104").as_deref(), Some("alice"));
}

#[test]
fn the_search_ends_at_its_limit_and_says_so() {
    let account = Node {
        dn: "CN=alice".to_owned(),
        name: "alice".to_owned(),
        sid: sid("S-1-5-21-1-2-3-1104"),
        is_account: true,
        passes_on: false,
        primary_group: None,
        former_sids: Vec::new(),
        member_of: (0..MAX_NODES + 10).map(|number| format!("CN={number}")).collect(),
        is_whole: true,
    };
    let mut search = PathSearch::new(&account, &sid(DOMAIN), &[], sid("S-1-5-32-544"));
    assert_eq!(search.ask().len(), MAX_NODES - 1);
    assert_eq!(search.cut(), Some(&Cut::TooMany));
}

#[test]
fn links_that_came_in_part_lead_nowhere_and_are_told() {
    let mut entry = Entry::new("CN=alice,DC=demo");
    entry.insert("objectClass", "user");
    entry.insert("objectSid", "S-1-5-21-1-2-3-1104");
    entry.insert("primaryGroupID", "513");
    entry.insert("memberOf;range=0-1499", "CN=a,DC=demo");
    let account = Node::from_entry(&entry).expect("a SID");
    assert!(account.is_account && !account.is_whole && account.member_of.is_empty());
    let mut search = PathSearch::new(&account, &sid(DOMAIN), &[], sid("S-1-5-32-544"));
    assert_eq!(search.ask(), [Reference::Sid(sid("S-1-5-21-1-2-3-513"))]);
    assert_eq!(search.cut(), Some(&Cut::Partial("alice".to_owned())));
}

#[test]
fn what_logs_on_is_told_by_its_class_as_in_the_exchange() {
    for (class, expected) in [(Some("user"), true), (Some("group"), false), (None, true)] {
        let mut entry = Entry::new("CN=a");
        entry.insert("objectSid", "S-1-5-21-1-2-3-1104");
        entry.insert("userAccountControl", "512");
        class.into_iter().for_each(|class| entry.insert("objectClass", class));
        assert_eq!(Node::from_entry(&entry).expect("a SID").is_account, expected, "{class:?}");
    }
}

#[test]
fn a_name_is_the_first_part_of_the_distinguished_name_where_there_is_no_other() {
    for (dn, expected) in [("CN=a\\,b,DC=demo", "a,b"), ("CN=a", "a"), ("CN=S-1-5-11,CN=x", "S-1-5-11")] {
        let mut entry = Entry::new(dn);
        entry.insert("objectSid", "S-1-5-11");
        assert_eq!(Node::from_entry(&entry).expect("a SID").name, expected);
    }
}
