//! `[domain.ldap]`: the directory servers, and how the daemon proves to them who it is.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::url::LdapUrlText;
use super::values::{self, BindDn, FilePath, PrincipalName};
use super::{CREDENTIAL_MEND, ConfigError, LdapSecurity, LdapUrl, SecretFile, Surroundings};

/// How the directory servers are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ldap {
    /// Servers, in the order they are tried; at least one.
    pub urls: Vec<LdapUrl>,
    /// How we bind.
    pub bind: Bind,
    /// PEM certificates to trust; the system's store where there is none.
    pub ca_file: Option<PathBuf>,
    /// Connections kept.
    pub connections: NonZeroUsize,
    /// For TCP, TLS and bind together.
    pub connect_timeout: Duration,
    /// For one search.
    pub search_timeout: Duration,
}

/// How the daemon proves who it is (RFC 4513 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    /// With a name and a password.
    Simple {
        /// Distinguished name of the account.
        dn: String,
        /// File with its password.
        password: SecretFile,
    },
    /// SASL EXTERNAL: with the certificate shown in TLS (RFC 4513 §5.2.3).
    External {
        /// PEM file with our certificate, and behind it those that lead to an authority the servers trust.
        certificate: PathBuf,
        /// PEM file with its key.
        key: SecretFile,
    },
    /// SASL GSSAPI: with a Kerberos ticket (RFC 4752).
    Gssapi {
        /// File with the account's keys.
        keytab: SecretFile,
        /// The account, as its keytab names it: `tgtx@LAB.EXAMPLE`.
        principal: String,
    },
}

impl Bind {
    /// The file that holds the secret.
    #[must_use]
    pub fn secret(&self) -> &SecretFile {
        match self {
            Self::Simple { password, .. } => password,
            Self::External { key, .. } => key,
            Self::Gssapi { keytab, .. } => keytab,
        }
    }

    /// As whom we bind, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Simple { dn, .. } => dn.clone(),
            Self::External { certificate, .. } => format!("the certificate in {}", certificate.display()),
            Self::Gssapi { principal, .. } => principal.clone(),
        }
    }
}

/// `[domain.ldap]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LdapFile {
    urls: Vec<LdapUrlText>,
    #[serde(default)]
    bind: BindText,
    bind_dn: Option<BindDn>,
    password_file: Option<FilePath>,
    client_cert: Option<PathBuf>,
    client_key: Option<FilePath>,
    keytab: Option<FilePath>,
    principal: Option<PrincipalName>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    allow_plaintext: bool,
    #[serde(default = "connections")]
    connections: NonZeroUsize,
    #[serde(default = "one_second", deserialize_with = "values::positive_duration")]
    connect_timeout: Duration,
    #[serde(default = "one_second", deserialize_with = "values::positive_duration")]
    search_timeout: Duration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum BindText {
    #[default]
    Simple,
    External,
    Gssapi,
}

impl BindText {
    const fn label(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::External => "external",
            Self::Gssapi => "gssapi",
        }
    }

    /// The two keys that belong to it.
    const fn keys(self) -> [&'static str; 2] {
        match self {
            Self::Simple => ["bind-dn", "password-file"],
            Self::External => ["client-cert", "client-key"],
            Self::Gssapi => ["keytab", "principal"],
        }
    }
}

impl LdapFile {
    /// Puts together what belongs together.
    ///
    /// # Errors
    /// What is missing, too much, or cannot be combined.
    pub(super) fn resolve(
        self,
        surroundings: Surroundings<'_>,
        fault: &dyn Fn(&str, &str) -> ConfigError,
    ) -> Result<Ldap, ConfigError> {
        if self.urls.is_empty() {
            return Err(fault(
                "[domain.ldap] urls is empty",
                "name a server such as \"ldaps://dc1.lab.example\"",
            ));
        }
        self.check_keys(fault)?;
        let urls: Vec<LdapUrl> =
            self.urls.into_iter().map(|text| text.with_plaintext(self.allow_plaintext)).collect();
        if self.bind != BindText::Simple && urls.iter().any(|url| url.security == LdapSecurity::Plaintext) {
            return Err(fault(
                &format!("[domain.ldap] bind = \"{}\" without TLS", self.bind.label()),
                "use ldaps://, or leave out allow-plaintext",
            ));
        }
        let secret =
            |path: FilePath| path.resolve(surroundings).map_err(|problem| fault(&problem, CREDENTIAL_MEND));
        // One of these has both; that the others have none was checked.
        let bind = if let (Some(BindDn(dn)), Some(password)) = (self.bind_dn, self.password_file) {
            Bind::Simple { dn, password: secret(password)? }
        } else if let (Some(certificate), Some(key)) = (self.client_cert, self.client_key) {
            Bind::External { certificate, key: secret(key)? }
        } else if let (Some(keytab), Some(PrincipalName(principal))) = (self.keytab, self.principal) {
            Bind::Gssapi { keytab: secret(keytab)?, principal }
        } else {
            return Err(fault("[domain.ldap] names nobody to bind as", "add bind-dn and password-file"));
        };
        Ok(Ldap {
            urls,
            bind,
            ca_file: self.ca_file,
            connections: self.connections,
            connect_timeout: self.connect_timeout,
            search_timeout: self.search_timeout,
        })
    }

    /// Both keys of the bind that is chosen have to be there, and none of another.
    fn check_keys(&self, fault: &dyn Fn(&str, &str) -> ConfigError) -> Result<(), ConfigError> {
        let written = [
            (BindText::Simple, [self.bind_dn.is_some(), self.password_file.is_some()]),
            (BindText::External, [self.client_cert.is_some(), self.client_key.is_some()]),
            (BindText::Gssapi, [self.keytab.is_some(), self.principal.is_some()]),
        ];
        let chosen = self.bind.label();
        let (own, others): (Vec<_>, Vec<_>) = written.into_iter().partition(|(bind, _)| *bind == self.bind);
        // What is too much says more of what is meant than what is missing.
        for (other, are_there) in others {
            let stray = other.keys().into_iter().zip(are_there).find(|(_, is_there)| *is_there);
            if let Some((key, _)) = stray {
                let other = other.label();
                return Err(fault(
                    &format!("[domain.ldap] {key} is of bind = \"{other}\", and bind is \"{chosen}\""),
                    &format!("leave {key} out, or write bind = \"{other}\""),
                ));
            }
        }
        for (bind, are_there) in own {
            let [one, two] = bind.keys();
            let missing = [one, two].into_iter().zip(are_there).find(|(_, is_there)| !is_there);
            if let Some((key, _)) = missing {
                return Err(fault(
                    &format!("[domain.ldap] bind is \"{chosen}\" and {key} is missing"),
                    &format!("add {one} and {two}"),
                ));
            }
        }
        if self.bind == BindText::Gssapi && !cfg!(feature = "gssapi") {
            return Err(fault(
                "[domain.ldap] bind = \"gssapi\" is not built into this program",
                "build it with `--features gssapi`, or bind in another way",
            ));
        }
        Ok(())
    }
}

/// Why these domains cannot be served by one process, and the mend: MIT's library takes the keytab for its tickets
/// from the environment, so there can be one.
pub(super) fn contradiction<'a>(ldaps: impl IntoIterator<Item = &'a Ldap>) -> Option<(String, &'static str)> {
    let mut keytabs = ldaps.into_iter().filter_map(|ldap| match &ldap.bind {
        Bind::Gssapi { keytab, .. } => Some(keytab.path()),
        Bind::Simple { .. } | Bind::External { .. } => None,
    });
    let first: &Path = keytabs.next()?;
    let other = keytabs.find(|keytab| *keytab != first)?;
    Some((
        format!(
            "[domain.ldap] keytab is {} in one domain and {} in another",
            first.display(),
            other.display()
        ),
        "put the keys of both accounts into one keytab (`ktutil`) and name it in both",
    ))
}

fn connections() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(3)
}

fn one_second() -> Duration {
    Duration::from_secs(1)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Directory};
    use super::*;

    fn parse(ldap: &str) -> Result<Ldap, String> {
        let text = format!(
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.ldap]\nurls = [\"ldaps://x\"]\n{ldap}\n"
        );
        let surroundings = Surroundings {
            file: Path::new("tgtx.toml"),
            credentials_directory: Some(Path::new("/run/credentials/tgtx")),
        };
        let config = Config::parse(&text, surroundings).map_err(|error| error.to_string())?;
        match config.domains.into_iter().next().map(|domain| domain.directory) {
            Some(Directory::Ldap(ldap)) => Ok(ldap),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn a_bind_is_simple_unless_another_is_chosen() {
        let simple = Bind::Simple { dn: "CN=x".to_owned(), password: SecretFile::Path("p".into()) };
        for bind in ["", "bind = \"simple\"\n"] {
            let ldap = parse(&format!("{bind}bind-dn = \"CN=x\"\npassword-file = \"p\"")).unwrap();
            assert_eq!(ldap.bind, simple);
        }
        let external = "bind = \"external\"\nclient-cert = \"c.pem\"\nclient-key = \"credential:ldap-key\"";
        let key = SecretFile::Credential("/run/credentials/tgtx/ldap-key".into());
        assert_eq!(parse(external).unwrap().bind, Bind::External { certificate: "c.pem".into(), key });
    }

    #[test]
    fn keys_that_do_not_belong_together_are_refused_with_a_mend() {
        let external = "client-cert = \"c\"\nclient-key = \"k\"\n";
        let cases = [
            ("", "bind is \"simple\" and bind-dn is missing; add bind-dn and password-file"),
            ("bind-dn = \"CN=x\"", "bind is \"simple\" and password-file is missing"),
            (
                "bind = \"external\"\nclient-cert = \"c\"",
                "client-key is missing; add client-cert and client-key",
            ),
            (external, "client-cert is of bind = \"external\", and bind is \"simple\""),
            ("bind = \"gssapi\"\nkeytab = \"k\"", "principal is missing; add keytab and principal"),
            ("bind = \"gsapi\"", "did you mean \"gssapi\"?"),
            ("bind = \"gssapi\"\nkeytab = \"k\"\nprincipal = \"tgtx\"", "write NAME@REALM"),
        ];
        for (ldap, expected) in cases {
            let fault = parse(ldap).unwrap_err();
            assert!(fault.contains(expected), "{ldap}: {fault}");
        }
        let mixed = parse(&format!("bind = \"external\"\n{external}bind-dn = \"CN=x\"")).unwrap_err();
        assert!(mixed.ends_with("leave bind-dn out, or write bind = \"simple\""), "{mixed}");
    }

    #[test]
    fn nobody_is_proven_by_certificate_or_ticket_without_tls() {
        let external =
            "bind = \"external\"\nclient-cert = \"c\"\nclient-key = \"k\"\nallow-plaintext = true\n";
        assert!(parse(external).is_ok(), "ldaps:// is TLS whatever is allowed");
        let text = format!(
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\n[domain.ldap]\nurls = [\"ldap://x\"]\n{external}"
        );
        let surroundings = Surroundings { file: Path::new("tgtx.toml"), credentials_directory: None };
        let fault = Config::parse(&text, surroundings).unwrap_err().to_string();
        assert!(fault.contains("without TLS; use ldaps://, or leave out allow-plaintext"), "{fault}");
    }

    #[test]
    #[cfg(not(feature = "gssapi"))]
    fn what_is_not_built_in_is_said() {
        let fault = parse("bind = \"gssapi\"\nkeytab = \"k\"\nprincipal = \"tgtx@X\"").unwrap_err();
        assert!(fault.contains("build it with `--features gssapi`"), "{fault}");
    }

    #[test]
    fn the_keytab_for_tickets_is_one() {
        let ldap = |keytab: &str| Ldap {
            urls: Vec::new(),
            bind: Bind::Gssapi { keytab: SecretFile::Path(keytab.into()), principal: "tgtx@X".to_owned() },
            ca_file: None,
            connections: connections(),
            connect_timeout: one_second(),
            search_timeout: one_second(),
        };
        assert_eq!(contradiction(&[ldap("a"), ldap("a")]), None);
        let (problem, _) = contradiction(&[ldap("a"), ldap("b")]).unwrap();
        assert_eq!(problem, "[domain.ldap] keytab is a in one domain and b in another");
    }
}
