//! What authentic requests tell: which keys are in use, and how right the clients' clocks are.

use metrics::{Counter, Histogram, counter, histogram};

use super::per_label::PerLabel;
use crate::exchange::Who;
use crate::krb::keys::Slot;

/// The handles.
pub(super) struct Authentic {
    branch_keys: PerLabel<Slot>,
    krbtgt_keys: PerLabel<Slot>,
    clock_skew: Histogram,
}

impl Authentic {
    /// Takes the handles from the installed recorder.
    pub(super) fn register() -> Self {
        Self {
            branch_keys: PerLabel::new(&Slot::ALL, |slot| key_use("branch", slot)),
            krbtgt_keys: PerLabel::new(&Slot::ALL, |slot| key_use("krbtgt", slot)),
            clock_skew: histogram!("tgtx_clock_skew_seconds"),
        }
    }

    /// A request of this client came. It counts where the sender has shown to hold the session key of the ticket: anybody
    /// can send somebody's ticket.
    pub(super) fn request(&self, who: &Who) {
        if let Some(skew) = who.clock_skew {
            self.branch_keys.increment(who.slot);
            self.clock_skew.record(skew);
        }
    }

    /// A full TGT was issued under this version of krbtgt's key.
    pub(super) fn issued(&self, slot: Slot) {
        self.krbtgt_keys.increment(slot);
    }
}

fn key_use(role: &'static str, slot: Slot) -> Counter {
    counter!("tgtx_key_use_total", "role" => role, "slot" => slot.label())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn who_has_not_shown_to_be_the_client_moves_nothing() {
        let recorder = PrometheusBuilder::new().set_buckets(&[1.0, 5.0]).unwrap().build_recorder();
        let authentic = metrics::with_local_recorder(&recorder, Authentic::register);
        let who = |slot, skew: Option<u64>| {
            let mut who = Who::example(b"alice");
            (who.slot, who.clock_skew) = (slot, skew.map(Duration::from_millis));
            who
        };
        let shows = |lines: &[&str]| {
            let rendered = recorder.handle().render();
            lines
                .iter()
                .for_each(|line| assert!(rendered.contains(&format!("{line}\n")), "{line}: {rendered}"));
        };
        authentic.request(&who(Slot::Current, None));
        shows(&[
            "tgtx_key_use_total{role=\"branch\",slot=\"current\"} 0",
            "tgtx_key_use_total{role=\"branch\",slot=\"previous\"} 0",
            "tgtx_key_use_total{role=\"krbtgt\",slot=\"current\"} 0",
            "tgtx_clock_skew_seconds_count 0",
        ]);
        for (slot, skew) in [(Slot::Current, 250), (Slot::Previous, 1250), (Slot::Previous, 9000)] {
            authentic.request(&who(slot, Some(skew)));
        }
        authentic.issued(Slot::Previous);
        shows(&[
            "tgtx_key_use_total{role=\"branch\",slot=\"current\"} 1",
            "tgtx_key_use_total{role=\"branch\",slot=\"previous\"} 2",
            "tgtx_key_use_total{role=\"krbtgt\",slot=\"current\"} 0",
            "tgtx_key_use_total{role=\"krbtgt\",slot=\"previous\"} 1",
            "tgtx_clock_skew_seconds_bucket{le=\"1\"} 1",
            "tgtx_clock_skew_seconds_bucket{le=\"5\"} 2",
            "tgtx_clock_skew_seconds_bucket{le=\"+Inf\"} 3",
            "tgtx_clock_skew_seconds_sum 10.5",
        ]);
    }
}
