//! `tgtx prt decode`: the partial TGT out of an answer as Entra gives it, and that a KDC trades it.

use kdc::client::Credential;
use kdc::krb::crypto::{EncryptionKey, EncryptionType};
use kdc::krb::messages::{ReplyType, WireInt};
use serde_json::{Value, json};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, random};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::run;
use tgtx_tests::reply::reply;
use tgtx_tests::settings::Settings;

/// The AS-REP that Entra puts around a partial TGT, under a client key of its own.
fn as_rep(tgt: &Credential, client_key: &[u8; 32]) -> Vec<u8> {
    let key = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, client_key).expect("a key");
    reply(ReplyType::AsRep, tgt, &key, WireInt::unsigned(0))
}

/// Octets in base64 (RFC 4648 §4), written anew: the program has a library for it.
fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |chunk: &[u8]| {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or(0)));
        let number = a << 16 | b << 8 | c;
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(number >> shift & 63) as usize]))
    };
    let mut text: String = octets.chunks(3).flat_map(digits).collect();
    let padding = (3 - octets.len() % 3) % 3;
    text.truncate(text.len() - padding);
    text + &"=".repeat(padding)
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn the_partial_tgt_in_an_answer_is_traded() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let kdc = daemon.kerberos()[0].to_string();
    let alice = lab.user("alice");
    let tgt = Entra::of(&lab, "azuread").credential(alice);
    let client_key: [u8; 32] = random();
    let message = base64(&as_rep(&tgt, &client_key));
    let inner = json!({
        "clientKey": "eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC", "keyType": 18, "error": null, "messageBuffer": message,
        "realm": lab.realm, "sn": format!("krbtgt/{}", lab.realm), "cn": alice.name, "sessionKeyType": 18, "accountType": 1,
    });
    let documented = json!({
        "token_type": "Bearer", "tgt_client_key": base64(&client_key), "tgt_key_type": 18, "tgt_message_buffer": message,
    });
    let seen_today = json!({ "token_type": "Bearer", "tgt_ad": inner.to_string(), "tgt_cloud": "{}" });

    let folder = Folder::new();
    let key = folder.write("client.key", hexadecimal(&client_key), 0o600);
    let key = key.to_str().unwrap();
    let cases: [(&str, Value, &[&str]); 2] =
        [("tgt_message_buffer", documented, &[]), ("tgt_ad", seen_today, &["--client-key", key])];
    for (field, answer, more) in cases {
        let file = folder.write("answer.json", answer.to_string(), 0o600);
        let (file, out) = (file.to_str().unwrap(), folder.path("partial.ccache"));
        let out = out.to_str().unwrap();
        let decoded = run(["prt", "decode", file, "--out", out].iter().chain(more));
        assert_eq!(decoded.status, Some(0), "{decoded:?}");
        let said = format!("partial TGT for alice@{}, out of {field}", lab.realm);
        assert!(decoded.output.starts_with(&said) && decoded.output.contains("branch 30775"), "{decoded:?}");
        let whole = run(["prt", "decode", file, "--json"].iter().chain(more));
        let report: Value = serde_json::from_str(&whole.output).unwrap();
        assert_eq!((&report["field"], &report["branch"]), (&field.into(), &30_775.into()), "{report}");
        for output in [&decoded.output, &whole.output] {
            for secret in [&client_key[..], &tgt.key.octets] {
                assert!(
                    !output.contains(&hexadecimal(secret)) && !output.contains(&base64(secret)),
                    "{output}"
                );
            }
        }
        let traded = run(["exchange", &kdc, "--ccache", out]);
        assert_eq!(traded.status, Some(0), "{traded:?}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn what_is_no_answer_is_one_line() {
    let lab = Lab::from_environment();
    let tgt = Entra::of(&lab, "azuread").credential(lab.user("alice"));
    let folder = Folder::new();
    let message = base64(&as_rep(&tgt, &[7; 32]));
    let answer = json!({ "tgt_key_type": 18, "tgt_message_buffer": message }).to_string();
    let answer = folder.write("answer.json", answer, 0o600);
    let other = folder.write("other.key", [8; 32], 0o600);
    let html = folder.write("page.html", "<html>", 0o600);
    let (answer, other, html) = (answer.to_str().unwrap(), other.to_str().unwrap(), html.to_str().unwrap());
    for (arguments, told) in [
        (&["/nowhere"][..], "/nowhere"),
        (&[html], "is no JSON object"),
        (&[answer], "--client-key"),
        (&[answer, "--client-key", other], "does not open"),
        (&[answer, "--client-key", html], "is none of aes256"),
        (&["-", "--client-key", "-"], "standard input"),
    ] {
        let ended = run(["prt", "decode"].iter().chain(arguments));
        assert_eq!((ended.status, &*ended.output), (Some(1), ""), "{ended:?}");
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
        assert!(ended.errors.contains(told), "{}", ended.errors);
    }
}
