//! What is wrong with files ends the start in one line; what is wrong with the directory is said, waited out and
//! recovered from.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kdc::client::transport::Protocol;
use kdc::krb::keytab::{Entry, Keytab};
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange, read_keytab};
use tgtx_tests::folder::{self, Folder};
use tgtx_tests::forwarder::Forwarder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{self, Ended};
use tgtx_tests::settings::Settings;

/// EX_CONFIG of sysexits.h.
const CONFIGURATION: i32 = 78;

/// One fault of a file: what it is, how it comes about, and what the line about it must name.
struct Fault {
    what: &'static str,
    make: fn(&Lab, &Folder, &mut Settings),
    /// Replaced in the text of the configuration.
    edit: (&'static str, &'static str),
    told: &'static [&'static str],
}

const NO_EDIT: (&str, &str) = ("", "");

const FAULTS: [Fault; 16] = [
    Fault {
        what: "keytab missing",
        make: |_, folder, settings| settings.keytabs[0] = folder.path("krbtgt.keytab"),
        edit: NO_EDIT,
        told: &["/krbtgt.keytab: does not exist; create it or correct the path"],
    },
    Fault {
        what: "keytab readable by the group",
        make: |lab, folder, settings| {
            let keytab = std::fs::read(&lab.keytabs.krbtgt).unwrap();
            settings.keytabs[0] = folder.write("krbtgt.keytab", keytab, 0o640);
        },
        edit: NO_EDIT,
        told: &["/krbtgt.keytab: ", "(mode 0640); chmod 600 it"],
    },
    Fault {
        what: "keytab is none",
        make: |_, folder, settings| settings.keytabs[0] = folder.write("krbtgt.keytab", "no keytab", 0o600),
        edit: NO_EDIT,
        told: &["/krbtgt.keytab: ", "export it anew"],
    },
    Fault {
        what: "no krbtgt in the keytabs",
        make: |_, _, settings| drop(settings.keytabs.remove(0)),
        edit: NO_EDIT,
        told: &["no key of krbtgt/LAB.EXAMPLE@LAB.EXAMPLE in ", "azuread.keytab: export "],
    },
    Fault {
        what: "krbtgt of another realm",
        make: |_, _, _| {},
        edit: ("realm = \"LAB.EXAMPLE\"", "realm = \"OTHER.EXAMPLE\""),
        told: &["no key of krbtgt/OTHER.EXAMPLE@OTHER.EXAMPLE in ", "krbtgt.keytab"],
    },
    Fault {
        what: "no AES key of krbtgt",
        make: |lab, folder, settings| settings.keytabs[0] = rc4_alone(folder, &lab.keytabs.krbtgt),
        edit: NO_EDIT,
        told: &["the domain's krbtgt has entries in ", "/rc4.keytab but no usable AES key: export "],
    },
    Fault {
        what: "no AES key of the branch",
        make: |lab, folder, settings| settings.keytabs[1] = rc4_alone(folder, &lab.keytabs.azuread),
        edit: NO_EDIT,
        told: &["branch 30775 has entries in ", "/rc4.keytab but no usable AES key: export "],
    },
    Fault {
        what: "unknown key",
        make: |_, _, _| {},
        edit: ("udp-reply-limit", "udp-replay-limit"),
        told: &["tgtx.toml:4:1: unknown key `udp-replay-limit`; did you mean `udp-reply-limit`?"],
    },
    Fault {
        what: "bad number",
        make: |_, _, _| {},
        edit: ("udp-reply-limit = 1465", "udp-reply-limit = 100"),
        told: &["tgtx.toml:4:", "udp-reply-limit: out of range; write 512 to 65507 octets"],
    },
    Fault {
        what: "bad duration",
        make: |_, _, settings| settings.more = "[domain.cache]\nttl = \"soon\"\n".to_owned(),
        edit: NO_EDIT,
        told: &["tgtx.toml:", "ttl: ", "; "],
    },
    Fault {
        what: "URL of another protocol",
        make: |_, _, settings| settings.urls = vec!["http://127.0.0.10".to_owned()],
        edit: NO_EDIT,
        told: &["tgtx.toml:", "urls: ", "; "],
    },
    Fault {
        what: "CA file missing",
        make: |_, folder, settings| settings.ca_file = folder.path("ca.pem"),
        edit: NO_EDIT,
        told: &["/ca.pem: does not exist; create it or correct the path"],
    },
    Fault {
        what: "CA file without a certificate",
        make: |_, folder, settings| settings.ca_file = folder.write("ca.pem", "no PEM", 0o644),
        edit: NO_EDIT,
        told: &["/ca.pem: ca-file holds no certificate; save the authority's certificate in PEM form"],
    },
    Fault {
        what: "password file missing",
        make: |_, folder, settings| settings.password_file = folder.path("password"),
        edit: NO_EDIT,
        told: &["/password: does not exist; create it or correct the path"],
    },
    Fault {
        what: "password file readable by all",
        make: |_, folder, settings| settings.password_file = folder.write("password", "secret", 0o644),
        edit: NO_EDIT,
        told: &["/password: ", "(mode 0644); chmod 600 it"],
    },
    Fault {
        what: "password file empty",
        make: |_, folder, settings| settings.password_file = folder.write("password", "\n", 0o600),
        edit: NO_EDIT,
        told: &["/password: is empty; write its content anew"],
    },
];

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_fault_in_a_file_ends_the_start_in_one_line_before_any_socket_is_opened() {
    let lab = Lab::from_environment();
    // Both ports are taken: a daemon that came to open sockets would complain of that instead.
    let [kerberos, metrics] = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    for fault in FAULTS {
        let (what, folder) = (fault.what, Folder::new());
        let mut settings = Settings {
            kerberos: vec![kerberos.local_addr().unwrap().to_string()],
            metrics: metrics.local_addr().unwrap().to_string(),
            ..Settings::of(&lab)
        };
        (fault.make)(&lab, &folder, &mut settings);
        let (from, to) = fault.edit;
        let text = settings.to_toml();
        let text = if from.is_empty() { text } else { text.replacen(from, to, 1) };
        assert_ends_the_start(what, &folder.write("tgtx.toml", text, 0o644), fault.told);
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn so_does_a_fault_in_an_ldif_directory_or_the_lack_of_a_configuration() {
    let (lab, folder) = (Lab::from_environment(), Folder::new());
    let ldif = folder.write("domain.ldif", "dn: DC=lab,DC=example\nno attribute here\n", 0o644);
    let text = format!(
        "[[domain]]\nrealm = {:?}\nkeytabs = [{:?}]\ndirectory = \"ldif:{}\"\n",
        lab.realm,
        lab.keytabs.krbtgt,
        ldif.display()
    );
    let config = folder.write("tgtx.toml", text, 0o644);
    let told = ["/domain.ldif", "LDIF line 2: expected `name: value`"];
    assert_ends_the_start("LDIF that is none", &config, &told);
    let told = ["/nowhere.toml: cannot be read: ", "name the configuration with --config FILE"];
    assert_ends_the_start("no configuration", &folder.path("nowhere.toml"), &told);
}

fn assert_ends_the_start(what: &str, config: &Path, told: &[&str]) {
    let served = tgtx("serve", config, &[]);
    assert_eq!(served.status, Some(CONFIGURATION), "{what}: {served:?}");
    let line = served.errors.trim_end();
    assert!(line.starts_with("tgtx: ") && !line.contains('\n'), "{what}: {line}");
    for part in told {
        assert!(line.contains(part), "{what}: {part:?} is not in {line}");
    }
    let checked = tgtx("check", config, &[]);
    assert_eq!(checked.status, Some(1), "{what}: {checked:?}");
    let fault = line.replacen("tgtx: ", "", 1);
    let is_told = |line: &str| line.starts_with("error    ") && line.ends_with(&fault);
    assert!(checked.output.lines().any(is_told), "{what}: {fault} is not in {}", checked.output);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn an_address_in_use_ends_the_start_with_its_owner_s_whereabouts() {
    let lab = Lab::from_environment();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let kerberos = vec![taken.local_addr().unwrap().to_string()];
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", Settings { kerberos, ..Settings::of(&lab) }.to_toml(), 0o644);
    let served = tgtx("serve", &config, &[]);
    assert_eq!(served.status, Some(1), "{served:?}");
    // The one who holds it is this very test.
    let holder = format!("(process {}) holds the port", std::process::id());
    assert!(served.errors.contains(&holder), "{served:?}");
    let checked = tgtx("check", &config, &[]);
    assert_eq!(checked.status, Some(1), "{checked:?}");
    let is_told = |line: &str| line.starts_with("error    [listen] kerberos ") && line.contains(&holder);
    assert!(checked.output.lines().any(is_told), "{checked:?}");
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn check_names_each_branch_that_serves_nobody() {
    let lab = Lab::from_environment();
    let mut keytabs = vec![lab.keytabs.krbtgt.clone()];
    keytabs.extend(lab.branches.values().map(|branch| branch.keytab.clone()));
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", Settings { keytabs, ..Settings::of(&lab) }.to_toml(), 0o644);
    let checked = tgtx("check", &config, &["--online"]);
    assert_eq!(checked.status, Some(1), "{checked:?}");
    for branch in lab.branches.values() {
        let error = format!("error    LAB.EXAMPLE: branch {}: ", branch.number);
        let serves = format!("ok       LAB.EXAMPLE: branch {} serves: ", branch.number);
        let expected = if branch.fault.is_some() { error } else { serves };
        assert!(checked.output.contains(&expected), "{expected}: {checked:?}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_fault_of_the_directory_is_said_and_waited_out() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let wrong = folder.write("password", "not it\n", 0o600);
    let closed = {
        // A port that was free a moment ago.
        let listener = TcpListener::bind((lab.forwarder_addresses[0], 0)).unwrap();
        format!("ldaps://{}", listener.local_addr().unwrap())
    };
    let good = || Settings::of(&lab);
    let cases = [
        ("cannot be reached (connection refused)", Settings { urls: vec![closed], ..good() }),
        (
            "refuses the password of CN=notdelegated,CN=Users,DC=lab,DC=example",
            // Not the account that other tests use: the domain locks accounts out.
            Settings { password_file: wrong, bind_dn: lab.user("notdelegated").dn.clone(), ..good() },
        ),
        ("ca-file", Settings { ca_file: lab.other_ca.clone(), ..good() }),
    ];
    for (told, settings) in cases {
        let daemon = Daemon::launch(&settings);
        let url = &settings.urls[0];
        let event = daemon.wait_for_event(told);
        assert_eq!(event["level"], "WARN", "{event}");
        assert!(event["server"].as_str().is_some_and(|server| server.starts_with(&**url)), "{event}");
        let (status, readiness) = daemon.readiness();
        assert_eq!(status, 503, "{readiness}");
        assert_eq!(asked(&lab, &daemon), 29, "{told}");

        let config = folder.write("tgtx.toml", settings.to_toml(), 0o644);
        let checked = tgtx("check", &config, &["--online"]);
        assert_eq!(checked.status, Some(1), "{told}: {checked:?}");
        let error = checked.output.lines().find(|line| line.starts_with("error ")).unwrap_or_default();
        assert!(error.contains(told) && error.contains(&**url), "{told}: {checked:?}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_password_that_is_corrected_is_used_at_once() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let password_file = folder.write("password", "not it\n", 0o600);
    let daemon = Daemon::launch(&Settings { password_file: password_file.clone(), ..Settings::of(&lab) });
    daemon.wait_for_event("refuses the password of");
    assert_eq!(asked(&lab, &daemon), 29);
    folder::write(&password_file, &lab.service_account.password, 0o600);
    daemon.wait_until("ready", || daemon.is_ready());
    assert_eq!(asked(&lab, &daemon), 0);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_server_that_gets_a_certificate_to_trust_is_used() {
    let lab = Lab::from_environment();
    let free = TcpListener::bind((lab.forwarder_addresses[1], 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let key = lab.other_ca.with_extension("key");
    let mut stranger = Command::new("openssl")
        .args(["s_server", "-quiet", "-accept", &address.to_string(), "-cert"])
        .arg(&lab.other_ca)
        .arg("-key")
        .arg(key)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let daemon = Daemon::launch(&Settings { urls: vec![format!("ldaps://{address}")], ..Settings::of(&lab) });
    daemon.wait_for_event("is not trusted: ");
    assert_eq!(asked(&lab, &daemon), 29);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    let _server = Forwarder::start_at(&lab, address);
    daemon.wait_until("ready", || daemon.is_ready());
    assert_eq!(asked(&lab, &daemon), 0);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_standing_fault_is_said_again_and_a_server_that_comes_up_is_used() {
    let lab = Lab::from_environment();
    let server = Forwarder::start(&lab, 1);
    server.stop();
    let daemon = Daemon::launch(&Settings { urls: vec![server.url()], ..Settings::of(&lab) });
    let said = || {
        let about = |event: &Value| {
            event["message"].as_str().is_some_and(|message| message.contains("connection refused"))
        };
        daemon.log().iter().filter(|event| event.get("server").is_some() && about(event)).count()
    };
    // Attempts come every few seconds, lines 10 s apart at first.
    daemon.wait_long("said twice", Duration::from_secs(20), || said() == 2);
    server.resume();
    daemon.wait_until("ready", || daemon.is_ready());
    assert_eq!(asked(&lab, &daemon), 0);
}

/// The code of the refusal that alice gets, 0 for a ticket.
fn asked(lab: &Lab, daemon: &Daemon) -> i32 {
    let partial = Entra::of(lab, "azuread").credential(lab.user("alice"));
    let outcome = ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial));
    outcome.denied().map_or(0, |denied| denied.code)
}

fn tgtx(verb: &str, config: &Path, options: &[&str]) -> Ended {
    let mut arguments = vec![verb, "--config", config.to_str().unwrap()];
    arguments.extend(options);
    program::run(arguments)
}

/// A keytab with the first entry of another one as if it were of RC4.
fn rc4_alone(folder: &Folder, keytab: &Path) -> PathBuf {
    const RC4_HMAC: i32 = 23;
    let original = read_keytab(keytab);
    let first = &original.entries()[0];
    let entry = Entry {
        realm: first.realm.clone(),
        components: first.components.clone(),
        name_type: first.name_type,
        timestamp: first.timestamp,
        kvno: first.kvno,
        etype: RC4_HMAC,
        key: vec![7; 16].into(),
    };
    folder.write("rc4.keytab", &*Keytab::new(vec![entry]).to_bytes().unwrap(), 0o600)
}
