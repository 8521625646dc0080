//! One directory object as attributes: what an LDAP search or an LDIF file gives, before anybody trusts it.
//!
//! Values are octets, as LDAP defines them; the typed readers turn them into what the attribute's syntax says
//! ([MS-ADTS] 3.1.1.2.2) or name the object, the attribute and what is wrong with it. Attribute names are
//! compared without regard to case (RFC 4512 §2.5).

use std::collections::BTreeMap;
use std::fmt;
use std::str;

use pac::{FileTime, Sid};

use super::security_descriptor::DescriptorError;

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
        self.optional(name, |value| str::from_utf8(value).map_err(|_| Fault::NotText))
    }

    /// Every value as a string: distinguished names, object classes.
    ///
    /// # Errors
    /// As [`Entry::values`], or if a value is not UTF-8.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, AttributeError> {
        self.each(name, |value| str::from_utf8(value).map_err(|_| Fault::NotText))
    }

    /// A Boolean (RFC 4517 §3.3.3), or `None` if the attribute is absent.
    ///
    /// # Errors
    /// As [`Entry::optional_bytes`], or if the value is neither `TRUE` nor `FALSE`.
    pub fn optional_boolean(&self, name: &str) -> Result<Option<bool>, AttributeError> {
        self.optional(name, |value| match value {
            b"TRUE" => Ok(true),
            b"FALSE" => Ok(false),
            _ => Err(Fault::NotBoolean),
        })
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
        self.optional(name, decimal)
    }

    /// An Integer used as 32 flag bits or as an unsigned number, or `None` if the attribute is absent.
    /// LDAP writes bit 31 as a minus sign; both spellings are read.
    ///
    /// # Errors
    /// As [`Entry::optional_integer`], or if the value does not fit 32 bits.
    pub fn optional_flags(&self, name: &str) -> Result<Option<u32>, AttributeError> {
        self.optional(name, |value| {
            let number = decimal(value)?;
            u32::try_from(number)
                .or_else(|_| i32::try_from(number).map(i32::cast_unsigned))
                .map_err(|_| Fault::NotInteger)
        })
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
        self.optional(name, |value| {
            u64::try_from(decimal(value)?).map(FileTime::from_u64).map_err(|_| Fault::NotTime)
        })
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
        self.optional(name, sid)?.ok_or_else(|| self.error(name, Fault::Absent))
    }

    /// Every value as a SID; none if the attribute is absent.
    ///
    /// # Errors
    /// As [`Entry::values`], or if a value is no SID.
    pub fn sids(&self, name: &str) -> Result<Vec<Sid>, AttributeError> {
        self.each(name, sid)
    }

    /// A GUID: 16 octets in the order they are stored ([MS-DTYP] 2.3.4.2), or the string form that LDIF files
    /// may have.
    ///
    /// # Errors
    /// As [`Entry::bytes`], or if the value is no GUID.
    pub fn guid(&self, name: &str) -> Result<[u8; 16], AttributeError> {
        self.optional(name, guid)?.ok_or_else(|| self.error(name, Fault::Absent))
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

fn decimal(value: &[u8]) -> Result<i64, Fault> {
    str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(Fault::NotInteger)
}

/// The packet form, or the string form in which Samba's tools print it; the first octet tells them apart.
fn sid(value: &[u8]) -> Result<Sid, Fault> {
    let sid = match str::from_utf8(value) {
        Ok(text) if text.starts_with("S-") => text.parse().ok(),
        _ => Sid::from_bytes(value).ok(),
    };
    sid.ok_or(Fault::NotSid)
}

/// 16 octets, or the string form in which Samba's tools print it ([MS-DTYP] 2.3.4.3): its first three groups
/// are numbers and lie in the octets with the least significant one first.
fn guid(value: &[u8]) -> Result<[u8; 16], Fault> {
    if let Ok(octets) = value.try_into() {
        return Ok(octets);
    }
    let string_form = || {
        let groups: Vec<&str> = str::from_utf8(value).ok()?.split('-').collect();
        let &[a, b, c, d, e] = groups.as_slice() else {
            return None;
        };
        if [a, b, c, d, e].map(str::len) != [8, 4, 4, 4, 12] {
            return None;
        }
        let (a, b, c) = (u32::from_str_radix(a, 16), u16::from_str_radix(b, 16), u16::from_str_radix(c, 16));
        let rest = u64::from_str_radix(&format!("{d}{e}"), 16).ok()?;
        let octets =
            [&a.ok()?.to_le_bytes()[..], &b.ok()?.to_le_bytes(), &c.ok()?.to_le_bytes(), &rest.to_be_bytes()];
        octets.concat().try_into().ok()
    };
    string_form().ok_or(Fault::NotGuid)
}

/// An attribute that is absent or is not what its syntax says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeError {
    /// Distinguished name of the object.
    pub object: String,
    /// Name of the attribute, as the reader asked for it.
    pub attribute: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: attribute {} {}", self.object, self.attribute, self.fault)
    }
}

impl std::error::Error for AttributeError {}

/// What can be wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Absent, or the directory does not let us read it: LDAP shows both alike.
    #[error("is absent, or may not be read by the account that asks")]
    Absent,
    /// Only a range of the values came.
    #[error("came in part only")]
    Partial,
    /// More than one value where the schema allows one.
    #[error("has several values where one is expected")]
    Several,
    /// Not UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// Not a Boolean.
    #[error("is neither TRUE nor FALSE")]
    NotBoolean,
    /// Not a decimal number that fits.
    #[error("is not a decimal number in range")]
    NotInteger,
    /// A negative time.
    #[error("is not a time")]
    NotTime,
    /// Not a SID.
    #[error("is not a SID")]
    NotSid,
    /// Not a GUID.
    #[error("is not a GUID")]
    NotGuid,
    /// `logonHours` of another length than 21 octets.
    #[error("is not 21 octets of logon hours")]
    NotLogonHours,
    /// A security descriptor that does not say who is granted what.
    #[error("{0}")]
    Descriptor(DescriptorError),
    /// A group of the account that is no group of a domain, where only those can be.
    #[error("holds a SID that is no group of a domain")]
    NotGroupOfDomain,
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
    fn flags_read_both_spellings_of_bit_31() {
        assert_eq!(entry().flags("groupType"), Ok(0x8000_0002));
        let mut entry = Entry::new("");
        entry.insert("userAccountControl", "2147483650");
        assert_eq!(entry.flags("userAccountControl"), Ok(0x8000_0002));
    }

    #[test]
    fn a_sid_is_read_from_its_packet_form() {
        assert_eq!(entry().sid("objectSid").map(|sid| sid.to_string()), Ok("S-1-18-1".to_owned()));
    }

    #[test]
    fn sids_and_guids_are_read_from_their_string_forms_too() {
        let mut entry = Entry::new("");
        entry.insert("objectSid", "S-1-18-1");
        entry.insert("objectGUID", "3f02ce52-7579-4597-9454-d9f32d98f16e");
        assert_eq!(
            entry.sid("objectSid").map(|sid| sid.to_bytes()),
            Ok(vec![1, 1, 0, 0, 0, 0, 0, 18, 1, 0, 0, 0])
        );
        let octets =
            [0x52, 0xce, 0x02, 0x3f, 0x79, 0x75, 0x97, 0x45, 0x94, 0x54, 0xd9, 0xf3, 0x2d, 0x98, 0xf1, 0x6e];
        assert_eq!(entry.guid("objectGUID"), Ok(octets));
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
