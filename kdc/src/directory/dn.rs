//! Distinguished names, as far as links between objects need them: equality, and the SIDs some of them carry.

use pac::Sid;

/// A distinguished name in the one form in which equal names are equal strings: lower case, no spaces around
/// separators, escapes resolved (RFC 4514). The extended components of [MS-ADTS] 3.1.1.3.4.1.5 are left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnKey(String);

impl DnKey {
    /// The key of a distinguished name.
    #[must_use]
    pub fn of(dn: &str) -> Self {
        let parts = split(strip_extended(dn), ',').into_iter();
        let parts = parts.map(|part| unescape(part.trim()).to_lowercase());
        // 0x1f occurs in no name that a directory shows and keeps `a\,b` apart from two components.
        Self(parts.collect::<Vec<_>>().join("\u{1f}"))
    }
}

/// Whether a text has the form of a distinguished name: components of a type, `=` and a value.
#[must_use]
pub fn is_dn(text: &str) -> bool {
    let is_component = |part: &str| {
        part.trim().split_once('=').is_some_and(|(kind, value)| {
            let is_kind = |sign: char| sign.is_ascii_alphanumeric() || "-.".contains(sign);
            !kind.is_empty() && kind.chars().all(is_kind) && !value.is_empty()
        })
    };
    split(text, ',').into_iter().all(is_component)
}

/// The DNS name that the `DC=` components of a distinguished name spell, or `None` if it has none.
#[must_use]
pub fn dns_name(dn: &str) -> Option<String> {
    let parts = split(strip_extended(dn), ',').into_iter().map(str::trim);
    let labels = parts.filter_map(|part| {
        part.split_at_checked(3).filter(|(kind, _)| kind.eq_ignore_ascii_case("DC=")).map(|(_, label)| label)
    });
    let labels: Vec<&str> = labels.collect();
    (!labels.is_empty()).then(|| labels.join("."))
}

/// The value of the first component: `Vienna` of `CN=Vienna,CN=Sites,…`, escapes resolved.
#[must_use]
pub fn first_value(dn: &str) -> String {
    let parts = split(strip_extended(dn), ',');
    let first = parts.first().and_then(|part| part.split_once('='));
    unescape(first.map_or("", |(_, value)| value).trim())
}

/// The name of the object above: what follows the first component, empty where nothing does.
#[must_use]
pub fn parent(dn: &str) -> &str {
    let first = split(dn, ',').first().map_or(0, |part| part.len());
    dn.get(first..).and_then(|rest| rest.strip_prefix(',')).unwrap_or_default()
}

/// The SID a value of distinguished-name syntax tells by itself: the `<SID=…>` component that the extended-DN
/// control adds ([MS-ADTS] 3.1.1.3.4.1.5), as string or hexadecimal, or the name of a
/// foreignSecurityPrincipal.
#[must_use]
pub fn embedded_sid(dn: &str) -> Option<Sid> {
    let mut rest = dn;
    while let Some((component, tail)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        if let Some(sid) = component.strip_prefix("SID=") {
            return sid.parse().ok().or_else(|| Sid::from_bytes(&hexadecimal(sid)?).ok());
        }
        rest = tail.strip_prefix(';').unwrap_or(tail);
    }
    let mut parts = split(rest, ',').into_iter().map(str::trim);
    let name = parts.next()?;
    let (kind, sid) = name.split_at_checked(3)?;
    let is_foreign = kind.eq_ignore_ascii_case("CN=")
        && parts.next()?.eq_ignore_ascii_case("CN=ForeignSecurityPrincipals");
    is_foreign.then(|| sid.parse().ok()).flatten()
}

/// The plain distinguished name behind `<GUID=…>;<SID=…>;`.
pub(super) fn strip_extended(mut dn: &str) -> &str {
    while let Some((_, tail)) = dn.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        dn = tail.strip_prefix(';').unwrap_or(tail);
    }
    dn
}

/// The pieces between separators that no backslash precedes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut escaped = false;
    text.split(|character: char| {
        let is_separator = !escaped && character == separator;
        escaped = !escaped && character == '\\';
        is_separator
    })
    .collect()
}

/// A component with `\,` as `,` and `\2C` likewise.
fn unescape(part: &str) -> String {
    let mut octets = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let pair = tail.split_at_checked(2).and_then(|(pair, after)| {
            let value = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
            Some((value, after))
        });
        rest = match (first, pair, tail) {
            (b'\\', Some((value, after)), _) => {
                octets.push(value);
                after
            }
            (b'\\', None, [escaped, after @ ..]) => {
                octets.push(*escaped);
                after
            }
            _ => {
                octets.push(first);
                tail
            }
        };
    }
    String::from_utf8_lossy(&octets).into_owned()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let octet = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.iter().map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_spaces_and_escapes_are_equal() {
        let cases = [
            ("CN=Domain Users,CN=Users,DC=demo", "cn=domain users, cn=users,dc=DEMO", true),
            ("CN=Smith\\, Ann,DC=demo", "CN=Smith\\2C Ann,DC=demo", true),
            ("CN=Zo\\C3\\AB,DC=demo", "CN=zoë,DC=demo", true),
            ("<GUID=00>;<SID=S-1-5-32-544>;CN=a,DC=demo", "CN=A,DC=demo", true),
            ("CN=a,CN=b,DC=demo", "CN=a\\,CN=b,DC=demo", false),
            ("CN=a,DC=demo", "CN=b,DC=demo", false),
        ];
        for (left, right, equal) in cases {
            assert_eq!(DnKey::of(left) == DnKey::of(right), equal, "{left} and {right}");
        }
    }

    #[test]
    fn every_component_of_a_name_has_type_and_value() {
        let cases = [
            ("CN=Domain Users, CN=Users,DC=demo", true),
            ("CN=a\\,b,DC=demo", true),
            ("2.5.4.3=a", true),
            ("CN=a,b,DC=demo", false),
            ("CN=,DC=demo", false),
            ("=a", false),
            ("<SID=S-1-5-32-544>", false),
            ("a", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_dn(text), expected, "{text}");
        }
    }

    #[test]
    fn the_domain_components_spell_the_dns_name() {
        assert_eq!(dns_name("CN=x, dc=demo,DC=example").as_deref(), Some("demo.example"));
        assert_eq!(dns_name("CN=x"), None);
    }

    #[test]
    fn the_parent_is_behind_the_first_separator_that_is_one() {
        for (dn, above) in [("CN=a\\,b,CN=c,DC=d", "CN=c,DC=d"), ("DC=d", ""), ("", "")] {
            assert_eq!(parent(dn), above, "{dn}");
        }
    }

    #[test]
    fn extended_names_and_foreign_principals_tell_their_sid() {
        let cases = [
            ("<GUID=4>;<SID=S-1-5-32-544>;CN=Administrators,CN=Builtin,DC=demo", Some("S-1-5-32-544")),
            ("<SID=01020000000000052000000020020000>;CN=Administrators,DC=demo", Some("S-1-5-32-544")),
            ("CN=S-1-5-21-1-2-3-1104,CN=ForeignSecurityPrincipals,DC=demo", Some("S-1-5-21-1-2-3-1104")),
            ("CN=S-1-5-32-544,CN=Users,DC=demo", None),
            ("CN=Administrators,CN=Builtin,DC=demo", None),
            ("<SID=0102>;CN=Administrators,DC=demo", None),
        ];
        for (dn, expected) in cases {
            assert_eq!(embedded_sid(dn).map(|sid| sid.to_string()).as_deref(), expected, "{dn}");
        }
    }
}
