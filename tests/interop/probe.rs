//! `tgtx probe` against Samba's KDC and against the daemon, and with each step broken.

mod stand_in;

use kdc::client::mint::TicketData;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{Ended, run};
use tgtx_tests::settings::Settings;

use stand_in::{Lie, Over, Pipe, StandIn};

/// A daemon that answers pings too.
fn daemon(lab: &Lab) -> Daemon {
    let settings = Settings { more: "[domain.discovery]\nhost = \"KDC1\"\n".to_owned(), ..Settings::of(lab) };
    let cldap = format!("[listen]\ncldap = [\"{}:0\"]\n", lab.daemon_address);
    let daemon = Daemon::launch_in(Folder::new(), &settings.to_toml().replacen("[listen]\n", &cldap, 1));
    daemon.wait_until("ready", || daemon.is_ready());
    daemon
}

/// The probe of an account of the lab, with further arguments.
fn probe(lab: &Lab, user: &str, more: &[&str]) -> Ended {
    let user = lab.user(user);
    let keytab = lab.keytabs.azuread.to_str().unwrap();
    let mine = ["probe", "--keytab", keytab, "--realm", &lab.realm, "--user", &user.name, "--sid", &user.sid];
    run(mine.iter().chain(more).copied())
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.output).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// Steps by how they went: `udp ok`, in order.
fn steps(report: &Value) -> Vec<String> {
    let text = |step: &Value, field: &str| step[field].as_str().unwrap().to_owned();
    let steps = report["steps"].as_array().unwrap();
    steps.iter().map(|step| format!("{} {}", text(step, "step"), text(step, "result"))).collect()
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn samba_and_the_daemon_are_probed_alike() {
    let lab = Lab::from_environment();
    let daemon = daemon(&lab);
    let krbtgt = lab.keytabs.krbtgt.to_str().unwrap();
    let samba = [&*lab.kdc.to_string(), "--ping", &lab.cldap.to_string(), "--no-keylist"].map(str::to_owned);
    let ours =
        [&*daemon.kerberos()[0].to_string(), "--ping", &daemon.cldap()[0].to_string()].map(str::to_owned);
    for target in [&samba[..], &ours] {
        let mut arguments = vec!["--target"];
        arguments.extend(target.iter().map(String::as_str));
        arguments.extend(["--krbtgt-keytab", krbtgt]);
        let ended = probe(&lab, "alice", &[&arguments[..], &["--json"]].concat());
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let report = json(&ended);
        let all = ["discovery", "udp", "tcp", "reply", "ticket", "pac", "signatures"]
            .map(|step| format!("{step} ok"));
        assert_eq!(steps(&report), [&all[..], &["key_list skipped".to_owned()]].concat(), "{report}");
        assert_eq!((&report["result"], &report["failed_step"]), (&"ok".into(), &Value::Null));

        let ended = probe(&lab, "alice", &[&arguments[..], &["--prometheus", "--name", "alice"]].concat());
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.output.contains("tgtx_probe_success{probe=\"alice\"} 1\n"), "{}", ended.output);
        assert!(ended.output.contains("tgtx_probe_step_success{probe=\"alice\",step=\"signatures\"} 1\n"));

        // Samba's own refusals are Heimdal's; of these two lists it knows what the daemon does.
        for expected in ["refused:never_reveal", "refused:20"] {
            let ended = probe(&lab, "denied", &[&arguments[..], &["--expect", expected, "--json"]].concat());
            assert_eq!((ended.status, &json(&ended)["result"]), (Some(0), &"ok".into()), "{ended:?}");
        }
        for (user, expected) in
            [("denied", "granted"), ("denied", "refused:18"), ("alice", "refused:never_reveal")]
        {
            let ended = probe(&lab, user, &[&arguments[..], &["--expect", expected, "--json"]].concat());
            let report = json(&ended);
            assert_eq!(
                (ended.status, &report["failed_step"]),
                (Some(1), &"reply".into()),
                "{user}: {report}"
            );
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn what_is_broken_is_named() {
    let lab = Lab::from_environment();
    let daemon = daemon(&lab);
    let (kdc, ping) = (daemon.kerberos()[0], daemon.cldap()[0].to_string());
    let (samba, samba_ping) = (lab.kdc.to_string(), lab.cldap.to_string());
    let nobody = format!("{}:9", lab.daemon_address);
    let krbtgt = lab.keytabs.krbtgt.to_str().unwrap();
    let branch = lab.keytabs.azuread.to_str().unwrap();
    let other_branch = lab.branch("high").keytab.to_str().unwrap();
    let (udp, tcp) = (Pipe::open(kdc, Over::Udp), Pipe::open(kdc, Over::Tcp));
    let (udp, tcp) = (udp.to_string(), tcp.to_string());
    let kdc = kdc.to_string();

    let found = ["--ping", &*ping];
    let cases: [(&str, &[&str], i32); 9] = [
        ("discovery", &["--ping", &nobody], 1),
        ("discovery", &["--target", &kdc, "--ping", &nobody], 10),
        // Samba answers, and claims no KEY_LIST: Windows clients would pass it over.
        ("discovery", &["--target", &samba, "--ping", &samba_ping], 10),
        ("udp", &[&found[..], &["--target", &tcp]].concat(), 10),
        // Every full TGT is larger than the daemon puts into a datagram.
        ("tcp", &[&found[..], &["--target", &udp]].concat(), 1),
        ("udp", &[&found[..], &["--target", &nobody]].concat(), 1),
        ("reply", &[&found[..], &["--target", &kdc, "--expect", "refused:clock_skew"]].concat(), 1),
        ("pac", &[&found[..], &["--target", &kdc, "--krbtgt-keytab", branch]].concat(), 1),
        ("key_list", &[&found[..], &["--target", &kdc, "--krbtgt-keytab", krbtgt, "--key-list"]].concat(), 1),
    ];
    for (step, arguments, status) in cases {
        let ended = probe(&lab, "alice", &[arguments, &["--json", "--timeout", "500ms"]].concat());
        let report = json(&ended);
        assert_eq!((&report["failed_step"], ended.status), (&step.into(), Some(status)), "{report}");
    }

    let alice = lab.user("alice");
    let wrong_key = run([
        "probe",
        "--keytab",
        other_branch,
        "--realm",
        &lab.realm,
        "--user",
        &alice.name,
        "--sid",
        &alice.sid,
        "--target",
        &kdc,
        "--no-discovery",
    ]);
    assert_eq!(wrong_key.status, Some(1));
    assert!(
        wrong_key.output.contains("FAILED   reply") && wrong_key.output.contains("failed at reply"),
        "{wrong_key:?}"
    );
}

/// A KDC that lies: what the client is told, what is in the ticket, and who signed it.
#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn what_a_kdc_gets_wrong_is_named() {
    let lab = Lab::from_environment();
    let krbtgt = lab.keytabs.krbtgt.to_str().unwrap();
    let cases: [(&str, Lie); 6] = [
        ("none", |_| {}),
        ("ticket", |tgt| tgt.times.endtime = tgt.times.authtime),
        ("ticket", |tgt| tgt.client.components = vec![b"bob".to_vec()]),
        ("pac", |tgt| tgt.authorization_data = TicketData::Absent),
        ("pac", |tgt| tgt.pac.requestor = tgt.pac.requestor.and_then(|sid| sid.domain()?.with_rid(500))),
        ("signatures", |tgt| tgt.pac.server.key = stand_in::strangers_key()),
    ];
    for (step, lie) in cases {
        let stand_in = StandIn::start(&lab, lie);
        let target = stand_in.to_string();
        let ended = probe(
            &lab,
            "alice",
            &["--target", &target, "--no-discovery", "--krbtgt-keytab", krbtgt, "--json"],
        );
        let report = json(&ended);
        if step == "none" {
            assert_eq!((ended.status, &report["result"]), (Some(0), &"ok".into()), "{report}");
        } else {
            assert_eq!((ended.status, &report["failed_step"]), (Some(1), &step.into()), "{report}");
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn what_cannot_be_probed_is_one_line() {
    let lab = Lab::from_environment();
    let krbtgt = lab.keytabs.krbtgt.to_str().unwrap();
    let keytab = lab.keytabs.azuread.to_str().unwrap();
    let missing = "/nowhere/azuread.keytab";
    let sid = &*lab.user("alice").sid;
    for (keytab, more, told) in [
        (missing, &["--no-discovery", "--target", "127.0.0.1"][..], "/nowhere/azuread.keytab"),
        (krbtgt, &["--no-discovery", "--target", "127.0.0.1"], "krbtgt_AzureAD"),
        (keytab, &["--no-discovery", "--target", "no such host"], "no address found"),
        (keytab, &["--target", "127.0.0.1", "--krbtgt-keytab", missing], missing),
    ] {
        let mine = ["probe", "--keytab", keytab, "--realm", &lab.realm, "--user", "alice", "--sid", sid];
        let ended = run(mine.iter().chain(more).copied());
        assert_eq!((ended.status, &*ended.output), (Some(1), ""), "{ended:?}");
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
        assert!(ended.errors.contains(told), "{}", ended.errors);
    }
    for wrong in [["--sid", "alice"], ["--expect", "refused:whim"], ["--name", "a\"b"]] {
        let mine = ["probe", "--keytab", keytab, "--realm", &lab.realm, "--user", "alice"];
        let sid = if wrong[0] == "--sid" { vec![] } else { vec!["--sid", sid] };
        assert_eq!(run(mine.iter().copied().chain(sid).chain(wrong)).status, Some(2), "{wrong:?}");
    }
}
