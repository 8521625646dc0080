//! When, where and in which update the password of an account was changed last, out of its replication metadata.
//!
//! Two forms tell it. Windows' domain controllers write the stamp of each attribute as XML into the constructed
//! `msDS-ReplAttributeMetaData` ([MS-ADTS] 3.1.1.3.4.6, `DS_REPL_ATTR_META_DATA`). Samba's show what they store,
//! `replPropertyMetaData`, little-endian:
//!
//! ```text
//! value = version 1 (u32), 0 (u32), count (u32), 0 (u32), stamp * count
//! stamp = attribute (u32), version (u32), seconds since 1601 (u64), invocation id (GUID), originating USN (u64),
//!         local USN (u64)
//! ```

use pac::FileTime;

use super::attribute_error::{AttributeError, Fault};
use super::entry::Entry;
use super::syntax::guid;
use crate::krb::messages::KerberosTime;

/// What to read of an account: on each kind of server one of the two is there.
pub const METADATA_ATTRIBUTES: &[&str] = &[XML, BINARY];

const XML: &str = "msDS-ReplAttributeMetaData";
const BINARY: &str = "replPropertyMetaData";

/// The attribute that each change of a password writes, as it is named and as replication numbers it ([MS-DRSR] 5.16.4:
/// 1.2.840.113556.1.4.90).
const PASSWORD: &str = "unicodePwd";
const PASSWORD_ID: u32 = 0x0009_005a;

const TICKS_PER_SECOND: u64 = 10_000_000;

/// The last change of an account's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// How often it was changed.
    pub version: u32,
    /// When.
    pub at: FileTime,
    /// Which database took the change: the `invocationId` of a domain controller, in the order it is stored.
    pub invocation_id: [u8; 16],
    /// The update of that database.
    pub usn: u64,
}

impl KeyChange {
    /// Of an account read with [`METADATA_ATTRIBUTES`]; `None` where neither form tells of a password.
    ///
    /// # Errors
    /// [`Fault::NotMetadata`] if what is there is not of its form.
    pub fn of(account: &Entry) -> Result<Option<Self>, AttributeError> {
        let xml = account.values(XML)?;
        let (form, stamps) = if xml.is_empty() {
            (BINARY, account.optional_bytes(BINARY)?.map_or(Some(Vec::new()), in_binary))
        } else {
            (XML, xml.iter().map(|value| Stamp::in_xml(value)).collect())
        };
        let malformed = || account.error(form, Fault::NotMetadata);
        let mut passwords = stamps.ok_or_else(malformed)?.into_iter().filter(|stamp| stamp.is_password);
        match (passwords.next(), passwords.next()) {
            (found, None) => Ok(found.map(|stamp| stamp.change)),
            (_, Some(_)) => Err(malformed()),
        }
    }
}

/// The last change of one attribute.
struct Stamp {
    is_password: bool,
    change: KeyChange,
}

impl Stamp {
    /// One `<DS_REPL_ATTR_META_DATA>` element, whose fields hold text alone. A zero may end it, as it does a C string.
    fn in_xml(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?.trim_end_matches('\0').trim();
        let fields =
            text.strip_prefix("<DS_REPL_ATTR_META_DATA>")?.strip_suffix("</DS_REPL_ATTR_META_DATA>")?;
        let invocation = field(fields, "uuidLastOriginatingDsaInvocationID")?;
        Some(Self {
            is_password: field(fields, "pszAttributeName")?.eq_ignore_ascii_case(PASSWORD),
            change: KeyChange {
                version: field(fields, "dwVersion")?.parse().ok()?,
                at: date_time(field(fields, "ftimeLastOriginatingChange")?)?,
                // Sixteen octets would be taken for the stored form.
                invocation_id: guid(invocation.as_bytes()).ok().filter(|_| invocation.len() != 16)?,
                usn: field(fields, "usnOriginatingChange")?.parse().ok()?,
            },
        })
    }

    fn in_binary(octets: &mut &[u8]) -> Option<Self> {
        let is_password = u32::from_le_bytes(take(octets)?) == PASSWORD_ID;
        let version = u32::from_le_bytes(take(octets)?);
        let ticks = u64::from_le_bytes(take(octets)?).checked_mul(TICKS_PER_SECOND)?;
        let (invocation_id, usn) = (take(octets)?, u64::from_le_bytes(take(octets)?));
        let _local_usn: [u8; 8] = take(octets)?;
        let at = FileTime::from_u64(ticks);
        Some(Self { is_password, change: KeyChange { version, at, invocation_id, usn } })
    }
}

/// The text of the one element of this name.
fn field<'a>(fields: &'a str, name: &str) -> Option<&'a str> {
    let (opening, closing) = (format!("<{name}>"), format!("</{name}>"));
    let (_, rest) = fields.split_once(&opening)?;
    let (text, rest) = rest.split_once(&closing)?;
    (!text.contains('<') && !rest.contains(&opening)).then(|| text.trim())
}

/// `2026-11-21T16:51:18Z`: XML Schema's form, and in UTC alone.
fn date_time(text: &str) -> Option<FileTime> {
    let form = text.bytes().map(|octet| if octet.is_ascii_digit() { b'0' } else { octet });
    if !form.eq(*b"0000-00-00T00:00:00Z") {
        return None;
    }
    let digits = text.replace(['-', ':', 'T'], "");
    Some(FileTime::from_unix_seconds(KerberosTime::from_digits(digits.as_bytes())?.unix_seconds()))
}

/// Every stamp of a stored value, whose count is that of the stamps in it and not believed before.
fn in_binary(value: &[u8]) -> Option<Vec<Stamp>> {
    let mut rest = value;
    let [version, _, count, _] =
        [take(&mut rest)?, take(&mut rest)?, take(&mut rest)?, take(&mut rest)?].map(u32::from_le_bytes);
    let mut stamps = Vec::new();
    while !rest.is_empty() {
        stamps.push(Stamp::in_binary(&mut rest)?);
    }
    (version == 1 && usize::try_from(count) == Ok(stamps.len())).then_some(stamps)
}

fn take<const N: usize>(octets: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = octets.split_first_chunk()?;
    *octets = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of [`guid`]'s own test, as it is stored.
    const INVOCATION_ID: [u8; 16] =
        [0x52, 0xce, 0x02, 0x3f, 0x79, 0x75, 0x97, 0x45, 0x94, 0x54, 0xd9, 0xf3, 0x2d, 0x98, 0xf1, 0x6e];

    /// objectClass, unicodePwd and sAMAccountName as Samba 4.17's own marshalling packs them.
    const STORED: &str = "010000000000000003000000000000000000000001000000a25c12210300000052ce023f797597459454d9f32d98f16e\
                          740e000000000000750e0000000000005a00090003000000065d12210300000052ce023f797597459454d9f32d98f16e\
                          bb0e000000000000bc0e000000000000dd00090001000000a25c12210300000052ce023f797597459454d9f32d98f16e\
                          760e000000000000770e000000000000";

    fn account(attribute: &str, values: &[Vec<u8>]) -> Entry {
        let mut entry = Entry::new("CN=krbtgt_AzureAD,CN=Users,DC=lab,DC=example");
        for value in values {
            entry.insert(attribute, value.clone());
        }
        entry
    }

    fn stored() -> Vec<u8> {
        let digits: Vec<u8> = STORED.bytes().filter(u8::is_ascii_hexdigit).collect();
        let octet = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.as_chunks::<2>().0.iter().map(octet).collect()
    }

    fn xml(attribute: &str) -> String {
        format!(
            "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>{attribute}</pszAttributeName>\n\t<dwVersion>3</dwVersion>\n\t\
             <ftimeLastOriginatingChange>2026-11-21T16:51:18Z</ftimeLastOriginatingChange>\n\t\
             <uuidLastOriginatingDsaInvocationID>3f02ce52-7579-4597-9454-d9f32d98f16e</uuidLastOriginatingDsaInvocationID>\n\t\
             <usnOriginatingChange>3771</usnOriginatingChange>\n\t<usnLocalChange>3772</usnLocalChange>\n\t\
             <pszLastOriginatingDsaDN>CN=NTDS Settings,CN=DC1</pszLastOriginatingDsaDN>\n</DS_REPL_ATTR_META_DATA>\n\0"
        )
    }

    fn expected() -> KeyChange {
        let at = FileTime::from_unix_seconds(1_795_279_878);
        KeyChange { version: 3, at, invocation_id: INVOCATION_ID, usn: 3771 }
    }

    #[test]
    fn both_forms_tell_the_same() {
        let of = |attribute, values: &[Vec<u8>]| KeyChange::of(&account(attribute, values));
        assert_eq!(of(BINARY, &[stored()]), Ok(Some(expected())));
        let values = [xml("objectClass"), xml("UnicodePwd"), xml("sAMAccountName")].map(String::into_bytes);
        assert_eq!(of(XML, &values), Ok(Some(expected())));
    }

    #[test]
    fn an_account_may_tell_of_no_password() {
        assert_eq!(KeyChange::of(&account("name", &[])), Ok(None));
        assert_eq!(KeyChange::of(&account(XML, &[xml("objectClass").into_bytes()])), Ok(None));
        let mut without = stored();
        without[64] = 0xff;
        assert_eq!(KeyChange::of(&account(BINARY, &[without])), Ok(None));
    }

    #[test]
    fn what_is_not_of_its_form_is_refused() {
        let whole = stored();
        let broken = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut octets = whole.clone();
            change(&mut octets);
            octets
        };
        let stored = [
            Vec::new(),
            broken(&|octets| octets[0] = 2),
            broken(&|octets| octets[8] = 4),
            broken(&|octets| octets[8..12].fill(0xff)),
            broken(&|octets| octets.push(0)),
            broken(&|octets| octets.truncate(159)),
            // The time overflows, or there are two passwords.
            broken(&|octets| octets[72..80].fill(0xff)),
            broken(&|octets| octets.copy_within(64..112, 112)),
        ];
        for octets in stored {
            let fault = KeyChange::of(&account(BINARY, std::slice::from_ref(&octets))).unwrap_err();
            assert_eq!(fault.fault, Fault::NotMetadata, "{octets:?}");
        }
        let good = xml("unicodePwd");
        let texts = [
            good.replace("</dwVersion>", ""),
            good.replace(">3<", ">-3<"),
            good.replace("16:51:18Z", "16:51:18+01:00"),
            good.replace("2026-11-21", "2026-13-21"),
            good.replace("3f02ce52-7579-4597-9454-d9f32d98f16e", "0123456789abcdef"),
            good.replace("<usnOriginatingChange>3771", "<usnOriginatingChange><dwVersion>1</dwVersion>"),
            good.replace("<dwVersion>3</dwVersion>", "<dwVersion>3</dwVersion><dwVersion>4</dwVersion>"),
            good.replace("DS_REPL_ATTR_META_DATA", "DS_REPL_VALUE_META_DATA"),
            String::new(),
        ];
        for text in texts {
            let values = [text.clone().into_bytes()];
            assert_eq!(
                KeyChange::of(&account(XML, &values)).unwrap_err().fault,
                Fault::NotMetadata,
                "{text}"
            );
        }
        let twice = [good.clone().into_bytes(), good.into_bytes()];
        assert!(KeyChange::of(&account(XML, &twice)).is_err());
    }

    proptest! {
        #[test]
        fn no_octets_are_answered_with_a_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = KeyChange::of(&account(BINARY, std::slice::from_ref(&octets)));
            let _ = KeyChange::of(&account(XML, &[octets]));
        }

        #[test]
        fn a_flipped_octet_never_panics_and_a_cut_value_is_refused(place in 0_usize..160, flip in 1_u8..) {
            let mut octets = stored();
            octets[place] ^= flip;
            let _ = KeyChange::of(&account(BINARY, &[octets]));
            prop_assert!(KeyChange::of(&account(BINARY, &[stored()[..place].to_vec()])).is_err());
        }

        #[test]
        fn every_stamp_that_is_written_is_read(
            stamps in prop::collection::vec((any::<u32>(), 0..u64::MAX / TICKS_PER_SECOND, any::<[u8; 16]>(), any::<u64>()), 1..9),
            password in any::<prop::sample::Index>(),
        ) {
            let count = u32::try_from(stamps.len()).unwrap();
            let password = password.index(stamps.len());
            let mut octets = [1, 0, count, 0].map(u32::to_le_bytes).concat();
            for (place, (version, seconds, invocation_id, usn)) in stamps.iter().enumerate() {
                let attribute = if place == password { PASSWORD_ID } else { 0 };
                octets.extend([attribute.to_le_bytes(), version.to_le_bytes()].concat());
                octets.extend(seconds.to_le_bytes());
                octets.extend(invocation_id);
                octets.extend([usn.to_le_bytes(), [0; 8]].concat());
            }
            let (version, seconds, invocation_id, usn) = stamps[password];
            let at = FileTime::from_u64(seconds.saturating_mul(TICKS_PER_SECOND));
            let change = KeyChange { version, at, invocation_id, usn };
            prop_assert_eq!(KeyChange::of(&account(BINARY, &[octets])), Ok(Some(change)));
        }
    }
}
