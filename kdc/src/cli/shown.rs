//! Text that somebody else wrote, on its way to a terminal.

use std::io::{self, Write as _};

/// The text with whatever is not printable escaped: nothing of it ends the line, commands the terminal or turns its direction.
/// Quotes and backslashes stay, so that what was escaped already is not escaped again.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// A line for whoever runs a verb, about what is not as asked. Where it cannot be written there is nobody to tell; a panic
/// over that would end the daemon when it tells of another one.
pub(super) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "tgtx: {}", shown(line));
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn nothing_but_what_is_printable_reaches_a_terminal() {
        let cases = [
            ("müller 田中 O'Brien \"x\" a\\b", "müller 田中 O'Brien \"x\" a\\b"),
            ("a\u{1b}[2J\r\nb", "a\\u{1b}[2J\\r\\nb"),
            ("\u{9b}31m\u{202e}txt\u{0}", "\\u{9b}31m\\u{202e}txt\\0"),
            ("already \\u{1b}[2J", "already \\u{1b}[2J"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected);
            assert_eq!(shown(expected), expected, "and not twice");
        }
    }
}
