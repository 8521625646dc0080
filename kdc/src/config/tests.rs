//! The configuration's rules, and that `conf/` agrees with them.

use std::num::NonZeroUsize;

use super::*;
use crate::discovery::DsFlags;

const MINIMAL: &str = include_str!("../../../conf/tgtx.toml");
const BESIDE_WINDOWS: &str = include_str!("../../../conf/beside-windows-dcs.toml");
const ON_A_SAMBA_DC: &str = include_str!("../../../conf/on-a-samba-dc.toml");
const LAB: &str = include_str!("../../../conf/lab-ldif.toml");

/// The least a domain needs, with an LDIF file.
const LDIF_DOMAIN: &str = "[[domain]]\nrealm = \"LAB.EXAMPLE\"\nkeytabs = [\"a\"]\ndirectory = \"ldif:b\"\n";

fn parse(text: &str) -> Result<Config, ConfigError> {
    let credentials = Path::new("/run/credentials/tgtx.service");
    Config::parse(
        text,
        Surroundings { file: Path::new("tgtx.toml"), credentials_directory: Some(credentials) },
    )
}

fn fault(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn every_file_in_conf_loads() {
    for (name, text) in [
        ("tgtx", MINIMAL),
        ("beside-windows-dcs", BESIDE_WINDOWS),
        ("on-a-samba-dc", ON_A_SAMBA_DC),
        ("lab-ldif", LAB),
        ("reference", REFERENCE),
    ] {
        if let Err(error) = parse(text) {
            panic!("conf/{name}.toml: {error}");
        }
    }
}

#[test]
fn the_tests_here_know_every_configuration_in_conf() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conf");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["beside-windows-dcs.toml", "lab-ldif.toml", "on-a-samba-dc.toml", "reference.toml", "tgtx.toml"]
    );
}

#[test]
fn the_reference_shows_the_defaults() {
    let reference = parse(REFERENCE).unwrap();
    assert_eq!(reference.listen, Listen::default());
    assert_eq!(reference.limits, Limits::default());
    assert_eq!(reference.replay, Replay::default());
    assert_eq!(reference.audit, Audit::default());
    assert_eq!(reference.log, Log::default());
    assert_eq!(reference.control, Control::default());

    let least = parse(
        "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.ldap]\nurls = [\"ldap://x\"]\nbind-dn = \"CN=x\"\npassword-file = \"y\"",
    )
    .unwrap();
    let (shown, default) = (&reference.domains[0], &least.domains[0]);
    assert_eq!(shown.cache, default.cache);
    assert_eq!(shown.policy, default.policy);
    assert_eq!(shown.relay, default.relay);
    assert_eq!(shown.mode, default.mode);
    assert_eq!(shown.require_body_checksum, default.require_body_checksum);
    assert_eq!(shown.key_list, None);
    assert_eq!(default.key_list, None);
    // These keys have no default that could be written: examples stand in the file.
    let listening = REFERENCE.replace("cldap = []", "cldap = [\"0.0.0.0:389\"]");
    let shown_discovery = parse(&listening).unwrap().domains.remove(0).discovery.unwrap();
    let shown_discovery = Discovery { host: None, site: None, upstream: None, ..shown_discovery };
    assert_eq!(shown_discovery, Discovery::default());
    // The only key here without a default: an example stands in the file.
    let shown_tickets = Tickets { max_partial_lifetime: None, ..shown.tickets.clone() };
    assert_eq!(shown_tickets, default.tickets);
    let (Directory::Ldap(shown), Directory::Ldap(default)) = (&shown.directory, &default.directory) else {
        panic!("the default directory is LDAP");
    };
    assert_eq!(shown.connections, default.connections);
    assert_eq!(shown.connect_timeout, default.connect_timeout);
    assert_eq!(shown.search_timeout, default.search_timeout);
    assert_eq!(default.urls[0].security, LdapSecurity::StartTls);
}

#[test]
fn the_reference_names_exactly_the_known_keys() {
    // Keys that exclude those shown stand behind a hash.
    let uncommented = |line: &'static str| match line.strip_prefix("# ") {
        Some(key) if key.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) => key,
        _ => line,
    };
    let text: Vec<&str> = REFERENCE.lines().map(uncommented).collect();
    let reference: toml::Table = toml::from_str(&text.join("\n")).unwrap();
    let domain = reference["domain"][0].as_table().unwrap();
    let sections = [
        ("", &reference),
        ("[listen]\n", reference["listen"].as_table().unwrap()),
        ("[limits]\n", reference["limits"].as_table().unwrap()),
        ("[replay]\n", reference["replay"].as_table().unwrap()),
        ("[audit]\n", reference["audit"].as_table().unwrap()),
        ("[log]\n", reference["log"].as_table().unwrap()),
        ("[control]\n", reference["control"].as_table().unwrap()),
        ("[[domain]]\n", domain),
        ("[domain.ldap]\n", domain["ldap"].as_table().unwrap()),
        ("[domain.cache]\n", domain["cache"].as_table().unwrap()),
        ("[domain.tickets]\n", domain["tickets"].as_table().unwrap()),
        ("[domain.policy]\n", domain["policy"].as_table().unwrap()),
        ("[domain.key-list]\n", domain["key-list"].as_table().unwrap()),
        ("[domain.discovery]\n", domain["discovery"].as_table().unwrap()),
        ("[domain.relay]\n", domain["relay"].as_table().unwrap()),
    ];
    for (heading, shown) in sections {
        let prefix = if heading.starts_with("[domain.") { "[[domain]]\n" } else { "" };
        let error = toml::from_str::<ConfigFile>(&format!("{prefix}{heading}unknown-key = 1")).unwrap_err();
        // serde lists the known names between backticks, after the unknown one.
        let mut known: Vec<&str> = error.message().split('`').skip(1).step_by(2).skip(1).collect();
        known.sort_unstable();
        assert_eq!(shown.keys().collect::<Vec<_>>(), known, "{heading}");
    }
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest_known_one() {
    assert_eq!(
        fault("[listen]\nudp-reply-limt = 1465\n"),
        "tgtx.toml:2:1: unknown key `udp-reply-limt`; did you mean `udp-reply-limit`?"
    );
    assert!(
        fault("[limits]\nzzz = 1\n")
            .ends_with("known here: connections, connections-per-ip, pings-per-source, relays-in-flight")
    );
    assert!(
        fault("[limits]\nexchanges-per-user = 1\n").contains("unknown key `exchanges-per-user`"),
        "not built, so not known"
    );
}

#[test]
fn a_bad_value_names_its_key_and_the_mend() {
    let cases = [
        (
            "[listen]\nidle-timeout = \"30\"\n",
            "tgtx.toml:2:16: idle-timeout: not a duration; write a whole number and its unit",
        ),
        ("[listen]\nidle-timeout = \"0s\"\n", "idle-timeout: zero is too short"),
        ("[listen]\nidle-timeout = 30\n", "idle-timeout: invalid type: integer `30`"),
        ("[listen]\nudp-reply-limit = 100\n", "udp-reply-limit: out of range; write 512 to 65507 octets"),
        ("[listen]\ntcp-request-limit = \"128\"\n", "tcp-request-limit: not a size"),
        ("[listen]\nkerberos = [\"localhost:88\"]\n", "kerberos: invalid socket address"),
        ("[listen]\nkerberos = []\n", "[listen] kerberos is empty"),
        ("[replay]\nentries = 0\n", "entries: invalid value: integer `0`"),
        ("[audit]\nsink = \"syslog\"\n", "sink: not a sink; write \"journald\", \"stderr\" or \"file:"),
        ("[audit]\nsink = \"file:\"\n", "sink: not a sink"),
        ("[audit]\non-loss = \"ignore\"\n", "on-loss: unknown value \"ignore\"; write one of count, refuse"),
        ("[log]\nlevel = \"inof\"\n", "level: unknown value \"inof\"; did you mean \"info\"?"),
        ("[log]\nformat = \"xml\"\n", "write one of auto, json, text"),
        ("[[domain]]\nrealm = \"lab.example\"\n", "realm: a realm is in upper case; write \"LAB.EXAMPLE\""),
        ("[[domain]]\nrealm = \"LAB EXAMPLE\"\n", "realm: not a realm"),
        ("[[domain]]\nkeytabs = [\"a\"]\n", "missing key `realm`"),
        ("[[domain]]\nrealm = \"X\"\nkeytabs = [\"\"]\n", "keytabs: not a path"),
        ("[[domain]]\nrealm = \"X\"\nkeytabs = [\"credential:../x\"]\n", "not a credential's name"),
        ("[[domain]]\nrealm = \"X\"\nkeytabs = []\ndirectory = \"ldif:x\"\n", "domain X: keytabs is empty"),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\ndirectory = \"file\"\n",
            "directory: not a directory",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n",
            "domain X: directory is \"ldap\" and [domain.ldap] is missing",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.policy]\ndeny-groups = [\"LAB\\\\a\"]\n",
            "deny-groups: \"LAB\\a\" is a name with a domain; leave the domain out",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.policy]\ndeny-groups = [\"*\"]\n",
            "deny-groups: \"*\" is not a group; write its sAMAccountName",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.discovery]\nflags = [\"writable\"]\n",
            "flags: \"writable\" is no flag; write names of",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.discovery]\nflags = [\"CLOSEST\"]\n",
            "flags: \"CLOSEST\" is not for servers to choose; leave it out",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.discovery]\nsubnets = [\"10.0.0.0\"]\n",
            "subnets: \"10.0.0.0\" is not a subnet; write its first address and the length of its mask",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.discovery]\nhost = \"kdc1.lab.example\"\n",
            "host: not a host's name; write it without its domain",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.discovery]\nsite = \"\"\n",
            "site: not a site; write its name",
        ),
        (
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.relay]\nkdcs = [\"dc1:0\"]\n",
            "kdcs: \"dc1:0\" has no valid port; write HOST, HOST:PORT or [IPv6]:PORT",
        ),
        ("", "no domain is configured; add a [[domain]]"),
        ("[listen]\nkerberos = [\n  \"a=b\",\n]\n", "invalid socket address"),
        ("[listen\n", "tgtx.toml:1:"),
    ];
    for (text, expected) in cases {
        let told = fault(text);
        assert!(told.contains(expected), "{told:?} does not say {expected:?}");
        assert!(!told.contains('\n'), "{told:?} is more than one line");
    }
}

#[test]
fn refuses_contradictions() {
    let ldif = LDIF_DOMAIN;
    let cases = [
        (format!("{ldif}{ldif}"), "realm LAB.EXAMPLE is configured twice"),
        (
            format!("{ldif}[domain.ldap]\nurls = []\nbind-dn = \"x\"\npassword-file = \"y\"\n"),
            "there is a [domain.ldap]",
        ),
        (
            format!("{ldif}[domain.cache]\npoll = \"60s\"\nmax-stale = \"60s\"\n"),
            "poll is not shorter than max-stale",
        ),
        (format!("{ldif}[domain.tickets]\nclock-skew = \"2h\"\n"), "clock-skew: out of range"),
        (
            format!("{ldif}[domain.key-list]\nenabled = true\n"),
            "domain LAB.EXAMPLE: [domain.key-list] is enabled and its keytabs is empty",
        ),
        (
            format!("{ldif}[domain.key-list]\nenabled = true\nkeytabs = [\"u\"]\netypes = []\n"),
            "[domain.key-list] etypes is empty",
        ),
        (
            format!("{ldif}[domain.key-list]\netypes = [3]\n"),
            "etypes: no type of a user's key; write 23, 18, 17, 20 or 19",
        ),
        (
            format!(
                "[listen]\ncldap = [\"0.0.0.0:389\"]\n{ldif}[domain.discovery]\nupstream = \"127.0.0.10:389\"\n"
            ),
            "domain LAB.EXAMPLE: [domain.discovery] upstream 127.0.0.10:389 is this daemon itself",
        ),
        (format!("{ldif}[domain.relay]\nsrv = true\nkdcs = [\"dc1\"]\n"), "has kdcs and srv = true"),
        (
            format!(
                "[listen]\nkerberos = [\"192.0.2.1:88\"]\n{ldif}[domain.relay]\nkdcs = [\"192.0.2.1\"]\n"
            ),
            "kdcs: 192.0.2.1:88 is this daemon itself",
        ),
        (format!("{ldif}[domain.relay]\nkpasswd = [\"dc1\"]\n"), "[listen] kpasswd has no address"),
        (
            format!("[listen]\nkpasswd = [\"0.0.0.0:464\"]\n{ldif}"),
            "no [domain.relay] kpasswd says where to relay to",
        ),
    ];
    for (text, expected) in cases {
        assert!(fault(&text).contains(expected), "{}", fault(&text));
    }
}

#[test]
fn credentials_are_looked_for_where_systemd_puts_them() {
    let text = LDIF_DOMAIN.replace("\"a\"", "\"credential:krbtgt\", \"/etc/tgtx/x.keytab\"");
    let config = parse(&text).unwrap();
    let expected = [
        SecretFile::Credential(PathBuf::from("/run/credentials/tgtx.service/krbtgt")),
        SecretFile::Path(PathBuf::from("/etc/tgtx/x.keytab")),
    ];
    assert_eq!(config.domains[0].keytabs, expected);

    let nowhere = Surroundings { file: Path::new("tgtx.toml"), credentials_directory: None };
    let error = Config::parse(&text, nowhere).unwrap_err().to_string();
    assert!(
        error.contains("credential:krbtgt cannot be found, $CREDENTIALS_DIRECTORY is not set"),
        "{error}"
    );
}

#[test]
fn a_key_list_is_answered_only_where_that_is_switched_on() {
    let key_list = |lines: &str| {
        parse(&format!("{LDIF_DOMAIN}[domain.key-list]\n{lines}")).unwrap().domains.remove(0).key_list
    };
    assert_eq!(key_list("keytabs = [\"u\"]\netypes = [23, 18]\n"), None);
    let keytabs = vec![SecretFile::Path(PathBuf::from("u"))];
    let [rc4, aes256] = [EncryptionType::Rc4Hmac, EncryptionType::Aes256Sha1];
    for (lines, etypes) in [("", vec![rc4]), ("etypes = [18, 23]\n", vec![aes256, rc4])] {
        let lines = format!("enabled = true\nkeytabs = [\"u\"]\n{lines}");
        assert_eq!(key_list(&lines), Some(KeyList { keytabs: keytabs.clone(), etypes }));
    }
    // Keys that exclude those shown stand behind a hash.
    let uncommented = |line: &'static str| match line.strip_prefix("# ") {
        Some(key) if key.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) => key,
        _ => line,
    };
    let text: Vec<&str> = REFERENCE.lines().map(uncommented).collect();
    let reference: toml::Table = toml::from_str(&text.join("\n")).unwrap();
    let shown = reference["domain"][0]["key-list"].clone().try_into::<KeyListFile>().unwrap();
    let default = KeyListFile::default();
    assert_eq!(format!("{shown:?}"), format!("{default:?}"));
}

#[test]
fn servers_to_relay_to_have_the_ports_of_their_service() {
    let text = format!(
        "[listen]\nkpasswd = [\"[::]:464\"]\n{LDIF_DOMAIN}[domain.relay]\nkdcs = [\"dc1\", \"[2001:db8::1]:1088\"]\n\
         kpasswd = [\"dc1\"]\n"
    );
    let relay = parse(&text).unwrap().domains.remove(0).relay;
    let written = |servers: &[HostPort]| servers.iter().map(HostPort::to_string).collect::<Vec<_>>();
    assert_eq!(written(&relay.kdcs), ["dc1:88", "[2001:db8::1]:1088"]);
    assert_eq!(written(&relay.kpasswd), ["dc1:464"]);
}

#[test]
fn zero_is_no_limit() {
    let config = parse(&format!("[limits]\nconnections = 0\n{LDIF_DOMAIN}")).unwrap();
    assert_eq!(config.limits.connections, None);
    assert_eq!(config.limits.connections_per_ip, NonZeroUsize::new(1000));
}

#[test]
fn pings_are_configured_where_somebody_listens_for_them() {
    let domain = format!("{LDIF_DOMAIN}[domain.discovery]\nhost = \"kdc1\"\nflags = [\"DS\", \"LDAP\"]\n");
    assert_eq!(parse(&domain).unwrap().domains[0].discovery, None);
    let listening = format!("[listen]\ncldap = [\"[::]:389\"]\n{domain}");
    let discovery = parse(&listening).unwrap().domains.remove(0).discovery.unwrap();
    assert_eq!(discovery.host.as_deref(), Some("KDC1"));
    assert_eq!(discovery.flags, DsFlags::DS.with(DsFlags::LDAP));
}

#[test]
fn plaintext_must_be_asked_for() {
    let domain = "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.ldap]\nurls = [\"ldap://x\"]\nbind-dn = \"CN=x\"\npassword-file = \"y\"\n";
    for (text, security) in [
        (domain.to_owned(), LdapSecurity::StartTls),
        (format!("{domain}allow-plaintext = true\n"), LdapSecurity::Plaintext),
    ] {
        let config = parse(&text).unwrap();
        let Directory::Ldap(ldap) = &config.domains[0].directory else { panic!("not LDAP") };
        assert_eq!(ldap.urls[0].security, security);
    }
}

#[test]
fn read_again_domains_change_and_what_a_start_alone_can_change_stays() {
    let surroundings = Surroundings { file: Path::new("tgtx.toml"), credentials_directory: None };
    let started = parse(&format!("[listen]\ncldap = [\"127.0.0.1:389\"]\n{LDIF_DOMAIN}")).unwrap();
    let again = |text: &str| started.read_again(&Sources::from((surroundings.file, text)), surroundings);

    let (same, differing) = again(&format!("[listen]\ncldap = [\"127.0.0.1:389\"]\n{LDIF_DOMAIN}")).unwrap();
    assert_eq!((&same, differing.as_slice()), (&started, &[][..]));

    let text = format!("[listen]\n[log]\nlevel = \"debug\"\n{LDIF_DOMAIN}logon-server = \"DC9\"\n");
    let (changed, differing) = again(&text).unwrap();
    assert_eq!(differing, ["[listen]", "[log]"]);
    assert_eq!((&changed.listen, &changed.log), (&started.listen, &started.log));
    assert_eq!(changed.domains[0].logon_server.as_deref(), Some("DC9"));
    assert!(changed.domains[0].discovery.is_some(), "pings are answered on");

    // Whole by itself, and not beside what stays.
    let password_server = "[domain.relay]\nkpasswd = [\"192.0.2.1\"]\n";
    let text = format!("[listen]\nkpasswd = [\"127.0.0.1:464\"]\n{LDIF_DOMAIN}{password_server}");
    assert!(parse(&text).is_ok());
    assert!(again(&text).unwrap_err().to_string().contains("[listen] kpasswd has no address"));
    assert!(again("[[domain]]\nrealm = 1").is_err());
}
