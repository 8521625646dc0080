//! The list of all cases, grouped by what they are about.

mod discovery;
mod exchange;
mod groups;
mod refusals;
mod replays;

use crate::Meter;

/// Puts every case before `meter`, always in the same order.
pub fn all(meter: &mut impl Meter) {
    exchange::cases(meter);
    refusals::cases(meter);
    groups::cases(meter);
    replays::cases(meter);
    discovery::cases(meter);
}
