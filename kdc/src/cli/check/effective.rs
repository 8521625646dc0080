//! `tgtx check --effective`: every value that holds, and where it comes from.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::shown::shown;
use crate::config::{Effective, Origin, Setting};

/// Of the JSON form; higher where a member says otherwise or no longer.
const SCHEMA: u32 = 1;

/// Where comments begin, beside most values.
const COLUMN: usize = 43;

pub(super) fn print(effective: &Effective, as_json: bool) -> Result<ExitCode, Failure> {
    crate::cli::print(&if as_json { json::line(&told(effective)) } else { toml(effective) })?;
    Ok(ExitCode::SUCCESS)
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Told<'e> {
    schema: u32,
    /// In the order in which they count.
    files: Vec<String>,
    settings: Vec<ToldSetting<'e>>,
}

#[derive(Serialize)]
struct ToldSetting<'e> {
    section: &'e str,
    /// The realm; empty where it is of no domain.
    domain: &'e str,
    key: &'e str,
    value: &'e Value,
    origin: &'static str,
    file: Option<String>,
    line: Option<usize>,
}

fn told(effective: &Effective) -> Told<'_> {
    let files = effective.origins.iter().filter(|origin| matches!(origin, Origin::File(_)));
    let settings = effective.sections.iter().flat_map(|section| {
        section.settings.iter().map(|Setting { key, value, origin }| {
            let (origin, file, line) = match origin {
                None => ("default", None, None),
                Some((Origin::File(path), line)) => ("file", Some(path.display().to_string()), Some(*line)),
                Some((Origin::Variable(_), _)) => ("environment", None, None),
            };
            let domain = section.realm.as_deref().unwrap_or_default();
            ToldSetting { section: &section.name, domain, key, value, origin, file, line }
        })
    });
    Told { schema: SCHEMA, files: files.map(ToString::to_string).collect(), settings: settings.collect() }
}

/// A configuration that says the same.
fn toml(effective: &Effective) -> String {
    let origins: Vec<String> = effective.origins.iter().map(|origin| shown(&origin.to_string())).collect();
    // Writing to a string does not fail.
    let mut text = format!("# {}\n", origins.join(", then "));
    for section in &effective.sections {
        let heading = match section.name.as_str() {
            "domain" => "[[domain]]".to_owned(),
            name => format!("[{name}]"),
        };
        let _ = writeln!(text, "\n{heading}");
        for Setting { key, value, origin } in &section.settings {
            let from = match origin {
                None => "default".to_owned(),
                Some((origin @ Origin::File(_), line)) => format!("{origin}:{line}"),
                Some((variable, _)) => variable.to_string(),
            };
            let _ = writeln!(text, "{:<COLUMN$}# {}", format!("{key} = {}", written(value)), shown(&from));
        }
    }
    text
}

/// As TOML has it. Texts, numbers and truth values are the same in JSON; what is not printable is escaped.
fn written(value: &Value) -> String {
    if let Value::Array(values) = value {
        let values: Vec<String> = values.iter().map(written).collect();
        return format!("[{}]", values.join(", "));
    }
    let mut text = String::new();
    for character in value.to_string().chars() {
        let is_plain = matches!(character, '"' | '\'' | '\\') || character.escape_debug().len() == 1;
        match is_plain {
            true => text.push(character),
            false => {
                let _ = write!(text, "\\U{:08X}", u32::from(character));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::commands::assert_documented;
    use crate::config::{Config, Sources, Surroundings};

    const TEXT: &str = "[audit]\nsink = \"file:/a \\\"b\\\\ \\u001b[2J\\u202e\\u007f\\n'é\"\n[[domain]]\nrealm = \"X\"\n\
        keytabs = [\"a\", \"b\"]\ndirectory = \"ldif:b\"\n";

    fn effective() -> Effective {
        let mut sources = Sources::of(Path::new("tgtx\n.toml"), TEXT.to_owned());
        sources.lay_over(Path::new("tgtx.d/a.toml"), "[limits]\nconnections = 5\n".to_owned());
        sources.lay_over_log_level("TGTX_LOG", "debug");
        Effective::of(&sources).unwrap()
    }

    #[test]
    fn each_value_is_a_line_with_where_it_comes_from() {
        let text = toml(&effective());
        assert!(
            text.starts_with("# tgtx\\n.toml, then tgtx.d/a.toml, then $TGTX_LOG\n\n[listen]\nkerberos = "),
            "{text}"
        );
        for line in [
            "metrics = \"127.0.0.1:9188\"                 # default",
            "connections = 5                            # tgtx.d/a.toml:2",
            "level = \"debug\"                            # $TGTX_LOG",
            "keytabs = [\"a\", \"b\"]                       # tgtx\\n.toml:5",
        ] {
            assert!(text.lines().any(|printed| printed == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn what_is_printed_is_a_configuration_that_says_the_same_and_commands_no_terminal() {
        let text = toml(&effective());
        let surroundings = Surroundings { file: Path::new("x"), credentials_directory: None };
        let (printed, read) =
            (Config::parse(&text, surroundings).unwrap(), Config::parse(TEXT, surroundings).unwrap());
        assert_eq!((printed.audit, printed.domains), (read.audit, read.domains));
        assert_eq!(printed.limits.connections.map(usize::from), Some(5));
        assert!(
            text.chars()
                .all(|character| character == '\n' || shown(&character.to_string()).chars().count() == 1)
        );
    }

    #[test]
    fn the_documentation_lists_what_json_has() {
        let effective = effective();
        let told = told(&effective);
        assert_documented("Check effective", &told);
        assert_eq!(told.files, ["tgtx\n.toml", "tgtx.d/a.toml"]);
        let of = |key: &str| {
            let setting = told.settings.iter().find(|setting| setting.key == key).unwrap();
            (setting.origin, setting.file.as_deref(), setting.line)
        };
        assert_eq!(of("connections"), ("file", Some("tgtx.d/a.toml"), Some(2)));
        assert_eq!((of("level"), of("format")), (("environment", None, None), ("default", None, None)));
    }
}
