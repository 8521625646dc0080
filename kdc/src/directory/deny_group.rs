//! An entry of `deny-groups`: how it is written, and which object it names.

use std::fmt;
use std::str::FromStr;

use pac::Sid;

use super::dn::{DnKey, is_dn};
use super::entry::Entry;
use super::name::same;

/// Signs that no sAMAccountName holds ([MS-ADTS] 3.1.1.6).
const NOT_IN_NAMES: &str = "\"/[]:;|=,+*?<>";

/// An entry of `deny-groups`, as the operator wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenyGroup {
    /// A SID, which may be another domain's.
    Sid(Sid),
    /// A distinguished name.
    Dn(String),
    /// A sAMAccountName.
    Name(String),
}

impl DenyGroup {
    /// The SID that is meant; `named` holds the objects of the domain that have the name, and perhaps others. `None`
    /// if no object has it, several have it, or the one has no SID.
    #[must_use]
    pub fn sid<'e>(&self, named: impl IntoIterator<Item = &'e Entry>) -> Option<Sid> {
        let is_meant: Box<dyn Fn(&Entry) -> bool> = match self {
            Self::Sid(sid) => return Some(*sid),
            Self::Dn(dn) => {
                let key = DnKey::of(dn);
                Box::new(move |entry| DnKey::of(entry.dn()) == key)
            }
            Self::Name(name) => {
                Box::new(move |entry| entry.text("sAMAccountName").is_ok_and(|other| same(other, name)))
            }
        };
        let mut meant = named.into_iter().filter(|entry| is_meant(entry));
        match (meant.next(), meant.next()) {
            (Some(entry), None) => entry.sid("objectSid").ok(),
            _ => None,
        }
    }
}

impl FromStr for DenyGroup {
    type Err = NoDenyGroup;

    fn from_str(text: &str) -> Result<Self, NoDenyGroup> {
        if text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("S-"))
            && let Ok(sid) = text.parse()
        {
            Ok(Self::Sid(sid))
        } else if is_dn(text) {
            Ok(Self::Dn(text.to_owned()))
        } else if text.contains('\\') {
            Err(NoDenyGroup::Domain)
        } else if text.trim().is_empty()
            || text.chars().any(|sign| sign.is_control() || NOT_IN_NAMES.contains(sign))
        {
            Err(NoDenyGroup::Form)
        } else {
            Ok(Self::Name(text.to_owned()))
        }
    }
}

impl fmt::Display for DenyGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sid(sid) => sid.fmt(f),
            Self::Dn(name) | Self::Name(name) => f.write_str(name),
        }
    }
}

/// Why a text is no [`DenyGroup`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDenyGroup {
    /// `DOMAIN\name`.
    #[error("a name with a domain; leave the domain out, or write the SID of a group of another domain")]
    Domain,
    /// Anything else.
    #[error("not a group; write its sAMAccountName, its distinguished name or its SID")]
    Form,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_an_entry_tells_what_it_is() {
        let name = |text: &str| Ok(DenyGroup::Name(text.to_owned()));
        let dn = |text: &str| Ok(DenyGroup::Dn(text.to_owned()));
        let cases = [
            ("S-1-5-32-544", Ok(DenyGroup::Sid("S-1-5-32-544".parse().expect("a SID")))),
            ("S-Bahn", name("S-Bahn")),
            ("Domain Admins", name("Domain Admins")),
            ("Zoë", name("Zoë")),
            ("CN=Tier 0,DC=lab", dn("CN=Tier 0,DC=lab")),
            ("CN=Smith\\, Ann,DC=lab", dn("CN=Smith\\, Ann,DC=lab")),
            ("LAB\\Tier 0", Err(NoDenyGroup::Domain)),
            ("Tier 0,DC=lab", Err(NoDenyGroup::Form)),
            ("*", Err(NoDenyGroup::Form)),
            ("", Err(NoDenyGroup::Form)),
            (" ", Err(NoDenyGroup::Form)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }
}
