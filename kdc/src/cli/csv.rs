//! Comma-separated values (RFC 4180).

use super::shown::shown;

/// What a spreadsheet takes for the beginning of a formula, full-width forms too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A line of these fields.
pub(super) fn line<const N: usize>(fields: [&str; N]) -> String {
    fields.map(quoted).join(",") + "\r\n"
}

/// A field on one line that no spreadsheet takes for a formula, whatever spaces are before it.
fn quoted(field: &str) -> String {
    let guard = if field.trim_start().starts_with(FORMULA) { "'" } else { "" };
    format!("\"{guard}{}\"", shown(field).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_field_is_text_whatever_is_in_it() {
        let cases = [
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=cmd|x", "\"'=cmd|x\""),
            (" \t=cmd|x", "\"' \\t=cmd|x\""),
            ("＝1+1", "\"'＝1+1\""),
            ("a\r\n=1\u{1b}[2J", "\"a\\r\\n=1\\u{1b}[2J\""),
            ("", "\"\""),
        ];
        for (field, expected) in cases {
            assert_eq!(quoted(field), expected);
        }
    }
}
