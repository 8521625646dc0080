//! `tgtx init` against a real domain controller, as somebody runs it who has just installed the program.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tgtx_tests::dns::{DnsServer, Record};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{self, Ended};

use super::relay::port_88;

/// A host whose DNS is the domain's.
struct Host {
    lab: Lab,
    folder: Folder,
    resolv_conf: PathBuf,
    _dns: DnsServer,
}

impl Host {
    /// Each test has a server of DNS of its own, at this one of the lab's free addresses.
    fn new(free: usize) -> Self {
        let (lab, folder) = (Lab::from_environment(), Folder::new());
        let address = SocketAddr::new(lab.forwarder_addresses[free], 53);
        let srv = |service: &str, port| {
            Record::Srv(format!("_{service}._tcp.dc._msdcs.{}", lab.dns_domain), 0, 100, port, lab.dc.clone())
        };
        let dns = DnsServer::start_at(
            address,
            vec![
                srv("ldap", 389),
                srv("kerberos", lab.kdc.port()),
                Record::Address(lab.dc.clone(), lab.kdc.ip()),
            ],
        );
        let resolv_conf = folder.write("resolv.conf", format!("nameserver {}\n", address.ip()), 0o644);
        Self { lab, folder, resolv_conf, _dns: dns }
    }

    /// With a file of its own in the place of this host's.
    fn run(&self, arguments: &[&str]) -> Ended {
        let script =
            format!("mount --bind {} /etc/resolv.conf && exec \"$0\" \"$@\"", self.resolv_conf.display());
        let mut command = Command::new("unshare");
        program::end(command.args(["--mount", "/bin/sh", "-c", &script]).arg(program::tgtx()).args(arguments))
    }

    /// As the service account, with the password in that file.
    fn init(&self, password: &Path, more: &[&str]) -> Ended {
        let (dn, ca) = (&self.lab.service_account.dn, path(&self.lab.ca));
        let simple = ["init", "--bind-dn", dn, "--password-file", path(password), "--ca-file", ca];
        self.run(&[&simple[..], more].concat())
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn with_the_paths_of_secrets_the_proposal_passes_check_online() {
    // The proposal wants every address of it.
    let _port = port_88();
    let host = Host::new(0);
    let proposed = host.init(&host.lab.service_account.password_file, &["--domain", &host.lab.dns_domain]);
    assert_eq!((proposed.status, &*proposed.errors), (Some(0), ""), "{proposed:?}");
    for line in proposed.output.lines().filter(|line| !line.is_empty()) {
        assert!(line.starts_with('#') || line.contains(" # "), "no comment: {line}");
    }
    let kvno = host.lab.branch("azuread").kvno;
    for expected in [
        "\nrealm = \"LAB.EXAMPLE\"",
        "\"ldaps://dc1.lab.example:636\",",
        &format!("key of krbtgt_30775, branch 30775, kvno {kvno}: 5 never revealed, 2 revealed on demand"),
        "branch 20001, of nobody, is left out",
        "branch 20002, of RODC-NOPARTIAL$, is left out",
        "\nsite = \"Default-First-Site-Name\"",
        "\nsrv = true ",
        "today dc1.lab.example:1088",
    ] {
        assert!(proposed.output.contains(expected), "{expected}: {}", proposed.output);
    }

    // All that is to be filled in.
    let keytabs = &host.lab.keytabs;
    let secrets = [
        ("/etc/tgtx/krbtgt.keytab", path(&keytabs.krbtgt)),
        ("/etc/tgtx/krbtgt_30775.keytab", path(&keytabs.azuread)),
    ];
    let filled_in = secrets.iter().fold(proposed.output, |text, (proposed, own)| {
        assert_eq!(text.matches(proposed).count(), 1, "{proposed}");
        text.replace(proposed, own)
    });
    let config = host.folder.write("tgtx.toml", filled_in, 0o644);
    let checked = host.run(&["check", "--online", "--config", path(&config)]);
    assert_eq!(checked.status, Some(0), "{checked:?}");
    for expected in
        ["ldaps://dc1.lab.example:636 answers", "branch 30775 serves", "127.0.0.10:1088 answers over TCP"]
    {
        assert!(checked.output.contains(expected), "{expected}: {}", checked.output);
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn what_cannot_be_proposed_from_is_said_in_one_line() {
    let host = Host::new(1);
    let right = host.lab.service_account.password_file.clone();
    let wrong = host.folder.write("wrong", "wrong", 0o600);
    let open = host.folder.write("open", "wrong", 0o644);
    let ldaps = &host.lab.ldaps;
    let cases: [(&Path, &[&str], i32, &str); 6] = [
        (
            &right,
            &["--domain", "nowhere.example"],
            1,
            "_ldap._tcp.dc._msdcs.nowhere.example: no such SRV record",
        ),
        (&right, &["--domain", "other.example", "--server", ldaps], 1, "serves DC=lab,DC=example instead of"),
        (&right, &["--domain", "lab.example", "--server", "ldaps://127.0.0.12:1"], 1, "cannot be reached"),
        (&wrong, &["--domain", "lab.example"], 1, "refuses the password of"),
        (&open, &["--domain", "lab.example"], 78, "chmod"),
        (&right, &["--domain", "lab.example", "--bind", "external"], 78, "or write bind = \"simple\""),
    ];
    for (password, arguments, status, expected) in cases {
        let ended = host.init(password, arguments);
        assert_eq!((ended.status, &*ended.output), (Some(status), ""), "{ended:?}");
        assert!(ended.errors.contains(expected), "{expected}: {ended:?}");
        assert_eq!(ended.errors.lines().count(), 1, "{ended:?}");
    }
}
