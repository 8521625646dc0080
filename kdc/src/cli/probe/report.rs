//! How a probe went, for people and as JSON.
//!
//! The JSON's shape is versioned: within one `version`, fields are added and none is renamed or removed.

use std::fmt;

use serde::Serialize;

use super::exposition;
use super::steps::{Log, Taken, Verdict};
use super::walk::Plan;
use crate::cli::shown::shown;
use crate::krb::messages::KerberosTime;

#[derive(Serialize)]
pub(super) struct Report<'r> {
    version: u32,
    name: &'r str,
    client: String,
    kdc: Option<String>,
    expected: String,
    result: &'static str,
    /// The first step that failed.
    failed_step: Option<&'static str>,
    seconds: f64,
    time: String,
    steps: Vec<Line<'r>>,
    #[serde(skip)]
    log: &'r Log,
    #[serde(skip)]
    now: KerberosTime,
}

#[derive(Serialize)]
struct Line<'r> {
    step: &'static str,
    result: &'static str,
    seconds: f64,
    detail: &'r str,
}

impl<'r> Report<'r> {
    pub(super) fn new(name: &'r str, plan: &Plan, log: &'r Log, now: KerberosTime) -> Self {
        let line = |taken: &'r Taken| Line {
            step: taken.step.label(),
            result: taken.verdict.label(),
            seconds: taken.duration.as_secs_f64(),
            detail: &taken.detail,
        };
        Self {
            version: 1,
            name,
            client: plan.partial.client.to_string(),
            kdc: log.kdc.map(|address| address.to_string()),
            expected: plan.expected.to_string(),
            result: log.outcome().label(),
            failed_step: log.failed().map(|step| step.label()),
            seconds: log.duration().as_secs_f64(),
            time: now.to_string(),
            steps: log.taken.iter().map(line).collect(),
            log,
            now,
        }
    }

    /// For a textfile collector.
    pub(super) fn exposition(&self) -> String {
        exposition::text(self.name, self.log, self.now)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kdc = self.kdc.as_deref().unwrap_or("no KDC");
        writeln!(f, "{kdc}, asked as {}: {} expected", self.client, self.expected)?;
        for taken in &self.log.taken {
            let (word, time) = match taken.verdict {
                Verdict::Ok => ("ok", milliseconds(taken.duration.as_secs_f64())),
                Verdict::Failed => ("FAILED", milliseconds(taken.duration.as_secs_f64())),
                Verdict::Skipped => ("left out", String::new()),
            };
            writeln!(f, "  {word:<9}{:<11}{time:>10}  {}", taken.step.label(), shown(&taken.detail))?;
        }
        let total = milliseconds(self.seconds);
        match self.failed_step {
            Some(step) => writeln!(f, "{} at {step} after {}", self.result, total.trim()),
            None => writeln!(f, "{} after {}", self.result, total.trim()),
        }
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1000.0)
}
