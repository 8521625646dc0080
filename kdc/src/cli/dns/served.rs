//! What DNS serves, beside what it should.

use std::fmt::Write as _;

use crate::dns::records::Record;
use crate::shell::resolver::Resolver;

/// What was found, a line for each record.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) text: String,
    pub(super) problems: bool,
}

impl Findings {
    /// Asks for each record, and for the addresses of the hosts they name.
    pub(super) async fn look(resolver: &Resolver, records: &[Record]) -> Self {
        let mut findings = Self::default();
        for record in records {
            match resolver.servers(&record.name).await {
                Err(error) => findings.problem(&error.to_string()),
                Ok(served) => match served.iter().find(|served| served.target == record.target) {
                    None => findings.problem(&format!("not served; create {}", record.zone_line())),
                    Some(served) => {
                        let numbers = (served.priority, served.weight, served.port);
                        if numbers == (record.priority, record.weight, record.port) {
                            findings.good(&record.zone_line());
                        } else {
                            let (priority, weight, port) = numbers;
                            findings.problem(&format!(
                                "served with priority {priority}, weight {weight}, port {port}; wanted is {}",
                                record.zone_line()
                            ));
                        }
                    }
                },
            }
        }
        let mut hosts: Vec<&str> = records.iter().map(|record| record.target.as_str()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        for host in hosts {
            match resolver.addresses(host).await {
                Err(error) => findings.problem(&error.to_string()),
                Ok(addresses) if addresses.is_empty() => {
                    findings.problem(&format!("{host} has no address; create an A or AAAA record"));
                }
                Ok(addresses) => {
                    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                    findings.good(&format!("{host} is {}", addresses.join(", ")));
                }
            }
        }
        findings
    }

    fn good(&mut self, line: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "ok       {line}");
    }

    fn problem(&mut self, line: &str) {
        self.problems = true;
        let _ = writeln!(self.text, "PROBLEM  {line}");
    }
}
