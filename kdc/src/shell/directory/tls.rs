//! The TLS side of an LDAP connection: whom we trust, and nothing weaker than TLS 1.2.

use std::io;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// The client configuration that trusts the certificates in `authorities` (PEM), or those of the system's store.
///
/// The cryptography is ring's by name: a process-wide default provider would depend on what else is linked.
///
/// # Errors
/// A store that holds no certificate or one that cannot be read.
pub fn client_config(authorities: Option<&[u8]>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match authorities {
        Some(pem) => roots_in(pem)?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Provider)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
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
