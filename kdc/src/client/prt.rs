//! The partial TGT in an answer of Entra ID to a request for a primary refresh token (PRT).
//!
//! The answer is a JSON object of many fields. A device that asked with `tgt=true` finds in it, as Microsoft documents:
//!
//! ```text
//! tgt_client_key       base64: the key that the message is sealed under, made for this one answer
//! tgt_key_type         its encryption type, and that of the session key
//! tgt_message_buffer   base64 of an AS-REP (RFC 4120 §5.4.2), its enc-part under the client key, key usage 3
//! ```
//!
//! What is seen today is `tgt_ad`, a *string* of JSON with the same as `clientKey`, `keyType` and `messageBuffer`, beside
//! `realm`, `cn`, `error` and others; and `tgt_cloud` of the same shape, a TGT of Entra's own realm, which no domain knows.
//! In both, the client key may be a compact JWE under the PRT's session key. Opening that is the business of whoever has
//! that key; tools then put the key beside, as `tgt_ad_sessionkey` in hexadecimal.
//!
//! Nothing here is believed: sizes are bounded, fields that are given twice are errors, and what does not open is one too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::failure::ReplyError;
use super::reply::credential;
use super::{Credential, Principal};
use crate::krb::crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage};
use crate::krb::der::Der;
use crate::krb::messages::{EncKdcRepPart, KdcRep, ReplyType};

/// The longest answer that is read. Real ones have some ten thousand octets.
pub const LONGEST: usize = 1 << 20;

/// The fields of an answer that are about tickets. Others are passed over.
#[derive(Deserialize, ZeroizeOnDrop)]
struct Answer {
    tgt_ad: Option<String>,
    tgt_ad_sessionkey: Option<String>,
    tgt_cloud: Option<String>,
    tgt_client_key: Option<String>,
    tgt_key_type: Option<i32>,
    tgt_message_buffer: Option<String>,
    tgt_error_message: Option<String>,
}

/// What `tgt_ad` holds.
#[derive(Deserialize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
struct Inner {
    client_key: Option<String>,
    key_type: Option<i32>,
    message_buffer: Option<String>,
    #[zeroize(skip)]
    error: Option<serde_json::Value>,
}

/// A partial TGT, still sealed.
pub struct SealedTgt {
    field: &'static str,
    key_type: i32,
    message: Vec<u8>,
    client_key: ClientKey,
}

/// The client key as the answer has it.
enum ClientKey {
    Absent,
    /// In a compact JWE, under the PRT's session key.
    Wrapped,
    Open(Zeroizing<Vec<u8>>),
}

impl SealedTgt {
    /// Finds the partial TGT in an answer: `tgt_ad`, else the three documented fields.
    ///
    /// # Errors
    /// [`PrtError`] says what the answer is not, or lacks.
    pub fn parse(json: &[u8]) -> Result<Self, PrtError> {
        if json.len() > LONGEST {
            return Err(PrtError::TooLong);
        }
        let answer: Answer =
            serde_json::from_slice(json).map_err(|error| PrtError::json("the answer", &error))?;
        if let Some(text) = &answer.tgt_ad {
            let inner: Inner =
                serde_json::from_str(text).map_err(|error| PrtError::json("tgt_ad", &error))?;
            let told = inner.error.as_ref().filter(|error| !error.is_null()).map(ToString::to_string);
            if let (None, Some(error)) = (&inner.message_buffer, told) {
                return Err(PrtError::Refused(error));
            }
            let client_key = match &answer.tgt_ad_sessionkey {
                Some(text) => ClientKey::Open(hexadecimal(text).ok_or(PrtError::Field("tgt_ad_sessionkey"))?),
                None => ClientKey::of("clientKey", inner.client_key.as_deref())?,
            };
            return Self::of(
                ["tgt_ad", "keyType", "messageBuffer"],
                inner.key_type,
                inner.message_buffer.as_deref(),
                client_key,
            );
        }
        if answer.tgt_message_buffer.is_some() {
            return Self::of(
                ["tgt_message_buffer", "tgt_key_type", "tgt_message_buffer"],
                answer.tgt_key_type,
                answer.tgt_message_buffer.as_deref(),
                ClientKey::of("tgt_client_key", answer.tgt_client_key.as_deref())?,
            );
        }
        Err(match (&answer.tgt_error_message, &answer.tgt_cloud) {
            (Some(error), _) => PrtError::Refused(error.clone()),
            (None, Some(_)) => PrtError::CloudOnly,
            (None, None) => PrtError::NoTgt,
        })
    }

    fn of(
        [field, type_field, message_field]: [&'static str; 3],
        key_type: Option<i32>,
        message: Option<&str>,
        client_key: ClientKey,
    ) -> Result<Self, PrtError> {
        let message = message.ok_or(PrtError::Missing(message_field))?;
        Ok(Self {
            field,
            key_type: key_type.ok_or(PrtError::Missing(type_field))?,
            message: STANDARD.decode(message).map_err(|_| PrtError::Field(message_field))?,
            client_key,
        })
    }

    /// The field that it is from.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// Opens it with this client key, else with the one that the answer has.
    ///
    /// # Errors
    /// [`PrtError`] where there is no key, where it is another answer's, and where what is sealed is no ticket.
    pub fn open(&self, client_key: Option<&[u8]>) -> Result<Credential, PrtError> {
        let octets = match (client_key, &self.client_key) {
            (Some(given), _) => given,
            (None, ClientKey::Open(octets)) => octets,
            (None, ClientKey::Wrapped) => return Err(PrtError::Wrapped),
            (None, ClientKey::Absent) => return Err(PrtError::NoKey),
        };
        let reply = KdcRep::parse(&self.message).map_err(ReplyError::Malformed)?;
        if reply.msg_type != ReplyType::AsRep {
            return Err(PrtError::NoAsRep);
        }
        if reply.enc_part.etype != self.key_type {
            return Err(ReplyError::KeyType(reply.enc_part.etype).into());
        }
        let etype = EncryptionType::from_i32(self.key_type).ok_or(PrtError::KeyType(self.key_type))?;
        let key = EncryptionKey::from_bytes(etype, octets)
            .map_err(|_| PrtError::KeyLength { etype, length: octets.len() })?;
        let plain = CipherKey::new(&key, KeyUsage::AsRepEncPart)
            .open(reply.enc_part.cipher)
            .map_err(|_| PrtError::WrongKey)?;
        let part = EncKdcRepPart::parse(&plain).map_err(ReplyError::Malformed)?;
        let client = Principal::from_wire(reply.crealm, &reply.cname);
        Ok(credential(&reply.ticket, &part, client)?)
    }
}

impl ClientKey {
    fn of(field: &'static str, text: Option<&str>) -> Result<Self, PrtError> {
        match text {
            None => Ok(Self::Absent),
            // RFC 7516 §3.1: five parts with dots between, which base64 has none of.
            Some(text) if text.contains('.') => Ok(Self::Wrapped),
            Some(text) => {
                let octets = STANDARD.decode(text).map_err(|_| PrtError::Field(field))?;
                Ok(Self::Open(Zeroizing::new(octets)))
            }
        }
    }
}

/// A client key as a file may hold it: hexadecimal, base64 or its octets. Text is tried first, and may end with a line break.
#[must_use]
pub fn client_key(file: &[u8]) -> Zeroizing<Vec<u8>> {
    let text = str::from_utf8(file).map(str::trim).unwrap_or_default();
    let of_base64 = || STANDARD.decode(text).ok().map(Zeroizing::new);
    let is_key = |octets: &Zeroizing<Vec<u8>>| matches!(octets.len(), 16 | 32);
    hexadecimal(text)
        .filter(is_key)
        .or_else(|| of_base64().filter(is_key))
        .unwrap_or_else(|| Zeroizing::new(file.to_vec()))
}

fn hexadecimal(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = pair else { return None };
        let digit = |octet: &u8| char::from(*octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        octets.push(digit(high)? << 4 | digit(low)?);
    }
    Some(octets)
}

/// Why there is no partial TGT. Neither a key nor the contents of a field are told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrtError {
    /// Longer than [`LONGEST`].
    #[error("the answer is longer than {LONGEST} octets")]
    TooLong,
    /// Not JSON, or a field of another type than it should be.
    #[error("{what} is no JSON object of an answer: {kind} at line {line}, column {column}")]
    Json {
        /// The whole or a field.
        what: &'static str,
        /// In which way.
        kind: &'static str,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// Neither form is there.
    #[error("no tgt_ad and no tgt_message_buffer in it: was it asked for with tgt=true?")]
    NoTgt,
    /// Only Entra's own TGT is there.
    #[error(
        "only a TGT of Entra's own realm in it (tgt_cloud), which no domain knows: does the user come from a domain?"
    )]
    CloudOnly,
    /// Entra said why there is none.
    #[error("Entra gave no TGT: {}", .0.escape_debug())]
    Refused(String),
    /// A part of a form is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part of a form is not what it should be.
    #[error("{0} is not encoded as it should be")]
    Field(&'static str),
    /// The key is not in the answer, and none was given.
    #[error("the answer has no client key; give it with --client-key")]
    NoKey,
    /// The key needs the PRT's session key.
    #[error(
        "the client key is sealed under the PRT's session key (JWE): give what that opens to with --client-key"
    )]
    Wrapped,
    /// The message is something else.
    #[error("the message is no AS-REP")]
    NoAsRep,
    /// An encryption type that we do not have.
    #[error("encryption type {0} is not supported")]
    KeyType(i32),
    /// The key is none of its type.
    #[error("a client key of {length} octets is none of {etype}")]
    KeyLength {
        /// Its type.
        etype: EncryptionType,
        /// Its length in octets.
        length: usize,
    },
    /// The message does not open.
    #[error("the message does not open under the client key: is it of another answer?")]
    WrongKey,
    /// The message is not what it should be.
    #[error(transparent)]
    Reply(#[from] ReplyError),
}

impl PrtError {
    /// Without serde's own words, which quote what they found.
    fn json(what: &'static str, error: &serde_json::Error) -> Self {
        let kind = match error.classify() {
            serde_json::error::Category::Io => "cannot be read",
            serde_json::error::Category::Syntax => "wrong syntax",
            serde_json::error::Category::Data => "a field of the wrong type, or twice",
            serde_json::error::Category::Eof => "ends early",
        };
        Self::Json { what, kind, line: error.line(), column: error.column() }
    }
}

#[cfg(test)]
mod tests;
