//! A metric with a label.

use metrics::Counter;

/// One counter for each value of a closed enum.
pub(in crate::shell) struct PerLabel<L: 'static>(Vec<(L, Counter)>);

impl<L: Copy + PartialEq> PerLabel<L> {
    pub(in crate::shell) fn new(all: &[L], counter: impl Fn(L) -> Counter) -> Self {
        Self(all.iter().map(|label| (*label, counter(*label))).collect())
    }

    pub(in crate::shell) fn increment(&self, label: L) {
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == label) {
            counter.increment(1);
        }
    }
}
