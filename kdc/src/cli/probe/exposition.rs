//! How a probe went, in Prometheus' text format. Labels are the probe's name, which the operator chose, and the steps.

use std::fmt::Write as _;

use super::steps::{Log, Outcome, Taken, Verdict};
use crate::krb::messages::KerberosTime;

/// A metric: its name, what it says (`docs/probe.md` has the same), and labels and value of each series.
type Family = (&'static str, &'static str, Vec<(String, String)>);

pub(super) fn text(name: &str, log: &Log, now: KerberosTime) -> String {
    let mut text = String::new();
    for (metric, help, series) in families(name, log, now) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} gauge");
        for (labels, value) in series {
            let _ = writeln!(text, "{metric}{{{labels}}} {value}");
        }
    }
    text
}

fn families(name: &str, log: &Log, now: KerberosTime) -> [Family; 6] {
    let probe = format!("probe=\"{name}\"");
    let outcome = log.outcome();
    let whole = |value: String| vec![(probe.clone(), value)];
    let steps = |value: fn(&Taken) -> String| {
        let taken = log.taken.iter().filter(|taken| taken.verdict != Verdict::Skipped);
        taken.map(|taken| (format!("{probe},step=\"{}\"", taken.step.label()), value(taken))).collect()
    };
    [
        (
            "tgtx_probe_success",
            "1 where the canary got what it must.",
            whole(flag(outcome != Outcome::Failed)),
        ),
        (
            "tgtx_probe_degraded",
            "1 where it did, and discovery, UDP or TCP failed on the way.",
            whole(flag(outcome == Outcome::Degraded)),
        ),
        (
            "tgtx_probe_duration_seconds",
            "What the steps took together.",
            whole(log.duration().as_secs_f64().to_string()),
        ),
        ("tgtx_probe_timestamp_seconds", "When the probe ended.", whole(now.unix_seconds().to_string())),
        (
            "tgtx_probe_step_success",
            "1 where the step went as it should; absent where it was left out.",
            steps(|taken| flag(taken.verdict == Verdict::Ok)),
        ),
        (
            "tgtx_probe_step_duration_seconds",
            "What the step took; absent where it was left out.",
            steps(|taken| taken.duration.as_secs_f64().to_string()),
        ),
    ]
}

fn flag(is_set: bool) -> String {
    u8::from(is_set).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::steps::Step;
    use super::*;

    fn log() -> Log {
        let mut log = Log::start();
        log.take(Step::Udp, || Ok(((), "TGS-REP".to_owned())));
        log.take(Step::Tcp, || Err::<((), String), _>("no answer".to_owned()));
        log.take(Step::Reply, || Ok(((), "opens".to_owned())));
        log.skip_rest("left out");
        log
    }

    #[test]
    fn a_series_for_each_step_that_was_taken() {
        let text = text("night", &log(), KerberosTime::from_unix_seconds(1_800_000_000).unwrap());
        for line in [
            "# TYPE tgtx_probe_success gauge",
            "tgtx_probe_success{probe=\"night\"} 1",
            "tgtx_probe_degraded{probe=\"night\"} 1",
            "tgtx_probe_timestamp_seconds{probe=\"night\"} 1800000000",
            "tgtx_probe_step_success{probe=\"night\",step=\"udp\"} 1",
            "tgtx_probe_step_success{probe=\"night\",step=\"tcp\"} 0",
        ] {
            assert!(text.lines().any(|had| had == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("discovery\""), "{text}");
    }

    #[test]
    fn the_documentation_lists_the_same_metrics_and_steps() {
        let documented: BTreeSet<&str> = include_str!("../../../../docs/probe.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let log = log();
        let families = families("x", &log, KerberosTime::EPOCH);
        let metrics = families.iter().map(|(metric, ..)| *metric);
        assert_eq!(documented, metrics.chain(Step::ALL.iter().map(|step| step.label())).collect());
    }
}
