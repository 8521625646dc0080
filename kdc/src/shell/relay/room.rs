//! How much may be relayed at once with the files that the process may open.

use std::num::NonZeroUsize;

use super::{idle, race, seats};
use crate::config::Config;

/// What relaying may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Messages under way to each list of upstreams.
    pub seats: usize,
    /// Files open altogether: sockets to upstreams.
    pub descriptors: usize,
}

impl Room {
    /// As many messages as configured, as far as `possible` files are enough; one in any case.
    #[must_use]
    pub fn of(config: &Config, possible: usize) -> Self {
        // Of each list: what is there however few messages are, and what one message more takes.
        let (mut always, mut for_one_each) = (0_usize, 0_usize);
        for relay in config.domains.iter().map(|domain| &domain.relay) {
            if relay.srv || !relay.kdcs.is_empty() {
                let leaving = seats::MOST_LEAVING.saturating_mul(race::MOST_AT_ONCE);
                always = always.saturating_add(idle::MOST).saturating_add(leaving);
                for_one_each = for_one_each.saturating_add(race::MOST_AT_ONCE);
            }
            if !relay.kpasswd.is_empty() {
                // A password change waits for one server, and keeps no connection.
                always = always.saturating_add(seats::MOST_LEAVING);
                for_one_each = for_one_each.saturating_add(1);
            }
        }
        let affordable =
            possible.saturating_sub(always).checked_div(for_one_each).map_or(0, |seats| seats.max(1));
        let wanted = config.limits.relays_in_flight.map_or(usize::MAX, NonZeroUsize::get);
        let seats = wanted.min(affordable);
        Self { seats, descriptors: always.saturating_add(seats.saturating_mul(for_one_each)) }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Surroundings;

    #[test]
    fn is_shared_by_all_lists_and_no_more_than_there_is() {
        let kdcs = "kdcs = [\"192.0.2.1\"]";
        let both = "kdcs = [\"192.0.2.1\"]\nkpasswd = [\"192.0.2.1\"]";
        let cases = [
            // Of one list: 64 idle connections, 64 times three sockets of those that leave, three for each seat.
            ("relays-in-flight = 100", &[kdcs][..], 10_000, (100, 64 + 192 + 300)),
            ("relays-in-flight = 100", &[kdcs, both], 10_000, (100, 2 * (64 + 192 + 300) + 64 + 100)),
            ("relays-in-flight = 1000", &[kdcs], 1_000, (248, 1_000)),
            ("relays-in-flight = 1000", &[kdcs, kdcs], 1_000, (81, 2 * (64 + 192 + 243))),
            ("relays-in-flight = 0", &[kdcs], 1_000, (248, 1_000)),
            ("", &[kdcs], 100_000, (1_024, 64 + 192 + 3_072)),
            ("", &[kdcs], 100, (1, 64 + 192 + 3)),
            ("", &[""], 100, (0, 0)),
        ];
        for (limit, relays, possible, (seats, descriptors)) in cases {
            let kpasswd = if relays.contains(&both) { "kpasswd = [\"127.0.0.1:464\"]" } else { "" };
            let mut text = format!("[limits]\n{limit}\n[listen]\n{kpasswd}\n");
            for (number, relay) in relays.iter().enumerate() {
                text += &format!(
                    "[[domain]]\nrealm = \"R{number}.EXAMPLE\"\nkeytabs = [\"x\"]\ndirectory = \"ldif:y\"\n\
                     [domain.relay]\n{relay}\n"
                );
            }
            let surroundings = Surroundings { file: Path::new("tgtx.toml"), credentials_directory: None };
            let config = Config::parse(&text, surroundings).unwrap();
            assert_eq!(
                Room::of(&config, possible),
                Room { seats, descriptors },
                "{limit} {relays:?} {possible}"
            );
        }
    }
}
