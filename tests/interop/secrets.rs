//! Nothing secret leaves the daemon by its log or its metrics.

use std::fmt::Write;

use kdc::client::transport::Protocol;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange, read_keytab};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program;
use tgtx_tests::settings::Settings;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn log_metrics_and_check_hold_no_key_and_no_password() {
    let lab = Lab::from_environment();
    let more = "[log]\nlevel = \"trace\"\n".to_owned();
    let mut keytabs = vec![lab.keytabs.krbtgt.clone()];
    keytabs.extend(lab.branches.values().map(|branch| branch.keytab.clone()));
    let settings = Settings { more, keytabs: keytabs.clone(), ..Settings::of(&lab) };
    let daemon = Daemon::launch(&settings);
    let entra = Entra::of(&lab, "azuread");
    let served = || {
        let partial = entra.credential(lab.user("alice"));
        ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial)).granted()
    };
    daemon.wait_until("served", || served().is_some());

    let mut secrets: Vec<(&str, Vec<u8>)> = vec![("a password", lab.service_account.password.clone().into())];
    for keytab in &keytabs {
        secrets.extend(read_keytab(keytab).entries().iter().map(|entry| ("a key", entry.key.to_vec())));
    }
    for user in lab.users.values() {
        let partial = entra.credential(user);
        let outcome = ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial));
        secrets.push(("a session key", partial.key.octets.to_vec()));
        secrets.push(("a partial TGT", partial.ticket[100..132].to_vec()));
        if let Some(granted) = outcome.granted() {
            secrets.push(("a session key", granted.credential.key.octets.to_vec()));
            secrets.push(("a full TGT", granted.credential.ticket[100..132].to_vec()));
        }
    }
    // A refused bind and what a person is shown.
    let folder = Folder::new();
    let password_file = folder.write("password", "Wrong-Secret-2026", 0o600);
    secrets.push(("a wrong password", b"Wrong-Secret-2026".to_vec()));
    // Not the account that other tests use: the domain locks accounts out.
    let bind_dn = lab.user("notdelegated").dn.clone();
    let refused = Daemon::launch(&Settings { password_file, bind_dn, ..settings.clone() });
    refused.wait_for_event("refuses the password of");
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o644);
    let checked = program::run(["check", "--online", "--config", config.to_str().unwrap()]);

    let daemons = [&daemon, &refused];
    let mut told: Vec<String> = daemons.iter().map(|daemon| daemon.log_text()).collect();
    told.extend(daemons.iter().map(|daemon| daemon.metrics()));
    told.extend([checked.output, checked.errors]);
    assert!(daemon.audit().len() > lab.users.len(), "there is a log to look at");
    for text in told {
        let text_in_small = text.to_lowercase();
        for (what, secret) in &secrets {
            for form in written_forms(secret) {
                assert!(!text_in_small.contains(&form.to_lowercase()), "{what} as {form}");
            }
        }
    }
}

/// How a secret might be written: as it is, in hexadecimal, in base64 of either alphabet, as a list of numbers.
fn written_forms(secret: &[u8]) -> Vec<String> {
    let hex = secret.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    });
    let list = format!("{secret:?}");
    let mut forms = vec![hex, list.trim_matches(['[', ']']).to_owned()];
    forms.extend(std::str::from_utf8(secret).map(str::to_owned));
    // Whole groups only: what follows the secret in a longer text changes the last one.
    let whole = base64(&secret[..secret.len() / 3 * 3]);
    forms.push(whole.replace('+', "-").replace('/', "_"));
    forms.push(whole);
    forms
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
