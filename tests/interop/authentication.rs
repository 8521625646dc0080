//! Authentication policies and silos of a real directory.

use kdc::client::transport::Protocol;
use kdc::krb::messages::ticket_flags;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{self, Entra, ask, exchange};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::run;
use tgtx_tests::settings::Settings;

use crate::refusals::refused;

const INVALID_WORKSTATION: u32 = 0xc000_0070;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn an_enforced_policy_s_lifetime_is_the_longest_that_a_ticket_lives() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    let cases = [
        ("short", 2, false),
        ("short_protected", 6, false),
        ("protected", 4, false),
        ("vaulted", 2, false),
        ("stranger", 6, false),
        ("audited", 10, true),
        ("watched", 10, true),
        ("switched", 10, true),
    ];
    for (key, hours, renewable) in cases {
        let partial = entra.credential(lab.user(key));
        let outcome = ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial));
        let full = outcome.granted().unwrap_or_else(|| panic!("{key}: {}", daemon.log_text())).credential;
        let opened = device::open(&lab, &full);
        for (flags, times) in [(full.flags, full.times), (opened.flags, opened.times)] {
            let lived = times.endtime.unix_seconds() - times.starttime.unwrap().unix_seconds();
            assert!((hours * 3600 - 2..=hours * 3600).contains(&lived), "{key}: {lived} s");
            assert_eq!(flags & ticket_flags::RENEWABLE != 0, renewable, "{key}: {flags:08x}");
            assert_eq!(times.renew_till.is_some(), renewable, "{key}");
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn who_may_sign_in_from_certain_devices_only_is_refused_and_so_is_whose_policy_cannot_be_read() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    let cases = [
        ("device", "authentication_policy", Some(INVALID_WORKSTATION), "CN=Devices,"),
        ("hidden", "authentication_policy_unresolved", None, "CN=Hidden,"),
    ];
    for (key, reason, nt_status, detail) in cases {
        let partial = entra.credential(lab.user(key));
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let request = exchange(&partial);
            let (outcome, line) = refused(&daemon, key, reason, || ask(&daemon.kdc(protocol), &request));
            let denied = outcome.denied().expect("a refusal");
            assert_eq!((denied.code, denied.nt_status), (12, nt_status), "{key}");
            assert!(line["detail"].as_str().unwrap().starts_with(detail), "{line}");
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn explain_names_the_policy_and_check_whom_it_keeps_out() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", Settings::of(&lab).to_toml(), 0o600);
    let config = config.to_str().unwrap();
    let cases = [
        ("short", "Two Hours", None, Some((Some(7200), false)), "allowed"),
        ("vaulted", "Two Hours", Some("Vault"), Some((Some(7200), false)), "allowed"),
        ("stranger", "Six Hours", None, Some((Some(21_600), false)), "allowed"),
        ("watched", "Devices", Some("Watched"), None, "allowed"),
        ("audited", "Audited", None, None, "allowed"),
        ("device", "Devices", None, Some((Some(7200), true)), "refused"),
    ];
    for (key, policy, silo, enforced, verdict) in cases {
        let ended = run(["explain", &lab.user(key).name, "--config", config, "--json"]);
        let said: Value = serde_json::from_str(&ended.output).expect(&ended.errors);
        assert_eq!(said["verdict"], verdict, "{key}: {said}");
        let told = &said["authentication_policy"];
        let is = |field: &str, name: &str| {
            told[field].as_str().is_some_and(|dn| dn.starts_with(&format!("CN={name},")))
        };
        assert!(is("policy", policy), "{key}: {told}");
        assert!(silo.map_or(told["silo"].is_null(), |silo| is("silo", silo)), "{key}: {told}");
        assert_eq!(told["enforced"], enforced.is_some(), "{key}: {told}");
        if let Some((lifetime, device)) = enforced {
            assert_eq!(told["tgt_lifetime_seconds"].as_u64(), lifetime, "{key}: {told}");
            assert_eq!(told["demands_device"], device, "{key}: {told}");
        }
    }
    let bob = run(["explain", "bob", "--config", config, "--json"]);
    let said: Value = serde_json::from_str(&bob.output).expect(&bob.errors);
    assert!(said["authentication_policy"].is_null(), "{said}");
    let vaulted = run(["explain", "vaulted", "--config", config]);
    assert!(vaulted.output.contains(": TGTs live 7200 s at most"), "{}", vaulted.output);

    let checked = run(["check", "--online", "--config", config]);
    let lines: Vec<_> = checked.output.lines().filter(|line| line.contains("demands a device")).collect();
    assert!(lines.iter().any(|line| line.contains("users under CN=Devices,")), "{}", checked.output);
    assert!(!lines.iter().any(|line| line.contains("CN=Audited,")), "{}", checked.output);
}
