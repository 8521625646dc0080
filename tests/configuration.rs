//! The configuration as `tgtx` finds it: files, drop-ins, environment.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tgtx_tests::folder::Folder;
use tgtx_tests::program::{self, Ended};

/// No key is read of it where only the configuration is looked at.
const DOMAIN: &str = "[[domain]]\nrealm = \"LAB.EXAMPLE\"\nkeytabs = [\"/nonexistent/keytab\"]\ndirectory = \"ldif:/nonexistent/ldif\"\n";

/// A folder with `tgtx.toml` and `tgtx.d`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("tgtx.toml", DOMAIN, 0o644);
    fs::create_dir(folder.path("tgtx.d")).unwrap();
    folder
}

fn tgtx(arguments: &[&str], config: Option<&Path>, environment: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(program::tgtx());
    command
        .env_remove("TGTX_CONFIG")
        .env_remove("TGTX_LOG")
        .envs(environment.iter().copied())
        .args(arguments);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    program::end(&mut command)
}

#[test]
fn check_lists_what_was_read_and_who_may_change_it() {
    let folder = folder();
    let drop_in = |name: &str| folder.path("tgtx.d").join(name).display().to_string();
    folder.write("tgtx.d/20-b.toml", "[limits]\nconnections = 5\n", 0o644);
    folder.write("tgtx.d/10-a.toml", "", 0o664);
    std::os::unix::fs::chown(drop_in("10-a.toml"), None, Some(54_321)).ok();
    let said = tgtx(&["check"], Some(&folder.path("tgtx.toml")), &[]);
    let lines: Vec<&str> = said.output.lines().collect();
    let named = folder.path("tgtx.toml").display().to_string();
    assert_eq!(lines[0], format!("ok       {named}: understood"));
    assert_eq!(lines[1], format!("ok       {}: read after it", drop_in("10-a.toml")));
    assert_eq!(lines[2], format!("ok       {}: read after it", drop_in("20-b.toml")));
    let loose = format!("warning  {}: may be written by group ", drop_in("10-a.toml"));
    assert!(lines[3].starts_with(&loose) && lines[3].ends_with("; chmod g-w it"), "{lines:#?}");
}

#[test]
fn a_drop_in_that_is_wrong_ends_the_start_as_the_file_does() {
    let folder = folder();
    let config = folder.path("tgtx.toml");
    let drop_in = folder.write("tgtx.d/50.toml", "[limits]\nconections = 5\n", 0o644);
    let said = tgtx(&["serve"], Some(&config), &[]);
    let expected =
        format!("tgtx: {}:2:1: unknown key `conections`; did you mean `connections`?\n", drop_in.display());
    assert_eq!((said.status, said.errors), (Some(78), expected));

    fs::set_permissions(&drop_in, Permissions::from_mode(0o666)).unwrap();
    let said = tgtx(&["serve"], Some(&config), &[]);
    let expected =
        format!("tgtx: {}: may be written by everyone (mode 0666); chmod o-w it\n", drop_in.display());
    assert_eq!((said.status, said.errors), (Some(78), expected));
    let said = tgtx(&["check"], Some(&config), &[]);
    assert_eq!(said.status, Some(1));
    assert!(said.output.starts_with("error    ") && said.output.contains("chmod o-w it"), "{said:?}");
}

#[test]
fn the_environment_names_the_configuration_where_no_argument_does() {
    let folder = folder();
    let config = folder.path("tgtx.toml");
    let other = folder.write("other.toml", "[broken", 0o644);
    let understood = format!("{}: understood", config.display());
    let (named, wrong) = (config.to_str().unwrap(), other.to_str().unwrap());
    let said = tgtx(&["check"], None, &[("TGTX_CONFIG", named)]);
    assert!(said.output.contains(&understood), "{said:?}");
    let said = tgtx(&["check"], Some(&config), &[("TGTX_CONFIG", wrong)]);
    assert!(said.output.contains(&understood), "{said:?}");
    let said = tgtx(&["check"], None, &[("TGTX_CONFIG", wrong)]);
    assert!(said.output.contains(&format!("{wrong}:1:8: ")), "{said:?}");
}

#[test]
fn a_level_of_the_log_that_is_none_ends_the_start() {
    let folder = folder();
    let config = folder.path("tgtx.toml");
    let said = tgtx(&["serve"], Some(&config), &[("TGTX_LOG", "inof")]);
    let expected = "tgtx: $TGTX_LOG: level: unknown value \"inof\"; did you mean \"info\"?\n";
    assert_eq!((said.status, said.errors.as_str()), (Some(78), expected));
    for level in ["debug", ""] {
        let said = tgtx(&["check"], Some(&config), &[("TGTX_LOG", level)]);
        assert!(said.output.contains(": understood"), "{said:?}");
    }
}

#[test]
fn what_holds_is_shown_with_its_place_and_can_be_read_again() {
    let folder = folder();
    let config = folder.path("tgtx.toml");
    let drop_in = folder.write("tgtx.d/50.toml", "[limits]\nconnections = 5\n", 0o644);
    let said = tgtx(&["check", "--effective"], Some(&config), &[("TGTX_LOG", "warn")]);
    assert_eq!((said.status, said.errors.as_str()), (Some(0), ""));
    let has = |setting: &str, origin: &str| {
        let line = said.output.lines().find(|line| line.starts_with(&format!("{setting} ")));
        assert!(line.is_some_and(|line| line.ends_with(&format!(" # {origin}"))), "{setting}: {line:?}");
    };
    has("connections = 5", &format!("{}:2", drop_in.display()));
    has("realm = \"LAB.EXAMPLE\"", &format!("{}:2", config.display()));
    has("level = \"warn\"", "$TGTX_LOG");
    has("connections-per-ip = 1000", "default");
    let again = folder.write("again.toml", &said.output, 0o644);
    let same = tgtx(&["check", "--effective"], Some(&again), &[]);
    let values = |text: &str| {
        text.lines()
            .filter_map(|line| line.split_once(" # "))
            .map(|(value, _)| value.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&same.output), values(&said.output));

    let json = tgtx(&["check", "--effective", "--json"], Some(&config), &[]);
    let json: serde_json::Value = serde_json::from_str(&json.output).unwrap();
    assert_eq!(json["files"], serde_json::json!([config, drop_in]));
    folder.write("tgtx.d/60.toml", "[limits]\nconnections = -1\n", 0o644);
    let said = tgtx(&["check", "--effective"], Some(&config), &[]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.output.starts_with("error    ") && said.output.contains("60.toml:2:15: connections: "),
        "{said:?}"
    );
}
