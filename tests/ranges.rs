//! Attributes with more values than a Windows domain controller gives at once: what is held back decides like the
//! rest, and a list whose pieces do not join decides nothing.
//!
//! Samba holds nothing back unless it is asked to (`tests/ldap.rs` asks), so a server of our own plays Windows here.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

use std::num::NonZeroUsize;
use std::time::Duration;

use kdc::directory::{ViewRules, ldif};
use kdc::krb::keytab::Keytab;
use kdc::shell::directory::ReadError;
use pac::Sid;
use serde_json::Value;
use tgtx_tests::directory_server::{Cut, DirectoryServer, MAX_VAL_RANGE, piece};
use tgtx_tests::folder::Folder;
use tgtx_tests::program::{Ended, run};
use tgtx_tests::scene::{self, BRANCH, BRANCH_KVNO, KRBTGT_KVNO, REALM, keytab_entry};

const DOMAIN: &str = include_str!("support/domain.ldif");
/// More than one piece, fewer than two.
const GROUPS: u32 = 1_600;
const ALICE: &str = "CN=Alice,OU=Staff,DC=lab,DC=example";

fn group(number: u32) -> String {
    format!("CN=group-{number:04},OU=Staff,DC=lab,DC=example")
}

fn group_sid(number: u32) -> Sid {
    scene::sid(number.saturating_add(20_000))
}

/// The domain with as many groups; `members` says who is in one.
fn domain(never_reveal: impl Iterator<Item = u32>, members: impl Fn(u32) -> String) -> String {
    let link = "msDS-KrbTgtLink: CN=krbtgt_AzureAD,CN=Users,DC=lab,DC=example\n";
    let never: String =
        never_reveal.map(|number| format!("msDS-NeverRevealGroup: {}\n", group(number))).collect();
    let groups = (0..GROUPS).map(|number| {
        let (dn, sid, members) = (group(number), group_sid(number), members(number));
        format!(
            "dn: {dn}\nobjectClass: group\nobjectSid: {sid}\nsAMAccountName: group-{number:04}\n\
             groupType: -2147483640\n{members}\n"
        )
    });
    assert!(DOMAIN.contains(link));
    format!("{}\n{}", DOMAIN.replace(link, &format!("{link}{never}")), groups.collect::<String>())
}

/// Alice is in every group, and the last is on the list.
fn long_token() -> String {
    domain(std::iter::once(GROUPS - 1), |_| format!("member: {ALICE}\n"))
}

/// Every group is on the list, and Alice in the last.
fn long_list() -> String {
    domain(
        0..GROUPS,
        |number| if number == GROUPS - 1 { format!("member: {ALICE}\n") } else { String::new() },
    )
}

/// The first group has as many members.
fn long_group() -> String {
    let members = (0..GROUPS).map(|number| format!("member: CN=contact-{number:04},DC=lab,DC=example\n"));
    let members: String = members.collect();
    domain(std::iter::empty(), |number| if number == 0 { members.clone() } else { String::new() })
}

/// `tgtx explain alice` against this server.
fn explain(server: &DirectoryServer) -> Ended {
    let folder = Folder::new();
    let keytab = Keytab::new(vec![
        keytab_entry(REALM, &["krbtgt", REALM], KRBTGT_KVNO, 18, &[1; 32]),
        keytab_entry(REALM, &["krbtgt_AzureAD"], BRANCH_KVNO, 18, &[2; 32]),
    ]);
    let keytab = folder.write("keytab", keytab.to_bytes().expect("a keytab").as_slice(), 0o600);
    let password = folder.write("password", "a password", 0o600);
    let config = format!(
        "[listen]\nkerberos = [\"127.0.0.1:0\"]\n[[domain]]\nrealm = {REALM:?}\nkeytabs = [{keytab:?}]\n\
         [domain.ldap]\nurls = [\"ldap://{}\"]\nallow-plaintext = true\nbind-dn = \"CN=tgtx\"\n\
         password-file = {password:?}\nsearch-timeout = \"10s\"\n",
        server.address()
    );
    let config = folder.write("tgtx.toml", config, 0o600);
    run(["explain", "alice", "--json", "--config", config.to_str().expect("a path that is text")])
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"))
}

async fn members(server: &DirectoryServer) -> Result<Vec<String>, ReadError> {
    let (directory, _folder) = server.client(NonZeroUsize::MIN, Duration::from_secs(10));
    let found = directory.find(&group_sid(0), &["member"]).await?.expect("the group");
    Ok(found.texts("member").expect("all members").into_iter().map(str::to_owned).collect())
}

#[test]
fn what_was_held_back_decides() {
    let cases = [
        (
            "the groups of an account",
            long_token(),
            &["tokenGroups;range=1500-*", "memberOf;range=1500-*"][..],
        ),
        ("a policy list", long_list(), &["msDS-NeverRevealGroup;range=1500-*"]),
    ];
    for (what, domain, expected) in cases {
        let server = DirectoryServer::start(&domain);
        let ended = explain(&server);
        let said = json(&ended);
        assert_eq!(
            (ended.status, said["reason"].as_str()),
            (Some(10), Some("never_reveal")),
            "{what}: {said}"
        );
        let last = group_sid(GROUPS - 1).to_string();
        assert_eq!(said["decided_by"]["sid"], *last, "{what}");
        let path = said["decided_by"]["path"].as_array().expect("a path");
        let names: Vec<_> = path.iter().filter_map(|step| step["name"].as_str()).collect();
        assert_eq!(names, ["alice", "group-1599"], "{what}");
        let asked = server.ranges_asked();
        assert!(expected.iter().all(|range| asked.iter().any(|asked| asked == range)), "{what}: {asked:?}");
    }
}

#[tokio::test]
async fn a_group_is_read_whole_in_however_many_pieces_it_comes() {
    let all = ldif::parse(&long_group()).expect("LDIF");
    let first = all.iter().find(|entry| entry.dn() == group(0)).expect("the group");
    let expected = first.texts("member").expect("members");
    let cuts: [(Cut, usize); 4] = [
        (|values, low| piece(values, low, MAX_VAL_RANGE), 1),
        // A list that ends with its piece.
        (|values, low| piece(values, low, 800), 1),
        (|values, low| piece(values, low, 1600), 0),
        (|values, low| piece(values, low, 5), 319),
    ];
    for (cut, asked) in cuts {
        let server = DirectoryServer::cutting(&long_group(), cut);
        assert_eq!(members(&server).await.expect("a group"), expected);
        assert_eq!(server.ranges_asked().len(), asked);
    }
}

/// Ways for a server to contradict itself, which no list survives.
const LIES: [(&str, Cut); 10] = [
    ("a gap before the second piece", |values, low| {
        piece(values, if low == 0 { 0 } else { low + 1 }, MAX_VAL_RANGE)
    }),
    ("a second piece that overlaps", |values, low| piece(values, low.saturating_sub(1), MAX_VAL_RANGE)),
    ("the first piece over and over", |values, _| piece(values, 0, MAX_VAL_RANGE)),
    ("a first piece that is not the first", |values, low| piece(values, low.max(1), MAX_VAL_RANGE)),
    ("fewer values than the range says", |values, low| {
        let (range, mut values) = piece(values, low, 1000);
        values.pop();
        (range, values)
    }),
    ("more values than the range says", |values, low| {
        let (range, mut values) = piece(values, low, 1000);
        values.push(b"one more".to_vec());
        (range, values)
    }),
    ("a second piece without values", |values, low| {
        if low == 0 { piece(values, 0, MAX_VAL_RANGE) } else { (format!("range={low}-*"), Vec::new()) }
    }),
    ("a second piece that is no piece", |values, low| {
        if low == 0 { piece(values, 0, MAX_VAL_RANGE) } else { ("binary".to_owned(), Vec::new()) }
    }),
    ("a value at a time", |values, low| piece(values, low, 1)),
    ("a list without an end", |values, low| {
        (format!("range={low}-{low}"), values.iter().cycle().skip(low).take(1).cloned().collect())
    }),
];

#[tokio::test]
async fn a_list_whose_pieces_do_not_join_is_refused() {
    for (lie, cut) in LIES {
        let of_group = members(&DirectoryServer::cutting(&long_group(), cut)).await;
        assert!(matches!(of_group, Err(ReadError::Data { .. })), "{lie}: {of_group:?}");
    }
    // Those of many pieces take their time; once is enough.
    for (lie, cut) in &LIES[..8] {
        let server = DirectoryServer::cutting(&long_list(), *cut);
        let (directory, _folder) = server.client(NonZeroUsize::MIN, Duration::from_secs(10));
        let view = directory.view(&[BRANCH], &ViewRules::default()).await;
        assert!(matches!(view, Err(ReadError::Data { .. })), "{lie}: {view:?}");
    }
}

#[test]
fn an_account_whose_groups_do_not_join_is_refused_as_the_exchange_refuses_it() {
    let [gap, .., endless] = LIES;
    for (lie, cut) in [gap, endless] {
        let ended = explain(&DirectoryServer::cutting(&long_token(), cut));
        let said = json(&ended);
        assert_eq!((ended.status, said["reason"].as_str()), (Some(10), Some("directory_data")), "{lie}");
        assert_eq!(said["error"]["code"], 29, "{lie}");
        assert!(
            said["detail"].as_str().is_some_and(|detail| detail.contains("tokenGroups")),
            "{lie}: {said}"
        );
    }
    // Policy lists are everybody's, and the daemon goes on with those it has until they are too old: nothing is
    // decided here.
    let ended = explain(&DirectoryServer::cutting(&long_list(), gap.1));
    assert_eq!((ended.status, ended.output.as_str()), (Some(1), ""));
    assert!(ended.errors.contains("msDS-NeverRevealGroup"), "{}", ended.errors);
}
