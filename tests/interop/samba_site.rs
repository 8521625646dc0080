//! docs/samba-domains.md, "A Samba site": the configuration that is shipped for it, step by step, and what joins a domain goes through.

use std::path::Path;
use std::process::Command;

use kdc::client::transport::Protocol;
use tgtx_tests::device::{Entra, ask, exchange};
use tgtx_tests::program::{end, run};

use super::relay::{Relay, shipped_configuration};

/// What `clients/member` says where everything works.
const MEMBERSHIP: &str = "\
net ads join
net ads testjoin
net ads changetrustpw
net ads testjoin
net ads leave
";

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn the_domain_controller_is_found_with_key_list_and_exchanges() {
    let site = Relay::start();
    let config = site.folder.write("tgtx.toml", shipped_configuration(&site.lab), 0o644);
    let checked = run(["check", "--online", "--config", &config.display().to_string()]);
    assert_eq!(checked.status, Some(0), "{}{}", checked.output, checked.errors);

    let found =
        |server: String| run(["dsgetdc", &site.lab.dns_domain, "--keylist", "--kdc", "--server", &server]);
    let before = found(site.lab.cldap.to_string());
    assert_eq!(before.status, Some(1));
    assert!(before.errors.contains("answers without KEYLIST"), "{}", before.errors);
    let after = found(site.lab.cldap.ip().to_string());
    assert_eq!(after.status, Some(0), "{}", after.errors);
    assert!(after.output.contains(" KEYLIST") && after.output.contains(&site.lab.dc), "{}", after.output);

    let partial = Entra::of(&site.lab, "azuread").credential(site.lab.user("alice"));
    ask(&site.daemon.kdc(Protocol::Tcp), &exchange(&partial)).granted().expect("a full TGT");
}

/// LDAP and SMB go to Samba, Kerberos, password changes and pings to the daemon, all at one address.
#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_computer_joins_the_domain_changes_its_password_and_leaves() {
    let site = Relay::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/member");
    let conf = site.folder.write("krb5.conf", site.krb5_conf(1), 0o644);
    let ended = end(Command::new(script)
        .args(["Administrator", &site.lab.administrator.password])
        .env("KRB5_CONFIG", conf));
    assert_eq!((ended.status, &*ended.output), (Some(0), MEMBERSHIP), "{ended:?}");
    for (kind, least) in [("as", 4), ("tgs", 4), ("kpasswd", 1)] {
        assert!(site.relayed(kind, "answered") >= least, "{kind}");
        assert_eq!(site.relayed(kind, "unanswered"), 0, "{kind}");
    }
    assert!(site.daemon.counter("tgtx_discovery_pings_total{result=\"key_list_set\"}") >= 1);
}
