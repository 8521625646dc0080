//! The ways of binding beside name and password: GSSAPI with a keytab, to Samba; EXTERNAL with a client certificate, to
//! OpenLDAP's server, because Samba's does not know it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use kdc::krb::keytab::{Entry, Keytab};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, exchange};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{self, Ended};
use tgtx_tests::settings::Settings;

/// For a server to start.
const PATIENCE: Duration = Duration::from_secs(10);

fn check(folder: &Folder, settings: &Settings, krb5_conf: &Path) -> Ended {
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o644);
    let mut command = Command::new(program::tgtx());
    program::end(command.args(["check", "--online", "--config"]).arg(config).env("KRB5_CONFIG", krb5_conf))
}

fn gssapi(lab: &Lab, keytab: &Path) -> Settings {
    let bind = format!("bind = \"gssapi\"\nkeytab = {keytab:?}\nprincipal = \"tgtx@{}\"", lab.realm);
    Settings { bind: Some(bind), ..Settings::of(lab) }
}

/// A keytab with the keys of the service account alone, each octet of them combined with `mask`.
fn service_keytab(lab: &Lab, folder: &Folder, mask: u8) -> PathBuf {
    let all = Keytab::parse(&fs::read(&lab.keytabs.users).unwrap()).unwrap();
    let principal = format!("tgtx@{}", lab.realm);
    let own = all.entries().iter().filter(|entry| entry.principal() == principal).map(|entry| Entry {
        realm: entry.realm.clone(),
        components: entry.components.clone(),
        name_type: entry.name_type,
        timestamp: entry.timestamp,
        kvno: entry.kvno,
        etype: entry.etype,
        key: entry.key.iter().map(|octet| octet ^ mask).collect::<Vec<u8>>().into(),
    });
    let keytab = Keytab::new(own.collect());
    assert!(!keytab.entries().is_empty(), "no key of {principal}");
    folder.write("ldap.keytab", keytab.to_bytes().unwrap(), 0o600)
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_ticket_got_with_a_keytab_binds_over_ldaps_and_start_tls() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let keytab = service_keytab(&lab, &folder, 0);
    for url in [&lab.ldaps, &lab.ldap] {
        let settings = Settings { urls: vec![url.clone()], ..gssapi(&lab, &keytab) };
        let checked = check(&folder, &settings, &lab.krb5_conf);
        assert_eq!(checked.status, Some(0), "{checked:?}");
        assert!(checked.output.contains(" answers, bound as tgtx@LAB.EXAMPLE"), "{checked:?}");

        let krb5_conf = lab.krb5_conf.to_str().unwrap();
        let environment = [("KRB5_CONFIG", krb5_conf)];
        let daemon = Daemon::launch_with(Folder::new(), &settings.to_toml(), &environment);
        daemon.wait_until("ready", || daemon.is_ready());
        let partial = Entra::of(&lab, "azuread").credential(lab.user("alice"));
        let kdc = daemon.kdc(kdc::client::transport::Protocol::Tcp);
        tgtx_tests::device::ask(&kdc, &exchange(&partial)).granted().expect("a full TGT");
        // The very process that was started, under its name, and the tickets nowhere but in it.
        let own = fs::read_to_string(format!("/proc/{}/comm", daemon.id())).unwrap();
        assert!(own.starts_with("tgtx"), "{own}");
        let environment = fs::read(format!("/proc/{}/environ", daemon.id())).unwrap();
        assert!(String::from_utf8_lossy(&environment).contains("KRB5CCNAME=MEMORY:"));
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn why_there_is_no_ticket_is_said() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let nobody = folder.write(
        "krb5.conf",
        fs::read_to_string(&lab.krb5_conf).unwrap().replace(&lab.kdc.to_string(), "127.0.0.10:1"),
        0o644,
    );
    let cases = [
        (0, nobody.as_path(), "no KDC can be asked for a ticket"),
        (0x55, lab.krb5_conf.as_path(), "there is no ticket"),
    ];
    for (mask, krb5_conf, expected) in cases {
        let checked = check(&folder, &gssapi(&lab, &service_keytab(&lab, &folder, mask)), krb5_conf);
        assert_eq!(checked.status, Some(1), "{checked:?}");
        let error = checked.output.lines().find(|line| line.starts_with("error ")).unwrap_or_default();
        assert!(error.contains(expected), "{expected}: {checked:?}");
    }
    let of_others = Settings {
        bind: Some(format!(
            "bind = \"gssapi\"\nkeytab = {:?}\nprincipal = \"nobody@LAB.EXAMPLE\"",
            service_keytab(&lab, &folder, 0)
        )),
        ..Settings::of(&lab)
    };
    let checked = check(&folder, &of_others, &lab.krb5_conf);
    assert!(checked.output.contains("ldap.keytab: no key of nobody@LAB.EXAMPLE; export"), "{checked:?}");
}

/// OpenLDAP's server, which demands a client certificate of the lab's CA and calls itself a domain controller, so that a
/// client that is one's looks no further than at the bind. It has no objects.
struct Slapd {
    process: Child,
    log: PathBuf,
    /// Whoever needs one waits for its ports.
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

const SCHEMA: &str = "\
include /etc/ldap/schema/core.schema
attributetype ( 1.1.1.1 NAME 'defaultNamingContext' SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
attributetype ( 1.1.1.2 NAME 'configurationNamingContext' SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
attributetype ( 1.1.1.3 NAME 'dNSHostName' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
";

const ROOT_DSE: &str = "dn:\ndefaultNamingContext: dc=lab,dc=example\n\
                        configurationNamingContext: cn=configuration,dc=lab,dc=example\ndNSHostName: dc1.lab.example\n";

impl Slapd {
    const LDAPS: &str = "ldaps://127.0.0.13:10636";
    const LDAP: &str = "ldap://127.0.0.13:10389";

    fn start(lab: &Lab, folder: &Folder) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let tls = lab.ca.parent().unwrap().display();
        let root_dse = folder.write("root.ldif", ROOT_DSE, 0o644);
        let pid = folder.path("slapd.pid");
        let config = format!(
            "{SCHEMA}pidfile {}\nrootDSE {}\nTLSCACertificateFile {tls}/ca.pem\nTLSCertificateFile {tls}/dc1.pem\n\
             TLSCertificateKeyFile {tls}/dc1.key\nTLSVerifyClient demand\n",
            pid.display(),
            root_dse.display()
        );
        let config = folder.write("slapd.conf", config, 0o600);
        let log = folder.path("slapd.log");
        let process = Command::new("/usr/sbin/slapd")
            .args(["-d", "stats", "-h", &format!("{} {}", Self::LDAPS, Self::LDAP), "-f"])
            .arg(config)
            .stdin(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .expect("slapd, which tests/lab/packages installs");
        let mut slapd = Self { process, log, _turn: turn };
        let started = Instant::now();
        while !slapd.log().contains("slapd starting") {
            let ended = slapd.process.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "{ended:?}: {}", slapd.log());
            sleep(Duration::from_millis(20));
        }
        slapd
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn binds(&self) -> usize {
        self.log().matches("BIND dn=\"cn=tgtx\" mech=EXTERNAL").count()
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A certificate for `CN=tgtx` that this authority made, and its key.
fn certificate(folder: &Folder, authority: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.path("tgtx.pem"), folder.path("tgtx.key"));
    let made = program::end(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-subj", "/CN=tgtx", "-addext", "extendedKeyUsage=clientAuth", "-CA"])
            .arg(authority)
            .arg("-CAkey")
            .arg(authority.with_extension("key"))
            .arg("-out")
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key),
    );
    assert_eq!(made.status, Some(0), "{}", made.errors);
    (certificate, key)
}

fn external(lab: &Lab, url: &str, (certificate, key): &(PathBuf, PathBuf)) -> Settings {
    let bind = format!("bind = \"external\"\nclient-cert = {certificate:?}\nclient-key = {key:?}");
    Settings { bind: Some(bind), urls: vec![url.to_owned()], ..Settings::of(lab) }
}

#[test]
#[ignore = "needs the Samba lab's certificates and slapd: run tests/run"]
fn a_client_certificate_binds_over_ldaps_and_start_tls() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let slapd = Slapd::start(&lab, &folder);
    let ours = certificate(&folder, &lab.ca);
    for (url, binds) in [(Slapd::LDAPS, 1), (Slapd::LDAP, 2)] {
        let checked = check(&folder, &external(&lab, url, &ours), &lab.krb5_conf);
        assert!(slapd.binds() >= binds, "{checked:?}\n{}", slapd.log());
        // It was bound, and what was asked for then is not there.
        let expected = "error    LAB.EXAMPLE: dc=lab,dc=example: is not there, or may not be read";
        assert!(checked.output.contains(expected), "{checked:?}\n{}", slapd.log());
    }
}

#[test]
#[ignore = "needs the Samba lab's certificates and slapd: run tests/run"]
fn a_certificate_that_the_server_does_not_trust_is_said_to_be_none() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let slapd = Slapd::start(&lab, &folder);
    let strangers = certificate(&folder, &lab.other_ca);
    let checked = check(&folder, &external(&lab, Slapd::LDAPS, &strangers), &lab.krb5_conf);
    assert_eq!((checked.status, slapd.binds()), (Some(1), 0), "{checked:?}");
    assert!(checked.output.contains("it may not trust our certificate"), "{checked:?}\n{}", slapd.log());
}

#[test]
#[ignore = "needs the Samba lab's certificates: run tests/run"]
fn a_certificate_without_its_key_ends_the_start() {
    let lab = Lab::from_environment();
    let (folder, other) = (Folder::new(), Folder::new());
    let (certificate_of_ours, _) = certificate(&folder, &lab.ca);
    let (_, key_of_another) = certificate(&other, &lab.ca);
    let settings = external(&lab, &lab.ldaps, &(certificate_of_ours, key_of_another));
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o644);
    let served = program::run(["serve", "--config", config.to_str().unwrap()]);
    assert_eq!(served.status, Some(78), "{served:?}");
    assert!(served.errors.contains("tgtx.pem: cannot be used with the key in client-key"), "{served:?}");
}

#[test]
#[ignore = "needs the Samba lab's certificates and slapd: run tests/run"]
fn a_reload_connects_anew_for_another_certificate_and_not_for_the_same() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let slapd = Slapd::start(&lab, &folder);
    let ours = certificate(&folder, &lab.ca);
    let daemon = Daemon::launch(&external(&lab, Slapd::LDAPS, &ours));
    // `connections`, by default.
    daemon.wait_until("connected", || slapd.binds() == 4);
    let reloads = || daemon.log().iter().filter(|event| event["message"] == "reloaded").count();
    let reload = |count: usize| {
        let hangup = program::end(Command::new("kill").args(["-HUP", &daemon.id().to_string()]));
        assert_eq!(hangup.status, Some(0), "{}", hangup.errors);
        daemon.wait_until("reloaded", || reloads() == count);
    };
    reload(1);
    sleep(Duration::from_millis(500));
    assert_eq!(slapd.binds(), 4, "{}", slapd.log());
    certificate(&folder, &lab.ca);
    reload(2);
    daemon.wait_until("connected anew", || slapd.binds() == 8);
}
