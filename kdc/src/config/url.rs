//! LDAP server addresses: `ldaps://HOST[:PORT]` and `ldap://HOST[:PORT]`.

use std::fmt;

use super::host_port::HostPort;

/// One directory server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapUrl {
    /// How the connection is protected.
    pub security: LdapSecurity,
    /// Where it is, over TCP.
    pub server: HostPort,
}

/// As it is written, the port always with it.
impl fmt::Display for LdapUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.security == LdapSecurity::Tls { "ldaps" } else { "ldap" };
        write!(f, "{scheme}://{}", self.server)
    }
}

/// How a connection to a directory server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LdapSecurity {
    /// TLS from the first octet (`ldaps://`).
    Tls,
    /// StartTLS before anything else (`ldap://`).
    StartTls,
    /// Not at all: `ldap://` with `allow-plaintext`, for labs.
    Plaintext,
}

/// A URL as written, before it is known what `ldap://` is to mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LdapUrlText {
    tls: bool,
    server: HostPort,
}

impl LdapUrlText {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // What stands before it may be a password, so it is not said again.
        if text.contains('@') {
            return Err(
                "an LDAP URL has no user; write ldaps://HOST, and bind-dn and password-file beside urls"
                    .to_owned(),
            );
        }
        let fault = |problem: &str| {
            format!("`{text}` {problem}; write ldaps://HOST or ldap://HOST, with :PORT where it is another")
        };
        let (tls, rest) = if let Some(rest) = text.strip_prefix("ldaps://") {
            (true, rest)
        } else if let Some(rest) = text.strip_prefix("ldap://") {
            (false, rest)
        } else {
            return Err(fault("is no LDAP URL"));
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let server = HostPort::parse(authority, if tls { 636 } else { 389 }).map_err(fault)?;
        Ok(Self { tls, server })
    }

    pub(super) fn with_plaintext(self, allow_plaintext: bool) -> LdapUrl {
        let security = match (self.tls, allow_plaintext) {
            (true, _) => LdapSecurity::Tls,
            (false, false) => LdapSecurity::StartTls,
            (false, true) => LdapSecurity::Plaintext,
        };
        LdapUrl { security, server: self.server }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_and_ports() {
        let cases = [
            ("ldaps://dc1.lab.example", true, "dc1.lab.example", 636),
            ("ldap://dc1.lab.example/", false, "dc1.lab.example", 389),
            ("ldaps://192.0.2.1:1636", true, "192.0.2.1", 1636),
            ("ldap://[2001:db8::1]", false, "2001:db8::1", 389),
            ("ldaps://[2001:db8::1]:1636", true, "2001:db8::1", 1636),
        ];
        for (text, tls, host, port) in cases {
            let server = HostPort { host: host.to_owned(), port };
            assert_eq!(LdapUrlText::parse(text), Ok(LdapUrlText { tls, server }), "{text}");
        }
    }

    #[test]
    fn servers_are_named_by_their_urls() {
        let cases = [
            (LdapSecurity::Tls, "dc1.lab.example", 636, "ldaps://dc1.lab.example:636"),
            (LdapSecurity::StartTls, "192.0.2.1", 389, "ldap://192.0.2.1:389"),
            (LdapSecurity::Plaintext, "2001:db8::1", 389, "ldap://[2001:db8::1]:389"),
        ];
        for (security, host, port, url) in cases {
            let server = HostPort { host: host.to_owned(), port };
            assert_eq!(LdapUrl { security, server }.to_string(), url);
        }
    }

    #[test]
    fn refuses_what_is_no_ldap_server() {
        let texts = [
            "",
            "dc1",
            "http://dc1",
            "ldaps://",
            "ldaps://dc1:0",
            "ldaps://dc1:99999",
            "ldaps://dc1:x",
            "ldap://a b",
            "ldap://user@dc1",
            "ldap://dc1/dc=x",
            "ldap://[::1",
            "ldap://[dc1]",
            "ldap://[::1]x",
            "ldap://2001:db8::1",
        ];
        for text in texts {
            assert!(LdapUrlText::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn plain_ldap_is_start_tls_unless_plaintext_is_allowed() {
        let security = |text: &str, allow| LdapUrlText::parse(text).unwrap().with_plaintext(allow).security;
        assert_eq!(security("ldap://dc1", false), LdapSecurity::StartTls);
        assert_eq!(security("ldap://dc1", true), LdapSecurity::Plaintext);
        assert_eq!(security("ldaps://dc1", true), LdapSecurity::Tls);
    }
}
