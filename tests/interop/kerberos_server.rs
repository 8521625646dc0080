//! `tgtx kerberos-server show` against a real domain controller, beside what Samba itself makes of its replication metadata.

use std::process::Command;

use serde_json::{Value, json};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{self, Ended};
use tgtx_tests::settings::Settings;

fn show(settings: &Settings, options: &[&str]) -> Ended {
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o644);
    let mut command = Command::new(program::tgtx());
    program::end(command.args(["kerberos-server", "show", "--config"]).arg(config).args(options))
}

fn shown(settings: &Settings, options: &[&str]) -> (Option<i32>, Value) {
    let ended = show(settings, &[&["--json"], options].concat());
    let json = serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"));
    (ended.status, json)
}

/// What Samba's own reader finds of the last change of an account's password.
fn by_samba(lab: &Lab, name: &str) -> Value {
    let mut command = Command::new("/usr/bin/python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/lab/key_change.py")).arg(&lab.folder).arg(name);
    let ended = program::end(&mut command);
    serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"))
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|member| member["name"].as_str().unwrap()).collect()
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn it_says_what_the_directory_has() {
    let lab = Lab::from_environment();
    let branch = lab.branch("azuread");
    let (status, shown) = shown(&Settings::of(&lab), &[]);
    assert_eq!((status, &shown["agrees"]), (Some(0), &json!(true)), "{shown}");
    let change = by_samba(&lab, "krbtgt_30775");
    let expected = json!({
        "Id": branch.number,
        "UserAccount": branch.krbtgt_dn,
        "ComputerAccount": branch.computer_dn,
        "DisplayName": "krbtgt_30775",
        "DomainDnsName": lab.dns_domain,
        "KeyVersion": change["usn"],
        "KeyUpdatedOn": change["at"],
        "KeyUpdatedFrom": change["server"],
    });
    assert_eq!(shown["server"], expected);
    assert_eq!(shown["key_version_number"], branch.key_version & 0xffff);
    let mut never_reveal = names(&shown["never_reveal"]);
    never_reveal.sort_unstable();
    assert!(never_reveal.contains(&"Administrators") && never_reveal.len() == 5, "{never_reveal:?}");
    assert!(names(&shown["reveal_on_demand"]).contains(&"Domain Users"), "{shown}");
    let text = show(&Settings::of(&lab), &[]);
    assert!(text.output.contains("\nKeyUpdatedFrom     : dc1.lab.example\n"), "{text:?}");
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn keys_and_entras_copy_that_do_not_agree_are_drift() {
    let lab = Lab::from_environment();
    let settings = Settings::of(&lab);
    // No key of that one is loaded.
    let high = lab.branch("high").number.to_string();
    let (status, without) = shown(&settings, &["--branch", &high]);
    assert_eq!((status, &without["agrees"]), (Some(10), &json!(false)), "{without}");
    assert!(without["findings"][0]["text"].as_str().unwrap().contains("no key of it is loaded"), "{without}");
    let keytabs = vec![lab.keytabs.krbtgt.clone(), lab.branch("high").keytab.clone()];
    let (status, with) = shown(&Settings { keytabs, ..settings.clone() }, &["--branch", &high]);
    assert_eq!(status, Some(0), "{with}");

    let folder = Folder::new();
    let (_, shown) = shown(&settings, &[]);
    let server = &shown["server"];
    let export = json!({
        "CloudId": server["Id"],
        "CloudDisplayName": server["DisplayName"],
        "CloudDomainDnsName": server["DomainDnsName"],
        "CloudKeyVersion": server["KeyVersion"],
        "CloudKeyUpdatedOn": server["KeyUpdatedOn"],
        "CloudTrustDisplay": "Microsoft.AzureAD.Kdc.Service.TrustDisplay",
    });
    let cases = [
        (export.clone(), Some(0), "ok       CloudKeyVersion is KeyVersion, ".to_owned()),
        (
            with_member(&export, "CloudKeyVersion", json!(1)),
            Some(10),
            "error    CloudKeyVersion is 1 and".to_owned(),
        ),
        (
            with_member(&export, "CloudId", json!(null)),
            Some(10),
            "error    Entra has no such server".to_owned(),
        ),
    ];
    for (export, status, expected) in cases {
        let file = folder.write("cloud.json", export.to_string(), 0o644);
        let ended = show(&settings, &["--cloud", file.to_str().unwrap()]);
        assert_eq!(ended.status, status, "{ended:?}");
        assert!(ended.output.contains(&expected), "{expected}: {ended:?}");
    }
}

fn with_member(export: &Value, name: &str, value: Value) -> Value {
    let mut export = export.clone();
    export[name] = value;
    export
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn what_cannot_be_shown_is_said_in_one_line() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let malformed = folder.write("cloud.json", "{\"CloudId\": ", 0o644);
    let other = folder.write("other.json", "{\"Id\": 3}", 0o644);
    let away = Settings { urls: vec!["ldaps://127.0.0.12:1".to_owned()], ..Settings::of(&lab) };
    let good = Settings::of(&lab);
    let cases: [(&Settings, &[&str], i32, &str); 6] = [
        (&good, &["--branch", "4"], 1, "branch 4: no account of the domain has this number"),
        (
            &good,
            &["--cloud", malformed.to_str().unwrap()],
            1,
            "is not what Get-AzureADKerberosServer exports: EOF",
        ),
        (&good, &["--cloud", other.to_str().unwrap()], 1, "it has no CloudId"),
        (&good, &["--cloud", "/nonexistent"], 1, "/nonexistent: "),
        (&good, &["--realm", "OTHER.EXAMPLE"], 1, "OTHER.EXAMPLE"),
        (&away, &[], 1, "cannot be reached"),
    ];
    for (settings, options, status, expected) in cases {
        let ended = show(settings, options);
        assert_eq!((ended.status, &*ended.output), (Some(status), ""), "{ended:?}");
        assert!(ended.errors.contains(expected), "{expected}: {ended:?}");
        assert_eq!(ended.errors.lines().count(), 1, "{ended:?}");
    }
}
