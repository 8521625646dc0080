//! A metric with a label.

use metrics::{Counter, Histogram, IntoF64};

/// One counter, or histogram, for each value of a closed enum.
pub(in crate::shell) struct PerLabel<L: 'static, M = Counter>(Vec<(L, M)>);

impl<L: Copy + PartialEq, M> PerLabel<L, M> {
    pub(in crate::shell) fn new(all: &[L], metric: impl Fn(L) -> M) -> Self {
        Self(all.iter().map(|label| (*label, metric(*label))).collect())
    }

    fn of(&self, label: L) -> Option<&M> {
        self.0.iter().find(|(known, _)| *known == label).map(|(_, metric)| metric)
    }
}

impl<L: Copy + PartialEq> PerLabel<L> {
    pub(in crate::shell) fn increment(&self, label: L) {
        if let Some(counter) = self.of(label) {
            counter.increment(1);
        }
    }
}

impl<L: Copy + PartialEq> PerLabel<L, Histogram> {
    pub(in crate::shell) fn record(&self, label: L, value: impl IntoF64) {
        if let Some(histogram) = self.of(label) {
            histogram.record(value);
        }
    }
}
