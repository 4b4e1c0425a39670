//! TLS with the meaning that libpq gives `sslmode` (PostgreSQL manual, "SSL Support").

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::config::{ConfigError, Pem, SslMode, TlsOptions};

/// Builds the TLS configuration of a pool; reads the certificate files.
pub(crate) fn client_config(options: &TlsOptions) -> Result<Arc<ClientConfig>, ConfigError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| certificate_error("sslmode", error))?;
    let has_roots = options.root_certificate.is_some();
    let builder = match options.mode {
        SslMode::VerifyFull => builder.with_webpki_verifier(
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots(options)?), provider)
                .build()
                .map_err(|error| certificate_error("sslrootcert", error))?,
        ),
        // libpq: with a root certificate file, `require` checks the chain as `verify-ca` does.
        SslMode::VerifyCa | SslMode::Require if has_roots || options.mode == SslMode::VerifyCa => {
            let roots = Some(roots(options)?);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(LooseVerifier { roots, provider }))
        }
        _ => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(LooseVerifier {
                roots: None,
                provider,
            })),
    };
    let config = match &options.client_identity {
        Some((certificate, key)) => builder
            .with_client_auth_cert(certificates("sslcert", certificate)?, private_key(key)?)
            .map_err(|error| certificate_error("sslcert", error))?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn roots(options: &TlsOptions) -> Result<RootCertStore, ConfigError> {
    let mut store = RootCertStore::empty();
    match &options.root_certificate {
        Some(pem) => {
            for certificate in certificates("sslrootcert", pem)? {
                store
                    .add(certificate)
                    .map_err(|error| certificate_error("sslrootcert", error))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(store)
}

fn certificates(
    name: &'static str,
    pem: &Pem,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    match pem {
        Pem::File(path) => CertificateDer::pem_file_iter(path).and_then(Iterator::collect),
        Pem::Text(text) => CertificateDer::pem_slice_iter(text.as_bytes()).collect(),
    }
    .map_err(|error| pem_error(name, pem, error))
}

fn private_key(pem: &Pem) -> Result<PrivateKeyDer<'static>, ConfigError> {
    match pem {
        Pem::File(path) => PrivateKeyDer::from_pem_file(path),
        Pem::Text(text) => PrivateKeyDer::from_pem_slice(text.as_bytes()),
    }
    .map_err(|error| pem_error("sslkey", pem, error))
}

fn pem_error(name: &'static str, pem: &Pem, error: impl std::fmt::Display) -> ConfigError {
    match pem {
        Pem::File(path) => certificate_error(name, format!("{}: {error}", path.display())),
        Pem::Text(_) => certificate_error(name, error),
    }
}

fn certificate_error(name: &'static str, reason: impl std::fmt::Display) -> ConfigError {
    ConfigError::Certificate {
        name,
        reason: reason.to_string(),
    }
}

/// Checks the chain but not the host name, or nothing: what `verify-ca`, `require` and `prefer` ask.
#[derive(Debug)]
struct LooseVerifier {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for LooseVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(certificate)?,
                roots,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
