//! TLS: the server's certificate, which is read again when its files change.

use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use puff_core::runtime;
use rustls::ServerConfig as RustlsConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::config::TlsFiles;
use super::server::ServerError;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Speaks TLS with the certificate in some files.
///
/// # Errors
/// The files cannot be read, or do not belong together.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ServerError> {
    let refuse = |reason: String| ServerError::Certificate { reason };
    let certificate = Arc::new(Certificate {
        current: RwLock::new(read(files).map_err(refuse)?),
    });
    let mut config = RustlsConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(certificate.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    runtime::spawn(watch(files.clone(), Arc::downgrade(&certificate)));
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[derive(Debug)]
struct Certificate {
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read();
        Some(current.unwrap_or_else(|poison| poison.into_inner()).clone())
    }
}

async fn watch(files: TlsFiles, certificate: std::sync::Weak<Certificate>) {
    let mut seen = times(&files);
    loop {
        sleep(LOOK_EVERY).await;
        let Some(certificate) = certificate.upgrade() else {
            return;
        };
        let now = times(&files);
        if now != seen {
            // Files that do not belong together yet are read again when the other one has changed.
            if let Err(reason) = certificate.read_again(&files) {
                eprintln!("next-puff: the certificate stays what it was: {reason}");
            }
            seen = now;
        }
    }
}

impl Certificate {
    fn read_again(&self, files: &TlsFiles) -> Result<(), String> {
        let new = read(files)?;
        *self
            .current
            .write()
            .unwrap_or_else(|poison| poison.into_inner()) = new;
        Ok(())
    }
}

fn times(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    let changed = |path: &Path| std::fs::metadata(path).ok()?.modified().ok();
    [changed(&files.certificate), changed(&files.key)]
}

fn read(files: &TlsFiles) -> Result<Arc<CertifiedKey>, String> {
    let refuse =
        |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(&files.certificate, &error))?;
    if chain.is_empty() {
        return Err(refuse(&files.certificate, &"there is no certificate in it"));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| refuse(&files.key, &error))?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|error| refuse(&files.key, &error))?;
    Ok(Arc::new(certified))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn write(files: &TlsFiles) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
    }

    #[test]
    fn files_that_belong_together_replace_the_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        write(&files);
        let certificate = Certificate {
            current: RwLock::new(read(&files).unwrap()),
        };
        let current = || certificate.current.read().unwrap().cert[0].clone();
        let first = current();
        let key = fs::read(&files.key).unwrap();
        write(&files);
        certificate.read_again(&files).unwrap();
        let second = current();
        assert_ne!(first, second);
        // Half of a change.
        fs::write(&files.key, key).unwrap();
        let error = certificate.read_again(&files).unwrap_err();
        assert!(error.contains("key.pem"), "{error}");
        fs::write(&files.certificate, "nothing").unwrap();
        let error = certificate.read_again(&files).unwrap_err();
        assert!(error.contains("certificate.pem"), "{error}");
        assert_eq!(current(), second);
    }
}
