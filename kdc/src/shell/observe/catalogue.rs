//! The metrics there are, as they are documented.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// A metric as the documentation lists it.
pub struct Described {
    /// Its name; the exporter adds nothing.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    kind: Kind,
}

enum Kind {
    Counter,
    Gauge,
    Histogram(Unit),
}

/// Every metric of ours; a test holds `docs/metrics.md` against it.
pub const ALL: &[Described] = &[
    counts("tgtx_requests_total", "Messages received, by transport and kind"),
    counts(
        "tgtx_exchanges_total",
        "Exchanges concluded, by result: issued, refused, error where the fault is ours, or shadow where a ticket would \
         have been issued",
    ),
    counts("tgtx_refusals_total", "Requests refused, by reason"),
    counts("tgtx_krb_errors_total", "Refusals answered with a KRB-ERROR, by the name of its code"),
    counts("tgtx_dropped_total", "Messages not answered at all, by reason"),
    counts("tgtx_retransmits_total", "Requests answered again from memory"),
    counts("tgtx_replays_total", "Authenticators seen in other bytes or from another address"),
    lasts(
        "tgtx_clock_skew_seconds",
        "How far the clients' clocks are from ours, as authentic requests have them",
    ),
    counts(
        "tgtx_key_use_total",
        "Authentic partial TGTs that a branch's key opened and full TGTs issued under krbtgt's, by role and slot",
    ),
    measures("tgtx_replay_entries", "Authenticators remembered"),
    counts(
        "tgtx_replay_overflows_total",
        "Buckets of authenticators forgotten early because the memory was full",
    ),
    counts("tgtx_responses_too_big_total", "Replies over udp-reply-limit: the client was sent to TCP"),
    counts("tgtx_panics_total", "Requests given up because of a defect of ours; the log has each"),
    lasts("tgtx_exchange_duration_seconds", "From the arrival of a request to its answer, by result"),
    sizes("tgtx_request_size_bytes", "TGS-REQs that got a TGS-REP, in octets, by transport"),
    sizes("tgtx_reply_size_bytes", "TGS-REPs, in octets, by transport"),
    sizes("tgtx_pac_size_bytes", "PACs of the accounts that were read, in octets"),
    numbers("tgtx_pac_groups", "Groups in the PACs of the accounts that were read"),
    numbers("tgtx_policy_groups_evaluated", "Groups that policy judges the accounts by that were read"),
    measures("tgtx_waiting_datagrams", "Datagrams whose accounts are to be read from the directory"),
    measures("tgtx_tcp_connections", "Open TCP connections"),
    counts("tgtx_tcp_closed_total", "TCP connections that we closed, by reason"),
    counts("tgtx_ldap_searches_total", "Directory reads, by result"),
    lasts(
        "tgtx_ldap_search_duration_seconds",
        "From asking for an account to having it, waiting for a turn included",
    ),
    measures("tgtx_ldap_connections", "Open connections, by server_index"),
    measures("tgtx_ldap_server_info", "1, with the URL that a server_index stands for"),
    measures("tgtx_clock_offset_seconds", "How far the directory's clock is ahead of ours, by server_index"),
    measures("tgtx_directory_age_seconds", "Since policy lists and branches were last known to be current"),
    measures("tgtx_policy_objects", "Entries of the branches' policy lists, by list"),
    measures("tgtx_inflight_messages", "Messages that wait or are being answered"),
    measures("tgtx_cached_principals", "Principals remembered"),
    measures("tgtx_key_info", "1 for each key that is loaded, 0 for one that no longer is"),
    measures("tgtx_key_age_seconds", "Since the oldest account of a role had its key changed, by role"),
    counts("tgtx_keys_released_total", "Long-term keys of users handed out by key lists, by encryption type"),
    counts("tgtx_user_key_reads_total", "Readings of changed keytabs of user keys, by result: ok, failed"),
    measures("tgtx_user_key_accounts", "Accounts whose keys a key list can be answered with"),
    counts("tgtx_relayed_total", "Messages that were to be relayed, by kind and outcome"),
    lasts("tgtx_relay_duration_seconds", "From taking a message to the end of its relaying, by kind"),
    measures("tgtx_relay_upstreams", "Servers that messages are relayed to, by state"),
    counts("tgtx_audit_events_total", "Audit events written"),
    counts("tgtx_audit_lost_total", "Audit events lost because they could not be written in time"),
    measures("tgtx_ready", "Whether a check of /readyz passes, by check"),
    measures(
        "tgtx_krbtgt_versions_behind",
        "How far the oldest krbtgt key is behind its directory; -1 where a directory does not tell",
    ),
    measures(
        "tgtx_branch_versions_behind",
        "How far the key of a branch is behind its directory, the worst; -1 where a directory does not tell",
    ),
    counts("tgtx_discovery_pings_total", "Pings received, by what became of them"),
    counts("tgtx_discovery_request_bytes_total", "Octets of pings that were answered"),
    counts("tgtx_discovery_reply_bytes_total", "Octets of the answers to them"),
    measures("tgtx_config_last_reload_successful", "1 where the last reload, or else the start, was one"),
    measures(
        "tgtx_config_last_reload_success_timestamp_seconds",
        "When what is served was loaded, in seconds since 1970",
    ),
    measures("tgtx_build_info", "1, with version and commit as labels"),
];

const fn counts(name: &'static str, help: &'static str) -> Described {
    Described { name, help, kind: Kind::Counter }
}

const fn measures(name: &'static str, help: &'static str) -> Described {
    Described { name, help, kind: Kind::Gauge }
}

const fn lasts(name: &'static str, help: &'static str) -> Described {
    Described { name, help, kind: Kind::Histogram(Unit::Seconds) }
}

const fn sizes(name: &'static str, help: &'static str) -> Described {
    Described { name, help, kind: Kind::Histogram(Unit::Bytes) }
}

const fn numbers(name: &'static str, help: &'static str) -> Described {
    Described { name, help, kind: Kind::Histogram(Unit::Count) }
}

/// Tells the installed recorder what stands behind every name.
pub(super) fn describe() {
    for metric in ALL {
        match &metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram(unit) => describe_histogram!(metric.name, *unit, metric.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::shell::observe::process;

    /// Whatever looks like a metric's name in a text.
    fn named(text: &str) -> BTreeSet<&str> {
        let words =
            text.split(|character: char| !(character.is_ascii_alphanumeric() || "_:".contains(character)));
        let prefixes = ["tgtx_", "tgtx:", "process_"];
        words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix))).collect()
    }

    #[test]
    fn dashboard_and_alerts_name_only_what_there_is() {
        let mut there: BTreeSet<String> = process::ALL.map(|(name, ..)| name.to_owned()).into();
        for metric in ALL {
            let suffixes: &[&str] = if matches!(metric.kind, Kind::Histogram(_)) {
                &["_bucket", "_count", "_sum"]
            } else {
                &[""]
            };
            there.extend(suffixes.iter().map(|suffix| format!("{}{suffix}", metric.name)));
        }
        let alerts = include_str!("../../../../conf/alerts.yml");
        there.extend(
            alerts.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).map(str::to_owned),
        );
        // What `tgtx probe` prints, which holds that page to it.
        let of_probe = named(include_str!("../../../../docs/probe.md")).into_iter();
        there.extend(of_probe.filter(|name| name.starts_with("tgtx_probe_")).map(str::to_owned));
        for text in [include_str!("../../../../conf/grafana-dashboard.json"), alerts] {
            let names = named(text);
            assert!(names.len() > 20, "only {names:?}");
            for name in names {
                assert!(there.contains(name), "there is no {name}");
            }
        }
    }

    #[test]
    fn operators_are_told_what_to_do_about_every_alert() {
        let alerts = include_str!("../../../../conf/alerts.yml").lines();
        let alerts: BTreeSet<&str> =
            alerts.filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
        let rows = include_str!("../../../../docs/operations.md").lines();
        let rows = rows.filter_map(|line| line.strip_prefix("| Tgtx")?.split(" |").next());
        let told: BTreeSet<String> = rows
            .flat_map(|cell| format!("Tgtx{cell}").split(", ").map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert_eq!(told, alerts.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn the_documentation_lists_the_same_metrics() {
        let documented: BTreeSet<(&str, &str)> = include_str!("../../../../docs/metrics.md")
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
                Some((cells.next()?.trim_end_matches('`'), cells.next()?))
            })
            .collect();
        let kind = |metric: &Described| match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let ours = ALL.iter().map(|metric| (metric.name, kind(metric)));
        assert_eq!(documented, ours.chain(process::ALL.map(|(name, _, kind)| (name, kind))).collect());
    }
}
