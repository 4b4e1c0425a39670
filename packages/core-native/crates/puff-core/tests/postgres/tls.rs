//! `sslmode`, against a TLS end in front of the test server.

use std::path::PathBuf;
use std::sync::Arc;

use puff_core::postgres::{ConfigError, Error, Pool, PoolConfig, PoolOptions};
use puff_core::runtime;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::{database_url, run, text};

/// A certificate authority and what it signed, as files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory =
            std::env::temp_dir().join(format!("puff-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("root.pem"), issuer.pem()).unwrap();
        Authority { issuer, directory }
    }

    fn root(&self) -> String {
        self.directory.join("root.pem").display().to_string()
    }

    /// Writes certificate and key of a client and returns their parameters.
    fn client(&self) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["client".into()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (certificate_file, key_file) = (
            self.directory.join("client.pem"),
            self.directory.join("client.key"),
        );
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        format!(
            "sslcert={}&sslkey={}",
            certificate_file.display(),
            key_file.display()
        )
    }

    fn server(&self, host: &str, asks_clients: bool) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.into()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks_clients {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // What is left in the temporary directory does no harm.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Starts a TLS end in front of the test server, or one that offers none, and returns its port.
fn front(config: Option<ServerConfig>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let acceptor = config.map(|config| TlsAcceptor::from(Arc::new(config)));
    runtime::spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((client, _)) = listener.accept().await {
            runtime::spawn(serve(client, acceptor.clone()));
        }
    });
    port
}

async fn serve(mut client: TcpStream, acceptor: Option<TlsAcceptor>) {
    let mut server = TcpStream::connect(server_address()).await.unwrap();
    let mut request = [0; 8];
    client.peek(&mut request).await.unwrap();
    // SSLRequest: its length, then 1234 and 5679.
    if request != [0, 0, 0, 8, 4, 210, 22, 47] {
        let _ = copy_bidirectional(&mut client, &mut server).await;
        return;
    }
    client.read_exact(&mut request).await.unwrap();
    match acceptor {
        Some(acceptor) => {
            client.write_all(b"S").await.unwrap();
            if let Ok(mut client) = acceptor.accept(client).await {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        }
        None => {
            client.write_all(b"N").await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    }
}

/// Host and port of the test server.
fn server_address() -> String {
    let url = database_url();
    let rest = url.rsplit_once('@').unwrap().1;
    rest.split_once('/').unwrap().0.to_owned()
}

/// The test server's URL with another address and these parameters.
fn url(host: &str, port: u16, parameters: &str) -> String {
    let url = database_url();
    url.replace(&server_address(), &format!("{host}:{port}")) + "?" + parameters
}

fn connect(url: String) -> Result<String, Error> {
    let config = PoolConfig::new(PoolOptions {
        url,
        ..PoolOptions::default()
    })?;
    let pool = Pool::new(config)?;
    let answer = run(&pool, "select 'connected'", &[]);
    answer.map(|answer| text(Ok(answer)))
}

#[test]
fn require_encrypts_and_trusts_anybody() {
    let authority = Authority::new("require");
    let port = front(Some(authority.server("localhost", false)));
    assert_eq!(
        connect(url("127.0.0.1", port, "sslmode=require")).unwrap(),
        "connected"
    );
}

#[test]
fn verify_ca_wants_the_authority_and_verify_full_the_name_too() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let port = front(Some(ours.server("localhost", false)));
    for (mode, host, root, is_accepted) in [
        ("verify-full", "localhost", ours.root(), true),
        ("verify-full", "127.0.0.1", ours.root(), false),
        ("verify-full", "localhost", other.root(), false),
        ("verify-ca", "127.0.0.1", ours.root(), true),
        ("verify-ca", "localhost", other.root(), false),
        ("require", "127.0.0.1", other.root(), false),
    ] {
        let result = connect(url(
            host,
            port,
            &format!("sslmode={mode}&sslrootcert={root}"),
        ));
        match result {
            Ok(_) => assert!(is_accepted, "{mode} on {host} must be refused"),
            Err(Error::Refused { reason, .. }) => {
                assert!(!is_accepted, "{mode} on {host}: {reason}");
                assert!(reason.starts_with("TLS:"), "{reason}");
            }
            Err(error) => panic!("{mode} on {host}: {error}"),
        }
    }
}

#[test]
fn prefer_takes_what_there_is_and_require_insists() {
    let port = front(None);
    assert_eq!(
        connect(url("127.0.0.1", port, "sslmode=prefer")).unwrap(),
        "connected"
    );
    assert_eq!(
        connect(url("127.0.0.1", port, "sslmode=disable")).unwrap(),
        "connected"
    );
    let error = connect(url("127.0.0.1", port, "sslmode=require")).unwrap_err();
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason.contains("does not offer TLS"))
    );
}

#[test]
fn client_certificates_are_shown_to_servers_that_ask() {
    let authority = Authority::new("client");
    let port = front(Some(authority.server("localhost", true)));
    let shown = format!("sslmode=require&{}", authority.client());
    assert_eq!(
        connect(url("127.0.0.1", port, &shown)).unwrap(),
        "connected"
    );
    assert!(connect(url("127.0.0.1", port, "sslmode=require")).is_err());
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let error = connect(url(
        "127.0.0.1",
        1,
        "sslmode=verify-ca&sslrootcert=/no/such.pem",
    ));
    assert!(matches!(
        error,
        Err(Error::Config(ConfigError::Certificate { name: "sslrootcert", reason })) if reason.contains("/no/such.pem")
    ));
}
