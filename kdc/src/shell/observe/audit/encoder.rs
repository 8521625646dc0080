//! Events written out: as JSON objects, one a line, or as messages of the journal's native protocol.
//!
//! Either way a value keeps to its line: what strangers and the directory wrote is escaped as in the operational log.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write as _;
use std::net::IpAddr;

use pac::Sid;

use super::schema::Field;
use crate::exchange::{Notes, Timestamp, Who};
use crate::krb::crypto::EncryptionType;
use crate::krb::messages::KerberosTime;
use crate::shell::observe::logging::escape_control;

/// Characters of a text of somebody else's that are written; the rest is cut off. No account has a longer name, and the
/// journal takes no message of any length.
const LONGEST_TEXT: usize = 1024;

/// Which form events are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON object a line.
    Json,
    /// Lines `NAME=value`, as systemd's "Native Journal Protocol" has them.
    Journal,
}

/// A field's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'v> {
    Number(u64),
    Flag(bool),
    /// A text of ours, in need of no escape.
    Plain(&'v str),
    /// A text that somebody else wrote.
    Foreign(&'v str),
    Name(&'v Who),
    /// `0x14`
    Hex(u32),
    Sid(&'v Sid),
    /// RFC 3339, whole seconds.
    Second(KerberosTime),
    /// RFC 3339, with microseconds.
    Time(Timestamp),
    Address(IpAddr),
    /// An IPv4 address in IPv6's clothes, `::ffff:192.0.2.1`, as Windows writes it.
    MappedAddress(IpAddr),
    /// The run of the daemon, and the number of an event in it.
    Id(&'v str, u64),
    Etypes(&'v [EncryptionType]),
    Notes(Notes),
}

/// Where events are written to, one after the other, before they go to the sink.
#[derive(Debug)]
pub(super) struct Encoder {
    form: Form,
    octets: Vec<u8>,
    ends: Vec<usize>,
    /// The last seconds that were written, which are mostly those written next.
    seconds: [(KerberosTime, String); 2],
}

impl Encoder {
    pub(super) fn new(form: Form) -> Self {
        let epoch = || (KerberosTime::EPOCH, KerberosTime::EPOCH.to_string());
        Self { form, octets: Vec::new(), ends: Vec::new(), seconds: [epoch(), epoch()] }
    }

    /// Everything that was written.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Where each event ends in it.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Forgets what was written, and memory beyond `kept` octets.
    pub(super) fn clear(&mut self, kept: usize) {
        self.octets.clear();
        self.octets.shrink_to(kept);
        self.ends.clear();
    }

    /// Starts an event. The journal shows `message` and knows a `priority` (RFC 5424 §6.2.1); JSON has neither.
    pub(super) fn begin(&mut self, priority: u8, message: impl Display) {
        match self.form {
            Form::Json => self.octets.push(b'{'),
            Form::Journal => {
                let message = escape_control(&cut(&message.to_string()));
                self.print(format_args!("PRIORITY={priority}\nSYSLOG_IDENTIFIER=tgtx\nMESSAGE={message}\n"));
            }
        }
    }

    /// Adds a field.
    pub(super) fn put(&mut self, field: Field, value: Value<'_>) {
        self.raw(match self.form {
            Form::Json => field.json(),
            Form::Journal => field.journal(),
        });
        match value {
            Value::Number(number) => self.number(number),
            Value::Flag(flag) => self.raw(if flag { "true" } else { "false" }),
            Value::Foreign(text) => self.foreign(text),
            Value::Name(who) => self.name(who),
            Value::Plain(text) => self.quoted(|this| this.raw(text)),
            Value::Hex(number) => self.quoted(|this| this.hex(number)),
            Value::Sid(sid) => self.quoted(|this| this.sid(sid)),
            Value::Second(time) => self.quoted(|this| this.second(time, 1, "Z")),
            Value::Time(time) => self.quoted(|this| this.time(time)),
            Value::Address(address) => self.quoted(|this| this.address(address)),
            Value::MappedAddress(address) => self.quoted(|this| {
                this.raw(if address.is_ipv4() { "::ffff:" } else { "" });
                this.address(address);
            }),
            Value::Id(run, number) => self.quoted(|this| {
                this.raw(run);
                this.octets.push(b'-');
                this.number(number);
            }),
            Value::Etypes(etypes) => {
                self.list(etypes, |this, etype| this.print(format_args!("{}", etype.as_i32())))
            }
            Value::Notes(notes) => {
                self.list(notes.iter(), |this, note| this.quoted(|this| this.raw(note.label())));
            }
        }
        self.octets.push(match self.form {
            Form::Json => b',',
            Form::Journal => b'\n',
        });
    }

    /// Ends the event.
    pub(super) fn end(&mut self) {
        if self.form == Form::Json {
            // In the place of the comma behind the last field.
            self.octets.pop();
            self.raw("}\n");
        }
        self.ends.push(self.octets.len());
    }

    fn raw(&mut self, text: &str) {
        self.octets.extend_from_slice(text.as_bytes());
    }

    fn print(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.octets.write_fmt(arguments);
    }

    fn number(&mut self, number: u64) {
        self.raw(itoa::Buffer::new().format(number));
    }

    // The formatting of the standard library would be a third of what an event costs.
    fn hex(&mut self, number: u32) {
        let is_leading = |shift: &u32| *shift > 0 && number.wrapping_shr(*shift) == 0;
        self.raw("0x");
        for shift in [28, 24, 20, 16, 12, 8, 4, 0].into_iter().skip_while(is_leading) {
            let digit = char::from_digit(number.wrapping_shr(shift) & 0xf, 16).unwrap_or_default();
            self.raw(digit.encode_utf8(&mut [0; 4]));
        }
    }

    fn address(&mut self, address: IpAddr) {
        let IpAddr::V4(address) = address else { return self.print(format_args!("{address}")) };
        for (index, octet) in address.octets().into_iter().enumerate() {
            self.raw(if index == 0 { "" } else { "." });
            self.number(octet.into());
        }
    }

    /// In quotes where the form has any.
    fn quoted(&mut self, write: impl FnOnce(&mut Self)) {
        let quote = if self.form == Form::Json { "\"" } else { "" };
        self.raw(quote);
        write(self);
        self.raw(quote);
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Self, T)) {
        let (open, close) = if self.form == Form::Json { ("[", "]") } else { ("", "") };
        self.raw(open);
        for (index, item) in items.into_iter().enumerate() {
            self.raw(if index == 0 { "" } else { "," });
            write(self, item);
        }
        self.raw(close);
    }

    fn name(&mut self, who: &Who) {
        match std::str::from_utf8(who.name_octets()) {
            Ok(name) if is_plain(name) => self.quoted(|this| this.raw(name)),
            _ => self.foreign(&who.name().to_string()),
        }
    }

    fn foreign(&mut self, text: &str) {
        if is_plain(text) {
            return self.quoted(|this| this.raw(text));
        }
        let text = cut(text);
        match self.form {
            // What JSON would leave as it is, but a terminal would not, JSON may escape too.
            Form::Json => self.raw(&escape_control(&serde_json::Value::from(text).to_string())),
            Form::Journal => self.raw(&escape_control(&text)),
        }
    }

    fn sid(&mut self, sid: &Sid) {
        if sid.authority() > u64::from(u32::MAX) {
            return self.print(format_args!("{sid}"));
        }
        self.raw("S-1-");
        self.number(sid.authority());
        for sub_authority in sid.sub_authorities() {
            self.octets.push(b'-');
            self.number(u64::from(*sub_authority));
        }
    }

    fn time(&mut self, time: Timestamp) {
        self.second(time.seconds, 0, ".");
        // Six digits, with the zeros that they start with.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(time.microseconds.saturating_add(1_000_000));
        self.raw(digits.get(1..).unwrap_or_default());
        self.octets.push(b'Z');
    }

    /// A second, remembered in one of the places, and what follows it.
    fn second(&mut self, time: KerberosTime, place: usize, suffix: &str) {
        let Some((known, text)) = self.seconds.get_mut(place) else { return };
        if *known != time {
            (*known, *text) = (time, time.to_string());
        }
        self.octets.extend_from_slice(text.trim_end_matches('Z').as_bytes());
        self.raw(suffix);
    }
}

/// Whether a text is short and stands for itself in either form, and at a terminal.
fn is_plain(text: &str) -> bool {
    let is_plain = |octet: u8| matches!(octet, b' '..=b'~') && octet != b'"' && octet != b'\\';
    text.len() <= LONGEST_TEXT && text.bytes().all(is_plain)
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}
