//! The name in a ticket, and whether it is an account's name.

/// What a client calls itself: the one component of a cname.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientName {
    /// The name as it came. It was chosen outside: escape it before it enters a filter.
    pub name: String,
    /// An NT-ENTERPRISE name (RFC 6806 §5): a user principal name.
    pub enterprise: bool,
}

/// The names an account answers to.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountNames<'a> {
    pub(super) sam_account_name: &'a str,
    pub(super) user_principal_name: Option<&'a str>,
    pub(super) dns_domain_name: &'a str,
}

impl AccountNames<'_> {
    /// The userPrincipalName, or where that is unset, the one every account has without it.
    pub(super) fn principal_name(&self) -> String {
        let constructed = || format!("{}@{}", self.sam_account_name, self.dns_domain_name);
        self.user_principal_name.map_or_else(constructed, str::to_owned)
    }

    /// Whether `name` is this account's: its sAMAccountName, or for an enterprise name (RFC 6806 §5), and
    /// only then, its user principal name. There is no second try with `$` appended (CVE-2021-42278).
    pub(super) fn include(&self, ClientName { name, enterprise }: &ClientName) -> bool {
        if *enterprise { same(name, &self.principal_name()) } else { same(name, self.sam_account_name) }
    }
}

/// Character by character after simple upper-casing, as the directory's own index compares; nothing is
/// normalised, so that two accounts whose names only look alike stay two.
pub(super) fn same(left: &str, right: &str) -> bool {
    left.chars().map(upper).eq(right.chars().map(upper))
}

/// The same of names off the wire, octet for octet where one of them is no text.
#[must_use]
pub fn same_name(left: &[u8], right: &[u8]) -> bool {
    match (str::from_utf8(left), str::from_utf8(right)) {
        (Ok(left), Ok(right)) => same(left, right),
        _ => left == right,
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
        AccountNames { sam_account_name: "Zoë", user_principal_name, dns_domain_name: "demo.example" }
    }

    fn client(name: &str, enterprise: bool) -> ClientName {
        ClientName { name: name.to_owned(), enterprise }
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
        let sharp = AccountNames { sam_account_name: "gross", ..names(None) };
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
