//! What is counted about relaying.

use std::time::Duration;

use metrics::{Gauge, Histogram, counter, gauge, histogram};

use crate::relay::Kind;
use crate::shell::observe::per_label::PerLabel;

/// What became of a message that was to be relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An upstream's answer was passed on.
    Answered,
    /// As above; it sent the client to TCP.
    TooBig,
    /// As above; no upstream had another answer than that it cannot.
    Unavailable,
    /// No upstream answered in time.
    Unanswered,
    /// Too many were under way: it gave way to a newer one.
    Full,
    /// It had come round.
    Circle,
    /// It came from an upstream's own address and port.
    FromUpstream,
}

impl Outcome {
    /// All of them.
    const ALL: [Self; 7] = [
        Self::Answered,
        Self::TooBig,
        Self::Unavailable,
        Self::Unanswered,
        Self::Full,
        Self::Circle,
        Self::FromUpstream,
    ];

    /// The stable name used in metrics and logs.
    #[must_use]
    const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TooBig => "too_big",
            Self::Unavailable => "unavailable",
            Self::Unanswered => "unanswered",
            Self::Full => "full",
            Self::Circle => "circle",
            Self::FromUpstream => "from_upstream",
        }
    }
}

/// The handles.
pub(super) struct Counts {
    relayed: PerLabel<(Kind, Outcome)>,
    durations: PerLabel<Kind, Histogram>,
    answering: Gauge,
    failing: Gauge,
}

impl Counts {
    /// Takes the handles from the installed recorder.
    pub(super) fn register() -> Self {
        let all: Vec<(Kind, Outcome)> =
            Kind::ALL.into_iter().flat_map(|kind| Outcome::ALL.map(|outcome| (kind, outcome))).collect();
        let upstreams = |state: &'static str| gauge!("tgtx_relay_upstreams", "state" => state);
        Self {
            relayed: PerLabel::new(
                &all,
                |(kind, outcome)| counter!("tgtx_relayed_total", "kind" => kind.label(), "outcome" => outcome.label()),
            ),
            durations: PerLabel::new(
                &Kind::ALL,
                |kind| histogram!("tgtx_relay_duration_seconds", "kind" => kind.label()),
            ),
            answering: upstreams("answering"),
            failing: upstreams("failing"),
        }
    }

    /// A message that was not relayed.
    pub(super) fn count(&self, kind: Kind, outcome: Outcome) {
        self.relayed.increment((kind, outcome));
    }

    /// A message that was relayed, and how long its answer took or was waited for.
    pub(super) fn concluded(&self, kind: Kind, outcome: Outcome, took: Duration) {
        self.count(kind, outcome);
        self.durations.record(kind, took);
    }

    /// How upstreams do.
    pub(super) fn upstreams(&self, answering: usize, failing: usize) {
        self.answering.set(u32::try_from(answering).unwrap_or(u32::MAX));
        self.failing.set(u32::try_from(failing).unwrap_or(u32::MAX));
    }
}
