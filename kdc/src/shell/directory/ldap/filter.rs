//! Search filters from values we did not choose (RFC 4515).

use std::fmt::Write;

use crate::directory::DenyGroup;

/// Names longer than this are nobody's: `userPrincipalName` holds at most 1,024 characters.
const LONGEST_NAME: usize = 4096;

/// Matches accounts, not groups, with this `sAMAccountName`, or, for an enterprise name, this `userPrincipalName`; where that
/// is unset, `sAMAccountName@dnsDomain` counts as one. `domain_dn` is the domain's, `DC=lab,DC=example`.
pub(super) fn account_named(name: &[u8], enterprise: bool, domain_dn: &str) -> String {
    // No object is without a class, so this matches nobody.
    if name.is_empty() || name.len() > LONGEST_NAME {
        return "(!(objectClass=*))".to_owned();
    }
    if !enterprise {
        return of_accounts(&format!("(sAMAccountName={})", escape(name)));
    }
    let by_upn = format!("(userPrincipalName={})", escape(name));
    match constructed_from(name, domain_dn) {
        Some(account) => {
            let constructed = format!("(&(!(userPrincipalName=*))(sAMAccountName={}))", escape(account));
            of_accounts(&format!("(|{by_upn}{constructed})"))
        }
        None => of_accounts(&by_upn),
    }
}

/// As [`is_account`](crate::directory::is_account) tells them from groups, which have names too.
fn of_accounts(filter: &str) -> String {
    format!("(&(objectClass=user){filter})")
}

/// Matches what an entry of `deny-groups` names; nothing is to be looked up for a SID.
pub(super) fn named(entry: &DenyGroup) -> Option<String> {
    match entry {
        DenyGroup::Sid(_) => None,
        DenyGroup::Dn(dn) => Some(format!("(distinguishedName={})", escape(dn.as_bytes()))),
        DenyGroup::Name(name) => Some(format!("(sAMAccountName={})", escape(name.as_bytes()))),
    }
}

/// `alice` of `alice@lab.example` in `DC=lab,DC=example`.
fn constructed_from<'a>(name: &'a [u8], domain_dn: &str) -> Option<&'a [u8]> {
    let at = name.iter().rposition(|&octet| octet == b'@')?;
    let (account, suffix) = (name.get(..at)?, name.get(at.checked_add(1)?..)?);
    let labels = domain_dn.split(',').filter_map(|part| part.split_once('=')).map(|(_, label)| label);
    let domain = labels.collect::<Vec<_>>().join(".");
    (!account.is_empty() && suffix.eq_ignore_ascii_case(domain.as_bytes())).then_some(account)
}

/// An assertion value that stands for exactly these octets: all but letters, digits and a few harmless signs become
/// `\XX` (RFC 4515 §3), which covers `* ( ) \ NUL` and whatever is not UTF-8.
pub(super) fn escape(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for &octet in value {
        if octet.is_ascii_alphanumeric() || b"-._@$".contains(&octet) {
            text.push(char::from(octet));
        } else {
            let _infallible = write!(text, "\\{octet:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "DC=lab,DC=example";

    #[test]
    fn nothing_in_a_name_is_syntax() {
        let cases: [(&[u8], &str); 4] = [
            (b"alice", "(&(objectClass=user)(sAMAccountName=alice))"),
            (b"*)(objectClass=*", "(&(objectClass=user)(sAMAccountName=\\2a\\29\\28objectClass\\3d\\2a))"),
            (b"a\\b\0", "(&(objectClass=user)(sAMAccountName=a\\5cb\\00))"),
            ("Jörg".as_bytes(), "(&(objectClass=user)(sAMAccountName=J\\c3\\b6rg))"),
        ];
        for (name, expected) in cases {
            assert_eq!(account_named(name, false, DOMAIN), expected);
            assert!(ldap3::parse_filter(expected).is_ok(), "{expected}");
        }
    }

    #[test]
    fn denials_are_looked_up_by_what_names_them() {
        let cases = [
            ("Tier 0", Some("(sAMAccountName=Tier\\200)")),
            ("CN=Tier (0),DC=lab", Some("(distinguishedName=CN\\3dTier\\20\\280\\29\\2cDC\\3dlab)")),
            ("S-1-5-32-544", None),
        ];
        for (text, expected) in cases {
            let entry = text.parse().expect(text);
            assert_eq!(named(&entry).as_deref(), expected);
            assert!(expected.is_none_or(|filter| ldap3::parse_filter(filter).is_ok()), "{text}");
        }
    }

    #[test]
    fn an_enterprise_name_may_be_the_constructed_one() {
        let filter = "(&(objectClass=user)(userPrincipalName=a@other.example))";
        assert_eq!(account_named(b"a@other.example", true, DOMAIN), filter);
        let filter = "(&(objectClass=user)(|(userPrincipalName=a@Lab.example)(&(!(userPrincipalName=*))\
                      (sAMAccountName=a))))";
        assert_eq!(account_named(b"a@Lab.example", true, DOMAIN), filter);
        assert!(ldap3::parse_filter(filter).is_ok());
    }

    #[test]
    fn no_name_and_endless_names_match_nobody() {
        for name in [&b""[..], &[b'a'; 5000]] {
            assert_eq!(account_named(name, false, DOMAIN), "(!(objectClass=*))");
        }
    }
}
