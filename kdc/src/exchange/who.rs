//! Whom an outcome is about, for the log: known as soon as the ticket has opened, never before.

use std::fmt;
use std::sync::Arc;

use pac::Sid;

use super::domain::Domain;
use crate::krb::messages::{EncTicketPart, KerberosTime};

/// The client of an opened ticket. The name is text that a stranger chose; [`Who::name`] makes it printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The realm of the domain that serves the request.
    pub realm: Arc<str>,
    /// The number of the branch whose key opened the ticket.
    pub branch: u16,
    /// The components of the ticket's cname, joined with `/`.
    name: Box<[u8]>,
    /// PAC_REQUESTOR, once the PAC's signatures hold.
    pub sid: Option<Sid>,
    /// When the ticket ends.
    pub endtime: KerberosTime,
}

impl Who {
    pub(super) fn of_ticket(domain: &Domain, branch: u16, part: &EncTicketPart<'_>) -> Self {
        let mut name = Vec::new();
        for component in part.cname.components() {
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(component);
        }
        Self { realm: Arc::clone(&domain.realm), branch, name: name.into(), sid: None, endtime: part.endtime }
    }

    /// The client's name with everything that could break a line or hide text escaped.
    #[must_use]
    pub fn name(&self) -> impl fmt::Display {
        self.name.escape_ascii()
    }
}
