//! What has been counted since the start, as `/metrics` has it.

use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};

/// Sums over the labels of a metric.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Messages received.
    pub requests: u64,
    /// Full TGTs issued.
    pub issued: u64,
    /// Full TGTs that would have been issued in a domain that is in shadow mode.
    pub shadow: u64,
    /// Requests refused.
    pub refused: u64,
    /// Requests that could not be answered because of the directory or of this daemon.
    pub errors: u64,
    /// Requests answered again from memory.
    pub retransmits: u64,
    /// Authenticators that came again otherwise.
    pub replays: u64,
    /// Messages that got no answer.
    pub dropped: u64,
    /// Messages relayed, or meant to be.
    pub relayed: u64,
    /// Defects; must stay 0.
    pub panics: u64,
}

impl Counters {
    /// As they are now.
    #[must_use]
    pub fn read(metrics: &PrometheusHandle) -> Self {
        let text = metrics.render();
        let of = |name, label| sum(&text, name, label);
        Self {
            requests: of("tgtx_requests_total", ""),
            issued: of("tgtx_exchanges_total", "result=\"issued\""),
            shadow: of("tgtx_exchanges_total", "result=\"shadow\""),
            refused: of("tgtx_exchanges_total", "result=\"refused\""),
            errors: of("tgtx_exchanges_total", "result=\"error\""),
            retransmits: of("tgtx_retransmits_total", ""),
            replays: of("tgtx_replays_total", ""),
            dropped: of("tgtx_dropped_total", ""),
            relayed: of("tgtx_relayed_total", ""),
            panics: of("tgtx_panics_total", ""),
        }
    }
}

/// Of all samples of a counter that have this label.
fn sum(text: &str, name: &str, label: &str) -> u64 {
    let samples = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(['{', ' ']))?;
        let (labels, value) = rest.rsplit_once(' ')?;
        if labels.contains(label) { value.parse::<u64>().ok() } else { None }
    });
    samples.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_one_metric_over_its_labels_or_takes_one_of_them() {
        let text =
            "# TYPE a_total counter\na_total{x=\"1\"} 3\na_total{x=\"2\"} 4\na_total_more 9\nb_total 5\n";
        assert_eq!(
            [sum(text, "a_total", ""), sum(text, "a_total", "x=\"2\""), sum(text, "b_total", "")],
            [7, 4, 5]
        );
        assert_eq!(sum(text, "c_total", ""), 0);
    }
}
