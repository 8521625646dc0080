//! What came back.

use std::collections::BTreeMap;
use std::time::Duration;

use super::histogram::Histogram;
use crate::client::reply::{Denied, Outcome};
use crate::client::request::Exchange;
use crate::krb::der::Der;
use crate::krb::messages::{KdcRep, ReplyType};

/// Counts of one thread or of all.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Tickets, and how many of them were opened.
    pub granted: u64,
    /// Of `granted`, those whose encrypted part was opened and had the request's nonce.
    pub opened: u64,
    /// KRB-ERRORs by code.
    pub denied: BTreeMap<i32, u64>,
    /// Answers that are none, or none to the request, by what is wrong with them.
    pub wrong: BTreeMap<String, u64>,
    /// Requests without answer in time.
    pub lost: u64,
    /// Requests whose connection ended before the answer, by why.
    pub failed: BTreeMap<String, u64>,
    /// Times to the answers, granted or denied.
    pub latencies: Histogram,
    /// Octets of requests, without those of headers below Kerberos.
    pub octets_sent: u64,
    /// Octets of answers, likewise.
    pub octets_received: u64,
    /// From the start of the run to the last answer.
    pub elapsed: Duration,
    /// The longest time without a ticket, whoever asked: from the start of the run, or from one, to the next, or to when
    /// a request that got none was sent.
    pub longest_gap: Duration,
}

impl Tally {
    /// Requests that were answered, with a ticket or an error.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.denied.values().fold(self.granted, |sum, count| sum.saturating_add(*count))
    }

    /// Whether each request was answered, and with a ticket; or, where a code is expected, with that KRB-ERROR.
    #[must_use]
    pub fn is_right(&self, expected: Option<i32>) -> bool {
        let right = match expected {
            Some(code) => self.denied.get(&code).copied().unwrap_or_default(),
            None => self.granted,
        };
        right > 0
            && right == self.answered()
            && self.lost == 0
            && self.wrong.is_empty()
            && self.failed.is_empty()
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: Self) {
        self.granted = self.granted.saturating_add(other.granted);
        self.opened = self.opened.saturating_add(other.opened);
        self.lost = self.lost.saturating_add(other.lost);
        self.octets_sent = self.octets_sent.saturating_add(other.octets_sent);
        self.octets_received = self.octets_received.saturating_add(other.octets_received);
        self.elapsed = self.elapsed.max(other.elapsed);
        self.longest_gap = self.longest_gap.max(other.longest_gap);
        self.latencies.merge(&other.latencies);
        add(&mut self.denied, other.denied);
        add(&mut self.wrong, other.wrong);
        add(&mut self.failed, other.failed);
    }

    /// Reads the answer to a request that was sent `latency` ago; `open` it or decode it only. Whether it is a ticket.
    pub(super) fn answer(
        &mut self,
        reply: &[u8],
        request: &Exchange<'_>,
        latency: Duration,
        open: bool,
    ) -> bool {
        self.octets_received = self.octets_received.saturating_add(octets(reply));
        let denied = match read(reply, request, open) {
            Ok(denied) => denied,
            Err(error) => {
                count(&mut self.wrong, error);
                return false;
            }
        };
        match denied {
            None => {
                self.granted = self.granted.saturating_add(1);
                self.opened = self.opened.saturating_add(u64::from(open));
            }
            Some(code) => count(&mut self.denied, code),
        }
        self.latencies.record(latency);
        denied.is_none()
    }

    /// For so long there was no ticket.
    pub(super) fn gap(&mut self, gap: Duration) {
        self.longest_gap = self.longest_gap.max(gap);
    }

    pub(super) fn sent(&mut self, request: &[u8]) {
        self.octets_sent = self.octets_sent.saturating_add(octets(request));
    }

    pub(super) fn fail(&mut self, error: &std::io::Error) {
        let why = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "closed without an answer".to_owned(),
            _ => error.to_string(),
        };
        count(&mut self.failed, why);
    }
}

/// The code of an error; none for a ticket.
fn read(reply: &[u8], request: &Exchange<'_>, open: bool) -> Result<Option<i32>, String> {
    if open {
        let outcome = Outcome::read(reply, request).map_err(|error| error.to_string())?;
        return Ok(outcome.denied().map(|denied| denied.code));
    }
    match KdcRep::parse(reply) {
        Ok(decoded) if decoded.msg_type == ReplyType::TgsRep => Ok(None),
        Ok(_) => Err("the reply is an AS-REP".to_owned()),
        Err(error) => match Denied::parse(reply) {
            Some(denied) => Ok(Some(denied.code)),
            None => Err(format!("the reply does not decode: {error}")),
        },
    }
}

fn octets(message: &[u8]) -> u64 {
    u64::try_from(message.len()).unwrap_or(u64::MAX)
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, number) in more {
        let count = counts.entry(key).or_default();
        *count = count.saturating_add(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_right_if_each_answer_is_what_was_expected_and_there_is_one() {
        let granted = Tally { granted: 2, ..Tally::default() };
        let denied = Tally { denied: BTreeMap::from([(52, 3)]), ..Tally::default() };
        let mut both = granted.clone();
        both.merge(denied.clone());
        let lost = Tally { lost: 1, ..granted.clone() };
        let wrong = Tally { wrong: BTreeMap::from([(String::new(), 1)]), ..granted.clone() };
        for (tally, expected, right) in [
            (&granted, None, true),
            (&granted, Some(52), false),
            (&denied, Some(52), true),
            (&denied, Some(20), false),
            (&denied, None, false),
            (&both, None, false),
            (&lost, None, false),
            (&wrong, None, false),
            (&Tally::default(), None, false),
        ] {
            assert_eq!(tally.is_right(expected), right, "{tally:?} {expected:?}");
        }
        assert_eq!(both.answered(), 5);
    }
}
