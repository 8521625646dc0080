//! Whom an outcome is about, for the log: known as soon as the ticket has opened, never before.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use pac::Sid;

use super::domain::Domain;
use crate::krb::crypto::EncryptionType;
use crate::krb::keys::{Key, KrbtgtAzureAd};
use crate::krb::messages::{EncTicketPart, KerberosTime};

/// The client of an opened ticket. The name is text that a stranger chose; [`Who::name`] makes it printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The realm of the domain that serves the request.
    pub realm: Arc<str>,
    /// The number of the branch whose key opened the ticket.
    pub branch: u16,
    /// The low word of the ticket's kvno, which says little: tools write 0, Entra ID a number of its own.
    pub ticket_version: u16,
    /// The version of the key that opened the ticket.
    pub key_version: u16,
    /// The type of that key.
    pub etype: EncryptionType,
    /// The components of the ticket's cname, joined with `/`.
    name: Box<[u8]>,
    /// PAC_REQUESTOR, once the PAC's signatures hold.
    pub sid: Option<Sid>,
    /// When the ticket ends.
    pub endtime: KerberosTime,
}

impl Who {
    pub(super) fn of_ticket(
        domain: &Domain,
        branch: u16,
        ticket_version: u16,
        key: &Key<KrbtgtAzureAd>,
        part: &EncTicketPart<'_>,
    ) -> Self {
        let mut name = Vec::new();
        for (index, component) in part.cname.components().enumerate() {
            if index > 0 {
                name.push(b'/');
            }
            name.extend_from_slice(component);
        }
        Self {
            realm: Arc::clone(&domain.realm),
            branch,
            ticket_version,
            key_version: key.version(),
            etype: key.etype(),
            name: name.into(),
            sid: None,
            endtime: part.endtime,
        }
    }

    /// The client's name with everything that could break a line or hide text escaped.
    #[must_use]
    pub fn name(&self) -> impl fmt::Display + '_ {
        Printable(&self.name)
    }
}

struct Printable<'a>(&'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                // Quotes are the log format's business; `escape_debug` would escape them a second time.
                if matches!(character, '\'' | '"') {
                    f.write_char(character)?;
                } else {
                    write!(f, "{}", character.escape_debug())?;
                }
            }
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printed_on_one_line_without_hidden_text() {
        let printed = |name: &[u8]| Printable(name).to_string();
        assert_eq!(printed("müller 田中 O'Brien".as_bytes()), "müller 田中 O'Brien");
        assert_eq!(printed(b"a\r\n\x1b[2J"), "a\\r\\n\\u{1b}[2J");
        assert_eq!(printed("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(printed(b"a\xffb"), "a\\xffb");
    }
}
