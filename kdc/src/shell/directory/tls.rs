//! The TLS side of an LDAP connection: whom we trust, what we show of ourselves, and nothing weaker than TLS 1.2.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// The client configuration that trusts the certificates in `authorities` (PEM), or those of the system's store.
///
/// The cryptography is ring's by name: a process-wide default provider would depend on what else is linked.
///
/// # Errors
/// A store that holds no certificate or one that cannot be read.
pub fn client_config(authorities: Option<&[u8]>) -> Result<Arc<ClientConfig>, TlsError> {
    trusting(roots(authorities)?, None).map_err(TlsError::Provider)
}

/// The certificates in `authorities` (PEM), or those of the system's store.
///
/// # Errors
/// As [`client_config`].
pub fn roots(authorities: Option<&[u8]>) -> Result<RootCertStore, TlsError> {
    match authorities {
        Some(pem) => roots_in(pem),
        None => system_roots(),
    }
}

/// The client configuration that trusts these certificates and shows `identity`.
///
/// # Errors
/// The identity's key is not that of its certificate, or of no use.
pub fn trusting(
    roots: RootCertStore,
    identity: Option<Identity>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match identity {
        Some(Identity { chain, key }) => config.with_client_auth_cert(chain, key)?,
        None => config.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// What we show of ourselves to a server that asks for it.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads our certificate, with those behind it that lead to an authority the servers trust, and its key, both PEM.
    ///
    /// # Errors
    /// [`IdentityError`]
    pub fn read(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| IdentityError::Certificate(error.to_string()))?;
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| IdentityError::Key(error.to_string()))?;
        Ok(Self { chain, key })
    }

    /// The certificates; where these are the same the key is too.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }
}

/// A client certificate that cannot be used. Static, as [`TlsError`] is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A certificate in the file does not parse.
    #[error("holds a certificate that cannot be read ({0}); save it in PEM form")]
    Certificate(String),
    /// No certificate in the file.
    #[error("holds no certificate; save ours in PEM form, and behind it those that lead to its authority")]
    NoCertificate,
    /// The key does not parse.
    #[error("holds no key that can be read ({0}); save it in PEM form, without a passphrase")]
    Key(String),
    /// The two do not belong together, or are of a kind that TLS has no use for.
    #[error(
        "cannot be used with the key in client-key ({0}); name the key that the certificate was made for"
    )]
    Unusable(#[source] rustls::Error),
}

fn roots_in(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| TlsError::Invalid(error.to_string()))?;
        roots.add(certificate).map_err(|error| TlsError::Invalid(error.to_string()))?;
    }
    if roots.is_empty() { Err(TlsError::Empty) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // The system's store may hold certificates that webpki cannot read; one of those is no reason to refuse the
    // rest.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() { Err(TlsError::NoSystemStore) } else { Ok(roots) }
}

/// A trust store that cannot be used. Static: it is found before any connection is made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate in the file does not parse.
    #[error(
        "ca-file holds a certificate that cannot be read ({0}); save the authority's certificate in PEM form"
    )]
    Invalid(String),
    /// No certificate in the file.
    #[error("ca-file holds no certificate; save the authority's certificate in PEM form")]
    Empty,
    /// The system trusts nobody.
    #[error("the system's certificate store is empty; name the authority's certificate as ca-file")]
    NoSystemStore,
    /// The cryptographic provider refuses our protocol versions.
    #[error("TLS cannot be set up: {0}")]
    Provider(#[source] rustls::Error),
}

/// What an administrator mends when `host`'s certificate was refused, or `None` if `error` is not about TLS.
pub(super) fn mend(error: &io::Error, host: &str) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is of an authority that is not trusted here: name that authority's certificate as ca-file"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            format!(
                "its certificate does not name {host} as subjectAltName (the one that Samba makes for itself names \
                 nobody): use the name in the certificate, or give the server one that names it"
            )
        }
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired: renew it, or set the clock".to_owned()
        }
        rustls::Error::InvalidCertificate(reason) => {
            format!("its certificate is refused ({reason}): replace it, or check ca-file")
        }
        other => format!("TLS failed ({other}): does this port speak TLS?"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_told_from_a_broken_one() {
        assert!(matches!(client_config(Some(b"no certificate here")), Err(TlsError::Empty)));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(client_config(Some(broken)), Err(TlsError::Invalid(_))));
    }

    #[test]
    fn a_client_certificate_needs_its_key() {
        let fault = |certificate: &[u8], key: &[u8]| Identity::read(certificate, key).err();
        assert!(matches!(fault(b"nothing", b""), Some(IdentityError::NoCertificate)));
        let certificate = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(fault(certificate, b"nothing"), Some(IdentityError::Key(_))));
        let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let identity = Identity::read(certificate, key).unwrap();
        assert!(trusting(RootCertStore::empty(), Some(identity)).is_err());
    }

    #[test]
    fn a_refused_certificate_says_what_to_mend() {
        let cases = [
            (CertificateError::UnknownIssuer, "ca-file"),
            (CertificateError::NotValidForName, "subjectAltName"),
            (CertificateError::Expired, "expired"),
            (CertificateError::Revoked, "refused"),
        ];
        for (reason, expected) in cases {
            let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(reason));
            let mend = mend(&error, "dc1.lab.example").unwrap();
            assert!(mend.contains(expected), "{mend}");
        }
        assert_eq!(mend(&io::Error::from(io::ErrorKind::ConnectionRefused), "dc1"), None);
    }
}
