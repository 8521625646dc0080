//! One structured line for each outcome that is about somebody, and a sample of the rest.
//!
//! Lines carry names, SIDs, reasons and addresses; never keys or ticket octets. What a stranger wrote is escaped.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::info;

use crate::exchange::{Issued, Notes, RefusedRequest, ReleasedKeys, Who};
use crate::krb::crypto::EncryptionType;
use crate::shell::clock::Clock;
use crate::shell::origin::Origin;
use crate::shell::rate::Rate;

/// Refusals before a ticket opened are anybody's to cause: this many are logged in a second, all are counted.
const ANONYMOUS_LINES_PER_SECOND: u32 = 10;

/// Writes a line about somebody: what came of a request, whose it was, how it came, and more fields.
macro_rules! about {
    ($outcome:literal, $who:expr, $origin:expr $(, $($fields:tt)+)?) => {{
        let (who, origin): (&Who, Origin) = ($who, $origin);
        info!(
            target: "tgtx::audit",
            outcome = $outcome,
            realm = &*who.realm,
            client_name = %who.name(),
            client_sid = who.sid.map(tracing::field::display),
            branch_id = who.branch,
            ticket_version = who.ticket_version,
            key_version = who.key_version,
            ticket_etype = who.etype.as_i32(),
            source = %origin.peer,
            transport = origin.transport.label(),
            $($($fields)+,)?
            $outcome
        );
    }};
}

/// Writes the lines, through `tracing` with the target `tgtx::audit`.
pub struct Audit {
    clock: Clock,
    anonymous: Rate,
    suppressed: AtomicU64,
}

impl Audit {
    /// A log with nothing in it.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, anonymous: Rate::per_second(ANONYMOUS_LINES_PER_SECOND), suppressed: AtomicU64::new(0) }
    }

    /// A full TGT was issued.
    pub fn issued(&self, origin: Origin, issued: &Issued, took: Duration) {
        about!(
            "issued",
            &issued.who,
            origin,
            allowed_by = %issued.allowed_by,
            session_etype = issued.session_etype.as_i32(),
            ticket_end = %issued.endtime,
            notes = %NoteList(issued.notes),
            duration_us = micros(took)
        );
    }

    /// Long-term keys of the client's account went out with the full TGT. Their types and version are told, never a key.
    pub fn keys_released(&self, origin: Origin, who: &Who, released: &ReleasedKeys) {
        about!(
            "keys_released",
            who,
            origin,
            released_etypes = %EtypeList(&released.etypes),
            released_kvno = released.kvno
        );
    }

    /// A reply was sent again.
    pub fn retransmitted(&self, origin: Origin, who: &Who) {
        about!("retransmitted", who, origin);
    }

    /// A request was refused.
    pub fn refused(&self, origin: Origin, refused: &RefusedRequest, took: Duration) {
        let reason = refused.why.reason;
        let Some(who) = &refused.who else { return self.refused_anonymous(origin, refused) };
        about!(
            "refused",
            who,
            origin,
            reason = reason.label(),
            krb_error = reason.code(),
            detail = %refused.why.detail,
            duration_us = micros(took)
        );
    }

    fn refused_anonymous(&self, origin: Origin, refused: &RefusedRequest) {
        if !self.anonymous.take(self.clock.elapsed()) {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        info!(
            target: "tgtx::audit",
            outcome = "refused",
            reason = refused.why.reason.label(),
            krb_error = refused.why.reason.code(),
            detail = %refused.why.detail,
            source = %origin.peer,
            transport = origin.transport.label(),
            suppressed = self.suppressed.swap(0, Ordering::Relaxed),
            "refused before the ticket opened"
        );
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// The numbers of encryption types, separated by commas.
struct EtypeList<'a>(&'a [EncryptionType]);

impl fmt::Display for EtypeList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, etype) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}", etype.as_i32())?;
        }
        Ok(())
    }
}

/// The labels of notes, separated by commas.
struct NoteList(Notes);

impl fmt::Display for NoteList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, note) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}", note.label())?;
        }
        Ok(())
    }
}
