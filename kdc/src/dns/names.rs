//! Names of SRV records ([MS-ADTS] 6.3.2.3), in lower case and without a dot at the end.

/// The domain controllers that are KDCs: what SSPI looks up where it knows no site.
#[must_use]
pub fn domain_kdcs(domain: &str) -> String {
    lower(&format!("_kerberos._tcp.dc._msdcs.{domain}"))
}

/// Those of one site: what SSPI looks up first.
#[must_use]
pub fn site_kdcs(site: &str, domain: &str) -> String {
    lower(&format!("_kerberos._tcp.{site}._sites.dc._msdcs.{domain}"))
}

/// The domain controllers that are LDAP servers: every one of them, and no instance of this daemon.
#[must_use]
pub fn domain_ldap_servers(domain: &str) -> String {
    lower(&format!("_ldap._tcp.dc._msdcs.{domain}"))
}

/// Those of one site.
#[must_use]
pub fn site_ldap_servers(site: &str, domain: &str) -> String {
    lower(&format!("_ldap._tcp.{site}._sites.dc._msdcs.{domain}"))
}

/// The servers of a Kerberos service over one transport (RFC 4120 §7.2.3.2): `kerberos` or `kpasswd`, `tcp` or `udp`.
#[must_use]
pub fn service(service: &str, transport: &str, domain: &str) -> String {
    lower(&format!("_{service}._{transport}.{domain}"))
}

/// The KDCs of one site, over TCP.
#[must_use]
pub fn site_service(site: &str, domain: &str) -> String {
    lower(&format!("_kerberos._tcp.{site}._sites.{domain}"))
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}
