//! How old the domain's key is: told by the log, `/readyz` and a metric before it is too late.

use tgtx_tests::scene::{KRBTGT_KVNO, Scene};

use crate::wire;

#[test]
fn a_key_that_is_behind_is_told_of_before_it_is_too_old() {
    let directory_at = |version: u32| (KRBTGT_KVNO + version).to_string();
    let cases = [
        (directory_at(0), "0", true, ""),
        (directory_at(1), "1", true, "one ahead of ours"),
        (directory_at(2), "2", false, "2 ahead of ours"),
        (String::new(), "-1", false, "cannot be read"),
    ];
    for (version, behind, serves, told) in cases {
        let daemon = wire::launch(&Scene::of_a_daemon().set("krbtgt", "msDS-KeyVersionNumber", &version));
        let series = format!("tgtx_krbtgt_versions_behind {behind}");
        daemon.wait_until(&series, || daemon.metrics().lines().any(|line| line == series));
        let (_, report) = daemon.readiness();
        assert_eq!(report["ready"], serves, "{report}");
        daemon.wait_until(told, || daemon.log_text().contains(told));
        let log = daemon.log_text();
        let warned = log.lines().filter(|line| line.contains("\"WARN\"") && line.contains("krbtgt")).count();
        assert_eq!(warned, usize::from(!told.is_empty()), "{log}");
    }
}
