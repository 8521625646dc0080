//! A domain controller, as `nltest` prints it and as JSON. The JSON's shape is versioned: within one `version`, fields are
//! added and none is renamed or removed.

use std::fmt;

use serde::Serialize;

use crate::cli::guid;
use crate::discovery::DsFlags;
use crate::shell::locator::Found;

/// ERROR_NO_SUCH_DOMAIN ([MS-ERREF] 2.2).
const NO_SUCH_DOMAIN: u32 = 1355;

#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    #[serde(flatten)]
    result: Answer,
}

#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Answer {
    Found(Box<DomainController>),
    None { status: u32, name: &'static str },
}

#[derive(Debug, Serialize)]
struct DomainController {
    dc: String,
    netbios_name: String,
    address: String,
    port: u16,
    domain_guid: String,
    domain_name: String,
    netbios_domain_name: String,
    forest_name: String,
    dc_site_name: String,
    client_site_name: String,
    flags: Flags,
    #[serde(skip)]
    nltest: String,
}

#[derive(Debug, Serialize)]
struct Flags {
    /// As they came: without what the locator adds.
    bits: u32,
    names: Vec<&'static str>,
}

impl Report {
    pub(super) fn new(found: Option<&Found>) -> Self {
        let none = Answer::None { status: NO_SUCH_DOMAIN, name: "ERROR_NO_SUCH_DOMAIN" };
        Self {
            version: 1,
            result: found.map_or(none, |found| Answer::Found(Box::new(DomainController::new(found)))),
        }
    }
}

impl DomainController {
    fn new(Found { address, response }: &Found) -> Self {
        Self {
            dc: response.dns_host_name.clone(),
            netbios_name: response.netbios_computer_name.clone(),
            address: address.ip().to_string(),
            port: address.port(),
            domain_guid: guid::text(response.domain_guid),
            domain_name: response.dns_domain_name.clone(),
            netbios_domain_name: response.netbios_domain_name.clone(),
            forest_name: response.dns_forest_name.clone(),
            dc_site_name: response.dc_site_name.clone(),
            client_site_name: response.client_site_name.clone(),
            flags: Flags { bits: response.flags.bits(), names: response.flags.names().collect() },
            // Windows' locator adds these to every answer that came in DNS names.
            nltest: response.flags.with(DsFlags::OF_LOCATOR).nltest(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Answer::Found(found) => {
                // Names come from the network and go to a terminal.
                writeln!(f, "           DC: \\\\{}", found.dc.escape_debug())?;
                writeln!(f, "      Address: \\\\{}", found.address)?;
                writeln!(f, "     Dom Guid: {}", found.domain_guid)?;
                writeln!(f, "     Dom Name: {}", found.domain_name.escape_debug())?;
                writeln!(f, "  Forest Name: {}", found.forest_name.escape_debug())?;
                writeln!(f, " Dc Site Name: {}", found.dc_site_name.escape_debug())?;
                if !found.client_site_name.is_empty() {
                    writeln!(f, "Our Site Name: {}", found.client_site_name.escape_debug())?;
                }
                writeln!(f, "        Flags: {}", found.nltest)?;
                writeln!(f, "The command completed successfully")
            }
            Answer::None { status, name } => {
                writeln!(f, "Getting DC name failed: Status = {status} {status:#x} {name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::assert_documented;
    use crate::discovery::PingAnswer;

    fn captured() -> Found {
        let answer = include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/vectors/windows-server-2022/cldap-netlogon-response.bin"
        ));
        let response = PingAnswer::parse(answer).unwrap().extended().unwrap();
        Found { address: "192.0.2.1:389".parse().unwrap(), response }
    }

    #[test]
    fn a_captured_answer_is_printed_as_nltest_prints_it() {
        let expected = r"           DC: \\win2k22-1.aforest.ad
      Address: \\192.0.2.1
     Dom Guid: 3f02ce52-7579-4597-9454-d9f32d98f16e
     Dom Name: aforest.ad
  Forest Name: aforest.ad
 Dc Site Name: Default-First-Site-Name
Our Site Name: Default-First-Site-Name
        Flags: PDC GC DS LDAP KDC TIMESERV GTIMESERV WRITABLE DNS_DC DNS_DOMAIN DNS_FOREST CLOSE_SITE FULL_SECRET WS DS_8 DS_9 DS_10 KEYLIST
The command completed successfully
";
        assert_eq!(Report::new(Some(&captured())).to_string(), expected);
    }

    #[test]
    fn names_do_not_command_the_terminal() {
        let Found { address, mut response } = captured();
        response.dns_host_name = "\u{1b}[2J".to_owned();
        let text = Report::new(Some(&Found { address, response })).to_string();
        assert!(text.contains(r"DC: \\\u{1b}[2J"), "{text}");
    }

    #[test]
    fn none_is_the_error_that_nltest_prints() {
        let report = Report::new(None);
        assert_eq!(report.to_string(), "Getting DC name failed: Status = 1355 0x54b ERROR_NO_SUCH_DOMAIN\n");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["result"], "none");
        assert_eq!(json["status"], 1355);
    }

    #[test]
    fn the_documentation_lists_what_json_has() {
        assert_documented("Dsgetdc: a domain controller", &Report::new(Some(&captured())));
        assert_documented("Dsgetdc: none", &Report::new(None));
    }

    #[test]
    fn json_has_the_flags_as_they_came() {
        let json = serde_json::to_value(Report::new(Some(&captured()))).unwrap();
        assert_eq!(json["result"], "found");
        assert_eq!(json["flags"]["bits"], 0x0003_f3fd);
        assert!(json["flags"]["names"].as_array().unwrap().contains(&"KEY_LIST".into()));
        assert_eq!(json["domain_guid"], "3f02ce52-7579-4597-9454-d9f32d98f16e");
    }
}
