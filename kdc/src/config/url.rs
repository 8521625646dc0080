//! LDAP server addresses: `ldaps://HOST[:PORT]` and `ldap://HOST[:PORT]`.

/// One directory server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapUrl {
    /// How the connection is protected.
    pub security: LdapSecurity,
    /// DNS name or address; an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
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
    host: String,
    port: u16,
}

impl LdapUrlText {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
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
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (address, after) =
                    bracketed.split_once(']').ok_or_else(|| fault("has an unclosed bracket"))?;
                if address.parse::<std::net::Ipv6Addr>().is_err() {
                    return Err(fault("has no IPv6 address between its brackets"));
                }
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err(fault("has something after its bracket")),
                };
                (address, port)
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let is_name = |character: char| character.is_ascii_alphanumeric() || "-._:".contains(character);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(fault("has no valid host name"));
        }
        let port = match port {
            None if tls => 636,
            None => 389,
            Some(text) => {
                text.parse().ok().filter(|&port| port != 0).ok_or_else(|| fault("has no valid port"))?
            }
        };
        Ok(Self { tls, host: host.to_owned(), port })
    }

    pub(super) fn with_plaintext(self, allow_plaintext: bool) -> LdapUrl {
        let security = match (self.tls, allow_plaintext) {
            (true, _) => LdapSecurity::Tls,
            (false, false) => LdapSecurity::StartTls,
            (false, true) => LdapSecurity::Plaintext,
        };
        LdapUrl { security, host: self.host, port: self.port }
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
            assert_eq!(
                LdapUrlText::parse(text),
                Ok(LdapUrlText { tls, host: host.to_owned(), port }),
                "{text}"
            );
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
