//! One directory object as attributes: what an LDAP search or an LDIF file gives, before anybody trusts it.
//!
//! Values are octets, as LDAP defines them; the typed readers turn them into what the attribute's syntax says (`syntax.rs`)
//! or name the object, the attribute and what is wrong with it. Attribute names are compared without regard to case
//! (RFC 4512 §2.5).

use std::collections::BTreeMap;

use pac::{FileTime, Sid};

use super::attribute_error::{AttributeError, Fault};
use super::syntax;

/// An object of the directory: its distinguished name and its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    dn: String,
    /// Lower-case description (name and options) to values, in the order they came.
    attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// An object without attributes.
    #[must_use]
    pub fn new(dn: impl Into<String>) -> Self {
        Self { dn: dn.into(), attributes: BTreeMap::new() }
    }

    /// Adds one value to the attribute `name`, after those it already has.
    ///
    /// `name` is the attribute description as the server wrote it, options such as `;range=0-1499` included:
    /// a piece of an attribute is not the attribute, and reading it is an error ([`Fault::Partial`]).
    pub fn insert(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.attributes.entry(name.to_ascii_lowercase()).or_default().push(value.into());
    }

    /// The distinguished name, as the directory wrote it.
    #[must_use]
    pub fn dn(&self) -> &str {
        &self.dn
    }

    /// Whether the attribute is there, whatever its values.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(&name.to_ascii_lowercase())
    }

    /// Every attribute with its values, in alphabetical order; names are in lower case.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &[Vec<u8>])> {
        self.attributes.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Every value of the attribute; none if it is absent.
    ///
    /// # Errors
    /// [`Fault::Partial`] if the server gave only a range of the values ([MS-ADTS] 3.1.1.3.1.3.3), or some under an
    /// option that nobody asked for: a list that was cut must decide nothing.
    pub fn values(&self, name: &str) -> Result<&[Vec<u8>], AttributeError> {
        let key = name.to_ascii_lowercase();
        let options = format!("{key};");
        if self.attributes.keys().any(|other| other.starts_with(&options)) {
            return Err(self.error(name, Fault::Partial));
        }
        Ok(self.attributes.get(&key).map_or(&[], Vec::as_slice))
    }

    /// The only value of the attribute.
    ///
    /// # Errors
    /// If the attribute is absent, cut or has several values.
    pub fn bytes(&self, name: &str) -> Result<&[u8], AttributeError> {
        self.optional_bytes(name)?.ok_or_else(|| self.error(name, Fault::Absent))
    }

    /// The only value of the attribute, or `None` if it is absent.
    ///
    /// # Errors
    /// If the attribute is cut or has several values.
    pub fn optional_bytes(&self, name: &str) -> Result<Option<&[u8]>, AttributeError> {
        match self.values(name)? {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(self.error(name, Fault::Several)),
        }
    }

    /// A Unicode string: UTF-8.
    ///
    /// # Errors
    /// As [`Entry::bytes`], or if the value is not UTF-8.
    pub fn text(&self, name: &str) -> Result<&str, AttributeError> {
        self.optional_text(name)?.ok_or_else(|| self.error(name, Fault::Absent))
    }

    /// A Unicode string, or `None` if the attribute is absent.
    ///
    /// # Errors
    /// As [`Entry::optional_bytes`], or if the value is not UTF-8.
    pub fn optional_text(&self, name: &str) -> Result<Option<&str>, AttributeError> {
        self.optional(name, syntax::text)
    }

    /// Every value as a string: distinguished names, object classes.
    ///
    /// # Errors
    /// As [`Entry::values`], or if a value is not UTF-8.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, AttributeError> {
        self.each(name, syntax::text)
    }

    /// A Boolean (RFC 4517 §3.3.3), or `None` if the attribute is absent.
    ///
    /// # Errors
    /// As [`Entry::optional_bytes`], or if the value is neither `TRUE` nor `FALSE`.
    pub fn optional_boolean(&self, name: &str) -> Result<Option<bool>, AttributeError> {
        self.optional(name, syntax::boolean)
    }

    /// An Integer or LargeInteger: signed decimal digits.
    ///
    /// # Errors
    /// As [`Entry::bytes`], or if the value is no decimal number of 64 bits.
    pub fn integer(&self, name: &str) -> Result<i64, AttributeError> {
        self.optional_integer(name)?.ok_or_else(|| self.error(name, Fault::Absent))
    }

    /// An Integer or LargeInteger, or `None` if the attribute is absent.
    ///
    /// # Errors
    /// As [`Entry::optional_bytes`], or if the value is no decimal number of 64 bits.
    pub fn optional_integer(&self, name: &str) -> Result<Option<i64>, AttributeError> {
        self.optional(name, syntax::integer)
    }

    /// An Integer used as 32 flag bits or as an unsigned number, or `None` if the attribute is absent.
    /// LDAP writes bit 31 as a minus sign; both spellings are read.
    ///
    /// # Errors
    /// As [`Entry::optional_integer`], or if the value does not fit 32 bits.
    pub fn optional_flags(&self, name: &str) -> Result<Option<u32>, AttributeError> {
        self.optional(name, syntax::flags)
    }

    /// An Integer used as 32 flag bits or as an unsigned number.
    ///
    /// # Errors
    /// As [`Entry::optional_flags`], or if the attribute is absent.
    pub fn flags(&self, name: &str) -> Result<u32, AttributeError> {
        self.optional_flags(name)?.ok_or_else(|| self.error(name, Fault::Absent))
    }

    /// A point in time: LargeInteger of 100 ns since 1601, `None` if the attribute is absent.
    ///
    /// # Errors
    /// As [`Entry::optional_integer`], or if the number is negative.
    pub fn optional_file_time(&self, name: &str) -> Result<Option<FileTime>, AttributeError> {
        self.optional(name, syntax::file_time)
    }

    /// A point in time: LargeInteger of 100 ns since 1601.
    ///
    /// # Errors
    /// As [`Entry::optional_file_time`], or if the attribute is absent.
    pub fn file_time(&self, name: &str) -> Result<FileTime, AttributeError> {
        self.optional_file_time(name)?.ok_or_else(|| self.error(name, Fault::Absent))
    }

    /// A SID: its packet form ([MS-DTYP] 2.4.2.2), or the string form that LDIF files may have.
    ///
    /// # Errors
    /// As [`Entry::bytes`], or if the value is no SID.
    pub fn sid(&self, name: &str) -> Result<Sid, AttributeError> {
        self.optional(name, syntax::sid)?.ok_or_else(|| self.error(name, Fault::Absent))
    }

    /// Every value as a SID; none if the attribute is absent.
    ///
    /// # Errors
    /// As [`Entry::values`], or if a value is no SID.
    pub fn sids(&self, name: &str) -> Result<Vec<Sid>, AttributeError> {
        self.each(name, syntax::sid)
    }

    /// A GUID: 16 octets in the order they are stored ([MS-DTYP] 2.3.4.2), or the string form that LDIF files
    /// may have.
    ///
    /// # Errors
    /// As [`Entry::bytes`], or if the value is no GUID.
    pub fn guid(&self, name: &str) -> Result<[u8; 16], AttributeError> {
        self.optional(name, syntax::guid)?.ok_or_else(|| self.error(name, Fault::Absent))
    }

    /// Whether one value of `objectClass` is `class`, without regard to case.
    #[must_use]
    pub fn is_a(&self, class: &str) -> bool {
        let classes = self.attributes.get("objectclass").map_or(&[][..], Vec::as_slice);
        classes.iter().any(|value| value.eq_ignore_ascii_case(class.as_bytes()))
    }

    /// The error that says `fault` of this object's attribute `name`, for rules that a reader here does not
    /// know.
    #[must_use]
    pub fn error(&self, name: &str, fault: Fault) -> AttributeError {
        AttributeError { object: self.dn.clone(), attribute: name.to_owned(), fault }
    }

    fn optional<'a, T>(
        &'a self,
        name: &str,
        read: impl Fn(&'a [u8]) -> Result<T, Fault>,
    ) -> Result<Option<T>, AttributeError> {
        let value = self.optional_bytes(name)?;
        value.map(read).transpose().map_err(|fault| self.error(name, fault))
    }

    fn each<'a, T>(
        &'a self,
        name: &str,
        read: impl Fn(&'a [u8]) -> Result<T, Fault>,
    ) -> Result<Vec<T>, AttributeError> {
        let values = self.values(name)?.iter();
        values.map(|value| read(value)).collect::<Result<_, _>>().map_err(|fault| self.error(name, fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let mut entry = Entry::new("CN=alice,DC=demo,DC=example");
        entry.insert("sAMAccountName", "alice");
        entry.insert("groupType", "-2147483646");
        entry.insert("objectSid", [1, 1, 0, 0, 0, 0, 0, 18, 1, 0, 0, 0]);
        entry.insert("objectClass", "top");
        entry.insert("OBJECTCLASS", "user");
        entry.insert("member;range=0-1499", "CN=bob,DC=demo,DC=example");
        entry
    }

    #[test]
    fn names_are_compared_without_regard_to_case() {
        assert_eq!(entry().text("samaccountNAME"), Ok("alice"));
        assert_eq!(entry().texts("objectClass"), Ok(vec!["top", "user"]));
        assert!(entry().is_a("User") && !entry().is_a("computer"));
    }

    #[test]
    fn errors_name_object_attribute_and_fault() {
        let entry = entry();
        let cases = [
            (entry.text("mail").map(drop), Fault::Absent, "mail"),
            (entry.text("objectClass").map(drop), Fault::Several, "objectClass"),
            (entry.integer("sAMAccountName").map(drop), Fault::NotInteger, "sAMAccountName"),
            (entry.sid("sAMAccountName").map(drop), Fault::NotSid, "sAMAccountName"),
            (entry.guid("objectSid").map(drop), Fault::NotGuid, "objectSid"),
            (entry.file_time("groupType").map(drop), Fault::NotTime, "groupType"),
        ];
        for (result, fault, attribute) in cases {
            assert_eq!(result, Err(entry.error(attribute, fault)));
        }
        let text = entry.error("mail", Fault::Absent).to_string();
        assert!(text.starts_with("CN=alice,DC=demo,DC=example: attribute mail is absent"), "{text}");
    }

    #[test]
    fn a_list_that_came_in_part_is_no_list() {
        assert_eq!(
            entry().values("member").map(<[_]>::len).map_err(|error| error.fault),
            Err(Fault::Partial)
        );
    }
}
