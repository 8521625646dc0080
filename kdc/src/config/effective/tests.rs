//! The values shown are those that hold.

use std::path::Path;

use super::super::{Config, Surroundings};
use super::*;

const LDIF: &str = "[[domain]]\nrealm = \"A\"\nkeytabs = [\"a\"]\ndirectory = \"ldif:b\"\n";

fn config(text: &str) -> Config {
    let credentials_directory = Some(Path::new("/run/credentials/tgtx.service"));
    Config::parse(text, Surroundings { file: Path::new("tgtx.toml"), credentials_directory }).unwrap()
}

fn effective(texts: &[&str]) -> Effective {
    let mut sources = Sources::of(Path::new("tgtx.toml"), texts[0].to_owned());
    for text in &texts[1..] {
        sources.lay_over(Path::new("tgtx.d/a.toml"), (*text).to_owned());
    }
    Effective::of(&sources).unwrap()
}

/// As a file.
fn written(effective: &Effective) -> String {
    let mut text = String::new();
    for Section { name, settings, .. } in &effective.sections {
        text += &if name == "domain" { "[[domain]]\n".to_owned() } else { format!("[{name}]\n") };
        for Setting { key, value, .. } in settings {
            text += &format!("{key} = {value}\n");
        }
    }
    text
}

/// `section key = value` with where it comes from.
fn lines(effective: &Effective) -> Vec<String> {
    let of_section = |section: &Section| {
        let (name, realm) = (section.name.clone(), section.realm.clone().unwrap_or_default());
        section.settings.clone().into_iter().map(move |Setting { key, value, origin }| {
            let origin = origin.map_or("default".to_owned(), |(origin, line)| format!("{origin}:{line}"));
            format!("{realm} {name} {key} = {value} {origin}")
        })
    };
    effective.sections.iter().flat_map(of_section).collect()
}

#[test]
fn what_is_shown_is_a_configuration_that_says_the_same() {
    let external = "[[domain]]\nrealm = \"B\"\nkeytabs = [\"credential:x\"]\n[domain.ldap]\nurls = [\"ldaps://x\"]\n\
        bind = \"external\"\nclient-cert = \"c\"\nclient-key = \"credential:k\"\n";
    let several = format!(
        "{LDIF}[domain.relay]\nsrv = true\n{external}[domain.key-list]\nenabled = true\nkeytabs = [\"u\"]\n"
    );
    for text in [
        LDIF,
        external,
        &several,
        REFERENCE,
        include_str!("../../../../conf/tgtx.toml"),
        include_str!("../../../../conf/beside-windows-dcs.toml"),
        include_str!("../../../../conf/on-a-samba-dc.toml"),
        include_str!("../../../../conf/lab-ldif.toml"),
    ] {
        let shown = written(&effective(&[text]));
        assert_eq!(config(&shown), config(text), "{shown}");
    }
}

#[test]
fn each_value_has_its_file_and_line() {
    let drop_in = "\n[log]\nlevel = \"debug\"\n[[domain]]\nrealm = \"A\"\n[domain.cache]\nttl = \"1s\"\n[limits]\nconnections = 5\n";
    let both = effective(&[
        &format!("[listen]\nkerberos = [\n  \"127.0.0.1:88\",\n]\n[limits]\nconnections = 4\n{LDIF}"),
        drop_in,
    ]);
    let lines = lines(&both);
    for expected in [
        " listen kerberos = [\"127.0.0.1:88\"] tgtx.toml:2",
        " listen metrics = \"127.0.0.1:9188\" default",
        " limits connections = 5 tgtx.d/a.toml:9",
        " log level = \"debug\" tgtx.d/a.toml:3",
        "A domain realm = \"A\" tgtx.toml:8",
        "A domain directory = \"ldif:b\" tgtx.toml:10",
        "A domain mode = \"live\" default",
        "A domain.cache ttl = \"1s\" tgtx.d/a.toml:7",
        "A domain.cache poll = \"5s\" default",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} is not in {lines:#?}");
    }
    assert!(
        !lines.iter().any(|line| line.contains("domain.ldap") || line.contains("LAB.EXAMPLE")),
        "{lines:#?}"
    );
}

#[test]
fn the_environment_is_named() {
    let mut sources = Sources::of(Path::new("tgtx.toml"), LDIF.to_owned());
    sources.lay_over_log_level("TGTX_LOG", "trace");
    let level =
        lines(&Effective::of(&sources).unwrap()).into_iter().find(|line| line.starts_with(" log level"));
    assert_eq!(level.as_deref(), Some(" log level = \"trace\" $TGTX_LOG:2"));
}

#[test]
fn values_that_contradict_each_other_are_shown_beside_each_other() {
    let text = format!("{LDIF}[domain.cache]\npoll = \"60s\"\n");
    assert!(lines(&effective(&[&text])).contains(&"A domain.cache poll = \"60s\" tgtx.toml:6".to_owned()));
}

#[test]
fn nothing_but_paths_of_secrets_is_ever_understood() {
    for (text, place) in [
        ("[domain.ldap]\npassword = \"hunter2\"\n", "tgtx.toml:6:1: unknown key `password`"),
        ("[domain.ldap]\nurls = [\"ldap://cn=x:hunter2@dc1\"]\n", "tgtx.toml:6:8: urls: "),
        ("[domain.ldap]\nurls = [\"x:hunter2@dc1\"]\n", "tgtx.toml:6:8: urls: "),
    ] {
        let sources = Sources::of(Path::new("tgtx.toml"), format!("{LDIF}{text}"));
        let told = Effective::of(&sources).unwrap_err().to_string();
        assert!(told.starts_with(place) && !told.contains("hunter2"), "{told}");
    }
}
