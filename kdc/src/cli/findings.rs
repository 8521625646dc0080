//! What a verb that looks for mistakes has found, in the order it was looked at.

use std::fmt::{Display, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use super::failure::Failure;
use super::shown::shown;
use super::{json, print};

/// Of the JSON form; higher where a member says otherwise or no longer.
const SCHEMA: u32 = 1;

/// Everything that was found.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

/// One thing that was found.
#[derive(Debug, Serialize)]
struct Finding {
    severity: Severity,
    about: Subject,
    /// The realm; empty where it is about the daemon as a whole.
    domain: String,
    /// One line: what is so and, where that is not as it should be, the mend.
    text: String,
}

/// What it means to who runs the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Works, and will not for ever or for everybody.
    Warning,
    /// Does not work.
    Error,
}

impl Severity {
    const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subject {
    /// The configuration itself.
    Configuration,
    /// The files it names.
    Files,
    /// The keys in its keytabs.
    Keys,
    /// The addresses it listens on.
    Ports,
    /// Answers to pings.
    Discovery,
    /// Directory servers.
    Directory,
    /// Branch objects and their policy lists.
    Branches,
    /// Who is refused beyond the lists.
    Policy,
    /// Our clock beside those of directory servers.
    Clock,
    /// Records of DNS.
    Dns,
    /// Whom is relayed to.
    Relay,
    /// What Entra has.
    Cloud,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct Form {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print warnings and errors alone
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
}

impl Form {
    /// For a verb that has no `--quiet`.
    pub(super) const fn of(json: bool) -> Self {
        Self { json, quiet: false }
    }

    /// For what else a verb prints.
    pub(super) const fn is_json(self) -> bool {
        self.json
    }
}

impl Findings {
    /// What is found about this next, in a realm, or of the daemon as a whole where that is empty.
    pub(super) fn about(&mut self, about: Subject, domain: &str) -> About<'_> {
        About { findings: self, about, domain: domain.to_owned() }
    }

    /// Prints them, and fails if there is an error among them.
    pub(super) fn report(&self, form: Form) -> Result<ExitCode, Failure> {
        print(&self.text(form))?;
        Ok(if self.count(Severity::Error) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Whether there is neither a warning nor an error.
    pub(super) fn are_good(&self) -> bool {
        self.count(Severity::Warning) == 0 && self.count(Severity::Error) == 0
    }

    /// All of them, a line each.
    pub(super) fn lines(&self) -> String {
        self.text(Form::default())
    }

    /// All of them as JSON, the shape of which is that of `tgtx check`.
    pub(super) fn list(&self) -> serde_json::Value {
        serde_json::json!(self.0)
    }

    fn text(&self, form: Form) -> String {
        if form.json {
            return self.json();
        }
        let mut text = String::new();
        let told = |finding: &&Finding| {
            !form.quiet || matches!(finding.severity, Severity::Warning | Severity::Error)
        };
        for Finding { severity, domain, text: line, .. } in self.0.iter().filter(told) {
            let separator = if domain.is_empty() { "" } else { ": " };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{:<9}{domain}{separator}{}", severity.label(), shown(line));
        }
        text
    }

    fn json(&self) -> String {
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let document = serde_json::json!({
            "schema": SCHEMA, "ok": errors == 0, "errors": errors, "warnings": warnings, "findings": self.0,
        });
        json::line(&document)
    }

    fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Adds findings about one thing.
pub(super) struct About<'f> {
    findings: &'f mut Findings,
    about: Subject,
    domain: String,
}

impl About<'_> {
    /// Something is as it should be.
    pub(super) fn ok(&mut self, line: &dyn Display) {
        self.add(Severity::Ok, line);
    }

    /// Something is worth knowing.
    pub(super) fn note(&mut self, line: &dyn Display) {
        self.add(Severity::Note, line);
    }

    /// Something will not work for ever, or not for everybody; the line names the mend.
    pub(super) fn warning(&mut self, line: &dyn Display) {
        self.add(Severity::Warning, line);
    }

    /// Something does not work; the line names the mend.
    pub(super) fn error(&mut self, line: &dyn Display) {
        self.add(Severity::Error, line);
    }

    fn add(&mut self, severity: Severity, line: &dyn Display) {
        let (about, domain) = (self.about, self.domain.clone());
        self.findings.0.push(Finding { severity, about, domain, text: line.to_string() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Findings {
        let mut findings = Findings::default();
        findings.about(Subject::Configuration, "").ok(&"tgtx.toml: understood");
        let mut keys = findings.about(Subject::Keys, "X");
        keys.note(&"keytab entry not used");
        keys.warning(&"old; load a new one");
        findings
    }

    #[test]
    fn a_warning_is_told_and_an_error_fails() {
        let mut findings = some();
        assert_eq!(findings.text(Form { json: false, quiet: true }), "warning  X: old; load a new one\n");
        assert_eq!(findings.count(Severity::Error), 0);
        findings.about(Subject::Ports, "").error(&"taken; stop it");
        assert_eq!(
            findings.text(Form::default()),
            "ok       tgtx.toml: understood\nnote     X: keytab entry not used\nwarning  X: old; load a new one\n\
             error    taken; stop it\n"
        );
        assert_eq!(findings.count(Severity::Error), 1);
    }

    #[test]
    fn the_documentation_lists_what_json_has() {
        let json: serde_json::Value = serde_json::from_str(&some().json()).unwrap();
        let documentation = include_str!("../../../docs/check.md");
        let is_listed = |name: &str| documentation.contains(&format!("| `{name}` |"));
        for (name, value) in json.as_object().unwrap() {
            assert!(is_listed(name), "{name}");
            let Some(first) = value.get(0) else { continue };
            for member in first.as_object().unwrap().keys() {
                assert!(is_listed(&format!("{name}[].{member}")), "{member}");
            }
        }
        assert_eq!((json["errors"].as_u64(), json["warnings"].as_u64()), (Some(0), Some(1)));
    }
}
