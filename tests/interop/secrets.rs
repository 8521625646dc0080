//! Nothing secret leaves the daemon: not by its log at any level, nor by audit events, metrics, the control socket, what
//! `/proc` shows of the process, a core dump, or what a person is shown.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use kdc::client::transport::Protocol;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange, read_keytab};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program;
use tgtx_tests::settings::Settings;

/// What is logged at others is logged at these, too.
const LEVELS: [&str; 3] = ["info", "debug", "trace"];

/// Octets that must not be written, and what they are.
type Secrets = BTreeSet<(Vec<u8>, &'static str)>;

/// What was written, and where.
type Told = Vec<(String, Vec<u8>)>;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn nothing_that_leaves_the_daemon_holds_a_key_a_ticket_or_a_password() {
    let lab = Lab::from_environment();
    let (mut secrets, mut told) = (keys_and_passwords(&lab), Told::new());
    for level in LEVELS {
        let (configuration, daemon) = launch(&lab, level);
        secrets.extend(serve(&lab, &daemon));
        assert_no_core_is_dumped(&daemon);
        told.extend(told_by(&daemon, level, &configuration));
    }
    secrets.insert((WRONG_PASSWORD.into(), "a wrong password"));
    told.extend(told_of_a_wrong_password(&lab));

    assert!(secrets.len() > 100, "{} secrets to look for", secrets.len());
    let wanted = Wanted::new(&secrets);
    for (place, octets) in &told {
        assert_eq!(wanted.find(octets), None, "{place}");
    }
}

#[test]
fn a_secret_is_found_however_it_is_written() {
    let secret: Vec<u8> = (0..32).map(|index| index * 7 + 3).collect();
    let wanted = Wanted::new(&Secrets::from([(secret.clone(), "a key")]));
    let mut told = vec![secret.clone(), format!("{secret:?}").into(), hex(&secret).into()];
    told.push(hex(&secret).to_uppercase().into());
    for before in [&b""[..], b"x", b"xy"] {
        let base64 = base64(&[before, &secret, b"xyz"].concat());
        told.extend([base64.replace('+', "-").replace('/', "_").into(), base64.into()]);
    }
    for octets in told {
        let text = [b"key=\"", octets.as_slice(), b"\""].concat();
        assert!(wanted.find(&text).is_some(), "{}", String::from_utf8_lossy(&text));
    }
    assert_eq!(wanted.find(&secret[1..]), None, "a part of it");
}

/// Every key of every keytab of the lab, those of users among them, and the password of the daemon's account.
fn keys_and_passwords(lab: &Lab) -> Secrets {
    let mut secrets = Secrets::from([(lab.service_account.password.clone().into(), "a password")]);
    for keytab in keytabs(lab).iter().chain([&lab.keytabs.users]) {
        secrets.extend(read_keytab(keytab).entries().iter().map(|entry| (entry.key.to_vec(), "a key")));
    }
    secrets
}

/// Those that a daemon can be started with.
fn keytabs(lab: &Lab) -> Vec<PathBuf> {
    let branches = lab.branches.values().map(|branch| branch.keytab.clone());
    [lab.keytabs.krbtgt.clone()].into_iter().chain(branches).collect()
}

/// A daemon that has all of these keys, with its configuration.
fn launch(lab: &Lab, level: &str) -> (PathBuf, Daemon) {
    let users = &lab.keytabs.users;
    let more =
        format!("[domain.key-list]\nenabled = true\nkeytabs = [{users:?}]\n[log]\nlevel = \"{level}\"\n");
    let settings = Settings { more, keytabs: keytabs(lab), ..Settings::of(lab) };
    let folder = Folder::new();
    let control = format!("socket = {:?}\ngroup = \"\"\n", folder.path("control.sock"));
    let toml = settings.to_toml().replace("socket = \"\"\n", &control);
    let configuration = folder.path("tgtx.toml");
    (configuration, Daemon::launch_in(folder, &toml))
}

/// Has every user ask, and says what they and the daemon have told each other in secret.
fn serve(lab: &Lab, daemon: &Daemon) -> Secrets {
    let entra = Entra::of(lab, "azuread");
    let asked = |user| {
        let partial = entra.credential(user);
        let outcome = ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial));
        (partial, outcome.granted())
    };
    daemon.wait_until("served", || asked(lab.user("alice")).1.is_some());
    let mut secrets = Secrets::new();
    for user in lab.users.values() {
        let (partial, granted) = asked(user);
        secrets.insert((partial.key.octets.to_vec(), "a session key"));
        secrets.insert((partial.ticket[100..132].to_vec(), "a partial TGT"));
        if let Some(granted) = granted {
            secrets.insert((granted.credential.key.octets.to_vec(), "a session key"));
            secrets.insert((granted.credential.ticket[100..132].to_vec(), "a full TGT"));
        }
    }
    daemon.wait_until("audited", || daemon.audit().len() > lab.users.len());
    secrets
}

/// All that can be had of a daemon: log and audit events, metrics, the control socket, and what the kernel shows.
fn told_by(daemon: &Daemon, level: &str, configuration: &Path) -> Told {
    let mut told = vec![("the log".to_owned(), daemon.log_text()), ("/metrics".to_owned(), daemon.metrics())];
    told.push(("/readyz".to_owned(), daemon.readiness().1.to_string()));
    for verb in [&["status"][..], &["status", "--json"], &["keys", "list"], &["keys", "list", "--json"]] {
        let config = ["--config", configuration.to_str().unwrap()];
        let ended = program::run([verb, &config].concat());
        // Or there would be nothing to look at.
        assert!(
            ended.output.contains("krbtgt") || ended.output.contains(&daemon.id().to_string()),
            "{ended:?}"
        );
        told.push((format!("tgtx {verb:?}"), ended.output + &ended.errors));
    }
    let checked = program::run(["check", "--online", "--config", configuration.to_str().unwrap()]);
    told.push(("tgtx check".to_owned(), checked.output + &checked.errors));
    let told = told.into_iter().map(|(by, text)| (format!("{by} at {level}"), text.into_bytes()));
    let of_process = ["environ", "cmdline", "comm", "status", "maps"].map(|name| {
        let path = format!("/proc/{}/{name}", daemon.id());
        (path.clone(), fs::read(path).unwrap())
    });
    told.chain(of_process).collect()
}

fn assert_no_core_is_dumped(daemon: &Daemon) {
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.id())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
}

const WRONG_PASSWORD: &str = "Wrong-Secret-2026";

/// A refused bind, at the level that says most.
fn told_of_a_wrong_password(lab: &Lab) -> Told {
    let folder = Folder::new();
    let password_file = folder.write("password", WRONG_PASSWORD, 0o600);
    // Not the account that other tests use: the domain locks accounts out.
    let bind_dn = lab.user("notdelegated").dn.clone();
    let more = "[log]\nlevel = \"trace\"\n".to_owned();
    let settings = Settings { password_file, bind_dn, more, ..Settings::of(lab) };
    let refused = Daemon::launch(&settings);
    refused.wait_for_event("refuses the password of");
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o644);
    let checked = program::run(["check", "--online", "--config", config.to_str().unwrap()]);
    let told = [
        ("the log of a wrong password", refused.log_text()),
        ("/metrics of a wrong password", refused.metrics()),
        ("tgtx check of a wrong password", checked.output + &checked.errors),
    ];
    told.map(|(by, text)| (by.to_owned(), text.into_bytes())).into()
}

/// Secrets in every form, by how the form begins.
struct Wanted(HashMap<[u8; 8], Vec<(Vec<u8>, &'static str)>>);

impl Wanted {
    fn new(secrets: &Secrets) -> Self {
        let mut wanted: HashMap<_, Vec<_>> = HashMap::new();
        for (secret, what) in secrets {
            let forms = written_forms(secret).into_iter().map(String::into_bytes);
            for form in forms.chain([secret.clone()]) {
                wanted.entry(*form.first_chunk().expect("eight octets")).or_default().push((form, *what));
            }
        }
        Self(wanted)
    }

    /// What is in it, and in which form.
    fn find(&self, octets: &[u8]) -> Option<(&'static str, String)> {
        (0..octets.len()).find_map(|start| {
            let rest = &octets[start..];
            let found = self.0.get(rest.first_chunk()?)?.iter().find(|(form, _)| rest.starts_with(form));
            found.map(|(form, what)| (*what, String::from_utf8_lossy(form).into_owned()))
        })
    }
}

/// How a secret might be written beside as it is: in hexadecimal, as a list of numbers, and in base64 of either alphabet,
/// alone or anywhere in something longer.
fn written_forms(secret: &[u8]) -> Vec<String> {
    let list = format!("{secret:?}");
    let mut forms = vec![hex(secret), hex(secret).to_uppercase(), list.trim_matches(['[', ']']).to_owned()];
    // Whole groups only, wherever they begin: what stands before and behind the secret changes the first one and the last.
    for start in 0..3 {
        let rest = &secret[start..];
        let whole = base64(&rest[..rest.len() / 3 * 3]);
        forms.push(whole.replace('+', "-").replace('/', "_"));
        forms.push(whole);
    }
    forms
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    octets
        .chunks_exact(3)
        .flat_map(|group| {
            let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
            [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift) as usize & 63]))
        })
        .collect()
}
