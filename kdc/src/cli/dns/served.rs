//! What DNS serves, beside what it should.

use crate::cli::findings::{Findings, Subject};
use crate::dns::records::Record;
use crate::shell::resolver::Resolver;

/// Asks for each record, and for the addresses of the hosts they name.
pub(super) async fn look(resolver: &Resolver, records: &[Record]) -> Findings {
    let mut findings = Findings::default();
    let mut dns = findings.about(Subject::Dns, "");
    for record in records {
        match resolver.servers(&record.name).await {
            Err(error) => {
                dns.error(&format!("{error}; check DNS, or name another server with --dns-server"));
                // One unanswered question is enough to wait for.
                return findings;
            }
            Ok(served) => match served.iter().find(|served| served.target == record.target) {
                None => dns.error(&format!("not served; create {}", record.zone_line())),
                Some(served) => {
                    let numbers = (served.priority, served.weight, served.port);
                    if numbers == (record.priority, record.weight, record.port) {
                        dns.ok(&record.zone_line());
                    } else {
                        let (priority, weight, port) = numbers;
                        dns.error(&format!(
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
            Err(error) => dns.error(&error),
            Ok(addresses) if addresses.is_empty() => {
                dns.error(&format!("{host} has no address; create an A or AAAA record"));
            }
            Ok(addresses) => {
                let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                dns.ok(&format!("{host} is {}", addresses.join(", ")));
            }
        }
    }
    findings
}
