//! What is counted of pings.

use metrics::{Counter, counter};

use crate::discovery::Kind;
use crate::shell::observe::per_label::PerLabel;

/// What became of a ping; a closed list, because it is a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Answered with what we are.
    Answered,
    /// Answered without attributes: not about a domain of ours.
    Empty,
    /// A search of the rootDSE, answered.
    RootDse,
    /// A search for something else, answered with an error.
    Refused,
    /// Answered by the upstream, KEY_LIST set.
    KeyListSet,
    /// Answered by the upstream, passed on as it was.
    PassedOn,
    /// The upstream did not answer in time.
    UpstreamSilent,
    /// Not answered: the directory is not known, or did not say who the account is.
    NotReady,
    /// Not answered: too many from one source.
    Limited,
    /// Not answered: no search.
    Malformed,
    /// Not answered: too many wait for the upstream or the directory.
    Overload,
}

impl Outcome {
    const ALL: [Self; 11] = [
        Self::Answered,
        Self::Empty,
        Self::RootDse,
        Self::Refused,
        Self::KeyListSet,
        Self::PassedOn,
        Self::UpstreamSilent,
        Self::NotReady,
        Self::Limited,
        Self::Malformed,
        Self::Overload,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Empty => "empty",
            Self::RootDse => "root_dse",
            Self::Refused => "refused",
            Self::KeyListSet => "key_list_set",
            Self::PassedOn => "passed_on",
            Self::UpstreamSilent => "upstream_silent",
            Self::NotReady => "not_ready",
            Self::Limited => "limited",
            Self::Malformed => "malformed",
            Self::Overload => "overload",
        }
    }
}

impl From<Kind> for Outcome {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Netlogon => Self::Answered,
            Kind::Empty => Self::Empty,
            Kind::RootDse => Self::RootDse,
            Kind::Refused => Self::Refused,
        }
    }
}

/// The handles.
pub(super) struct Counts {
    pings: PerLabel<Outcome>,
    request_octets: Counter,
    reply_octets: Counter,
}

impl Counts {
    /// Takes every handle from the installed recorder.
    pub(super) fn register() -> Self {
        Self {
            pings: PerLabel::new(
                &Outcome::ALL,
                |outcome| counter!("tgtx_discovery_pings_total", "result" => outcome.label()),
            ),
            request_octets: counter!("tgtx_discovery_request_bytes_total"),
            reply_octets: counter!("tgtx_discovery_reply_bytes_total"),
        }
    }

    /// A ping came to this end, without an answer.
    pub(super) fn unanswered(&self, outcome: Outcome) {
        self.pings.increment(outcome);
    }

    /// A ping of so many octets got an answer of so many.
    pub(super) fn answered(&self, outcome: Outcome, request: &[u8], reply: &[u8]) {
        self.pings.increment(outcome);
        self.request_octets.increment(u64::try_from(request.len()).unwrap_or(u64::MAX));
        self.reply_octets.increment(u64::try_from(reply.len()).unwrap_or(u64::MAX));
    }
}
