//! A Kerberos server, as the cmdlet prints it and as JSON. The JSON's shape is versioned: within one `schema`, members are
//! added and none is renamed or removed.

use std::fmt::{self, Display, Formatter};

use pac::FileTime;
use serde::Serialize;

use crate::cli::findings::Findings;
use crate::cli::{guid, json};
use crate::directory::{BranchAccounts, KeyChange};
use crate::krb::messages::KerberosTime;

const SCHEMA: u32 = 1;

/// What the directory says.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) branch: BranchAccounts,
    pub(super) domain: String,
    /// The last change of its key, where the directory tells, and on which domain controller, where that is still there.
    pub(super) change: Option<(KeyChange, Option<String>)>,
    pub(super) never_reveal: Vec<Member>,
    pub(super) reveal_on_demand: Vec<Member>,
}

/// Who is on a policy list.
#[derive(Debug, Serialize)]
pub(super) struct Member {
    pub(super) sid: String,
    /// Absent of who is another domain's, or may not be read.
    pub(super) name: Option<String>,
}

/// Everything that is printed.
pub(super) struct Report {
    document: Document,
    findings: Findings,
}

#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    agrees: bool,
    server: Fields,
    /// `msDS-KeyVersionNumber`: the version in a keytab.
    key_version_number: Option<u16>,
    /// Whom the lists name.
    never_reveal: Vec<Member>,
    reveal_on_demand: Vec<Member>,
    findings: serde_json::Value,
}

/// By the names that the cmdlet has for them, in its order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Fields {
    id: u16,
    user_account: String,
    computer_account: Option<String>,
    display_name: String,
    domain_dns_name: String,
    key_version: Option<u64>,
    key_updated_on: Option<String>,
    key_updated_from: Option<String>,
}

impl Report {
    pub(super) fn new(server: Server, findings: Findings) -> Self {
        let Server { branch, domain, change, never_reveal, reveal_on_demand } = server;
        let fields = Fields {
            id: branch.number,
            user_account: branch.krbtgt_dn,
            computer_account: branch.computer.map(|computer| computer.dn),
            display_name: branch.krbtgt_name,
            domain_dns_name: domain,
            key_version: change.as_ref().map(|(change, _)| change.usn),
            key_updated_on: change.as_ref().and_then(|(change, _)| time(change.at)),
            key_updated_from: change
                .map(|(change, server)| server.unwrap_or_else(|| guid::text(change.invocation_id))),
        };
        let document = Document {
            schema: SCHEMA,
            agrees: findings.are_good(),
            server: fields,
            key_version_number: branch.key_version,
            never_reveal,
            reveal_on_demand,
            findings: findings.list(),
        };
        Self { document, findings }
    }

    pub(super) fn agrees(&self) -> bool {
        self.document.agrees
    }

    pub(super) fn json(&self) -> String {
        json::indented(&self.document)
    }
}

/// As the cmdlet prints it; what it does not know of comes behind.
impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Names come from the network and go to a terminal.
        let mut line = |name, value: &str| writeln!(f, "{name:<18} : {}", value.escape_debug());
        let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        let Document { server, key_version_number, never_reveal, reveal_on_demand, .. } = &self.document;
        line("Id", &server.id.to_string())?;
        line("UserAccount", &server.user_account)?;
        line("ComputerAccount", server.computer_account.as_deref().unwrap_or_default())?;
        line("DisplayName", &server.display_name)?;
        line("DomainDnsName", &server.domain_dns_name)?;
        line("KeyVersion", &number(server.key_version))?;
        line("KeyUpdatedOn", server.key_updated_on.as_deref().unwrap_or_default())?;
        line("KeyUpdatedFrom", server.key_updated_from.as_deref().unwrap_or_default())?;
        line("KeyVersionNumber", &number(key_version_number.map(u64::from)))?;
        line("NeverReveal", &names(never_reveal))?;
        line("RevealOnDemand", &names(reveal_on_demand))?;
        write!(f, "\n{}", self.findings.lines())
    }
}

fn names(members: &[Member]) -> String {
    let name = |member: &Member| match &member.name {
        Some(name) => format!("{name} ({})", member.sid),
        None => member.sid.clone(),
    };
    members.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// `2026-11-21T16:51:18Z`, unless it is none.
pub(super) fn time(at: FileTime) -> Option<String> {
    Some(KerberosTime::from_unix_seconds(at.unix_seconds()?)?.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cli::findings::Subject;
    use crate::directory::BranchComputer;

    /// Entra's, whose key was changed at 16:51:18 in update 3771.
    pub(in super::super) fn server() -> Server {
        let change = KeyChange {
            version: 3,
            at: FileTime::from_unix_seconds(1_795_279_878),
            invocation_id: [7; 16],
            usn: 3771,
        };
        let member =
            |sid: &str, name: Option<&str>| Member { sid: sid.to_owned(), name: name.map(str::to_owned) };
        Server {
            branch: BranchAccounts {
                number: 30775,
                krbtgt_dn: "CN=krbtgt_AzureAD,CN=Users,DC=lab,DC=example".to_owned(),
                krbtgt_name: "krbtgt_30775".to_owned(),
                key_version: Some(3),
                computer: Some(BranchComputer {
                    dn: "CN=AzureADKerberos,OU=Domain Controllers,DC=lab,DC=example".to_owned(),
                    name: "AzureADKerberos$".to_owned(),
                }),
            },
            domain: "lab.example".to_owned(),
            change: Some((change, Some("dc1.lab.example".to_owned()))),
            never_reveal: vec![
                member("S-1-5-32-544", Some("Administrators\u{1b}")),
                member("S-1-5-32-548", None),
            ],
            reveal_on_demand: Vec::new(),
        }
    }

    #[test]
    fn it_is_printed_as_the_cmdlet_prints_it() {
        let mut findings = Findings::default();
        findings.about(Subject::Keys, "LAB.EXAMPLE").ok(&"as it should be");
        let expected = "\
Id                 : 30775
UserAccount        : CN=krbtgt_AzureAD,CN=Users,DC=lab,DC=example
ComputerAccount    : CN=AzureADKerberos,OU=Domain Controllers,DC=lab,DC=example
DisplayName        : krbtgt_30775
DomainDnsName      : lab.example
KeyVersion         : 3771
KeyUpdatedOn       : 2026-11-21T16:51:18Z
KeyUpdatedFrom     : dc1.lab.example
KeyVersionNumber   : 3
NeverReveal        : Administrators\\u{1b} (S-1-5-32-544), S-1-5-32-548
RevealOnDemand     : 

ok       LAB.EXAMPLE: as it should be
";
        assert_eq!(Report::new(server(), findings).to_string(), expected);
    }

    #[test]
    fn a_domain_controller_that_is_gone_is_told_by_its_database() {
        let server = server();
        let change = server.change.map(|(change, _)| (change, None));
        let report = Report::new(Server { change, ..server }, Findings::default());
        assert!(report.to_string().contains("KeyUpdatedFrom     : 07070707-0707-0707-0707-070707070707\n"));
    }

    #[test]
    fn the_documentation_lists_what_json_has() {
        let mut findings = Findings::default();
        findings.about(Subject::Keys, "LAB.EXAMPLE").error(&"old");
        let report = Report::new(server(), findings);
        assert!(!report.agrees());
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        let documentation = include_str!("../../../../docs/kerberos-server.md");
        let is_listed = |name: &str| documentation.contains(&format!("| `{name}` |"));
        for (name, value) in json.as_object().unwrap() {
            assert!(is_listed(name), "{name}");
            for member in value.as_object().into_iter().flatten() {
                assert!(is_listed(&format!("{name}.{}", member.0)), "{name}.{}", member.0);
            }
        }
        assert_eq!(
            (json["agrees"].as_bool(), json["server"]["KeyVersion"].as_u64()),
            (Some(false), Some(3771))
        );
        assert_eq!(json["findings"][0]["severity"], "error");
    }
}
