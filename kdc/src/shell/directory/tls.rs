//! The TLS side of an LDAP connection: whom we trust, and nothing weaker than TLS 1.2.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// The client configuration that trusts the certificates in `ca_file`, or those of the system's store.
///
/// The cryptography is ring's by name: a process-wide default provider would depend on what else is linked.
///
/// # Errors
/// A store that cannot be read or holds no certificate; the message names the file.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match ca_file {
        Some(path) => roots_in(path)?,
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

fn roots_in(path: &Path) -> Result<RootCertStore, TlsError> {
    #[expect(clippy::disallowed_methods, reason = "the shell reads the file that the configuration names")]
    let pem = std::fs::read(path).map_err(|error| TlsError::Unreadable { path: path.to_owned(), error })?;
    let invalid = |problem| TlsError::Invalid { path: path.to_owned(), problem };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
        roots.add(certificate).map_err(|error| invalid(error.to_string()))?;
    }
    if roots.is_empty() { Err(TlsError::Empty(path.to_owned())) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // The system's store may hold certificates that webpki cannot read; one of those is no reason to refuse the rest.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() { Err(TlsError::NoSystemStore) } else { Ok(roots) }
}

/// A trust store that cannot be used. Static: it is found before any connection is made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be opened or read.
    #[error("{}: {error}; give ca-file a readable PEM file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A certificate in the file does not parse.
    #[error("{}: {problem}; give ca-file the certification authority's certificate in PEM form", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with the certificate.
        problem: String,
    },
    /// No certificate in the file.
    #[error("{}: no certificate in it; give ca-file the certification authority's in PEM form", .0.display())]
    Empty(PathBuf),
    /// The system trusts nobody.
    #[error("the system's certificate store is empty; name the certification authority's certificate as ca-file")]
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
    fn a_missing_or_empty_ca_file_is_named() {
        let directory = std::env::temp_dir();
        let missing = directory.join("tgtx-no-such-ca.pem");
        let error = client_config(Some(&missing)).unwrap_err().to_string();
        assert!(error.contains("tgtx-no-such-ca.pem") && error.contains("ca-file"), "{error}");

        let empty = directory.join(format!("tgtx-empty-ca-{}.pem", std::process::id()));
        std::fs::write(&empty, "no certificate here\n").unwrap();
        let error = client_config(Some(&empty)).unwrap_err();
        assert!(matches!(error, TlsError::Empty(_)), "{error}");
        std::fs::remove_file(empty).unwrap();
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
