//! `docs/commands.md` is what `--help` says, verb by verb, and `docs/json.md` what `--json` prints.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Command, CommandFactory};
use serde::Serialize;
use serde_json::Value;

/// Set, it has the page written anew.
const WRITE: &str = "TGTX_WRITE_DOCS";

const HEAD: &str = "\
# Commands
What `--help` says of each verb; the manual pages (`man tgtx-explain`) are made of the same. Exit codes: 0 as asked, 1 refused or failed, 2 not
understood, 78 a fault in the configuration or in a file that it names; verbs with others say so. Results are on standard output, everything else on
standard error. No secret is ever an argument.
";

#[test]
fn the_documentation_has_every_verb_and_option() {
    let mut program = super::Arguments::command().disable_help_subcommand(true).term_width(120);
    program.build();
    let mut page = HEAD.to_owned();
    describe(&program, &mut page);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md"), &page).unwrap();
        return;
    }
    assert!(
        include_str!("../../../docs/commands.md") == page,
        "docs/commands.md is not what --help says; {WRITE}=1 cargo test -p kdc --lib commands writes it"
    );
}

fn describe(command: &Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let help = command.clone().render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!("\n## {name}\n```text\n{}\n```\n", lines.join("\n")));
    command.get_subcommands().filter(|verb| !verb.is_hide_set()).for_each(|verb| describe(verb, page));
}

/// Where `docs/json.md` says what a verb prints.
const JSON: &str = include_str!("../../../docs/json.md");

#[test]
fn the_documentation_names_every_verb_that_prints_json() {
    fn collect(command: &Command, verbs: &mut BTreeSet<String>) {
        if command.get_arguments().any(|argument| argument.get_id() == "json") {
            verbs.insert(command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned());
        }
        command.get_subcommands().for_each(|verb| collect(verb, verbs));
    }
    let mut program = super::Arguments::command().disable_help_subcommand(true);
    program.build();
    let mut verbs = BTreeSet::new();
    collect(&program, &mut verbs);
    let documented = JSON.lines().filter_map(|line| line.strip_prefix("| `tgtx "));
    let documented = documented.filter_map(|line| Some(format!("tgtx {}", line.split('`').next()?)));
    assert_eq!(documented.collect::<BTreeSet<_>>(), verbs);
}

/// Asserts that `docs/json.md` has under this heading a row for each member of an object, and for nothing else.
#[track_caller]
pub(super) fn assert_documented(heading: &str, result: &impl Serialize) {
    fn collect(path: &str, value: &Value, members: &mut BTreeSet<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            collect(&path, value, members);
            members.insert(path);
        }
        value.as_array().into_iter().flatten().for_each(|one| collect(&format!("{path}[]"), one, members));
    }
    let mut members = BTreeSet::new();
    collect("", &serde_json::to_value(result).unwrap(), &mut members);
    let (_, section) = JSON.split_once(&format!("\n## {heading}\n")).expect(heading);
    let section = section.split("\n## ").next().unwrap_or_default();
    let documented = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(documented.map(str::to_owned).collect::<BTreeSet<_>>(), members, "{heading}");
}
