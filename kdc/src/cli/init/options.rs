//! `[domain.ldap]` as options of the command line. They are written down as the configuration has them, and read by what reads
//! that, so that both mean the same and are refused for the same reasons.

use std::io;
use std::path::{self, Path};

use serde::Serialize;

use crate::config::{Config, ConfigError, Surroundings};

/// What stands in `[domain.ldap]`.
#[derive(Debug, Clone, clap::Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct LdapOptions {
    /// A directory server, ldap:// for StartTLS; may be repeated [default: those that the domain's SRV records name]
    #[arg(long = "server", value_name = "URL")]
    pub(super) urls: Vec<String>,
    /// How to bind: simple, external or gssapi
    #[arg(long, value_name = "WAY", default_value = "simple")]
    bind: String,
    /// With a password: the account
    #[arg(long, value_name = "DN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    bind_dn: Option<String>,
    /// With a password: the file that holds it
    #[arg(long, value_name = "FILE", value_parser = absolute)]
    #[serde(skip_serializing_if = "Option::is_none")]
    password_file: Option<String>,
    /// With a certificate: the file that holds it, PEM
    #[arg(long, value_name = "FILE", value_parser = absolute)]
    #[serde(skip_serializing_if = "Option::is_none")]
    client_cert: Option<String>,
    /// With a certificate: the file that holds its key, PEM
    #[arg(long, value_name = "FILE", value_parser = absolute)]
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<String>,
    /// With a ticket: the file that holds the account's keys
    #[arg(long, value_name = "FILE", value_parser = absolute)]
    #[serde(skip_serializing_if = "Option::is_none")]
    keytab: Option<String>,
    /// With a ticket: the account, as the keytab names it
    #[arg(long, value_name = "NAME@REALM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    /// Certificates to trust, PEM [default: the system's store]
    #[arg(long, value_name = "FILE", value_parser = absolute)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
    /// ldap:// is without TLS; for labs
    #[arg(long)]
    allow_plaintext: bool,
}

/// A configuration without keys, which is enough to look at a directory.
#[derive(Serialize)]
struct Text<'a> {
    domain: [Domain<'a>; 1],
}

#[derive(Serialize)]
struct Domain<'a> {
    realm: &'a str,
    keytabs: [&'static str; 1],
    ldap: &'a LdapOptions,
}

impl LdapOptions {
    /// A configuration with these options. No keytab of the domain's is read of it.
    ///
    /// # Errors
    /// What is missing, too much, or cannot be combined.
    pub(super) fn configuration(&self, realm: &str) -> Result<Config, ConfigError> {
        let text = Text { domain: [Domain { realm, keytabs: ["none"], ldap: self }] };
        // Strings, and a list of them, can be written.
        let text = toml::to_string(&text).unwrap_or_default();
        let surroundings = Surroundings { file: Path::new("options"), credentials_directory: None };
        Config::parse(&text, surroundings).map_err(ConfigError::without_place)
    }

    /// The same as keys and values.
    pub(super) fn table(&self) -> toml::Table {
        toml::Table::try_from(self).unwrap_or_default()
    }
}

/// A path that means the same wherever the daemon is started.
fn absolute(path: &str) -> io::Result<String> {
    path::absolute(path).map(|path| path.display().to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        ldap: LdapOptions,
    }

    /// As the command line has them.
    pub(in super::super) fn options(options: &[&str]) -> LdapOptions {
        Line::parse_from(["init", "--server", "ldaps://dc1.lab.example"].iter().chain(options)).ldap
    }

    fn read(line: &[&str]) -> Result<Config, String> {
        options(line).configuration("LAB.EXAMPLE").map_err(|error| error.to_string())
    }

    #[test]
    fn the_options_are_the_keys_of_the_configuration() {
        let config = read(&["--bind-dn", "CN=a\"b", "--password-file", "/p", "--ca-file", "/ca"]).unwrap();
        let ldap = config.domains[0].ldap().unwrap();
        assert_eq!((ldap.bind.name(), ldap.bind.secret().path()), ("CN=a\"b".to_owned(), Path::new("/p")));
        assert_eq!(ldap.ca_file.as_deref(), Some(Path::new("/ca")));
    }

    #[test]
    fn what_the_configuration_refuses_is_refused_in_its_words() {
        let missing = "options: domain LAB.EXAMPLE: [domain.ldap] bind is \"simple\" and bind-dn is missing; add \
                       bind-dn and password-file";
        assert_eq!(read(&[]).unwrap_err(), missing);
        let fault = read(&["--bind", "gsapi"]).unwrap_err();
        assert!(fault.starts_with("options: ") && fault.contains("did you mean \"gssapi\"?"), "{fault}");
        let fault = read(&["--server", "http://dc1", "--bind-dn", "x", "--password-file", "/p"]).unwrap_err();
        assert!(fault.starts_with("options: urls: `http://dc1` is no LDAP URL; "), "{fault}");
    }
}
