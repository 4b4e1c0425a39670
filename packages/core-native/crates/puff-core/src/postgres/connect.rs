//! From an endpoint to a session that is ready for queries: dialing, TLS, authentication.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend as protocol;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::config::{Endpoint, PoolConfig, SslMode};
use super::error::{Error, ServerError};
use super::message::{Reader, frame_size, next_frame};
use crate::stream::Stream;

/// A session fresh from its start-up.
pub(crate) struct Established {
    pub(crate) stream: Stream,
    /// Bytes that came after the start-up's last message.
    pub(crate) read: BytesMut,
    pub(crate) cancel_key: CancelKey,
}

/// What a CancelRequest needs to name its session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CancelKey {
    pub(crate) process_id: i32,
    secret: i32,
}

/// How long a failed attempt to connect should keep others from trying.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Opens a session.
pub(crate) async fn connect(
    config: &PoolConfig,
    tls: &Arc<ClientConfig>,
    password: Option<Arc<str>>,
) -> Result<Established, Error> {
    let attempt = async {
        let stream = dial(config, tls).await?;
        start_up(config, password, stream).await
    };
    match tokio::time::timeout(config.connect_timeout, attempt).await {
        Ok(result) => result,
        Err(_) => Err(io_error(
            config,
            &io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer within {} ms", config.connect_timeout.as_millis()),
            ),
        )),
    }
}

/// Asks the server to stop what the session is doing, over a connection of its own; returns when the
/// server has taken the request, so that it cannot hit a later statement.
pub(crate) async fn cancel(
    config: &PoolConfig,
    tls: &Arc<ClientConfig>,
    key: CancelKey,
) -> Result<(), Error> {
    let attempt = async {
        let mut stream = dial(config, tls).await?;
        let mut buffer = BytesMut::new();
        protocol::cancel_request(key.process_id, key.secret, &mut buffer);
        let exchange = async {
            stream.write_all(&buffer).await?;
            stream.flush().await?;
            // The server signals its session before it closes this connection.
            stream.read_u8().await.map(drop).or_else(end_is_fine)
        };
        exchange.await.map_err(|error| io_error(config, &error))
    };
    match tokio::time::timeout(config.connect_timeout, attempt).await {
        Ok(result) => result,
        Err(_) => Err(unavailable(
            config,
            "the cancel request was not taken in time".into(),
        )),
    }
}

fn end_is_fine(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Ok(()),
        _ => Err(error),
    }
}

fn unavailable(config: &PoolConfig, reason: String) -> Error {
    Error::Unavailable {
        address: config.endpoint.to_string(),
        reason,
        retry_after: RETRY_AFTER,
        system_code: None,
        server: None,
    }
}

fn refused(config: &PoolConfig, reason: String, sqlstate: Option<String>) -> Error {
    Error::Refused {
        address: config.endpoint.to_string(),
        reason,
        sqlstate,
        server: None,
    }
}

fn io_error(config: &PoolConfig, error: &io::Error) -> Error {
    let text = error.to_string();
    let (system_code, reason) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            Some("ECONNREFUSED"),
            "connection refused, nothing listens there".into(),
        ),
        io::ErrorKind::UnexpectedEof => (
            None,
            "the server closed the connection during start-up".into(),
        ),
        io::ErrorKind::NotFound => (Some("ENOENT"), text),
        io::ErrorKind::PermissionDenied => (Some("EACCES"), text),
        io::ErrorKind::ConnectionReset => (Some("ECONNRESET"), text),
        io::ErrorKind::TimedOut => (Some("ETIMEDOUT"), text),
        io::ErrorKind::HostUnreachable => (Some("EHOSTUNREACH"), text),
        io::ErrorKind::NetworkUnreachable => (Some("ENETUNREACH"), text),
        // The standard library has no kind for it.
        _ if text.contains("failed to lookup address") => (Some("ENOTFOUND"), text),
        _ => (None, text),
    };
    Error::Unavailable {
        address: config.endpoint.to_string(),
        reason,
        retry_after: RETRY_AFTER,
        system_code,
        server: None,
    }
}

async fn dial(config: &PoolConfig, tls: &Arc<ClientConfig>) -> Result<Stream, Error> {
    match &config.endpoint {
        Endpoint::Unix { path } => UnixStream::connect(path)
            .await
            .map(Stream::Unix)
            .map_err(|error| io_error(config, &error)),
        Endpoint::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port))
                .await
                .map_err(|error| io_error(config, &error))?;
            stream
                .set_nodelay(true)
                .map_err(|error| io_error(config, &error))?;
            if let Some(idle) = config.keep_alive {
                socket2::SockRef::from(&stream)
                    .set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(idle))
                    .map_err(|error| io_error(config, &error))?;
            }
            negotiate_tls(config, tls, host, stream).await
        }
    }
}

async fn negotiate_tls(
    config: &PoolConfig,
    tls: &Arc<ClientConfig>,
    host: &str,
    mut stream: TcpStream,
) -> Result<Stream, Error> {
    if config.tls.mode == SslMode::Disable {
        return Ok(Stream::Tcp(stream));
    }
    let mut request = BytesMut::new();
    protocol::ssl_request(&mut request);
    let ask = async {
        stream.write_all(&request).await?;
        stream.read_u8().await
    };
    let answer = ask.await.map_err(|error| io_error(config, &error))?;
    if answer != b'S' {
        if config.tls.mode == SslMode::Prefer {
            return Ok(Stream::Tcp(stream));
        }
        let reason = "the server does not offer TLS, but sslmode asks for it".into();
        return Err(refused(config, reason, None));
    }
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| refused(config, format!("{host} is not a valid name for TLS"), None))?;
    TlsConnector::from(tls.clone())
        .connect(name, stream)
        .await
        .map(|stream| Stream::Tls(Box::new(stream)))
        .map_err(|error| refused(config, format!("TLS: {error}"), None))
}

/// Speaks the start-up phase, PostgreSQL manual section "Start-up".
async fn start_up(
    config: &PoolConfig,
    password: Option<Arc<str>>,
    stream: Stream,
) -> Result<Established, Error> {
    let mut startup = StartUp {
        config,
        password,
        stream,
        read: BytesMut::with_capacity(4096),
    };
    let timeout = config
        .statement_timeout
        .map(|timeout| timeout.as_millis().to_string());
    let mut parameters = vec![
        ("user", config.user.as_str()),
        ("database", config.database.as_str()),
        ("client_encoding", "UTF8"),
    ];
    if let Some(timeout) = &timeout {
        parameters.push(("statement_timeout", timeout));
    }
    match &config.parameters {
        Some(own) => parameters.extend(own.iter().map(|(name, value)| (&**name, &**value))),
        None => parameters.extend([
            ("application_name", config.application_name.as_str()),
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO"),
        ]),
    }
    startup
        .send(|buffer| protocol::startup_message(parameters, buffer))
        .await?;
    startup.authenticate().await?;
    let cancel_key = startup.await_ready().await?;
    Ok(Established {
        stream: startup.stream,
        read: startup.read,
        cancel_key,
    })
}

struct StartUp<'a> {
    config: &'a PoolConfig,
    password: Option<Arc<str>>,
    stream: Stream,
    read: BytesMut,
}

impl StartUp<'_> {
    async fn send(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), Error> {
        let mut buffer = BytesMut::new();
        write(&mut buffer).map_err(|error| refused(self.config, error.to_string(), None))?;
        let exchange = async {
            self.stream.write_all(&buffer).await?;
            self.stream.flush().await
        };
        exchange
            .await
            .map_err(|error| io_error(self.config, &error))
    }

    /// The next message that matters; an error of the server becomes ours.
    async fn receive(&mut self) -> Result<(u8, BytesMut), Error> {
        loop {
            let frame = next_frame(&self.read).map_err(|what| Error::Protocol(what.into()))?;
            if let Some(frame) = frame {
                let (tag, size) = (frame.tag, frame.size);
                let mut message = self.read.split_to(size);
                let body = message.split_off(5);
                match tag {
                    b'E' => return Err(self.server_error(&body)),
                    // NoticeResponse and ParameterStatus.
                    b'N' | b'S' => continue,
                    _ => return Ok((tag, body)),
                }
            }
            if let Some(size) = frame_size(&self.read) {
                self.read.reserve(size.min(65_536));
            }
            let read = self.stream.read_buf(&mut self.read).await;
            match read {
                Ok(0) => return Err(io_error(self.config, &io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) => return Err(io_error(self.config, &error)),
            }
        }
    }

    /// Sorts the server's refusals into those that pass and those that need a change.
    fn server_error(&self, body: &[u8]) -> Error {
        let error = Box::new(ServerError::parse(body));
        let reason = format!("{} (SQLSTATE {})", error.message, error.sqlstate);
        let address = self.config.endpoint.to_string();
        match error.sqlstate.as_str() {
            // Starting up, shutting down, crashed, out of connections or of memory.
            "57P01" | "57P02" | "57P03" | "53300" | "53200" | "53400" | "08006" | "08P01" => {
                Error::Unavailable {
                    address,
                    reason,
                    retry_after: RETRY_AFTER,
                    system_code: None,
                    server: Some(error),
                }
            }
            _ => Error::Refused {
                address,
                reason,
                sqlstate: Some(error.sqlstate.clone()),
                server: Some(error),
            },
        }
    }

    async fn authenticate(&mut self) -> Result<(), Error> {
        loop {
            let (tag, body) = self.receive().await?;
            if tag != b'R' {
                return Err(Error::Protocol(
                    "a message before authentication ended".into(),
                ));
            }
            let mut reader = Reader(&body);
            match reader.u32() {
                Some(0) => return Ok(()),
                Some(3) => {
                    let password = self.password()?;
                    self.send(|buffer| protocol::password_message(password.as_bytes(), buffer))
                        .await?;
                }
                Some(5) => {
                    let salt = reader.0.first_chunk::<4>().copied().unwrap_or_default();
                    let user = self.config.user.as_bytes();
                    let hash = md5_hash(user, self.password()?.as_bytes(), salt);
                    self.send(|buffer| protocol::password_message(hash.as_bytes(), buffer))
                        .await?;
                }
                Some(10) => self.authenticate_scram(reader.0).await?,
                other => {
                    let method = other.unwrap_or_default();
                    let reason = format!(
                        "it asks for authentication method {method}; supported are password, md5 and scram-sha-256"
                    );
                    return Err(refused(self.config, reason, None));
                }
            }
        }
    }

    fn password(&self) -> Result<Arc<str>, Error> {
        self.password.clone().ok_or_else(|| {
            refused(
                self.config,
                "it asks for a password and none was given".into(),
                None,
            )
        })
    }

    /// RFC 7677, without channel binding.
    async fn authenticate_scram(&mut self, mechanisms: &[u8]) -> Result<(), Error> {
        let mut names = mechanisms.split(|byte| *byte == 0);
        if !names.any(|name| name == SCRAM_SHA_256.as_bytes()) {
            let reason = "it offers no SASL mechanism but channel binding".into();
            return Err(refused(self.config, reason, None));
        }
        let binding = ChannelBinding::unsupported();
        let mut scram = ScramSha256::new(self.password()?.as_bytes(), binding);
        let first = scram.message().to_vec();
        self.send(|buffer| protocol::sasl_initial_response(SCRAM_SHA_256, &first, buffer))
            .await?;

        let challenge = self.receive_sasl(11).await?;
        scram
            .update(&challenge)
            .map_err(|error| self.scram_failed(&error))?;
        let second = scram.message().to_vec();
        self.send(|buffer| protocol::sasl_response(&second, buffer))
            .await?;

        let last = self.receive_sasl(12).await?;
        scram
            .finish(&last)
            .map_err(|error| self.scram_failed(&error))
    }

    async fn receive_sasl(&mut self, expected: u32) -> Result<BytesMut, Error> {
        let (tag, mut body) = self.receive().await?;
        if tag != b'R' || Reader(&body).u32() != Some(expected) {
            return Err(Error::Protocol(
                "an unexpected step of SASL authentication".into(),
            ));
        }
        Ok(body.split_off(4))
    }

    fn scram_failed(&self, error: &io::Error) -> Error {
        refused(
            self.config,
            format!("SCRAM authentication: {error}"),
            Some("28P01".into()),
        )
    }

    async fn await_ready(&mut self) -> Result<CancelKey, Error> {
        let mut key = CancelKey {
            process_id: 0,
            secret: 0,
        };
        loop {
            let (tag, body) = self.receive().await?;
            match tag {
                b'K' => {
                    let mut reader = Reader(&body);
                    key.process_id = reader.i32().unwrap_or_default();
                    key.secret = reader.i32().unwrap_or_default();
                }
                b'Z' => return Ok(key),
                _ => {
                    return Err(Error::Protocol(
                        "an unexpected message during start-up".into(),
                    ));
                }
            }
        }
    }
}
