//! What is encrypted, and with what.

use super::WireInt;
use crate::krb::Secret;
use crate::krb::crypto::{CONFOUNDER_LEN, CipherKey};
use crate::krb::der::{Der, DerError, Reader, Tag, Writer};
use std::fmt;

/// ```asn1
/// EncryptedData ::= SEQUENCE {
///     etype  [0] Int32 -- EncryptionType --,
///     kvno   [1] UInt32 OPTIONAL,
///     cipher [2] OCTET STRING
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EncryptedData<'a> {
    /// Encryption type (RFC 3961 registry).
    pub etype: i32,
    /// Version of a long-term key; absent under session keys.
    pub kvno: Option<WireInt>,
    /// Ciphertext with its checksum.
    pub cipher: &'a [u8],
}

impl fmt::Debug for EncryptedData<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("EncryptedData");
        debug.field("etype", &self.etype).field("kvno", &self.kvno);
        debug.field("cipher", &format_args!("{} octets", self.cipher.len())).finish()
    }
}

impl<'a> Der<'a> for EncryptedData<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|data| {
            Ok(Self {
                etype: data.int32_field(0)?,
                kvno: data.optional(1, WireInt::read)?,
                cipher: data.field(2, Reader::octet_string)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|data| {
            data.octets_field(2, self.cipher);
            data.optional(1, self.kvno.as_ref());
            data.int32_field(0, self.etype);
        });
    }
}

/// [`EncryptedData`] that is sealed where it is written: no copy of its plaintext is made, and none is left.
#[derive(Clone, Copy, Debug)]
pub struct Sealing<'k> {
    /// Seals, and gives the encryption type.
    pub key: &'k CipherKey,
    /// Version of a long-term key.
    pub kvno: Option<WireInt>,
    /// Fresh random octets.
    pub confounder: &'k [u8; CONFOUNDER_LEN],
}

impl Sealing<'_> {
    /// Puts the encrypted data of what `plain` writes in front of what the writer holds.
    pub fn write(&self, writer: &mut Writer, plain: impl FnOnce(&mut Writer)) {
        writer.sequence(|data| {
            data.field_of(2, Tag::OCTET_STRING, |cipher| {
                let before = cipher.written();
                cipher.zeros(self.key.after_plaintext());
                plain(cipher);
                cipher.zeros(self.key.before_plaintext());
                let length = cipher.written().saturating_sub(before);
                self.key.seal_in_place(self.confounder, cipher.front_mut(length));
            });
            data.optional(1, self.kvno.as_ref());
            data.int32_field(0, self.key.etype().as_i32());
        });
    }
}

/// ```asn1
/// EncryptionKey ::= SEQUENCE {
///     keytype  [0] Int32 -- actually encryption type --,
///     keyvalue [1] OCTET STRING
/// }
/// ```
/// As found in a message: neither the type nor the length of the key has been judged.
#[derive(Clone, Copy)]
pub struct EncryptionKeyView<'a> {
    /// Encryption type (RFC 3961 registry).
    pub etype: i32,
    /// The key. `Debug` does not show it.
    pub value: &'a [u8],
}

impl fmt::Debug for EncryptionKeyView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EncryptionKey(etype {}, redacted)", self.etype)
    }
}

impl<'a> Der<'a> for EncryptionKeyView<'a> {
    type Encoded = Secret;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|key| {
            Ok(Self { etype: key.int32_field(0)?, value: key.field(1, Reader::octet_string)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|key| {
            key.octets_field(1, self.value);
            key.int32_field(0, self.etype);
        });
    }
}
