//! The proposal: a configuration file in which each line says what it is for.
//!
//! What stands in it comes from the network. In a value it is quoted as TOML wants it, in a comment nothing of it ends the line,
//! and the whole is read back before it is printed.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use toml::Value;

use super::options::LdapOptions;
use super::survey::Survey;
use crate::cli::failure::Failure;
use crate::config::{Config, Surroundings};
use crate::directory::{Branch, BranchAccounts};
use crate::dns::names::domain_kdcs;
use crate::krb::messages::KerberosTime;
use crate::shell::cldap::announced::this_host;

/// Where keytabs are proposed to be.
const FOLDER: &str = "/etc/tgtx";

/// The keys of `[domain.ldap]` that are taken over from the options, in their order, and what they are for.
const LDAP_KEYS: [(&str, &str); 9] = [
    ("bind", "how the daemon proves who it is: docs/directory.md"),
    ("bind-dn", "needs no rights but to read, as a member of Windows Authorization Access Group does"),
    ("password-file", "secret: the account's password, for the daemon's user alone"),
    ("client-cert", "our certificate, and those behind it"),
    ("client-key", "secret: its key, for the daemon's user alone"),
    ("keytab", "secret: the account's keys, for the daemon's user alone"),
    ("principal", "the account, as the keytab has it"),
    ("ca-file", "certificates to trust, else the system's store"),
    ("allow-plaintext", "true: ldap:// without TLS, in labs"),
];

/// A configuration for a domain.
pub(super) struct Proposal<'a> {
    pub(super) realm: &'a str,
    pub(super) ldap: &'a LdapOptions,
    pub(super) survey: &'a Survey,
    pub(super) at: KerberosTime,
}

impl Proposal<'_> {
    /// The text, once it has been read as the daemon reads it.
    pub(super) fn checked(&self) -> Result<String, Failure> {
        let text = self.to_string();
        let surroundings = Surroundings { file: Path::new("the proposal"), credentials_directory: None };
        Config::parse(&text, surroundings)?;
        Ok(text)
    }
}

impl Display for Proposal<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        section(f, "[listen]", "where clients find the daemon")?;
        line(
            f,
            "kerberos = [\"0.0.0.0:88\", \"[::]:88\"]",
            "UDP and TCP; on a domain controller the port is taken: conf/on-a-samba-dc.toml",
        )?;
        line(
            f,
            "cldap = [\"0.0.0.0:389\", \"[::]:389\"]",
            "UDP: Windows takes no KDC that does not answer pings",
        )?;
        section(f, "[[domain]]", "once for each domain")?;
        line(f, &format!("realm = {}", quoted(self.realm)), "the domain's DNS name in upper case")?;
        self.keytabs(f)?;
        self.directory(f)?;
        self.discovery(f)?;
        self.relay(f)
    }
}

impl Proposal<'_> {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let view = &self.survey.view;
        let server = self.survey.servers.first().map_or("", String::as_str);
        comment(f, &format!("Proposed at {} by `tgtx init`, and written nowhere else.", self.at))?;
        comment(
            f,
            &format!(
                "Domain {} ({}, {}), as {server} describes it.",
                view.dns_domain_name, view.netbios_name, view.domain_sid
            ),
        )?;
        comment(
            f,
            "To do: export the keys that `keytabs` asks for (README, \"The two keys\") into files that are the daemon's user's",
        )?;
        comment(
            f,
            "and of mode 0600; correct the paths; save this as /etc/tgtx/tgtx.toml; run `tgtx check --online`.",
        )?;
        comment(f, "What is left out has its default: tgtx.toml(5).")
    }

    fn keytabs(&self, f: &mut Formatter<'_>) -> fmt::Result {
        line(f, "keytabs = [", "secrets: whoever reads them is everybody in the domain")?;
        let version = self.survey.view.krbtgt_version;
        let kvno =
            version.map_or_else(|| "version cannot be read".to_owned(), |version| format!("kvno {version}"));
        keytab(f, "krbtgt", &format!("key of krbtgt/{}, {kvno}: full TGTs are issued under it", self.realm))?;
        for branch in &self.survey.branches {
            let path = &branch.krbtgt_name;
            if self.survey.is_proposed(branch) {
                keytab(f, path, &self.branch(branch))?;
            } else {
                let of = branch.computer.as_ref().map_or("nobody", |computer| &computer.name);
                comment(
                    f,
                    &format!("    branch {}, of {of}, is left out; {}", branch.number, self.branch(branch)),
                )?;
            }
        }
        line(f, "]", "the kvno of a branch's key is its number × 65536 + the version")
    }

    /// What key a branch needs, and whom it serves.
    fn branch(&self, branch: &BranchAccounts) -> String {
        let number = branch.number;
        let key = match branch.kvno() {
            Some(kvno) => format!("key of {}, branch {number}, kvno {kvno}", branch.krbtgt_name),
            None => format!("key of {}, branch {number}, whose version cannot be read", branch.krbtgt_name),
        };
        let state = match self.survey.view.branches.get(&number) {
            Some(Branch::Serving { policy, .. }) => format!(
                "{} never revealed, {} revealed on demand",
                policy.never_reveal().len(),
                policy.reveal_on_demand().len()
            ),
            Some(Branch::Broken(fault)) => format!("serves nobody: {fault}"),
            Some(Branch::Unresolved(fault)) => format!("serves nobody: {fault}"),
            None => "its objects went away meanwhile".to_owned(),
        };
        format!("{key}: {state}")
    }

    fn directory(&self, f: &mut Formatter<'_>) -> fmt::Result {
        section(
            f,
            "[domain.ldap]",
            "where the daemon reads who may sign in, and what of them stands in tickets",
        )?;
        line(f, "urls = [", "domain controllers, in the order they are tried")?;
        for server in &self.survey.servers {
            line(f, &format!("    {},", quoted(server)), "answers, and takes the bind below")?;
        }
        for fault in &self.survey.passed_over {
            comment(f, &format!("    left out: {fault}"))?;
        }
        line(f, "]", "ldaps:// is TLS, ldap:// StartTLS")?;
        let options = self.ldap.table();
        for (key, purpose) in LDAP_KEYS {
            if let Some(value) = options.get(key).filter(|value| value.as_bool() != Some(false)) {
                line(f, &format!("{key} = {value}"), purpose)?;
            }
        }
        Ok(())
    }

    fn discovery(&self, f: &mut Formatter<'_>) -> fmt::Result {
        section(f, "[domain.discovery]", "as whom pings are answered")?;
        match this_host() {
            Ok(host) if !host.is_empty() => {
                line(
                    f,
                    &format!("host = {}", quoted(&host)),
                    "this host's name; its DNS name is in the domain",
                )?;
            }
            _ => line(
                f,
                "# host = \"KDC1\"",
                "this host's name without a domain, which it does not know itself",
            )?,
        }
        let address = self.survey.address.map_or_else(String::new, |address| format!(" of {address}"));
        match (self.survey.site(), &self.survey.view.sites) {
            (Some(site), _) => line(f, &format!("site = {}", quoted(site)), &format!("the site{address}"))?,
            (None, Ok(sites)) => {
                let names = sites.names.join(", ");
                line(
                    f,
                    "# site = \"…\"",
                    &format!("no subnet says which site is that{address}; there are: {names}"),
                )?;
            }
            (None, Err(fault)) => line(f, "# site = \"…\"", &fault.to_string())?,
        }
        Ok(())
    }

    fn relay(&self, f: &mut Formatter<'_>) -> fmt::Result {
        section(f, "[domain.relay]", "who answers what is no exchange")?;
        let name = domain_kdcs(self.realm);
        match &self.survey.kdcs {
            Ok(kdcs) if !kdcs.is_empty() => {
                let kdcs: Vec<_> = kdcs.iter().map(|kdc| format!("{}:{}", kdc.target, kdc.port)).collect();
                let today = format!("the domain's KDCs, as DNS names them; today {}", kdcs.join(", "));
                line(f, "srv = true", &today)
            }
            Ok(_) => line(
                f,
                "# kdcs = [\"dc1.example\"]",
                &format!("DNS names nobody ({name}); without, what is no exchange is refused"),
            ),
            Err(error) => line(f, "# kdcs = [\"dc1.example\"]", &error.to_string()),
        }
    }
}

/// One file of the list.
fn keytab(f: &mut Formatter<'_>, name: &str, purpose: &str) -> fmt::Result {
    let is_plain = |sign: char| sign.is_alphanumeric() || "-_".contains(sign);
    let file: String = name.chars().map(|sign| if is_plain(sign) { sign } else { '_' }).collect();
    line(f, &format!("    {},", quoted(&format!("{FOLDER}/{file}.keytab"))), purpose)
}

fn section(f: &mut Formatter<'_>, name: &str, purpose: &str) -> fmt::Result {
    writeln!(f)?;
    line(f, name, purpose)
}

/// A line of TOML and what it is for.
fn line(f: &mut Formatter<'_>, toml: &str, purpose: &str) -> fmt::Result {
    writeln!(f, "{toml:<44} # {}", printable(purpose))
}

fn comment(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "# {}", printable(text))
}

/// Nothing of it ends the line or commands a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}

fn quoted(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::options::tests::options;
    use crate::directory::{Sites, Tree, ViewRules};
    use crate::shell::directory::ReadError;
    use crate::shell::resolver::Srv;

    /// Of the demonstration's domain.
    fn survey() -> Survey {
        let tree = Tree::parse(include_str!("../demo.ldif")).unwrap();
        let rules = ViewRules { sites: true, ..ViewRules::default() };
        let kdc = Srv { priority: 0, weight: 100, port: 88, target: "dc1.demo.example".to_owned() };
        Survey {
            servers: vec!["ldaps://dc1.demo.example:636".to_owned()],
            passed_over: vec![ReadError::Unavailable("ldaps://dc2.demo.example:636: is away".to_owned())],
            view: tree.view(&rules).unwrap(),
            branches: tree.branch_accounts().unwrap(),
            address: None,
            kdcs: Ok(vec![kdc]),
        }
    }

    fn propose(survey: &Survey) -> (String, Config) {
        let ldap = options(&["--bind-dn", "CN=a\\,\"b\"", "--password-file", "/p"]);
        let at = KerberosTime::from_unix_seconds(1_795_279_878).unwrap();
        let proposal = Proposal { realm: "DEMO.EXAMPLE", ldap: &ldap, survey, at };
        let text = proposal.checked().unwrap();
        let surroundings = Surroundings { file: Path::new("proposal"), credentials_directory: None };
        let config = Config::parse(&text, surroundings).unwrap();
        (text, config)
    }

    #[test]
    fn each_line_has_a_comment_and_the_whole_is_a_configuration() {
        let (text, config) = propose(&survey());
        assert!(
            text.lines().all(|line| line.is_empty() || line.starts_with('#') || line.contains(" # ")),
            "{text}"
        );
        assert!(
            text.contains("#     left out: directory unavailable: ldaps://dc2.demo.example:636: is away"),
            "{text}"
        );
        let domain = &config.domains[0];
        assert_eq!(domain.ldap().unwrap().bind.name(), "CN=a\\,\"b\"");
        assert_eq!(domain.keytabs.len(), 2);
        assert!(domain.relay.srv);
    }

    #[test]
    fn names_out_of_the_directory_stay_where_they_are() {
        let hostile = "x\"\n[listen]\u{1b}\nmetrics = \"0.0.0.0:1\" # ";
        let mut survey = survey();
        for branch in &mut survey.branches {
            branch.krbtgt_name = hostile.to_owned();
        }
        survey.servers = vec!["ldaps://dc1.demo.example".to_owned()];
        survey.view.netbios_name = hostile.to_owned();
        survey.kdcs = Ok(vec![Srv { priority: 0, weight: 0, port: 88, target: hostile.to_owned() }]);
        let (text, config) = propose(&survey);
        assert!(!text.contains('\u{1b}') && config.listen.metrics.ip().is_loopback(), "{text}");
        assert!(config.domains[0].keytabs[1].path().starts_with("/etc/tgtx"), "{text}");
    }

    #[test]
    fn what_dns_and_the_sites_do_not_tell_is_left_to_the_administrator() {
        let mut survey = survey();
        survey.kdcs = Ok(Vec::new());
        survey.view.sites = Ok(Sites { names: vec!["A".to_owned(), "B".to_owned()], subnets: Vec::new() });
        let (text, config) = propose(&survey);
        assert!(text.contains("there are: A, B") && text.contains("DNS names nobody"), "{text}");
        assert_eq!(config.domains[0].discovery.as_ref().unwrap().site, None);
        assert!(!config.domains[0].relay.srv);
    }

    #[test]
    fn where_no_branch_is_entras_those_that_serve_are_proposed() {
        let mut survey = survey();
        for branch in &mut survey.branches {
            branch.computer = None;
        }
        assert_eq!(propose(&survey).1.domains[0].keytabs.len(), 2);
    }
}
