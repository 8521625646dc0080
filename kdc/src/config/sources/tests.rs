//! What several texts say together, and where what is wrong with them stands.

use super::super::{Config, Surroundings};
use super::*;

const MAIN: &str = "[listen]\nkerberos = [\"192.0.2.1:88\", \"192.0.2.2:88\"]\nidle-timeout = \"30s\"\n\
    [[domain]]\nrealm = \"A.EXAMPLE\"\nkeytabs = [\"a\"]\ndirectory = \"ldif:a\"\n[domain.cache]\nttl = \"10s\"\npoll = \"2s\"\n\
    [[domain]]\nrealm = \"B.EXAMPLE\"\nkeytabs = [\"b\"]\ndirectory = \"ldif:b\"\n";

fn sources(drop_ins: &[&str]) -> Sources {
    let mut sources = Sources::of(Path::new("tgtx.toml"), MAIN.to_owned());
    for (index, text) in drop_ins.iter().enumerate() {
        sources.lay_over(Path::new(&format!("tgtx.d/{index}.toml")), (*text).to_owned());
    }
    sources
}

fn read(drop_ins: &[&str]) -> Result<Config, String> {
    let surroundings = Surroundings { file: Path::new("tgtx.toml"), credentials_directory: None };
    Config::read(&sources(drop_ins), surroundings).map_err(|error| error.to_string())
}

/// What is wrong with the file and these drop-ins.
fn fault(drop_ins: &[&str]) -> String {
    read(drop_ins).unwrap_err()
}

/// What it says, beside what the file alone does.
fn differs(drop_in: &str) -> Vec<(String, String)> {
    let lines = |config: &Config| format!("{config:#?}").lines().map(str::to_owned).collect::<Vec<_>>();
    let (alone, both) = (read(&[]).unwrap(), read(&[drop_in]).unwrap());
    let both = Config { drop_ins: Vec::new(), ..both };
    lines(&alone).into_iter().zip(lines(&both)).filter(|(one, other)| one != other).collect()
}

#[test]
fn a_drop_in_changes_what_it_names_and_nothing_else() {
    assert_eq!(differs(""), []);
    assert_eq!(differs("# nothing\n[listen]\n[log]\n"), []);
    let changed = differs("[[domain]]\nrealm = \"A.EXAMPLE\"\n[domain.cache]\nttl = \"11s\"\n");
    assert_eq!(changed, [("                ttl: 10s,".to_owned(), "                ttl: 11s,".to_owned())]);
    let changed = differs("[listen]\nidle-timeout = \"31s\"\n");
    assert_eq!(changed, [("        idle_timeout: 30s,".to_owned(), "        idle_timeout: 31s,".to_owned())]);
}

#[test]
fn the_later_one_wins_and_lists_are_replaced_whole() {
    let config = read(&[
        "[listen]\nkerberos = [\"192.0.2.3:88\"]\n[limits]\nconnections = 5",
        "[limits]\nconnections = 6\n[[domain]]\nrealm = \"B.EXAMPLE\"\nkeytabs = [\"c\", \"d\"]\n[domain.cache]\npoll = \"4s\"",
        "[[domain]]\nrealm = \"B.EXAMPLE\"\n[domain.cache]\npoll = \"3s\"\nttl = \"1s\"",
    ])
    .unwrap();
    assert_eq!(config.listen.kerberos, ["192.0.2.3:88".parse().unwrap()]);
    assert_eq!(config.limits.connections.map(usize::from), Some(6));
    let [a, b] = config.domains.as_slice() else { panic!("{:?}", config.domains) };
    assert_eq!((a.cache.poll.as_secs(), a.cache.ttl.as_secs()), (2, 10));
    assert_eq!((b.cache.poll.as_secs(), b.cache.ttl.as_secs(), b.keytabs.len()), (3, 1, 2));
    assert_eq!(config.drop_ins, ["tgtx.d/0.toml", "tgtx.d/1.toml", "tgtx.d/2.toml"].map(PathBuf::from));
}

#[test]
fn a_realm_that_no_earlier_text_has_is_one_more_domain() {
    let more = "[[domain]]\nrealm = \"C.EXAMPLE\"\nkeytabs = [\"c\"]\ndirectory = \"ldif:c\"\n";
    let config = read(&[more, "[[domain]]\nrealm = \"C.EXAMPLE\"\nmode = \"shadow\"\n"]).unwrap();
    let realms: Vec<&str> = config.domains.iter().map(|domain| domain.realm.as_str()).collect();
    assert_eq!(realms, ["A.EXAMPLE", "B.EXAMPLE", "C.EXAMPLE"]);
    assert_eq!(config.domains[2].mode, crate::exchange::Mode::Shadow);
}

#[test]
fn what_a_file_alone_lacks_a_drop_in_may_have() {
    let mut sources = Sources::of(Path::new("tgtx.toml"), "[[domain]]\nrealm = \"X\"\n".to_owned());
    let surroundings = Surroundings { file: Path::new("tgtx.toml"), credentials_directory: None };
    assert!(Config::read(&sources, surroundings).is_err());
    let rest = "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\ndirectory = \"ldif:a\"\n";
    sources.lay_over(Path::new("tgtx.d/a.toml"), rest.to_owned());
    assert!(Config::read(&sources, surroundings).is_ok());
}

#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let good = "[log]\nlevel = \"warn\"\n";
    let cases: &[(&[&str], &str)] = &[
        (
            &[good, "\n[listen]\n  udp-reply-limt = 1465\n", good],
            "tgtx.d/1.toml:3:3: unknown key `udp-reply-limt`; did you mean `udp-reply-limit`?",
        ),
        (
            &[good, "[[domain]]\nrealm = \"B.EXAMPLE\"\n[domain.cache]\nmax-stail = \"1s\""],
            "tgtx.d/1.toml:4:1: unknown key `max-stail`; did you mean `max-stale`?",
        ),
        (
            &["[log]\nlevel = \"inof\"\n"],
            "tgtx.d/0.toml:2:9: level: unknown value \"inof\"; did you mean \"info\"?",
        ),
        (&[good, "[listen"], "tgtx.d/1.toml:1:8: "),
        (&[good, "é = ["], "tgtx.d/1.toml:1:"),
        (&["[listn]\n"], "tgtx.d/0.toml:1:2: unknown key `listn`; did you mean `listen`?"),
        (&["listen = 5"], "tgtx.d/0.toml:1:10: listen: invalid type: integer `5`"),
        (
            &[good, "[domain.cache]\nttl = \"1s\"\n"],
            "tgtx.d/1.toml:1:2: domain is one table; begin each domain with [[domain]] and its realm, here too",
        ),
        (&["[[domain]]\nmode = \"shadow\"\n"], "tgtx.d/0.toml:1:1: missing key `realm`; add it"),
        (&["[[domain]]\nrealm = \"C.EXAMPLE\"\n"], "tgtx.d/0.toml:1:1: missing key `keytabs`; add it"),
        (&["[[domain]]\nrealm = \"a.example\"\n"], "tgtx.d/0.toml:2:9: realm: a realm is in upper case"),
        (
            &["[[domain]]\nrealm = \"A.EXAMPLE\"\n[[domain]]\nrealm = \"A.EXAMPLE\"\n"],
            "tgtx.d/0.toml:4:9: realm A.EXAMPLE is configured twice; leave one [[domain]] of them",
        ),
        (
            &[good, "[[domain]]\nrealm = \"A.EXAMPLE\"\n[domain.cache]\npoll = \"60s\"\n"],
            "tgtx.toml with its drop-ins: domain A.EXAMPLE: [domain.cache] poll is not shorter than max-stale",
        ),
    ];
    for (drop_ins, expected) in cases {
        let told = fault(drop_ins);
        assert!(told.starts_with(expected), "{told:?} is not {expected:?}");
        assert!(!told.contains('\n'), "{told:?}");
    }
}

#[test]
fn what_is_wrong_in_the_file_is_told_there_whatever_is_laid_over_it() {
    let text = format!("{MAIN}[log]\nlevel = \"info\"\nform = \"text\"\n");
    let mut sources = Sources::of(Path::new("tgtx.toml"), text);
    sources.lay_over(Path::new("tgtx.d/a.toml"), "[log]\nlevel = \"warn\"\n".to_owned());
    let told = sources.read().unwrap_err().to_string();
    assert_eq!(told, "tgtx.toml:17:1: unknown key `form`; did you mean `format`?");
}

#[test]
fn the_environment_s_level_is_the_last_word() {
    let surroundings = Surroundings { file: Path::new("tgtx.toml"), credentials_directory: None };
    let with = |level: &str| {
        let mut sources = sources(&["[log]\nlevel = \"warn\"\nformat = \"json\"\n"]);
        sources.lay_over_log_level("TGTX_LOG", level);
        Config::read(&sources, surroundings).map_err(|error| error.to_string())
    };
    let config = with("debug").unwrap();
    assert_eq!(
        config.log,
        crate::config::Log { level: crate::config::LogLevel::Debug, format: crate::config::LogFormat::Json }
    );
    assert_eq!(config.drop_ins.len(), 1, "a variable is no drop-in");
    assert_eq!(with("inof").unwrap_err(), "$TGTX_LOG: level: unknown value \"inof\"; did you mean \"info\"?");
    for hostile in ["", "\"\n[control]\nsocket = \"/x", "\u{0}", "'''"] {
        let told = with(hostile).unwrap_err();
        assert!(told.starts_with("$TGTX_LOG: level: unknown value"), "{told}");
    }
}

#[test]
fn the_socket_is_found_in_a_configuration_that_is_otherwise_wrong() {
    let path = |text: &str| Sources::of(Path::new("tgtx.toml"), text.to_owned()).control().socket;
    assert_eq!(path("[control]\nsocket = \"/x\"\n[listen]\nno-such-key = 1"), Some("/x".into()));
    assert_eq!(path("[control]\nsocket = \"\""), None);
    for text in ["", "[control", "[control]\nsocket = 1", "[control]\nsocket = \"x\""] {
        assert_eq!(path(text), Control::default().socket, "{text}");
    }
    let of = |drop_ins: &[&str]| sources(drop_ins).control();
    assert_eq!(of(&["[control]\nsocket = \"/y\"", "[broken"]).socket, Some("/y".into()));
    let both = of(&["[control]\nsocket = \"/y\"", "[control]\ngroup = \"adm\""]);
    assert_eq!((both.socket, both.group.as_str()), (Some("/y".into()), "adm"));
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    /// Pieces that configurations are made of, so that many a heap of them means something.
    const PIECES: &[&str] = &[
        "[[domain]]\n",
        "[domain]\n",
        "[domain.cache]\n",
        "[listen]\n",
        "listen = {}\n",
        "realm = \"A.EXAMPLE\"\n",
        "realm = 1\n",
        "domain = []\n",
        "domain = [1, {realm = \"B.EXAMPLE\"}]\n",
        "ttl = \"1s\"\n",
        "é",
        "\"",
        "\n",
        "[[domain.cache]]\n",
        "a.b = 1\n",
    ];

    proptest! {
        #[test]
        fn no_texts_panic_and_each_fault_names_one_of_them(
            texts in prop::collection::vec(prop::collection::vec(prop::sample::select(PIECES), 0..8), 0..5)
        ) {
            let texts: Vec<String> = texts.into_iter().map(|pieces| pieces.concat()).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            if let Err(told) = read(&texts) {
                prop_assert!(told.starts_with("tgtx."), "{}", told);
                prop_assert!(!told.contains('\n'), "{}", told);
            }
            let _ = sources(&texts).control();
        }
    }
}
