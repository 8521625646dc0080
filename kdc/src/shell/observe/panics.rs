//! A defect of ours costs what it hit and nothing else, and is seen: every panic of every thread and task is counted
//! and logged on one line.

use std::panic;

use metrics::counter;
use tracing::error;

/// Counts and logs panics from now on. Call it once the recorder is installed and the log is open.
pub fn watch() {
    let panics = counter!("tgtx_panics_total");
    panic::set_hook(Box::new(move |panic| {
        panics.increment(1);
        // The message is that of our own assertion; it holds nothing that a request brought.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("panic");
        error!(place, "a defect: {message}");
    }));
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn a_panic_is_counted_on_whichever_thread_it_strikes() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, watch);
        assert!(std::thread::spawn(|| panic!("a defect")).join().is_err());
        let _ = panic::take_hook();
        let rendered = recorder.handle().render();
        assert!(rendered.contains("\ntgtx_panics_total 1\n"), "{rendered}");
    }
}
