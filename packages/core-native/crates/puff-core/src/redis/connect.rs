//! From an endpoint to a session that takes commands: sentinels, dialing, TLS, authentication.

use std::io;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::command::encode_into;
use super::config::{Config, Credentials, Endpoint, Sentinels};
use super::error::Error;
use super::frame::Scan;
use super::reply::Reply;
use crate::stream::Stream;

/// After this much silence the operating system asks whether the other end is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Opens a session.
pub(crate) async fn connect(config: &Config) -> Result<Stream, Error> {
    let attempt = async {
        match &config.sentinels {
            None => open(config, &config.endpoint, true).await,
            Some(sentinels) => {
                let master = find_master(config, sentinels).await?;
                open(config, &master, true).await
            }
        }
    };
    match tokio::time::timeout(config.connect_timeout, attempt).await {
        Ok(result) => result,
        Err(_) => Err(Error::Connect {
            address: config.address(),
            reason: format!("no answer within {} ms", config.connect_timeout.as_millis()),
            system_code: Some("ETIMEDOUT"),
        }),
    }
}

async fn open(config: &Config, endpoint: &Endpoint, is_server: bool) -> Result<Stream, Error> {
    let stream = dial(config, endpoint).await?;
    let mut session = Session {
        stream,
        endpoint,
        read: Vec::new(),
    };
    if is_server {
        session.greet(config).await?;
    }
    Ok(session.stream)
}

async fn dial(config: &Config, endpoint: &Endpoint) -> Result<Stream, Error> {
    let failed = |error: io::Error| io_error(endpoint, &error);
    let (host, port) = match endpoint {
        Endpoint::Unix(path) => {
            return UnixStream::connect(path)
                .await
                .map(Stream::Unix)
                .map_err(failed);
        }
        Endpoint::Tcp(host, port) => (host, *port),
    };
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    socket2::SockRef::from(&stream)
        .set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEP_ALIVE))
        .map_err(failed)?;
    let Some(tls) = &config.tls else {
        return Ok(Stream::Tcp(stream));
    };
    let refused = |reason: String| Error::Connect {
        address: endpoint.to_string(),
        reason: format!("TLS: {reason}"),
        system_code: None,
    };
    let name = tls.server_name.as_ref().unwrap_or(host).clone();
    let name =
        ServerName::try_from(name).map_err(|_| refused(format!("{host} is no name to check")))?;
    TlsConnector::from(tls.config.clone())
        .connect(name, stream)
        .await
        .map(|stream| Stream::Tls(Box::new(stream)))
        .map_err(|error| refused(error.to_string()))
}

/// Asks the sentinels, one after the other, where the master is.
async fn find_master(config: &Config, sentinels: &Sentinels) -> Result<Endpoint, Error> {
    let mut last = Error::Config("there are no sentinels".into());
    for endpoint in &sentinels.endpoints {
        match ask_sentinel(config, sentinels, endpoint).await {
            Ok(master) => return Ok(master),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn ask_sentinel(
    config: &Config,
    sentinels: &Sentinels,
    endpoint: &Endpoint,
) -> Result<Endpoint, Error> {
    // One that hangs must leave time for the others.
    let share = config.connect_timeout / (sentinels.endpoints.len() as u32 + 1);
    let question = async {
        let mut session = Session {
            stream: dial(config, endpoint).await?,
            endpoint,
            read: Vec::new(),
        };
        session.authenticate(&sentinels.credentials).await?;
        session
            .ask(&["SENTINEL", "get-master-addr-by-name", &sentinels.master])
            .await
    };
    let reason = |reason: String| Error::Connect {
        address: endpoint.to_string(),
        reason,
        system_code: None,
    };
    let reply = tokio::time::timeout(share, question)
        .await
        .map_err(|_| reason("the sentinel does not answer".into()))??;
    match reply.as_array() {
        Some([host, port]) => {
            let port = port.as_text().and_then(|port| port.parse().ok());
            match (host.as_text(), port) {
                (Some(host), Some(port)) => Ok(Endpoint::Tcp(host.into(), port)),
                _ => Err(reason("the sentinel named no address".into())),
            }
        }
        _ => Err(reason(format!(
            "the sentinel knows no master named {}",
            sentinels.master
        ))),
    }
}

/// A socket before anybody else uses it.
struct Session<'c> {
    stream: Stream,
    endpoint: &'c Endpoint,
    read: Vec<u8>,
}

impl Session<'_> {
    async fn greet(&mut self, config: &Config) -> Result<(), Error> {
        self.authenticate(&config.credentials).await?;
        if config.protocol == 3 {
            self.ask(&["HELLO", "3"]).await?.into_result()?;
        }
        if let Some(name) = &config.client_name {
            // Old servers and proxies may not know it.
            let _ = self.ask(&["CLIENT", "SETNAME", name]).await?;
        }
        if config.database != 0 {
            let reply = self.ask(&["SELECT", &config.database.to_string()]).await?;
            reply.into_result()?;
        }
        if config.sentinels.is_some() {
            // After a failover a sentinel may name the old master for a moment.
            let role = self.ask(&["ROLE"]).await?;
            if let Some([name, ..]) = role.as_array()
                && name.as_text() == Some("slave")
            {
                return Err(Error::ReadOnly(format!(
                    "READONLY {} is a replica now",
                    self.endpoint
                )));
            }
        }
        match self.ask(&["PING"]).await?.into_result() {
            Err(error @ (Error::Loading(_) | Error::Auth(_)))
                if !error.to_string().contains("NOPERM") =>
            {
                Err(error)
            }
            // A user who may not ping can be right for everything else.
            _ => Ok(()),
        }
    }

    async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), Error> {
        let reply = match (&credentials.username, &credentials.password) {
            (Some(user), password) => {
                let password = password.as_deref().unwrap_or_default();
                self.ask(&["AUTH", user, password]).await?
            }
            (None, Some(password)) => self.ask(&["AUTH", password]).await?,
            (None, None) => return Ok(()),
        };
        match reply {
            Reply::Error(error @ Error::Loading(_)) => Err(error),
            Reply::Error(error) => Err(Error::Auth(match error {
                Error::Auth(text) | Error::Server(text) => text,
                other => other.to_string(),
            })),
            _ => Ok(()),
        }
    }

    async fn ask(&mut self, args: &[&str]) -> Result<Reply, Error> {
        let mut bytes = Vec::new();
        encode_into(args, &mut bytes);
        let endpoint = self.endpoint;
        let failed = |error: io::Error| io_error(endpoint, &error);
        self.stream.write_all(&bytes).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)?;
        let mut scan = Scan::default();
        loop {
            if let Some(size) = scan.advance(&self.read)? {
                let reply = Reply::parse(&self.read[..size])?;
                self.read.drain(..size);
                return Ok(reply);
            }
            if self.stream.read_buf(&mut self.read).await.map_err(failed)? == 0 {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

pub(crate) fn io_error(endpoint: &Endpoint, error: &io::Error) -> Error {
    let (system_code, reason) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (Some("ECONNREFUSED"), "connection refused".into()),
        io::ErrorKind::ConnectionReset => (Some("ECONNRESET"), "connection reset".into()),
        io::ErrorKind::TimedOut => (Some("ETIMEDOUT"), "timed out".into()),
        io::ErrorKind::NotFound => (Some("ENOENT"), "no such socket".into()),
        io::ErrorKind::PermissionDenied => (Some("EACCES"), "permission denied".into()),
        io::ErrorKind::HostUnreachable => (Some("EHOSTUNREACH"), "host unreachable".into()),
        io::ErrorKind::UnexpectedEof => (None, "the server closed the connection".into()),
        _ => (
            error.to_string().contains("lookup").then_some("ENOTFOUND"),
            error.to_string(),
        ),
    };
    Error::Connect {
        address: endpoint.to_string(),
        reason,
        system_code,
    }
}
