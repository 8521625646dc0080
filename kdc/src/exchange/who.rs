//! Whom an outcome is about, for the log: known as soon as the ticket has opened, never before.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use pac::Sid;

use super::domain::{Domain, Mode};
use crate::krb::crypto::EncryptionType;
use crate::krb::keys::{BranchKeys, Key, KrbtgtAzureAd, Slot};
use crate::krb::messages::{EncTicketPart, KerberosTime, PrincipalName};

/// The client of an opened ticket. The name is text that a stranger chose; [`Who::name`] makes it printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The realm of the domain that serves the request.
    pub realm: Arc<str>,
    /// What becomes of decisions there.
    pub mode: Mode,
    /// The number of the branch whose key opened the ticket.
    pub branch: u16,
    /// The low word of the ticket's kvno, which says little: tools write 0, Entra ID a number of its own.
    pub ticket_version: u16,
    /// The version of the key that opened the ticket.
    pub key_version: u16,
    /// The type of that key.
    pub etype: EncryptionType,
    /// Which of the branch's loaded versions it is of.
    pub slot: Slot,
    /// How far the sender's clock is from ours, once the authenticator has opened and shown who the sender is.
    pub clock_skew: Option<Duration>,
    /// The components of the ticket's cname, joined with `/`.
    name: Box<[u8]>,
    /// PAC_REQUESTOR, once the PAC's signatures hold.
    pub sid: Option<Sid>,
    /// When the ticket ends.
    pub endtime: KerberosTime,
    /// What is asked for, once that can be read: in an armoured request, when the armour is open.
    pub asked: Option<Asked>,
}

/// What a request asks for, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// kdc-options (RFC 4120 §5.4.1), its first bit the highest.
    pub kdc_options: u32,
    /// Whether keys are asked for (KERB-KEY-LIST-REQ).
    pub key_list: bool,
}

impl Who {
    pub(super) fn of_ticket(
        domain: &Domain,
        branch: &BranchKeys,
        ticket_version: u16,
        key: &Key<KrbtgtAzureAd>,
        part: &EncTicketPart<'_>,
    ) -> Self {
        Self {
            realm: Arc::clone(&domain.realm),
            mode: domain.rules.mode,
            branch: branch.number(),
            ticket_version,
            key_version: key.version(),
            etype: key.etype(),
            slot: branch.slot(key),
            clock_skew: None,
            name: joined(&part.cname),
            sid: None,
            endtime: part.endtime,
            asked: None,
        }
    }

    /// A client of this name and no SID, for tests.
    #[cfg(test)]
    pub(crate) fn example(name: &[u8]) -> Self {
        Self {
            realm: "LAB.EXAMPLE".into(),
            mode: Mode::Live,
            branch: 30775,
            ticket_version: 0,
            key_version: 2,
            etype: EncryptionType::Aes256Sha1,
            slot: Slot::Current,
            clock_skew: None,
            name: name.into(),
            sid: None,
            endtime: KerberosTime::EPOCH,
            asked: None,
        }
    }

    /// The client's name as the ticket has it.
    #[must_use]
    pub fn name_octets(&self) -> &[u8] {
        &self.name
    }

    /// The client's name with everything that could break a line or hide text escaped.
    #[must_use]
    pub fn name(&self) -> impl fmt::Display + '_ {
        Printable(&self.name)
    }
}

/// The components of a name with `/` between them.
fn joined(name: &PrincipalName<'_>) -> Box<[u8]> {
    // As a rule a client's name has one.
    if let Some(only) = name.only_component() {
        return only.into();
    }
    let components: Vec<_> = name.components().collect();
    components.join(&b'/').into()
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
