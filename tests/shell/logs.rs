//! What strangers write stays inside the fields of one line.

use serde_json::Value;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, DOMAIN_SID, code, exchange, granted};
use super::wire::Tcp;

/// Names that try to end a line, a string or an object, to move a terminal's cursor, or to turn the writing.
const HOSTILE: &[&str] = &[
    "a\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
    "a\",\"level\":\"ERROR\",\"message\":\"forged",
    "a\u{1b}[2J\u{1b}]0;title\u{7}",
    "a\\u000a\\\"}",
    "a\u{202e}nimda\u{2066}",
    "a\u{2028}\u{2029}\u{85}\u{9b}31m",
    "a\u{0}b\u{7f}",
    "{}{name}%s%n$(id)`id`",
];

/// No character in the whole log that could end a line early, steer a terminal or hide text.
fn assert_printable(log: &str) {
    let unprintable = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(log.chars().find(unprintable), None, "{log:?}");
}

#[test]
fn a_refused_name_is_one_line_with_its_own_fields() {
    let daemon = Daemon::start(&Settings::default());
    let mut tcp = Tcp::to(daemon.address());
    for name in HOSTILE {
        let credential = daemon.domain.partial_named(name, ALICE.rid).mint().unwrap();
        // attacks B20: a NUL in PAC_CLIENT_INFO is refused before the name is looked up.
        let expected = if name.contains('\0') { 20 } else { 6 };
        assert_eq!(code(&tcp.ask(&exchange(&credential).encode().unwrap())), expected, "{name:?}");
    }
    let events = daemon.audited(HOSTILE.len());
    assert_printable(&daemon.log_text());
    assert_printable(&daemon.audit_text());
    assert_eq!(events.len(), HOSTILE.len(), "{events:#?}");
    for event in events {
        assert_eq!(event["outcome"], "refused", "{event}");
        assert!(event["client_name"].as_str().unwrap().starts_with(['a', '{']), "{event}");
    }
}

#[test]
fn octets_that_are_no_text_are_one_line() {
    let daemon = Daemon::start(&Settings::default());
    let mut partial = daemon.domain.partial(ALICE);
    partial.client.components = vec![b"\xff\xfe\r\n".to_vec(), b"\xc3\x28\x1b[0m".to_vec()];
    let credential = partial.mint().unwrap();
    let reply = Tcp::to(daemon.address()).ask(&exchange(&credential).encode().unwrap());
    assert!(matches!(code(&reply), 6 | 20));
    assert_eq!(daemon.audited(1).len(), 1);
    assert_printable(&daemon.log_text());
    assert_printable(&daemon.audit_text());
}

#[test]
fn a_hostile_name_in_the_directory_is_one_line_when_it_is_served() {
    let name = "eve\u{202e}\u{2028}\"},{";
    let more_ldif = format!(
        "dn: CN=Eve,OU=Staff,DC=demo,DC=example\nobjectClass: top\nobjectClass: person\n\
         objectClass: organizationalPerson\nobjectClass: user\nobjectSid: {DOMAIN_SID}-1301\n\
         sAMAccountName:: {}\nuserAccountControl: 512\nprimaryGroupID: 513\n\
         accountExpires: 9223372036854775807\npwdLastSet: 134238816000000000\nlastLogon: 0\n\
         logonCount: 0\nbadPwdCount: 0\n",
        base64(name.as_bytes())
    );
    let daemon = Daemon::start(&Settings { more_ldif, ..Settings::default() });
    let credential = daemon.domain.partial_named(name, 1301).mint().unwrap();
    let exchange = exchange(&credential);
    granted(&Tcp::to(daemon.address()).ask(&exchange.encode().unwrap()), &exchange);
    let events = daemon.audited(1);
    assert_printable(&daemon.log_text());
    assert_printable(&daemon.audit_text());
    assert_eq!((events.len(), &events[0]["outcome"]), (1, &"issued".into()));
}

#[test]
fn strangers_fill_no_more_than_ten_lines_a_second() {
    let daemon = Daemon::start(&Settings::default());
    let mut tcp = Tcp::to(daemon.address());
    let since = std::time::Instant::now();
    for _ in 0..2000 {
        tcp.ask(&super::domain::as_req(&[]));
    }
    let seconds = since.elapsed().as_secs() as usize + 2;
    let log = daemon.log_text();
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = events.filter(|event| event["outcome"] == "refused").count();
    assert!((1..=10 * seconds).contains(&lines), "{lines} lines in {seconds} s");
    daemon.counts("tgtx_refusals_total{reason=\"as_request\"}", 2000);
}

fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in octets.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}
