//! What is remembered of a request until its audit event is written: values moved out of what is dropped anyway.

use std::time::Duration;

use pac::Sid;

use crate::exchange::{Detail, Issued, Notes, Refused, ReleasedKeys, Timestamp, Who};
use crate::krb::crypto::EncryptionType;
use crate::krb::messages::KerberosTime;
use crate::shell::origin::Origin;

/// When and how a request came.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// By the wall clock.
    pub at: Timestamp,
    /// Where from.
    pub origin: Origin,
    /// How long it took to its answer.
    pub took: Duration,
}

/// What came of a request about somebody.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) arrival: Arrival,
    pub(super) who: Who,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Issued {
        allowed_by: Sid,
        endtime: KerberosTime,
        ticket_etype: EncryptionType,
        session_etype: EncryptionType,
        notes: Notes,
        /// Told in an event of its own.
        released: Option<ReleasedKeys>,
    },
    Refused(Refused),
    Retransmitted,
}

impl Event {
    pub(super) fn issued(arrival: Arrival, issued: Issued) -> Self {
        let Issued {
            who,
            allowed_by,
            endtime,
            ticket_etype,
            session_etype,
            released,
            notes,
            reply: _,
            slot: _,
        } = issued;
        let outcome = Outcome::Issued { allowed_by, endtime, ticket_etype, session_etype, notes, released };
        Self { arrival, who, outcome }
    }

    /// How many events are written of it.
    pub(super) const fn records(&self) -> u64 {
        match self.outcome {
            Outcome::Issued { released: Some(_), .. } => 2,
            _ => 1,
        }
    }

    /// Octets that it holds until it is written.
    pub(super) fn octets(&self) -> usize {
        let detail = match &self.outcome {
            Outcome::Refused(Refused { detail: Detail::Directory(text), .. }) => text.len(),
            _ => 0,
        };
        size_of::<Self>().saturating_add(self.who.name_octets().len()).saturating_add(detail)
    }
}
