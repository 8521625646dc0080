//! What a daemon has counted, as far as a plan is made of it.

use super::error::PlanError;
use super::figures::Figures;

/// Sums over the series of each metric: since the start of a daemon, or within a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counters {
    pub(super) exchanges: f64,
    pub(super) cpu_seconds: f64,
    pub(super) searches: f64,
    pub(super) replies: f64,
    pub(super) reply_octets: f64,
    pub(super) too_big: f64,
}

/// Where a metric's sum goes.
type Field = fn(&mut Counters) -> &mut f64;

/// The metrics, by their names in the text format.
pub(super) const METRICS: [(&str, Field); 6] = [
    ("tgtx_exchanges_total", |counters| &mut counters.exchanges),
    ("process_cpu_seconds_total", |counters| &mut counters.cpu_seconds),
    ("tgtx_ldap_searches_total", |counters| &mut counters.searches),
    ("tgtx_reply_size_bytes_count", |counters| &mut counters.replies),
    ("tgtx_reply_size_bytes_sum", |counters| &mut counters.reply_octets),
    ("tgtx_responses_too_big_total", |counters| &mut counters.too_big),
];

impl Counters {
    /// Reads what `/metrics` says. Other metrics are passed over.
    ///
    /// # Errors
    /// [`PlanError`] for a line that is no sample, and where a metric is missing.
    pub(super) fn parse(text: &[u8]) -> Result<Self, PlanError> {
        let mut counters = Self::default();
        let mut seen = [false; METRICS.len()];
        for (number, line) in text.split(|&octet| octet == b'\n').enumerate() {
            let malformed = || PlanError::Malformed(number.saturating_add(1));
            let line = str::from_utf8(line).map_err(|_| malformed())?.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = sample(line).ok_or_else(malformed)?;
            for ((metric, field), seen) in METRICS.iter().zip(&mut seen) {
                if *metric == name {
                    // A counter is a number of something.
                    let value = value.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
                    *field(&mut counters) += value.ok_or_else(malformed)?;
                    *seen = true;
                }
            }
        }
        match METRICS.iter().zip(seen).find(|(_, seen)| !seen) {
            Some(((metric, _), _)) => Err(PlanError::Missing(metric)),
            None => Ok(counters),
        }
    }

    /// What was counted since another reading of the same daemon.
    ///
    /// # Errors
    /// [`PlanError::Decreased`] where the daemon cannot be the same.
    pub(super) fn since(mut self, mut before: Self) -> Result<Self, PlanError> {
        for (metric, field) in METRICS {
            let then = *field(&mut before);
            let now = field(&mut self);
            if *now < then {
                return Err(PlanError::Decreased(metric));
            }
            *now -= then;
        }
        Ok(self)
    }

    /// What one exchange costs.
    ///
    /// # Errors
    /// [`PlanError::NoExchanges`] where there was none.
    pub(super) fn figures(self, source: String) -> Result<Figures, PlanError> {
        if self.exchanges <= 0.0 || self.replies <= 0.0 {
            return Err(PlanError::NoExchanges);
        }
        Ok(Figures {
            cpu_seconds: self.cpu_seconds / self.exchanges,
            searches: self.searches / self.exchanges,
            reply_octets: self.reply_octets / self.replies,
            too_big: (self.too_big / self.replies).min(1.0),
            source,
        })
    }
}

/// Name and value of a sample: `name{labels} value [time]`. Label values may hold braces and spaces, in quotes.
fn sample(line: &str) -> Option<(&str, &str)> {
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at_checked(end)?;
    let rest = if rest.starts_with('{') { rest.split_at_checked(labels_length(rest)?)?.1 } else { rest };
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?;
    let time_is_number = words.next().is_none_or(|time| time.parse::<i64>().is_ok());
    let is_name = name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b':'));
    (is_name && !name.is_empty() && time_is_number && words.next().is_none() && value.parse::<f64>().is_ok())
        .then_some((name, value))
}

/// How long the labels are, with both braces.
fn labels_length(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (index, octet) in text.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return index.checked_add(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCRAPE: &str = "\
# HELP tgtx_exchanges_total Exchanges
# TYPE tgtx_exchanges_total counter
tgtx_exchanges_total{result=\"issued\"} 900
tgtx_exchanges_total{result=\"refused\"} 100 1800000000000

process_cpu_seconds_total 0.2
tgtx_ldap_searches_total{result=\"ok\"} 990
tgtx_ldap_server_info{server_index=\"0\",url=\"ldaps://a b}\\\"\"} 1
tgtx_reply_size_bytes_bucket{transport=\"udp\",le=\"+Inf\"} 450
tgtx_reply_size_bytes_sum{transport=\"udp\"} 8e+05
tgtx_reply_size_bytes_count{transport=\"udp\"} 450
tgtx_reply_size_bytes_bucket{transport=\"tcp\",le=\"+Inf\"} 450
tgtx_reply_size_bytes_sum{transport=\"tcp\"} 1e+06
tgtx_reply_size_bytes_count{transport=\"tcp\"} 450
tgtx_responses_too_big_total 450
";

    #[test]
    fn series_of_a_metric_are_added_up() {
        let counters = Counters::parse(SCRAPE.as_bytes()).unwrap();
        let figures = counters.figures("it".to_owned()).unwrap();
        assert_eq!((figures.searches, figures.reply_octets, figures.too_big), (0.99, 2000.0, 0.5));
        assert!((figures.cpu_seconds - 0.0002).abs() < 1e-12);
    }

    #[test]
    fn only_what_came_in_between_counts() {
        let now = Counters::parse(SCRAPE.as_bytes()).unwrap();
        let before = Counters { exchanges: 400.0, cpu_seconds: 0.15, ..Counters::default() };
        let between = now.since(before).unwrap();
        assert_eq!((between.exchanges, between.searches), (600.0, 990.0));
        let error = before.since(now).unwrap_err();
        assert!(matches!(error, PlanError::Decreased("tgtx_exchanges_total")), "{error}");
    }

    #[test]
    fn what_is_no_scrape_is_said_with_its_line() {
        for (text, line) in [
            ("tgtx_exchanges_total{result=\"issued\" 9\n", 1),
            ("# fine\ntgtx_exchanges_total\n", 2),
            ("tgtx_exchanges_total nine\n", 1),
            ("tgtx_exchanges_total 1 2 3\n", 1),
            ("tgtx_exchanges_total -1\n", 1),
            ("process_cpu_seconds_total NaN\n", 1),
            ("<html>\n", 1),
        ] {
            let error = Counters::parse(text.as_bytes()).unwrap_err();
            assert!(matches!(error, PlanError::Malformed(at) if at == line), "{text}: {error}");
        }
        assert!(matches!(Counters::parse(b""), Err(PlanError::Missing(_))));
        let idle = SCRAPE.replace(" 900", " 0").replace(" 100 ", " 0 ");
        let idle = Counters::parse(idle.as_bytes()).unwrap();
        assert!(matches!(idle.figures(String::new()), Err(PlanError::NoExchanges)));
    }

    proptest! {
        #[test]
        fn any_octets_are_answered(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Counters::parse(&octets);
        }

        #[test]
        fn a_scrape_with_a_piece_cut_out_is_answered(start in 0_usize..600, length in 0_usize..80) {
            let mut octets = SCRAPE.as_bytes().to_vec();
            let start = start.min(octets.len());
            let end = start.saturating_add(length).min(octets.len());
            octets.drain(start..end);
            let _ = Counters::parse(&octets);
        }
    }
}
