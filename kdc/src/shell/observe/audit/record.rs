//! Which fields an event has, and what they say: schema version 1, as `docs/audit.md` describes it.

use std::fmt;

use super::encoder::{Encoder, Value};
use super::event::{Arrival, Event, Outcome};
use super::schema::{Field, VERSION};
use crate::exchange::{Detail, Mode, Refusal, Refused, ReleasedKeys, Timestamp, Who};
use crate::krb::error_names::error_name;

/// What Windows writes as TicketEncryptionType where no ticket was issued (events 4768 and 4769).
const NO_TICKET: u32 = 0xffff_ffff;

/// Priorities of the journal (RFC 5424 §6.2.1).
const WARNING: u8 = 4;
const NOTICE: u8 = 5;
const INFORMATIONAL: u8 = 6;

/// Numbers events and writes them out.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) encoder: Encoder,
    /// Names the run of the daemon: no two have the same.
    run: String,
    next: u64,
}

impl Recorder {
    pub(super) fn new(encoder: Encoder, run: u64) -> Self {
        Self { encoder, run: format!("{run:016x}"), next: 1 }
    }

    /// Writes what came of a request: an event, and another one where keys were released.
    pub(super) fn event(&mut self, event: &Event) {
        let request = self.next;
        let Event { arrival, who, outcome } = event;
        match outcome {
            Outcome::Issued { allowed_by, endtime, ticket_etype, session_etype, notes, released } => {
                self.begin(INFORMATIONAL, "issued", who, arrival, request);
                self.put(Field::SessionEtype, Value::Number(number(session_etype.as_i32())));
                self.put(Field::TicketEnd, Value::Second(*endtime));
                self.put(Field::PolicyRule, Value::Plain("msDS-RevealOnDemandGroup"));
                self.put(Field::PolicyGroup, Value::Sid(allowed_by));
                self.put(Field::Notes, Value::Notes(*notes));
                self.put_asked(who);
                self.put_duration(arrival);
                self.put_windows(4768, 0, number32(ticket_etype.as_i32()), who, arrival);
                self.end();
                if let Some(released) = released {
                    self.released(released, who, arrival, request);
                }
            }
            Outcome::Refused(refused) => {
                self.begin(INFORMATIONAL, "refused", who, arrival, request);
                self.put_refused(refused);
                self.put_asked(who);
                self.put_duration(arrival);
                let code = number32(refused.reason.code());
                self.put_windows(windows_event_id(refused.reason), code, NO_TICKET, who, arrival);
                self.end();
            }
            Outcome::Retransmitted => {
                self.begin(INFORMATIONAL, "retransmitted", who, arrival, request);
                self.end();
            }
        }
    }

    /// Writes that so many events are missing here.
    pub(super) fn lost(&mut self, lost: u64, at: Timestamp) {
        self.start(WARNING, "lost", format_args!("{lost} audit events are lost"), at);
        self.put(Field::Lost, Value::Number(lost));
        self.end();
        self.next = self.next.saturating_add(lost);
    }

    fn released(&mut self, released: &ReleasedKeys, who: &Who, arrival: &Arrival, request: u64) {
        self.begin(NOTICE, "keys_released", who, arrival, request);
        self.put(Field::ReleasedEtypes, Value::Etypes(&released.etypes));
        self.put(Field::ReleasedKvno, Value::Number(released.kvno.into()));
        self.end();
    }

    fn begin(&mut self, priority: u8, outcome: &'static str, who: &Who, arrival: &Arrival, request: u64) {
        let Arrival { at, origin, .. } = arrival;
        self.start(priority, outcome, Message { outcome, who }, *at);
        let run = &self.run;
        self.encoder.put(Field::RequestId, Value::Id(run, request));
        self.put(Field::Domain, Value::Foreign(&who.realm));
        self.put(Field::ClientName, Value::Name(who));
        if let Some(sid) = &who.sid {
            self.put(Field::ClientSid, Value::Sid(sid));
        }
        self.put(Field::BranchId, Value::Number(who.branch.into()));
        let kvno = u64::from(who.branch) << 16 | u64::from(who.ticket_version);
        self.put(Field::Kvno, Value::Number(kvno));
        self.put(Field::KeyVersion, Value::Number(who.key_version.into()));
        self.put(Field::TicketEtype, Value::Number(number(who.etype.as_i32())));
        self.put(Field::SourceIp, Value::Address(origin.peer.ip()));
        self.put(Field::SourcePort, Value::Number(origin.peer.port().into()));
        self.put(Field::Transport, Value::Plain(origin.transport.label()));
        if who.mode == Mode::Shadow {
            self.put(Field::Shadow, Value::Flag(true));
        }
    }

    /// What every event starts with.
    fn start(&mut self, priority: u8, outcome: &'static str, message: impl fmt::Display, at: Timestamp) {
        self.encoder.begin(priority, message);
        self.put(Field::Time, Value::Time(at));
        self.put(Field::Schema, Value::Number(VERSION));
        let run = &self.run;
        self.encoder.put(Field::EventId, Value::Id(run, self.next));
        self.put(Field::Outcome, Value::Plain(outcome));
    }

    fn put(&mut self, field: Field, value: Value<'_>) {
        self.encoder.put(field, value);
    }

    fn end(&mut self) {
        self.encoder.end();
        self.next = self.next.saturating_add(1);
    }

    fn put_refused(&mut self, refused: &Refused) {
        let Refused { reason, detail } = refused;
        self.put(Field::Reason, Value::Plain(reason.label()));
        self.put(Field::KrbError, Value::Number(number(reason.code())));
        if let Some(name) = error_name(reason.code()) {
            self.put(Field::KrbErrorName, Value::Plain(name));
        }
        if let Some(rule) = policy_rule(*reason) {
            self.put(Field::PolicyRule, Value::Plain(rule));
        }
        match detail {
            Detail::Text("") => {}
            Detail::Text(text) => self.put(Field::Detail, Value::Foreign(text)),
            Detail::Directory(text) => self.put(Field::Detail, Value::Foreign(text)),
            Detail::Sid(sid) => {
                if policy_rule(*reason).is_some() {
                    self.put(Field::PolicyGroup, Value::Sid(sid));
                }
                self.put(Field::Detail, Value::Sid(sid));
            }
        }
    }

    fn put_asked(&mut self, who: &Who) {
        if let Some(asked) = who.asked {
            self.put(Field::KeyListRequested, Value::Flag(asked.key_list));
        }
    }

    fn put_duration(&mut self, arrival: &Arrival) {
        let micros = u64::try_from(arrival.took.as_micros()).unwrap_or(u64::MAX);
        self.put(Field::Duration, Value::Number(micros));
    }

    /// The same in the words of Windows' security log.
    fn put_windows(&mut self, event_id: u64, status: u32, ticket_etype: u32, who: &Who, arrival: &Arrival) {
        self.put(Field::WindowsEventId, Value::Number(event_id));
        self.put(Field::WindowsStatus, Value::Hex(status));
        if let Some(asked) = who.asked {
            self.put(Field::WindowsTicketOptions, Value::Hex(asked.kdc_options));
        }
        self.put(Field::WindowsTicketEtype, Value::Hex(ticket_etype));
        self.put(Field::WindowsPreAuthType, Value::Plain("-"));
        self.put(Field::WindowsIpAddress, Value::MappedAddress(arrival.origin.peer.ip()));
    }
}

/// What the journal shows of an event.
struct Message<'e> {
    outcome: &'static str,
    who: &'e Who,
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}@{}", self.outcome, self.who.name(), self.who.realm)
    }
}

/// The rule by which a list or the operator denied somebody.
const fn policy_rule(reason: Refusal) -> Option<&'static str> {
    match reason {
        Refusal::NeverReveal => Some("msDS-NeverRevealGroup"),
        Refusal::NotOnAllowList => Some("msDS-RevealOnDemandGroup"),
        Refusal::DeniedByOperator => Some("deny-groups"),
        Refusal::Replicator => Some("deny-replicators"),
        _ => None,
    }
}

/// What a domain controller logs in such a case: 36 to 38 since KB5008380, else a ticket that was not granted.
const fn windows_event_id(reason: Refusal) -> u64 {
    match reason {
        Refusal::NoPac => 36,
        Refusal::RequestorMissing => 37,
        Refusal::RequestorMismatch | Refusal::RequestorUnknown | Refusal::RequestorForeign => 38,
        _ => 4768,
    }
}

/// Of codes and types that are written as numbers; none of ours is negative.
fn number(code: i32) -> u64 {
    u64::try_from(code).unwrap_or(0)
}

fn number32(code: i32) -> u32 {
    u32::try_from(code).unwrap_or(0)
}
