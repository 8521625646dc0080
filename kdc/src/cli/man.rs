//! `tgtx man`: the manual, a page for the program, for each verb and for the configuration file.
//!
//! The pages say what `--help` and `conf/reference.toml` say, because they are made of them.

mod settings;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use super::failure::Failure;

/// What stands at the foot of each page.
const SOURCE: &str = concat!("tgtx ", env!("CARGO_PKG_VERSION"));

/// What stands at its head.
const MANUAL: &str = "tgt-exchanger";

/// In an `after_help`, what comes after it is printed as it stands.
const EXAMPLES: &str = "Examples:";

/// Write the manual pages: of tgtx, of each verb, and of the configuration
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The Debian package installs them.

Examples:
  tgtx man /usr/local/share/man/man1
  tgtx man . && man ./tgtx.toml.5")]
pub(super) struct Arguments {
    /// The folder, which must exist; pages that are there already are replaced
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    for page in pages().map_err(Failure::Output)? {
        let path = arguments.folder.join(&page.name);
        fs::write(&path, &page.text).map_err(|error| Failure::File { path, error })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A page of the manual.
struct Page {
    /// Its file's: `tgtx-ticket-decode.1`.
    name: String,
    text: String,
}

fn pages() -> io::Result<Vec<Page>> {
    let mut program = super::Arguments::command().disable_help_subcommand(true);
    program.build();
    let mut pages = vec![Page { name: "tgtx.toml.5".to_owned(), text: settings::page() }];
    add_with_verbs(&program, &mut pages)?;
    Ok(pages)
}

fn add_with_verbs(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(page(command)?);
    command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .try_for_each(|verb| add_with_verbs(verb, pages))
}

/// The generator runs the lines of an `after_help` together, so they are set here.
fn page(command: &Command) -> io::Result<Page> {
    let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let bare = command.clone().after_help(Resettable::Reset);
    let man = Man::new(bare).source(SOURCE).manual(MANUAL);
    let mut text = Vec::new();
    man.render(&mut text)?;
    let mut text = String::from_utf8_lossy(&text).into_owned();
    text.push_str(&set_notes(&notes).render());
    Ok(Page { name: man.get_filename(), text })
}

fn set_notes(notes: &str) -> Roff {
    let mut roff = Roff::new();
    let (said, examples) = notes.split_once(EXAMPLES).unwrap_or((notes, ""));
    if !said.trim().is_empty() {
        roff.control("SH", ["NOTES"]);
        set_paragraphs(&mut roff, said);
    }
    if !examples.trim().is_empty() {
        roff.control("SH", ["EXAMPLES"]);
        set_verbatim(&mut roff, examples.trim_matches('\n'));
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("tgtx"), roman("(1), "), bold("tgtx.toml"), roman("(5)")]);
    roff
}

/// Paragraphs are apart by an empty line; their lines are filled.
fn set_paragraphs(roff: &mut Roff, text: &str) {
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        roff.control("PP", []);
        set_lines(roff, paragraph.trim());
    }
}

fn set_verbatim(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    set_lines(roff, text);
    roff.control("fi", []);
}

fn set_lines(roff: &mut Roff, text: &str) {
    for line in text.lines() {
        roff.text([roman(line)]);
    }
}

/// A term and what it means.
fn set_term(roff: &mut Roff, term: impl Into<Vec<Inline>>, meaning: &str) {
    roff.control("TP", []);
    roff.text(term);
    roff.text([roman(meaning)]);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_is_a_page_for_each_verb_and_for_the_configuration() {
        let pages = pages().unwrap();
        let names: BTreeSet<_> = pages.iter().map(|page| page.name.as_str()).collect();
        assert_eq!(names.len(), pages.len(), "two pages have one name");
        for name in ["tgtx.1", "tgtx-serve.1", "tgtx-check.1", "tgtx-ticket-decode.1", "tgtx.toml.5"] {
            assert!(names.contains(name), "{name} is not among {names:?}");
        }
    }

    #[test]
    fn the_page_of_a_verb_names_the_variable_of_its_configuration() {
        let pages = pages().unwrap();
        let serve = pages.iter().find(|page| page.name == "tgtx-serve.1").unwrap();
        assert!(serve.text.contains("TGTX_CONFIG"), "{}", serve.text);
    }

    #[test]
    fn examples_keep_their_lines() {
        let text = set_notes("One.\n\nTwo.\n\nExamples:\n  tgtx a\n  tgtx b").render();
        assert!(text.contains(".SH NOTES\n.PP\nOne.\n.PP\nTwo.\n"), "{text}");
        assert!(text.contains(".SH EXAMPLES\n.nf\n  tgtx a\n  tgtx b\n.fi\n"), "{text}");
    }
}
