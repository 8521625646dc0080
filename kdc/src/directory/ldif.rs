//! LDIF version 1 (RFC 2849), content records only: text to entries.
//!
//! Change records and values by URL are refused: a directory in a file is what the file says, nothing else.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::entry::Entry;

/// Reads the records of an LDIF file, in their order.
///
/// # Errors
/// [`LdifError`] names the line at which the offending line of the record starts.
pub fn parse(text: &str) -> Result<Vec<Entry>, LdifError> {
    let mut entries = Vec::new();
    let mut current: Option<Entry> = None;
    for (number, line) in unfold(text)? {
        if line.is_empty() {
            entries.extend(current.take());
            continue;
        }
        let (name, value) = attribute(&line).map_err(|fault| LdifError { line: number, fault })?;
        let fault = |fault| Err(LdifError { line: number, fault });
        match (&mut current, name.to_ascii_lowercase().as_str()) {
            (None, "version") if entries.is_empty() && value.trim_ascii() == b"1" => {}
            (None, "version") => return fault(LdifFault::Version),
            (None, "dn") => match String::from_utf8(value) {
                Ok(dn) => current = Some(Entry::new(dn)),
                Err(_) => return fault(LdifFault::NotText),
            },
            (None, _) => return fault(LdifFault::NoDn),
            (Some(_), "dn") => return fault(LdifFault::SecondDn),
            (Some(_), "changetype" | "control") => return fault(LdifFault::ChangeRecord),
            (Some(entry), _) => entry.insert(name, value),
        }
    }
    entries.extend(current);
    Ok(entries)
}

/// Physical lines joined where one starts with a space, without comments; each with the number of its first
/// line.
fn unfold(text: &str) -> Result<Vec<(usize, Cow<'_, str>)>, LdifError> {
    let mut lines: Vec<(usize, Cow<'_, str>)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match (line.strip_prefix(' '), lines.last_mut()) {
            (None, _) => lines.push((number, Cow::Borrowed(line))),
            (Some(rest), Some((_, folded))) if !folded.is_empty() => folded.to_mut().push_str(rest),
            (Some(_), _) => {
                return Err(LdifError { line: number, fault: LdifFault::Continuation });
            }
        }
    }
    lines.retain(|(_, line)| !line.starts_with('#'));
    Ok(lines)
}

/// A line of LDIF: a value that is no safe text goes in base64 (RFC 2849, `SAFE-STRING`).
#[must_use]
pub fn line(name: &str, value: &str) -> String {
    let is_safe = value.bytes().all(|octet| (0x20..0x7f).contains(&octet))
        && !value.starts_with([' ', ':', '<'])
        && !value.ends_with(' ');
    if is_safe { format!("{name}: {value}") } else { format!("{name}:: {}", STANDARD.encode(value)) }
}

/// `name: text`, `name:: base64` and the refused `name:< URL`.
fn attribute(line: &str) -> Result<(&str, Vec<u8>), LdifFault> {
    let (name, value) = line.split_once(':').ok_or(LdifFault::NoColon)?;
    let in_name = |character: char| character.is_ascii_alphanumeric() || "-.;=".contains(character);
    if name.is_empty() || !name.chars().all(in_name) {
        return Err(LdifFault::Name);
    }
    let value = match value.as_bytes().first() {
        Some(b'<') => return Err(LdifFault::Url),
        Some(b':') => STANDARD.decode(value.trim_start_matches(':').trim()).map_err(|_| LdifFault::Base64)?,
        Some(_) | None => value.trim_start_matches(' ').as_bytes().to_vec(),
    };
    Ok((name, value))
}

/// A line that LDIF does not allow, or that we do not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("LDIF line {line}: {fault}")]
pub struct LdifError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: LdifFault,
}

/// What can be wrong with a line of LDIF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LdifFault {
    /// A folded line that continues none.
    #[error("a line that starts with a space continues the line before, and there is none")]
    Continuation,
    /// No separator.
    #[error("expected `name: value`")]
    NoColon,
    /// Something else than an attribute description.
    #[error("this is no attribute name")]
    Name,
    /// Malformed base64.
    #[error("the value after `::` is not base64")]
    Base64,
    /// A value by reference.
    #[error("values by URL (`:<`) are not read")]
    Url,
    /// A version other than 1, or not at the top.
    #[error("only `version: 1` is read, at the top of the file")]
    Version,
    /// A record without a name.
    #[error("a record starts with `dn:`")]
    NoDn,
    /// Two records without an empty line between them.
    #[error("an empty line must separate records")]
    SecondDn,
    /// Not a content record.
    #[error("this is a change record; only content is read")]
    ChangeRecord,
    /// A name that is not UTF-8.
    #[error("the name is not UTF-8")]
    NotText,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_folded_lines_base64_comments_and_crlf() {
        let text = "version: 1\r\n# a comment\r\n  that goes on\r\ndn: CN=al\r\n ice,DC=demo\r\nobjectSid:: AQE\r\n \
                    AAAAAABIBAAAA\r\nsn:Zoë\r\n\r\n\r\ndn:: Q049Ym9i\r\nsn: \r\n";
        let entries = parse(text).expect("LDIF");
        let [alice, bob] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((alice.dn(), bob.dn()), ("CN=alice,DC=demo", "CN=bob"));
        assert_eq!(alice.sid("objectSid").map(|sid| sid.to_string()), Ok("S-1-18-1".to_owned()));
        assert_eq!((alice.text("sn"), bob.text("sn")), (Ok("Zoë"), Ok("")));
    }

    #[test]
    fn a_file_without_records_is_an_empty_directory() {
        for text in ["", "\n\n", "version: 1\n", "# nothing\n"] {
            assert_eq!(parse(text), Ok(Vec::new()));
        }
    }

    #[test]
    fn a_line_that_is_written_is_read_as_it_was() {
        for value in ["CN=a,DC=lab", "", " a", "a ", ":a", "<a", "Jörg", "a\nb", "田中"] {
            let text = format!("dn: CN=a\n{}\n", line("description", value));
            assert_eq!(parse(&text).unwrap()[0].text("description"), Ok(value), "{text}");
        }
    }

    #[test]
    fn errors_name_the_line() {
        let cases = [
            (" folded\n", 1, LdifFault::Continuation),
            ("dn: CN=a\n\n folded\n", 3, LdifFault::Continuation),
            ("dn: CN=a\nsn\n", 2, LdifFault::NoColon),
            ("dn: CN=a\ns n: x\n", 2, LdifFault::Name),
            ("dn: CN=a\nsn:: ###\n", 2, LdifFault::Base64),
            ("dn: CN=a\nsn:< file:///etc/passwd\n", 2, LdifFault::Url),
            ("version: 2\n", 1, LdifFault::Version),
            ("dn: CN=a\n\nversion: 1\n", 3, LdifFault::Version),
            ("# first\nsn: x\n", 2, LdifFault::NoDn),
            ("dn: CN=a\nsn: x\ndn: CN=b\n", 3, LdifFault::SecondDn),
            ("dn: CN=a\nchangetype: delete\n", 2, LdifFault::ChangeRecord),
            ("dn:: /w==\n", 1, LdifFault::NotText),
        ];
        for (text, line, fault) in cases {
            assert_eq!(parse(text), Err(LdifError { line, fault }), "{text}");
        }
    }
}
