//! The LDAP back end against a real domain controller, and against servers that misbehave.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed, and it reads files and clocks"
)]

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kdc::config::{Bind, HostPort, Ldap, LdapSecurity, LdapUrl, SecretFile};
use kdc::directory::{Branch, ClientName, DirectoryView, Principal, SidHistory, ViewRules};
use kdc::shell::directory::{Directory, LdapDirectory, Poller, PrincipalCache, ReadError, tls};
use pac::{FileTime, Sid};
use policy::{Denials, Verdict};
use tgtx_tests::forwarder::Forwarder;
use tgtx_tests::lab::{Lab, User};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// Some time after the lab was made; only logon hours look at it.
const NOW: i64 = 1_800_000_000;

fn settings(lab: &Lab, urls: &[LdapUrl]) -> Ldap {
    Ldap {
        urls: urls.to_vec(),
        bind: simple(lab, &lab.service_account.password_file),
        ca_file: Some(lab.ca.clone()),
        connections: NonZeroUsize::new(2).expect("two"),
        connect_timeout: Duration::from_secs(1),
        search_timeout: Duration::from_secs(1),
    }
}

fn simple(lab: &Lab, password: &Path) -> Bind {
    Bind::Simple { dn: lab.service_account.dn.clone(), password: SecretFile::Path(password.to_owned()) }
}

fn server(security: LdapSecurity, host: &str, port: u16) -> LdapUrl {
    LdapUrl { security, server: HostPort { host: host.to_owned(), port } }
}

fn ldaps(lab: &Lab) -> LdapUrl {
    server(LdapSecurity::Tls, &lab.kdc.ip().to_string(), 636)
}

fn through(forwarder: &Forwarder) -> LdapUrl {
    server(LdapSecurity::Tls, &forwarder.ip().to_string(), forwarder.port())
}

fn directory(lab: &Lab, settings: Ldap) -> Directory {
    let authorities = settings.ca_file.as_ref().map(|path| std::fs::read(path).expect("the CA"));
    let tls = tls::client_config(authorities.as_deref()).expect("the CA's certificate");
    let servers = LdapDirectory::start(&lab.realm, settings, tls);
    Directory::Ldap(servers)
}

fn numbers(lab: &Lab) -> Vec<u16> {
    lab.branches.values().map(|branch| branch.number).collect()
}

async fn view(lab: &Lab, directory: &Directory) -> DirectoryView {
    directory.view(&numbers(lab), &ViewRules::default()).await.expect("a view").0
}

async fn find(
    directory: &Directory,
    view: &DirectoryView,
    user: &User,
) -> Result<Option<Principal>, ReadError> {
    let sid: Sid = user.sid.parse().expect("a SID");
    directory.find(&sid, view, SidHistory::Omit, FileTime::from_unix_seconds(NOW)).await
}

/// What an outage looks like from outside: the reason, within the two seconds that a client may wait.
async fn outage(directory: &Directory, lab: &Lab) -> String {
    let mut last = String::new();
    // The first read may come before the servers have been tried; the one after that says what is wrong.
    for _ in 0..2 {
        let asked = Instant::now();
        match directory.view(&numbers(lab), &ViewRules::default()).await {
            Err(ReadError::Unavailable(reason)) => last = reason,
            other => panic!("{other:?}", other = other.map(|(view, _)| view)),
        }
        assert!(asked.elapsed() < Duration::from_secs(11), "{:?}", asked.elapsed());
    }
    last
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn reads_domain_branches_and_principals_over_ldaps_and_start_tls() {
    let lab = Lab::from_environment();
    let host = lab.kdc.ip().to_string();
    for security in [LdapSecurity::Tls, LdapSecurity::StartTls] {
        let port = if security == LdapSecurity::Tls { 636 } else { 389 };
        let directory = directory(&lab, settings(&lab, &[server(security, &host, port)]));
        let view = view(&lab, &directory).await;
        assert_eq!(view.domain_sid.to_string(), lab.domain_sid);
        assert_eq!(
            (view.netbios_name.as_str(), view.dns_domain_name.as_str()),
            (&*lab.netbios_name, &*lab.dns_domain)
        );
        assert_eq!(view.logon_server, "DC1");

        let Some(Branch::Serving { policy, .. }) = view.branches.get(&lab.branch("azuread").number) else {
            panic!("{:?}", view.branches);
        };
        for (key, served) in
            [("alice", true), ("nested_da", false), ("builtin_op", false), ("unlisted", false)]
        {
            let principal =
                find(&directory, &view, lab.user(key)).await.expect("an answer").expect("an account");
            assert_eq!(&*principal.sam_account_name, lab.user(key).name);
            let verdict = policy.judge(&principal.account, &Denials::default());
            assert_eq!(matches!(verdict, Verdict::Reveal(_)), served, "{key}: {verdict:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn every_account_of_the_lab_makes_a_principal_with_the_groups_of_a_tgt() {
    let lab = Lab::from_environment();
    let directory = directory(&lab, settings(&lab, &[ldaps(&lab)]));
    let view = view(&lab, &directory).await;
    for (key, user) in &lab.users {
        let principal = find(&directory, &view, user).await.expect(key).expect(key);
        assert_eq!(principal.sid().to_string(), user.sid, "{key}");
        let sids = &principal.account.sids;
        assert!(sids.len() >= user.tgt_groups.len(), "{key}: {sids:?}");
    }
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn a_group_is_read_whole_though_a_piece_was_asked_for() {
    let lab = Lab::from_environment();
    let settings = settings(&lab, &[ldaps(&lab)]);
    let tls = tls::client_config(Some(&std::fs::read(&lab.ca).expect("the CA"))).expect("certificates");
    let servers = LdapDirectory::start(&lab.realm, settings, tls);
    let crowd: Sid = lab.user("crowded").tgt_groups.last().expect("the group").parse().expect("a SID");
    let members = async |attribute: &str| {
        let found = servers.find(&crowd, &[attribute]).await.expect("an answer").expect("the group");
        let members = found.texts("member").expect("all of them").into_iter().map(str::to_owned);
        members.collect::<Vec<_>>()
    };
    let all = members("member").await;
    assert_eq!(all.len(), 1_501);
    assert!(all.contains(&lab.user("crowded").dn));
    for range in ["member;range=0-*", "member;range=0-1499", "member;range=0-9", "Member;Range=0-0"] {
        assert_eq!(members(range).await, all, "{range}");
    }
    // Not from the beginning: no list, whatever follows.
    for range in ["member;range=1-*", "member;range=1-1499"] {
        let found = servers.find(&crowd, &[range]).await;
        let is_refused = found.as_ref().is_err()
            || found
                .as_ref()
                .is_ok_and(|found| found.as_ref().is_some_and(|group| group.texts("member").is_err()));
        assert!(is_refused, "{range}: {found:?}");
    }
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn broken_branches_are_told_apart_and_unknown_ones_absent() {
    let lab = Lab::from_environment();
    let directory = directory(&lab, settings(&lab, &[ldaps(&lab)]));
    let (view, mark) =
        directory.view(&[numbers(&lab), vec![1]].concat(), &ViewRules::default()).await.expect("a view");
    for (name, branch) in &lab.branches {
        let serves = matches!(view.branches.get(&branch.number), Some(Branch::Serving { .. }));
        if branch.fault.is_some() {
            assert!(!serves, "{name} is {:?}", branch.fault);
        } else {
            assert!(serves, "{name}: {:?}", view.branches.get(&branch.number));
        }
    }
    assert!(!view.branches.contains_key(&1));
    assert_eq!(directory.is_unchanged(&mark).await, Ok(true));
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn an_unknown_sid_is_nobody_and_names_are_looked_up_literally() {
    let lab = Lab::from_environment();
    let directory = directory(&lab, settings(&lab, &[ldaps(&lab)]));
    let view = view(&lab, &directory).await;
    let nobody: Sid = format!("{}-999999", lab.domain_sid).parse().expect("a SID");
    let found = directory.find(&nobody, &view, SidHistory::Omit, FileTime::from_unix_seconds(NOW)).await;
    assert!(matches!(found, Ok(None)), "{found:?}");
    let cases: [(&str, bool, bool); 8] = [
        ("alice", false, true),
        // A group's name is nobody's.
        ("Domain Users", false, false),
        ("ALICE", false, true),
        ("müller", false, true),
        ("*", false, false),
        ("*)(objectClass=*", false, false),
        ("upn_foreign@contoso.example", true, true),
        ("bob@lab.example", true, true),
    ];
    for (name, enterprise, exists) in cases {
        assert_eq!(directory.name_exists(&ClientName { name, enterprise }).await, Ok(exists), "{name}");
    }
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn faults_of_the_directory_name_server_and_mend() {
    let lab = Lab::from_environment();
    let wrong = lab.folder.join(format!("wrong-password-{}", std::process::id()));
    std::fs::write(&wrong, "not it\n").expect("a file");
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&wrong, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    }
    let good = || settings(&lab, &[ldaps(&lab)]);
    let closed = server(LdapSecurity::Tls, &lab.forwarder_addresses[0].to_string(), 1);
    let plain = server(LdapSecurity::Tls, &lab.kdc.ip().to_string(), 389);
    let cases = [
        (Ldap { ca_file: Some(lab.other_ca.clone()), ..good() }, "ca-file"),
        (Ldap { bind: simple(&lab, &wrong), ..good() }, "password-file"),
        (settings(&lab, &[closed]), "connection refused"),
        (settings(&lab, &[plain]), "check the URL"),
    ];
    for (settings, expected) in cases {
        let url = settings.urls[0].server.host.clone();
        let told = outage(&directory(&lab, settings), &lab).await;
        assert!(told.contains(expected) && told.contains(&url) && !told.contains('\n'), "{expected}: {told}");
    }
    std::fs::remove_file(wrong).expect("the file");

    let other = settings(&lab, &[ldaps(&lab)]);
    let authorities = std::fs::read(&lab.ca).expect("the CA");
    let tls = tls::client_config(Some(&authorities)).expect("the CA's certificate");
    let servers = LdapDirectory::start("OTHER.EXAMPLE", other, tls);
    let told = outage(&Directory::Ldap(servers), &lab).await;
    assert!(told.contains("DC=other,DC=example"), "{told}");
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn a_hanging_server_is_left_for_the_second_one() {
    let lab = Lab::from_environment();
    let forwarder = Forwarder::start(&lab, 0);
    let directory = directory(&lab, settings(&lab, &[through(&forwarder), ldaps(&lab)]));
    let view = view(&lab, &directory).await;
    forwarder.hang();
    let began = Instant::now();
    find(&directory, &view, lab.user("alice")).await.expect("the second server answers");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let began = Instant::now();
    find(&directory, &view, lab.user("bob")).await.expect("at once from now on");
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn a_lost_server_costs_no_read_and_is_used_again_when_it_is_back() {
    let lab = Lab::from_environment();
    let forwarder = Forwarder::start(&lab, 1);
    let with_second = directory(&lab, settings(&lab, &[through(&forwarder), ldaps(&lab)]));
    let alone = directory(&lab, settings(&lab, &[through(&forwarder)]));
    let view = view(&lab, &with_second).await;
    find(&alone, &view, lab.user("alice")).await.expect("an answer");

    forwarder.stop();
    let found = find(&with_second, &view, lab.user("alice")).await;
    assert!(matches!(found, Ok(Some(_))), "{found:?}");
    let began = Instant::now();
    let found = find(&alone, &view, lab.user("alice")).await;
    assert!(matches!(found, Err(ReadError::Unavailable(_))), "{found:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    forwarder.resume();
    let back = async {
        while find(&alone, &view, lab.user("alice")).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(5), back).await.expect("served again without a restart");
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn a_poller_publishes_and_ages_when_the_server_goes() {
    let lab = Lab::from_environment();
    let forwarder = Forwarder::start(&lab, 0);
    let directory = Arc::new(directory(&lab, settings(&lab, &[through(&forwarder)])));
    let poll = Duration::from_millis(200);
    let poller = Poller::start(&lab.realm, directory, numbers(&lab), ViewRules::default(), poll);
    let mut seen = poller.seen();
    let first = seen.wait_for(Option::is_some).await.expect("a view").clone().expect("a view");
    let confirmed = seen.wait_for(|seen| seen.as_ref().is_some_and(|seen| seen.at > first.at));
    let confirmed =
        timeout(Duration::from_secs(2), confirmed).await.expect("in time").expect("a view").clone();
    assert!(Arc::ptr_eq(&confirmed.expect("a view").view, &first.view), "nothing has changed");

    forwarder.stop();
    sleep(Duration::from_secs(1)).await;
    let last = seen.borrow().clone().expect("a view");
    assert!(!last.is_fresh(tokio::time::Instant::now(), Duration::from_millis(700)));
    forwarder.resume();
    let again = seen.wait_for(|seen| seen.as_ref().is_some_and(|seen| seen.at > last.at));
    timeout(Duration::from_secs(5), again).await.expect("in time").expect("a view");
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn servers_that_send_no_ldap_are_outages() {
    let lab = Lab::from_environment();
    // Closes; an empty SEQUENCE; a message id of the wrong type; an empty BindResponse; a length of 2^40.
    let answers: [&'static [u8]; 5] = [
        b"",
        b"\x30\x00",
        b"\x30\x06\x04\x01\x01\x61\x01\x00",
        b"\x30\x05\x02\x01\x01\x61\x00",
        b"\x30\x86\x01\x00\x00\x00\x00\x00",
    ];
    for answer in answers {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let served = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.readable().await.expect("a request");
                stream.write_all(answer).await.ok();
                if !answer.is_empty() {
                    tokio::spawn(async move {
                        sleep(Duration::from_secs(5)).await;
                        drop(stream);
                    });
                }
            }
        });
        let directory =
            directory(&lab, settings(&lab, &[server(LdapSecurity::Plaintext, "127.0.0.1", port)]));
        let told = outage(&directory, &lab).await;
        assert!(told.contains("127.0.0.1"), "{answer:02x?}: {told}");
        served.abort();
    }
}

#[tokio::test]
#[ignore = "needs the Samba lab: run tests/run"]
async fn a_storm_for_one_user_is_served_from_one_read() {
    let lab = Lab::from_environment();
    let directory = Arc::new(directory(&lab, settings(&lab, &[ldaps(&lab)])));
    let view = Arc::new(view(&lab, &directory).await);
    let sid: Sid = lab.user("many").sid.parse().expect("a SID");
    let rid = sid.rid().expect("a RID");
    let cache = PrincipalCache::<Principal>::new(Duration::from_secs(30), 100);
    let reads = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let now = Instant::now();
    let ask = || {
        let (cache, directory, view, reads) = (cache.clone(), directory.clone(), view.clone(), reads.clone());
        tokio::spawn(async move {
            let read = || async move {
                reads.fetch_add(1, Ordering::SeqCst);
                directory.find(&sid, &view, SidHistory::Omit, FileTime::from_unix_seconds(NOW)).await
            };
            cache.find(rid, now, read).await
        })
    };
    for asked in (0..100).map(|_| ask()).collect::<Vec<_>>() {
        let principal = asked.await.expect("a task").expect("an answer").expect("an account");
        assert!(principal.account.sids.len() >= 200);
    }
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    assert!(cache.cached(rid, now).is_some());
}
