//! The name in a ticket, and whether it is an account's name.

use std::borrow::Cow;

/// What a client calls itself: the one component of a cname.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientName<'n> {
    /// The name as it came. It was chosen outside: escape it before it enters a filter.
    pub name: &'n str,
    /// An NT-ENTERPRISE name (RFC 6806 §5): a user principal name.
    pub enterprise: bool,
}

/// The names an account answers to.
#[derive(Clone, Debug)]
pub(super) struct AccountNames<'a> {
    pub(super) sam_account_name: &'a str,
    /// The userPrincipalName, or where that is unset, the one every account has without it.
    pub(super) principal_name: Cow<'a, str>,
}

impl<'a> AccountNames<'a> {
    /// The names of an account of the domain of that DNS name.
    pub(super) fn new(
        sam_account_name: &'a str,
        user_principal_name: Option<&'a str>,
        dns_domain_name: &str,
    ) -> Self {
        let constructed = || Cow::Owned(format!("{sam_account_name}@{dns_domain_name}"));
        let principal_name = user_principal_name.map_or_else(constructed, Cow::Borrowed);
        Self { sam_account_name, principal_name }
    }

    /// Whether `name` is this account's: its sAMAccountName, or for an enterprise name (RFC 6806 §5), and
    /// only then, its user principal name. There is no second try with `$` appended (CVE-2021-42278).
    pub(super) fn include(&self, ClientName { name, enterprise }: &ClientName<'_>) -> bool {
        if *enterprise { same(name, &self.principal_name) } else { same(name, self.sam_account_name) }
    }
}

/// Character by character after simple upper-casing, as the directory's own index compares; nothing is
/// normalised, so that two accounts whose names only look alike stay two.
pub(super) fn same(left: &str, right: &str) -> bool {
    // As a rule a client writes its name as the directory has it.
    left == right || left.chars().map(upper).eq(right.chars().map(upper))
}

/// The same of names off the wire, octet for octet where one of them is no text.
#[must_use]
pub fn same_name(left: &[u8], right: &[u8]) -> bool {
    // As a rule both are written alike.
    left == right
        || match (str::from_utf8(left), str::from_utf8(right)) {
            (Ok(left), Ok(right)) => same(left, right),
            _ => false,
        }
}

/// A name by which those that are the [`same`] are found.
pub(crate) fn folded_name(name: &str) -> String {
    name.chars().map(upper).collect()
}

/// A character's upper case where that is one character (simple case mapping), else itself.
fn upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(user_principal_name: Option<&'static str>) -> AccountNames<'static> {
        AccountNames::new("Zoë", user_principal_name, "demo.example")
    }

    fn client(name: &str, enterprise: bool) -> ClientName<'_> {
        ClientName { name, enterprise }
    }

    #[test]
    fn names_match_by_case_folding_and_nothing_else() {
        let cases = [
            ("zoë", true),
            ("ZOË", true),
            ("zoe", false),
            ("zoe\u{308}", false),
            ("zoë$", false),
            ("zoë ", false),
            ("", false),
            ("zoë@demo.example", false),
        ];
        for (name, expected) in cases {
            assert_eq!(names(None).include(&client(name, false)), expected, "{name}");
        }
        let sharp = AccountNames::new("gross", None, "demo.example");
        assert!(!sharp.include(&client("groß", false)), "ß is one character");
    }

    #[test]
    fn enterprise_names_are_compared_with_the_principal_name_only() {
        let cases = [
            (None, "zoë@DEMO.example", true),
            (None, "zoë", false),
            (Some("z.smith@corp.example"), "Z.Smith@corp.example", true),
            (Some("z.smith@corp.example"), "zoë@demo.example", false),
        ];
        for (user_principal_name, name, expected) in cases {
            assert_eq!(names(user_principal_name).include(&client(name, true)), expected, "{name}");
        }
    }
}
