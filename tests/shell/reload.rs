//! Reload by SIGHUP: what is whole takes the place of what was, what is not changes nothing, and nobody who asks
//! meanwhile notices.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use kdc::client::reply::Granted;
use tgtx_tests::device::now;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, Domain, LDIF, REALM, code, exchange, granted, ldif_of};
use super::wire::{Tcp, Udp};

/// Replies fit a datagram, and tickets live as a test says.
fn daemon() -> Daemon {
    Daemon::start(&Settings {
        listen: "udp-reply-limit = 16384",
        more: "[domain.tickets]\nmax-lifetime = \"5h\"\n".to_owned(),
        ..Settings::default()
    })
}

/// How long a full TGT lives, in hours.
fn hours(granted: &Granted) -> i64 {
    let times = &granted.credential.times;
    // From now, and some seconds less.
    (times.endtime.unix_seconds() - now().unix_seconds() + 1800).div_euclid(3600)
}

/// What alice gets over a new connection.
fn served(daemon: &Daemon) -> Granted {
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    granted(&Tcp::to(daemon.address()).ask(&exchange.encode().unwrap()), &exchange)
}

/// What a reload finds beside another `max-lifetime`.
struct Change {
    name: &'static str,
    spoil: fn(&Daemon),
    fault: &'static str,
}

/// Each breaks a file in a way of its own, or none.
const CHANGES: &[Change] = &[
    Change { name: "nothing", spoil: |_| {}, fault: "" },
    Change {
        name: "an unknown key",
        spoil: |daemon| daemon.reconfigure("max-lifetime", "max-lifetme"),
        fault: "did you mean `max-lifetime`?",
    },
    Change { name: "another directory", spoil: |daemon| daemon.replace("domain.ldif", LDIF), fault: "" },
    Change {
        name: "half a keytab",
        spoil: |daemon| {
            let whole = fs::read(daemon.file("keytab")).unwrap();
            daemon.replace("keytab", &whole[..whole.len() / 2]);
        },
        fault: "export it anew",
    },
    Change {
        name: "a keytab for everybody",
        spoil: |daemon| fs::set_permissions(daemon.file("keytab"), Permissions::from_mode(0o644)).unwrap(),
        fault: "chmod 600 it",
    },
    Change {
        name: "a broken directory",
        spoil: |daemon| daemon.replace("domain.ldif", "dn: CN=x\nobjectSid:: !\n"),
        fault: "domain.ldif",
    },
    Change {
        name: "a group to deny that is nobody's",
        spoil: |daemon| {
            daemon
                .reconfigure("[domain.relay]", "[domain.policy]\ndeny-groups = [\"Nobody\"]\n[domain.relay]");
        },
        fault: "would no longer be ready: serving nobody: ",
    },
];

#[test]
fn a_hundred_reloads_under_load_lose_nothing_and_answer_nothing_wrong() {
    let daemon = daemon();
    let keytab = fs::read(daemon.file("keytab")).unwrap();
    let config = fs::read_to_string(daemon.file("tgtx.toml")).unwrap();
    let (stopped, served_requests) = (AtomicBool::new(false), AtomicU64::new(0));
    let descriptors = daemon.descriptors();
    thread::scope(|scope| {
        for over_udp in [true, true, false, false] {
            let (daemon, stopped, served_requests) = (&daemon, &stopped, &served_requests);
            scope.spawn(move || {
                let (udp, mut tcp) = (Udp::to(daemon.address()), Tcp::to(daemon.address()));
                while !stopped.load(Ordering::Relaxed) {
                    let credential = daemon.domain.credential(ALICE);
                    let exchange = exchange(&credential);
                    let request = exchange.encode().unwrap();
                    // No reply in time, or any but a ticket, ends the test.
                    let reply = if over_udp { udp.ask(&request) } else { tcp.ask(&request) };
                    assert!([5, 6].contains(&hours(&granted(&reply, &exchange))), "a rule of nobody's");
                    served_requests.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let reloads = || {
            let (mut lifetime, mut failures) = (5, 0);
            for number in 0..100 {
                let change = &CHANGES[number % CHANGES.len()];
                let wanted = if lifetime == 5 { 6 } else { 5 };
                daemon.replace("keytab", &keytab);
                daemon.replace("domain.ldif", LDIF);
                daemon.replace("tgtx.toml", config.replace("\"5h\"", &format!("\"{wanted}h\"")));
                (change.spoil)(&daemon);
                let told = daemon.reload();
                assert!(told.contains(change.fault), "{}: {told}", change.name);
                if change.fault.is_empty() {
                    assert_eq!(told, "reloaded", "{}", change.name);
                    lifetime = wanted;
                } else {
                    failures += 1;
                }
                assert_eq!(hours(&served(&daemon)), lifetime, "{number}: {}", change.name);
                let ok = u64::from(change.fault.is_empty());
                assert_eq!(daemon.sample("tgtx_config_last_reload_successful"), ok, "{}", change.name);
            }
            failures
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(reloads));
        stopped.store(true, Ordering::Relaxed);
        assert!(
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic)) > 50,
            "bad ones are among them"
        );
    });
    assert!(daemon.descriptors() <= descriptors + 16, "four connections and no more stay open");
    let asked = served_requests.load(Ordering::Relaxed) + 100;
    assert!(asked > 300, "{asked}: there was a load");
    daemon.counts("tgtx_exchanges_total{result=\"issued\"}", asked);
    for result in ["refused", "error"] {
        daemon.counts(&format!("tgtx_exchanges_total{{result=\"{result}\"}}"), 0);
    }
}

#[test]
fn what_only_a_start_can_change_stays_and_the_rest_is_reloaded() {
    let daemon = daemon();
    let address = daemon.address();
    daemon.reconfigure("udp-reply-limit = 16384", "udp-reply-limit = 1465\nidle-timeout = \"1s\"");
    daemon.reconfigure("\"5h\"", "\"7h\"");
    assert_eq!(daemon.reload(), "reloaded");
    let told = daemon.log_text();
    assert!(told.contains("[listen] differs from what the daemon was started with"), "{told}");
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let reply = Udp::to(address).ask(&exchange.encode().unwrap());
    assert_eq!(hours(&granted(&reply, &exchange)), 7, "and a large datagram still goes out");
}

#[test]
fn drop_ins_are_read_at_each_reload_and_a_broken_one_changes_nothing() {
    let daemon = daemon();
    let lives = || hours(&served(&daemon));
    let drop_in = |name: &str, lifetime: &str| {
        let realm = REALM;
        let text = format!("[[domain]]\nrealm = \"{realm}\"\n[domain.tickets]\nmax-lifetime = {lifetime}\n");
        daemon.replace(&format!("tgtx.d/{name}"), text);
    };
    fs::create_dir(daemon.file("tgtx.d")).unwrap();
    assert_eq!((daemon.reload().as_str(), lives()), ("reloaded", 5));
    drop_in("50-long.toml", "\"7h\"");
    assert_eq!(lives(), 5, "nothing is read before a reload");
    assert_eq!((daemon.reload().as_str(), lives()), ("reloaded", 7));
    drop_in("60-longer.toml", "\"8h\"");
    drop_in("9-longest.toml", "\"9h\"");
    assert_eq!((daemon.reload().as_str(), lives()), ("reloaded", 9));

    drop_in("60-longer.toml", "8");
    let told = daemon.reload();
    let place = format!("{}:4:16: max-lifetime: ", daemon.file("tgtx.d/60-longer.toml").display());
    // 9 comes after 60 and would have the last word: what is replaced is not looked at.
    assert_eq!((told.as_str(), lives()), ("reloaded", 9), "{place}");
    fs::remove_file(daemon.file("tgtx.d/9-longest.toml")).unwrap();
    let told = daemon.reload();
    assert!(told.contains(&place), "{told}");
    assert_eq!((daemon.sample("tgtx_config_last_reload_successful"), lives()), (0, 9));

    fs::remove_file(daemon.file("tgtx.d/60-longer.toml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", daemon.file("tgtx.d/70-zero.toml")).unwrap();
    let told = daemon.reload();
    assert!(told.contains("tgtx.d/70-zero.toml: is not a regular file"), "{told}");
    assert_eq!(lives(), 9);
    fs::remove_file(daemon.file("tgtx.d/70-zero.toml")).unwrap();
    assert_eq!((daemon.reload().as_str(), lives()), ("reloaded", 7));
    fs::remove_dir_all(daemon.file("tgtx.d")).unwrap();
    assert_eq!((daemon.reload().as_str(), lives()), ("reloaded", 5));
}

#[test]
fn a_domain_comes_and_its_keys_go_only_where_that_is_allowed() {
    let daemon = daemon();
    let config = fs::read_to_string(daemon.file("tgtx.toml")).unwrap();
    let second = Domain::draw();
    daemon.replace("second-keytab", second.keytab("OTHER.EXAMPLE"));
    daemon.replace("second.ldif", ldif_of("OTHER.EXAMPLE"));
    let folder = daemon.file("");
    let added = format!(
        "{config}\n[[domain]]\nrealm = \"OTHER.EXAMPLE\"\nkeytabs = [\"{0}second-keytab\"]\n\
         directory = \"ldif:{0}second.ldif\"\n",
        folder.display()
    );
    daemon.replace("tgtx.toml", added);
    assert_eq!(daemon.reload(), "reloaded");
    let credential = second.partial_of_realm("OTHER.EXAMPLE", ALICE);
    let exchange = exchange(&credential);
    let ask = || Tcp::to(daemon.address()).ask(&exchange.encode().unwrap());
    let first = super::daemon::eventually("it is served", || {
        Some(ask()).filter(|reply| reply.first() == Some(&0x6d))
    });
    granted(&first, &exchange);

    daemon.replace("tgtx.toml", config);
    let told = daemon.reload();
    assert!(told.contains("OTHER.EXAMPLE: in use and in no keytab any more: the domain's krbtgt"), "{told}");
    assert!(daemon.http("/readyz").contains("OTHER.EXAMPLE"), "it is served on");
}

#[test]
fn sighup_again_and_again_is_one_reload_after_the_other() {
    let daemon = daemon();
    for _ in 0..20 {
        daemon.hang_up();
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(daemon.reload(), "reloaded");
    assert_eq!(hours(&served(&daemon)), 5);
    assert_eq!(code(&Udp::to(daemon.address()).ask(&super::domain::as_req(&[]))), 29);
}
