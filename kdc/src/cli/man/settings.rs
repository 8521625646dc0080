//! tgtx.toml(5), made of the commented files in `conf/`.

use clap_mangen::roff::{Roff, bold, roman};

use super::{MANUAL, SOURCE, set_paragraphs, set_term, set_verbatim};
use crate::config::REFERENCE;

/// The least that serves a domain.
const LEAST: &str = include_str!("../../../../conf/tgtx.toml");

/// How several files become one configuration.
const DROP_INS: &str = "\
Beside the file, the files that end in .toml in the folder of its name with .d are read: /etc/tgtx/tgtx.d/*.toml for \
/etc/tgtx/tgtx.toml. They are sorted by the octets of their names, so 10-a.toml comes before 9-a.toml, and each is laid over \
what was read before. Tables merge key by key. A value takes the place of the earlier one, and so does a list, as a whole. A \
[[domain]] merges with the earlier one of the same realm; where there is none of that realm, it is one more domain. What is \
replaced is not looked at.

Paths mean what they mean in the file itself. Hidden files and other endings are passed over. Whatever \
else is not a regular file that can be read is an error, and so is a drop-in, or the folder, that everyone may write to or that \
belongs to somebody else than root, the daemon's user or the owner of the file. 256 drop-ins are read, and 1 MiB of each file.";

/// What a line of the reference is: every key has its default and its meaning on a line.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    /// `[listen]`, and what is said of the whole section.
    Section(&'a str, &'a str),
    /// `kerberos = […]`, and what it means.
    Key(&'a str, &'a str),
    /// A comment of its own.
    Said(&'a str),
    Empty,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let (setting, comment) = match comment_of(line) {
            Some((setting, comment)) => (setting.trim(), comment.trim()),
            None => (line.trim(), ""),
        };
        match setting {
            "" if comment.is_empty() => Self::Empty,
            "" => Self::Said(comment),
            section if section.starts_with('[') => Self::Section(section, comment),
            key => Self::Key(key, comment),
        }
    }
}

/// Parts a line where its comment begins, which is no `#` within a string.
fn comment_of(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let begins = line.find(|character| {
        quoted ^= character == '"';
        character == '#' && !quoted
    })?;
    let (before, comment) = line.split_at_checked(begins)?;
    Some((before, comment.trim_start_matches('#')))
}

/// The page.
pub(super) fn page() -> String {
    let mut roff = Roff::new();
    roff.control("TH", ["TGTX.TOML", "5", "", SOURCE, MANUAL]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("tgtx.toml - configuration of tgtx")]);
    roff.control("SH", ["DESCRIPTION"]);
    set_paragraphs(
        &mut roff,
        "tgtx reads /etc/tgtx/tgtx.toml, or the file that --config names. It is TOML. Each key below is shown with its \
         default.\n\ntgtx check says what is wrong with a file, and what to do about it.",
    );
    set_reference(&mut roff, REFERENCE);
    roff.control("SH", ["DROP-INS"]);
    set_paragraphs(&mut roff, DROP_INS);
    roff.control("SH", ["EXAMPLES"]);
    set_verbatim(&mut roff, LEAST);
    roff.control("SH", ["ENVIRONMENT"]);
    set_term(&mut roff, [bold("TGTX_CONFIG")], "The configuration, where --config does not name it.");
    set_term(
        &mut roff,
        [bold("TGTX_LOG")],
        "Takes the place of [log] level; empty is as none. No other setting can be made in the environment.",
    );
    roff.control("SH", ["FILES"]);
    set_term(&mut roff, [bold("/etc/tgtx/tgtx.toml")], "The configuration.");
    set_term(&mut roff, [bold("/etc/tgtx/tgtx.d/*.toml")], "Its drop-ins.");
    set_term(
        &mut roff,
        [bold("/usr/share/doc/tgtx/examples")],
        "A commented file for each shape of deployment.",
    );
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        bold("tgtx"),
        roman("(1), "),
        bold("tgtx-check"),
        roman("(1), "),
        bold("tgtx-serve"),
        roman("(1)"),
    ]);
    roff.render()
}

fn set_reference(roff: &mut Roff, reference: &str) {
    let mut in_paragraph = false;
    for line in reference.lines().map(Line::of) {
        match line {
            Line::Section(name, meaning) => {
                roff.control("SH", [name]);
                if !meaning.is_empty() {
                    set_paragraphs(roff, meaning);
                }
            }
            Line::Key(setting, meaning) => set_term(roff, [bold(setting)], meaning),
            Line::Said(text) => {
                if !in_paragraph {
                    roff.control("PP", []);
                }
                roff.text([roman(text)]);
                in_paragraph = true;
                continue;
            }
            Line::Empty => {}
        }
        in_paragraph = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_section_a_key_or_a_comment() {
        for (line, is) in [
            ("[[domain]]     # once per domain", Line::Section("[[domain]]", "once per domain")),
            ("[listen]", Line::Section("[listen]", "")),
            (
                "ttl = \"30s\"   # principals; \"0s\": off",
                Line::Key("ttl = \"30s\"", "principals; \"0s\": off"),
            ),
            ("name = \"a#b\"", Line::Key("name = \"a#b\"", "")),
            ("# Every key.", Line::Said("Every key.")),
            ("", Line::Empty),
        ] {
            assert_eq!(Line::of(line), is, "{line}");
        }
    }

    /// Variables of the environment and files.
    const OTHER_TERMS: usize = 2 + 3;

    /// So that no key of the reference is without its line in the manual.
    #[test]
    fn every_key_has_a_meaning_on_its_own_line() {
        let keys = REFERENCE.lines().map(Line::of).filter(|line| matches!(line, Line::Key(..))).count();
        assert_eq!(page().matches("\n.TP\n").count(), keys + OTHER_TERMS);
        for line in REFERENCE.lines() {
            if let Line::Key(key, _) = Line::of(line) {
                assert!(key.contains(" = "), "{key} is no key with a value on one line");
            }
        }
    }
}
