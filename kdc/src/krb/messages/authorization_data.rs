//! `AuthorizationData`, and the search for the PAC in it.

use crate::krb::der::{Der, DerError, Reader, SequenceOf, Tag, Writer};
use std::fmt;

/// `ad-type` numbers.
pub mod ad_type {
    /// AD-IF-RELEVANT (RFC 4120 §5.2.6.1): its data is an `AuthorizationData` again.
    pub const IF_RELEVANT: i32 = 1;
    /// AD-fx-fast-armor (RFC 6113 §5.4.1.1).
    pub const FX_FAST_ARMOR: i32 = 71;
    /// AD-fx-fast-used (RFC 6113 §5.4.4).
    pub const FX_FAST_USED: i32 = 72;
    /// AD-WIN2K-PAC ([MS-KILE] 3.3.5.6.4).
    pub const WIN2K_PAC: i32 = 128;
}

/// ```asn1
/// AuthorizationData ::= SEQUENCE OF SEQUENCE {
///     ad-type [0] Int32,
///     ad-data [1] OCTET STRING
/// }
/// ```
pub type AuthorizationData<'a> = SequenceOf<'a, AuthorizationElement<'a>>;

/// One element of [`AuthorizationData`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthorizationElement<'a> {
    /// One of [`ad_type`], or another number.
    pub ad_type: i32,
    /// What the type says.
    pub data: &'a [u8],
}

impl fmt::Debug for AuthorizationElement<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AuthorizationElement({}, {} octets)", self.ad_type, self.data.len())
    }
}

impl<'a> Der<'a> for AuthorizationElement<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|element| {
            Ok(Self { ad_type: element.int32_field(0)?, data: element.field(1, Reader::octet_string)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|element| {
            element.octets_field(1, self.data);
            element.int32_field(0, self.ad_type);
        });
    }
}

/// The PACs of a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoundPacs<'a> {
    /// How many there are, wherever they stand.
    pub count: usize,
    /// The first one inside an AD-IF-RELEVANT, where it belongs.
    pub if_relevant: Option<&'a [u8]>,
}

impl<'a> FoundPacs<'a> {
    /// The PAC, if it is the only one and stands where it belongs ([MS-PAC] 1.4).
    #[must_use]
    pub fn only(&self) -> Option<&'a [u8]> {
        self.if_relevant.filter(|_| self.count == 1)
    }
}

impl<'a> SequenceOf<'a, AuthorizationElement<'a>> {
    /// Every element as (whether it is inside an AD-IF-RELEVANT, the element), those of an AD-IF-RELEVANT
    /// following it. One level is opened, as deep as any KDC nests: an AD-IF-RELEVANT inside another is
    /// shown as an element and is what its name says.
    ///
    /// # Errors
    /// [`DerError`] if an AD-IF-RELEVANT does not hold an `AuthorizationData`; `visit` has then seen the
    /// elements before it.
    pub fn each(&self, mut visit: impl FnMut(bool, AuthorizationElement<'a>)) -> Result<(), DerError> {
        for outer in self.iter() {
            visit(false, outer);
            if outer.ad_type == ad_type::IF_RELEVANT {
                let mut nested = Reader::new(outer.data);
                nested.sequence(|elements| {
                    while !elements.is_empty() {
                        visit(true, AuthorizationElement::read(elements)?);
                    }
                    Ok(())
                })?;
                nested.finish()?;
            }
        }
        Ok(())
    }

    /// Counts the PACs and returns the one inside an AD-IF-RELEVANT.
    ///
    /// # Errors
    /// Those of [`each`](Self::each).
    pub fn pacs(&self) -> Result<FoundPacs<'a>, DerError> {
        let mut found = FoundPacs::default();
        self.each(|inside, element| {
            if element.ad_type == ad_type::WIN2K_PAC {
                found.count = found.count.saturating_add(1);
                if inside {
                    found.if_relevant.get_or_insert(element.data);
                }
            }
        })?;
        Ok(found)
    }
}

/// The `AuthorizationData` of a ticket: AD-IF-RELEVANT around AD-WIN2K-PAC around this PAC, encoded in one
/// go. [`AuthorizationData::parse`](Der::parse) makes it the field of a ticket.
#[must_use]
pub fn if_relevant_pac(pac: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(pac.len().saturating_add(64));
    write_if_relevant_pac(&mut writer, pac);
    writer.into_octets()
}

/// The same, in front of what the writer holds.
pub fn write_if_relevant_pac(writer: &mut Writer, pac: &[u8]) {
    writer.sequence(|data| {
        data.sequence(|if_relevant| {
            if_relevant.field_of(1, Tag::OCTET_STRING, |octets| {
                let element = AuthorizationElement { ad_type: ad_type::WIN2K_PAC, data: pac };
                octets.sequence(|nested| element.write(nested));
            });
            if_relevant.int32_field(0, ad_type::IF_RELEVANT);
        });
    });
}
