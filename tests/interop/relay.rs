//! Unchanged clients do through the daemon what they do all day: it has the domain controller's address and ports, Samba
//! stands behind it by `krb5 port`, `kpasswd port` and `cldap port`.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kdc::client::Principal;
use kdc::client::reply::Denied;
use kdc::client::transport::{Kdc, Protocol};
use tgtx_tests::as_req::as_req;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::random;
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::{Lab, User};
use tgtx_tests::program::{self, Ended};

/// MIT's `udp_preference_limit`: messages that are longer go over TCP at once.
const TRANSPORTS: [(&str, u32); 2] = [("tcp", 1), ("udp", 32_700)];

/// What `clients/unchanged_clients` says where everything works.
const DAY: &str = "\
kinit with a password
kvno ldap/127.0.0.10
kvno host/127.0.0.10
kvno cifs/dc1.lab.example
kinit -R
kinit with FAST
kinit with a keytab
ldapsearch -Y GSSAPI
smbclient
";

/// KDC_ERR_PREAUTH_REQUIRED.
const PREAUTH_REQUIRED: i32 = 25;

/// The address has one port 88.
static PORT: Mutex<()> = Mutex::new(());

/// The port, until it is dropped.
pub(super) fn port_88() -> MutexGuard<'static, ()> {
    PORT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A daemon in the place of the lab's KDC and of its answers to pings.
pub(super) struct Relay {
    pub(super) daemon: Daemon,
    pub(super) lab: Lab,
    pub(super) folder: Folder,
    _port: MutexGuard<'static, ()>,
}

impl Relay {
    pub(super) fn start() -> Self {
        let port = port_88();
        let lab = Lab::from_environment();
        let daemon = Daemon::launch_in(Folder::new(), &shipped_configuration(&lab));
        daemon.wait_until("ready", || daemon.is_ready());
        Self { daemon, lab, folder: Folder::new(), _port: port }
    }

    /// As on any member of the domain: the domain controller's address, and no port.
    pub(super) fn krb5_conf(&self, udp_preference_limit: u32) -> String {
        let (realm, domain, address) = (&self.lab.realm, &self.lab.dns_domain, self.lab.kdc.ip());
        format!(
            "[libdefaults]\ndefault_realm = {realm}\ndns_lookup_kdc = false\ndns_lookup_realm = false\n\
             dns_canonicalize_hostname = false\nrdns = false\nrenewable = true\nrenew_lifetime = 7d\n\
             udp_preference_limit = {udp_preference_limit}\n\
             [realms]\n{realm} = {{\nkdc = {address}\nkpasswd_server = {address}\n}}\n\
             [domain_realm]\n{address} = {realm}\n.{domain} = {realm}\n"
        )
    }

    fn day_of(&self, user: &User, udp_preference_limit: u32, new_password: &str) -> Ended {
        let conf = self.folder.write("krb5.conf", self.krb5_conf(udp_preference_limit), 0o644);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/unchanged_clients");
        program::end(
            Command::new(script)
                .args([&user.name, &user.password])
                .arg(&self.lab.folder)
                .env("KRB5_CONFIG", conf)
                .env("NEW_PASSWORD", new_password),
        )
    }

    pub(super) fn relayed(&self, kind: &str, outcome: &str) -> u64 {
        self.daemon.counter(&format!("tgtx_relayed_total{{kind=\"{kind}\",outcome=\"{outcome}\"}}"))
    }
}

/// That for a Samba domain controller, with the lab's address and files.
pub(super) fn shipped_configuration(lab: &Lab) -> String {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../conf/on-a-samba-dc.toml");
    let mut text = std::fs::read_to_string(shipped).unwrap();
    let path = |path: &Path| path.display().to_string();
    let changes = [
        ("10.0.0.1", lab.kdc.ip().to_string()),
        ("\n[listen]\n", "\n[listen]\nmetrics = \"127.0.0.1:0\"\n".to_owned()),
        ("/etc/tgtx/krbtgt.keytab", path(&lab.keytabs.krbtgt)),
        ("/etc/tgtx/krbtgt_AzureAD.keytab", path(&lab.keytabs.azuread)),
        ("[\"ldaps://dc1.lab.example\", \"ldaps://dc2.lab.example\"]", format!("[{:?}]", lab.ldaps)),
        ("CN=tgtx,CN=Users,DC=lab,DC=example", lab.service_account.dn.clone()),
        ("/etc/tgtx/ldap-password", path(&lab.service_account.password_file)),
        ("/var/lib/samba/private/tls/ca.pem", path(&lab.ca)),
    ];
    for (what, with) in changes {
        assert!(text.contains(what), "{what}");
        text = text.replace(what, &with);
    }
    text
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn clients_sign_in_and_use_services_through_the_daemon() {
    for (transport, limit) in TRANSPORTS {
        let relay = Relay::start();
        let ended = relay.day_of(relay.lab.user("alice"), limit, "");
        assert_eq!((ended.status, &*ended.output), (Some(0), DAY), "{transport}: {ended:?}");
        assert!(relay.relayed("as", "answered") >= 6, "{transport}: two messages for each sign-in");
        assert!(relay.relayed("tgs", "answered") >= 6, "{transport}");
        for kind in ["as", "tgs"] {
            assert_eq!(relay.relayed(kind, "unanswered"), 0, "{transport}");
        }
        let requests = ["as", "tgs"].map(|kind| {
            let series = format!("tgtx_requests_total{{transport=\"{transport}\",kind=\"{kind}\"}}");
            relay.daemon.counter(&series)
        });
        assert!(requests.iter().sum::<u64>() >= 12, "{transport}: {requests:?}");
        assert!(relay.daemon.audit().is_empty(), "no line for what is relayed");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn clients_change_a_password_through_the_daemon() {
    for (transport, limit) in TRANSPORTS {
        let relay = Relay::start();
        let user = relay.lab.user("changer");
        // Before and after other runs, the password is the table's, and must be changed: so it may be, too.
        let reset = program::end(
            Command::new("samba-tool")
                .args(["user", "setpassword", &user.name, "--must-change-at-next-login"])
                .arg(format!("--newpassword={}", user.password))
                .arg("-H")
                .arg(relay.lab.folder.join("private/sam.ldb"))
                .arg("-s")
                .arg(relay.lab.folder.join("etc/smb.conf")),
        );
        assert_eq!(reset.status, Some(0), "{reset:?}");
        // The domain remembers those before.
        let new_password = format!("Relayed-{:x}!", u64::from_be_bytes(random()));
        let ended = relay.day_of(user, limit, &new_password);
        let expected = format!("kpasswd\n{DAY}");
        assert_eq!((ended.status, ended.output.as_str()), (Some(0), &*expected), "{transport}: {ended:?}");
        assert!(relay.relayed("kpasswd", "answered") >= 1, "{transport}");
        assert_eq!(relay.relayed("kpasswd", "unanswered"), 0, "{transport}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_request_of_60_000_octets_is_answered_as_by_samba_itself() {
    let relay = Relay::start();
    let (realm, alice) = (&relay.lab.realm, relay.lab.user("alice"));
    // Padata that nobody knows, and a KDC passes over.
    let padding = vec![7; 60_000];
    let request =
        as_req(&Principal::user(realm, &alice.name), &Principal::krbtgt(realm), &[(9999, &padding)]);
    let ask = |address| {
        let kdc = Kdc { protocol: Protocol::Tcp, ..Kdc::at(address) };
        let denied = Denied::parse(&kdc.ask(&request).unwrap()).unwrap();
        (denied.code, denied.data)
    };
    let through = ask(relay.daemon.kerberos()[0]);
    assert_eq!(through, ask(relay.lab.kdc));
    assert_eq!(through.0, PREAUTH_REQUIRED);
    assert_eq!(relay.relayed("as", "answered"), 1);
}
